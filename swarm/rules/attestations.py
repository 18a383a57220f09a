"""Attestations: an in-toto Statement about a wave, the bytes that its signature covers, and the envelope of both.

The forms are those of in-toto (Statement v1) and of DSSE (protocol and envelope, version 1).
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:swarm-control-plane:verification:v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_ENVELOPE: Final = {"payload", "payloadType", "signatures"}
_SIGNATURE: Final = {"keyid", "sig"}
_CONTROL_PLANE_DIGITS: Final = 32
_KEY_ID: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)


class Subject(NamedTuple):
    """A subject of a statement: a commit (`gitCommit`), or a file by its name (`sha256`)."""

    name: str
    algorithm: str
    digest: str


class Envelope(NamedTuple):
    """A signed payload, its type, the id of the key that signed, and the signature."""

    payload_type: str
    payload: bytes
    key_id: str
    signature: bytes

    @property
    def signed(self) -> bytes:
        """The bytes that the signature covers."""
        return signed_bytes(self.payload_type, self.payload)

    @property
    def text(self) -> str:
        """The envelope as its file holds it: compact JSON in a line."""
        parts = {"keyid": self.key_id, "sig": base64.b64encode(self.signature).decode()}
        whole = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [parts],
        }
        return json.dumps(whole, separators=(",", ":")) + "\n"


def signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding of a payload, as DSSE calls the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelope_from(document: Any) -> Envelope:
    """Return the envelope of a JSON document. Raises ValueError with the reason for what is none."""
    if not isinstance(document, Mapping) or document.keys() != _ENVELOPE:
        raise ValueError("its keys are not payload, payloadType and signatures")
    signatures = document["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise ValueError("it has not a single signature")
    (one,) = signatures
    if not isinstance(one, Mapping) or one.keys() != _SIGNATURE:
        raise ValueError("the keys of its signature are not keyid and sig")
    texts = (document["payload"], document["payloadType"], one["keyid"], one["sig"])
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a value of it is no text")
    payload, payload_type, key_id, signature = texts
    if _KEY_ID.fullmatch(key_id) is None:
        raise ValueError("its keyid is not 16 hexadecimal digits")
    return Envelope(payload_type, _decoded(payload), key_id, _decoded(signature))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("its payload or signature is not base64") from error


def control_plane_id(first_hash: str) -> str:
    """Return the id of a control plane: the begin of the hash of its first event, which no other one has."""
    return first_hash[:_CONTROL_PLANE_DIGITS]


def verification_name(run_id: str, verification: int) -> str:
    """Return the name by which SARIF, records and attestations of a verification name each other."""
    return f"urn:swarm-control-plane:{run_id}:verification:{verification}"


def statement(subjects: Iterable[Subject], predicate: Mapping[str, Any]) -> bytes:
    """Return a Statement as compact JSON with sorted keys: equal facts give equal bytes."""
    whole = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {algorithm: digest}} for name, algorithm, digest in subjects],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def subjects_of(document: Mapping[str, Any]) -> tuple[Subject, ...]:
    """Return the subjects of a Statement that fits its schema."""
    return tuple(
        Subject(each["name"], algorithm, digest)
        for each in document["subject"]
        for algorithm, digest in each["digest"].items()
    )
