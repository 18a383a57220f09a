"""Text of paths that are not UTF-8, escaped reversibly.

A byte that is no UTF-8 becomes the code point U+10FF00 + byte, so that a path stays text of one character a
byte for globs, JSON and SQLite. A valid path that holds such a code point is escaped as well, byte for byte.
"""

import re
from typing import Final

_BASE: Final = 0x10FF00
_ESCAPED: Final = re.compile("[\U0010ff80-\U0010ffff]")


def path_text(raw: bytes) -> str:
    """Return the text of a path that git printed."""
    text = raw.decode("utf-8", "surrogateescape")
    if text.isascii():
        return text
    if _ESCAPED.search(text):
        return "".join(map(_escaped, raw))
    return "".join(chr(_BASE + ord(c) - 0xDC00) if "\udc80" <= c <= "\udcff" else c for c in text)


def path_bytes(text: str) -> bytes:
    """Return the bytes of a path, the inverse of `path_text`."""
    if text.isascii() or not _ESCAPED.search(text):
        return text.encode()
    return b"".join(bytes([ord(c) - _BASE]) if _ESCAPED.match(c) else c.encode() for c in text)


def _escaped(byte: int) -> str:
    return chr(_BASE + byte) if byte >= 0x80 else chr(byte)  # noqa: PLR2004
