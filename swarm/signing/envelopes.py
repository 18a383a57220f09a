"""Files of envelopes: made with a key, and read back with what their signature is worth."""

from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.documents import parse_bounded, read_bounded
from swarm.rules.attestations import Envelope, envelope_from, signed_bytes
from swarm.rules.signatures import key_id
from swarm.signing import ed25519
from swarm.signing.keys import SigningKey, files, usable

MOST_BYTES: Final = 4 * 1024 * 1024


class Opened(NamedTuple):
    """An envelope as it was read, `None` where the file is none; `problem` says why it does not count."""

    envelope: Envelope | None
    problem: str | None = None


def sealed(payload_type: str, payload: bytes, key: SigningKey) -> Envelope:
    """Return the envelope of a payload, signed with a key."""
    return Envelope(payload_type, payload, key.id, ed25519.sign(key.private, signed_bytes(payload_type, payload)))


def opened(file: Path) -> Opened:
    """Read the envelope of a file. Raises FileNotFound where there is no file to read."""
    try:
        body = read_bounded(file, MOST_BYTES)
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit) as error:
        raise errors.FileNotFound(path=str(file), problem=error.problem) from error
    try:
        envelope = envelope_from(parse_bounded(body, str(file)))
    except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit) as error:
        return Opened(None, f"the file is no envelope: {error.problem}")
    except ValueError as error:
        return Opened(None, f"the file is no envelope: {error}")
    # Base64 and JSON can write the same values in several ways: each byte counts only where a single form is allowed.
    if envelope.text.encode() != body:
        return Opened(envelope, "the file was edited or formatted anew: its bytes are not those that swarm writes")
    return Opened(envelope)


def signature_problem(envelope: Envelope, public: bytes) -> str | None:
    """Return why an envelope does not count as signed with a public key, `None` where it does."""
    if envelope.key_id != key_id(public):
        return f"it names the key {envelope.key_id}, and this one is {key_id(public)}"
    if not ed25519.is_signed(public, envelope.signed, envelope.signature):
        return f"the signature of the key {envelope.key_id} does not fit: what it signed was changed, or it was"
    return None


def own_public_key(envelope: Envelope) -> bytes | None:
    """Return the public key of the user's own key that an envelope names, `None` where there is none.

    A key of the user's that made the signature counts, too, where the envelope names another.
    """
    try:
        own = list(usable(files()))
    except errors.KeyInsideRepository:
        return None
    named = (key.public for key in own if key.id == envelope.key_id)
    made = (key.public for key in own if ed25519.is_signed(key.public, envelope.signed, envelope.signature))
    return next(named, None) or next(made, None)
