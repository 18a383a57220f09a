"""Depth of a JSON text, measured before a parser recurses into it."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

_NOT_STRUCTURE: Final = bytes(set(range(256)) - set(b'"[]{}'))
_NEITHER: Final = bytes(set(_NOT_STRUCTURE) - set(b"\\"))
_OTHER_ESCAPE: Final = re.compile(rb'\\(?!")')
_ESCAPES: Final = re.compile(rb"\\*+.", re.DOTALL)
_PIECE: Final = 64 * 1024


def depth_of(body: bytes) -> int:
    """Return the depth of the brackets of a JSON text outside of strings, without parsing it."""
    depth = deepest = 0
    for byte in chain.from_iterable(_brackets(body)):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _without_siblings(brackets: bytes) -> bytes:
    """Return brackets of the same depth with a single object in place of many in a row."""
    while len(shorter := brackets.replace(b"{}{}", b"{}")) < len(brackets):
        brackets = shorter
    return brackets


def _brackets(body: bytes) -> Iterator[bytes]:
    """Yield the brackets of a JSON text outside of strings, in pieces to spare memory."""
    at = 0
    is_inside = False
    while at < len(body):
        # A piece must not end between a backslash and the character that it escapes.
        end = found.end() if (found := _ESCAPES.match(body, at + _PIECE - 1)) else len(body)
        piece = body[at:end]
        # Backslashes occur only inside strings: remove escaped backslashes first, then escaped quotes. Where a quote
        # follows each backslash, most of the piece can be dropped before, which takes half of the time.
        if _OTHER_ESCAPE.search(piece) is None:
            bare = piece.translate(None, _NEITHER).replace(b'\\"', b"")
        else:
            bare = piece.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NOT_STRUCTURE)
        # Two quotes with nothing between them leave the rest as it was, inside a string or not: most strings hold no
        # bracket, and go as a whole.
        parts = bare.replace(b'""', b"").split(b'"')
        yield _without_siblings(b"".join(parts[is_inside::2]))
        is_inside ^= len(parts) % 2 == 0
        at = end
