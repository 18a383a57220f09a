"""Objects too large for a message: kept by the engine in pieces, below the digest of the whole."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.engine.link import EngineLink
from swarm.engine.subjects import PIECE

# An answer, a prompt, a log, a bundle: nothing larger is taken from a worker, or given to one.
MOST_BYTES: Final = 256 << 20


class KeptObject(NamedTuple):
    """An object that the engine keeps: the SHA-256 of its content, and its size."""

    digest: str
    size: int


async def put(link: EngineLink, subject: Callable[[str], str], body: bytes) -> KeptObject:
    """Keep an object; `subject` names the subject of each piece. The streams keep one message a subject.

    Raises EngineRefused, also for one that no member would take, EngineUnreachable.
    """
    if len(body) > MOST_BYTES:
        raise errors.EngineRefused(problem=f"an object of {len(body):,} bytes; {MOST_BYTES:,} are the limit")
    kept = KeptObject(hashlib.sha256(body).hexdigest(), len(body))
    for number, begin in enumerate(range(0, len(body), PIECE)):
        # Without an id: ids count for a whole stream, so that of two workers with the same content, or of a worker and
        # one that knows its digest, only the first would be kept.
        await link.keep(subject(f"{kept.digest}.{number}"), body[begin : begin + PIECE])
    return kept


async def get(link: EngineLink, stream: str, subject: Callable[[str], str], kept: KeptObject) -> bytes:
    """Return the content of an object. Raises ObjectCorrupt where it is missing, or another than its digest says."""
    return b"".join([piece async for piece in _pieces(link, stream, subject, kept)])


async def save(link: EngineLink, stream: str, subject: Callable[[str], str], kept: KeptObject, file: Path) -> None:
    """Write the content of an object to a file, a piece at a time. Raises ObjectCorrupt; then the file is of no use."""
    with file.open("wb") as target:
        async for piece in _pieces(link, stream, subject, kept):
            target.write(piece)


async def _pieces(
    link: EngineLink, stream: str, subject: Callable[[str], str], kept: KeptObject
) -> AsyncIterator[bytes]:
    if kept.size > MOST_BYTES:
        raise errors.ObjectCorrupt(
            digest=kept.digest, problem=f"it has {kept.size:,} bytes; {MOST_BYTES:,} are the limit"
        )
    digest = hashlib.sha256()
    for number in range(-(-kept.size // PIECE)):
        piece = await link.kept(stream, subject(f"{kept.digest}.{number}"))
        if piece is None:
            raise errors.ObjectCorrupt(digest=kept.digest, problem=f"piece {number} is missing")
        digest.update(piece)
        yield piece
    if digest.hexdigest() != kept.digest:
        raise errors.ObjectCorrupt(digest=kept.digest, problem="its content is another")
