"""Walk of a packfile that somebody else made: the size of every object, read before git inflates any of them.

git inflates an object in memory, or applies a delta, as large as the object says that it is: 1.9 MB of pack can hold
1.9 GiB. Format: gitformat-pack(5). The walk inflates in pieces, drops them, and stops at the first broken promise.
"""

import hashlib
import os
import zlib
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from swarm.git.bundle_fault import BundleFault

_HEAD: Final = 12
_KINDS: Final = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_OFFSET_DELTA: Final = 6
_NAMED_DELTA: Final = 7
_PIECE: Final = 1 << 14
# A number of 63 bits takes 9 or 10 bytes of 7 bits each; git itself reads no longer ones.
_LONGEST_NUMBER: Final = 10
# The two sizes with which the content of a delta begins.
_DELTA_HEAD: Final = 2 * _LONGEST_NUMBER
_VERSIONS: Final = (2, 3)


class PackLimits(NamedTuple):
    """Limits of a pack: objects, bytes of a single object, and bytes of all objects together, all of them inflated."""

    objects: int
    largest: int
    total: int


class PackFacts(NamedTuple):
    """Facts of a pack that kept its limits: the number of objects, and the inflated bytes of all of them."""

    objects: int
    total: int


def walk_pack(file: Path, start: int, hash_name: str, limits: PackLimits) -> PackFacts:
    """Read the pack that begins at an offset of a file and ends with the file. Raises BundleFault."""
    with file.open("rb") as stream:
        stream.seek(start)
        return _Walk(stream, hash_name, limits).facts()


class _Walk:
    """A position in a pack, with the digest of everything before it."""

    def __init__(self, stream: BinaryIO, hash_name: str, limits: PackLimits) -> None:
        self._stream = stream
        self._digest = hashlib.new(hash_name, usedforsecurity=False)
        self._limits = limits
        self._ahead = b""
        self._total = 0
        # The checksum stands behind the last object: read as an object it could be of any kind and size.
        self._end_of_objects = os.fstat(stream.fileno()).st_size - self._digest.digest_size

    def facts(self) -> PackFacts:
        head = self._take(_HEAD)
        version, count = int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
        if head[:4] != b"PACK" or version not in _VERSIONS:
            raise BundleFault("pack", "it holds no packfile of version 2 or 3")
        if not 0 < count <= self._limits.objects:
            raise BundleFault("size", f"it holds {count:,} objects; {self._limits.objects:,} are the limit")
        for number in range(1, count + 1):
            if self._stream.tell() - len(self._ahead) >= self._end_of_objects:
                raise BundleFault("pack", f"it ends before object {number} of the {count:,} that it promises")
            self._object(number)
        expected = self._digest.digest()
        rest = self._ahead + self._stream.read(len(expected) + 1)
        if rest != expected:
            problem = "bytes follow its checksum" if rest.startswith(expected) else "its checksum is another"
            raise BundleFault("pack", problem)
        return PackFacts(count, self._total)

    def _object(self, number: int) -> None:
        kind, size = self._kind_and_size()
        self._count(number, size)
        if kind == _OFFSET_DELTA:
            self._number()
        elif kind == _NAMED_DELTA:
            self._take(self._digest.digest_size)
        elif kind not in _KINDS:
            raise BundleFault("pack", f"object {number} has the kind {kind}, which no object has")
        begin = self._inflate(number, size)
        if kind not in _KINDS:
            # What git makes of a delta is as large as the delta says, however small the delta itself is.
            self._count(number, _made_size(begin, number))

    def _count(self, number: int, size: int) -> None:
        if size > self._limits.largest:
            raise BundleFault("size", f"object {number} has {size:,} bytes; {self._limits.largest:,} are the limit")
        self._total += size
        if self._total > self._limits.total:
            raise BundleFault("size", f"its objects have more than {self._limits.total:,} bytes together")

    def _kind_and_size(self) -> tuple[int, int]:
        byte = self._take(1)[0]
        kind, size, shift = (byte >> 4) & 7, byte & 15, 4
        for _ in range(_LONGEST_NUMBER):
            if byte < 0x80:  # noqa: PLR2004
                return kind, size
            byte = self._take(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
        raise BundleFault("pack", "the size of an object is no number that git reads")

    def _number(self) -> None:
        """Pass the distance to the base of a delta: seven bits a byte, the last one below 128."""
        for _ in range(_LONGEST_NUMBER):
            if self._take(1)[0] < 0x80:  # noqa: PLR2004
                return
        raise BundleFault("pack", "the base of a delta is at no distance that git reads")

    def _take(self, count: int) -> bytes:
        while len(self._ahead) < count:
            piece = self._stream.read(_PIECE)
            if not piece:
                raise BundleFault("pack", "it ends in the middle")
            self._ahead += piece
        taken, self._ahead = self._ahead[:count], self._ahead[count:]
        self._digest.update(taken)
        return taken

    def _inflate(self, number: int, size: int) -> bytes:
        """Pass the compressed content of an object; return the first bytes of it."""
        inflater, begin, left = zlib.decompressobj(), b"", size
        while not inflater.eof:
            piece = self._ahead or self._stream.read(_PIECE)
            if not piece:
                raise BundleFault("pack", "it ends in the middle")
            try:
                # A byte more than promised, so that a longer content shows.
                made = inflater.decompress(piece, min(_PIECE, left + 1))
            except zlib.error as error:
                raise BundleFault("pack", f"object {number} cannot be inflated") from error
            self._ahead = inflater.unconsumed_tail or inflater.unused_data
            self._digest.update(piece[: len(piece) - len(self._ahead)])
            if len(begin) < _DELTA_HEAD:
                begin += made[:_DELTA_HEAD]
            left -= len(made)
            if left < 0:
                raise BundleFault("size", f"object {number} is larger than the {size:,} bytes that it promises")
        if left:
            raise BundleFault("pack", f"object {number} is smaller than the {size:,} bytes that it promises")
        return begin


def _made_size(delta: bytes, number: int) -> int:
    """Return the size of what a delta makes: the second of the two numbers with which it begins."""
    position = 0
    for _ in range(2):
        size = 0
        for shift in range(0, 7 * _LONGEST_NUMBER, 7):
            if position >= len(delta):
                raise BundleFault("pack", f"object {number} is a delta without sizes")
            byte = delta[position]
            position += 1
            size |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004
                break
        else:
            raise BundleFault("pack", f"object {number} is a delta without sizes")
    return size
