"""Marks of some files of a commit: a bit for each of its files, as short text, for who has the commit already.

The marks of 100,000 files take 17 KB at most, whatever the files are called.
"""

import base64
import binascii
import zlib
from collections.abc import Collection, Sequence
from typing import Final

# Of an order, beside all else that its message holds. Marks of half a million files fit in any case.
LONGEST_MARKS: Final = 96 * 1024
_BITS: Final = 8


def marks_of(paths: Sequence[str], chosen: Collection[str]) -> str | None:
    """Return the marks of the chosen ones of a commit's files, `None` where they would be too long."""
    bits = bytearray(_size(paths))
    for place, path in enumerate(sorted(paths)):
        if path in chosen:
            bits[place // _BITS] |= 1 << place % _BITS
    marks = base64.b64encode(zlib.compress(bytes(bits), 9)).decode()
    return marks if len(marks) <= LONGEST_MARKS else None


def marked(paths: Sequence[str], marks: str) -> tuple[str, ...]:
    """Return those of a commit's files that are marked. Raises ValueError for marks of other files."""
    size = _size(paths)
    unpacked = zlib.decompressobj()
    try:
        # A byte more shows marks of more files, which may unpack to any length.
        bits = unpacked.decompress(base64.b64decode(marks, validate=True), size + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"its marks of files cannot be read: {error}") from error
    if not unpacked.eof or len(bits) != size or int.from_bytes(bits, "little") >> len(paths):
        raise ValueError(f"its marks are not those of the {len(paths):,} files of its commit")
    return tuple(path for place, path in enumerate(sorted(paths)) if bits[place // _BITS] >> place % _BITS & 1)


def _size(paths: Sequence[str]) -> int:
    return -(-len(paths) // _BITS)
