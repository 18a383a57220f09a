"""Objects too large for a message: kept by the engine in pieces, below the digest of the whole."""

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

from swarm import errors
from swarm.engine.link import EngineLink

PIECE: Final = 128 * 1024
# An answer, a prompt, a log, a bundle: nothing larger is taken from a worker, or given to one.
MOST_BYTES: Final = 256 << 20


class KeptObject(NamedTuple):
    """An object that the engine keeps: the SHA-256 of its content, and its size."""

    digest: str
    size: int


async def put(link: EngineLink, subject: Callable[[str], str], body: bytes) -> KeptObject:
    """Keep an object; `subject` names the subject of each piece. An object that is kept is not sent again.

    Raises EngineRefused, EngineUnreachable.
    """
    kept = KeptObject(hashlib.sha256(body).hexdigest(), len(body))
    for number, begin in enumerate(range(0, len(body), PIECE)):
        name = f"{kept.digest}.{number}"
        await link.keep(subject(name), body[begin : begin + PIECE], name)
    return kept


async def get(link: EngineLink, stream: str, subject: Callable[[str], str], kept: KeptObject) -> bytes:
    """Return the content of an object. Raises ObjectCorrupt where it is missing, or another than its digest says."""
    if kept.size > MOST_BYTES:
        raise errors.ObjectCorrupt(
            digest=kept.digest, problem=f"it has {kept.size:,} bytes; {MOST_BYTES:,} are the limit"
        )
    body = bytearray()
    for number in range(-(-kept.size // PIECE)):
        piece = await link.kept(stream, subject(f"{kept.digest}.{number}"))
        if piece is None:
            raise errors.ObjectCorrupt(digest=kept.digest, problem=f"piece {number} is missing")
        body += piece
    if hashlib.sha256(body).hexdigest() != kept.digest:
        raise errors.ObjectCorrupt(digest=kept.digest, problem="its content is another")
    return bytes(body)
