"""Text of swarm in a file of the user: a block between two marker lines, or a whole file, sealed by its digest.

The seal tells text of an older swarm, which may be replaced, from text that somebody has edited since.
"""

import hashlib
import re
from typing import Final, Literal, NamedTuple

Change = Literal["added", "renewed", "unchanged"]
_BEGIN: Final = "<!-- swarm:begin (`swarm init --agents` writes this block; write outside of it) -->"
_MARKER: Final = re.compile(r"^[ \t\ufeff]*(?P<line><!-- swarm:(?P<kind>begin|end)\b[^\n]*)$", re.MULTILINE)
_SEAL: Final = re.compile(r"<!-- swarm:end sha256:([0-9a-f]{16}) -->\Z")
_DIGITS: Final = 16


class Placed(NamedTuple):
    """The text of a file after swarm's part was put into it, the part itself, and whether that changed anything."""

    text: str
    part: str
    change: Change


class NotPlaced(NamedTuple):
    """A file that must stay as it is: its markers are `broken`, as their numbers say, or somebody `edited` the part."""

    problem: Literal["broken", "edited"]
    begins: int = 0
    ends: int = 0


def sealed_whole(text: str | None, made: str) -> Placed | NotPlaced:
    """Return a file that is swarm's as a whole, such as a skill; `text` is its text now, `None` without a file."""
    part = _sealed(made)
    if text is None or not text.strip():
        return Placed(f"{part}\n", part, "added")
    body = text.rstrip("\r\n")
    if not _is_untouched(body):
        return NotPlaced("edited")
    return _put(text, 0, len(body), part)


def with_block(text: str | None, made: str) -> Placed | NotPlaced:
    """Return a file of the user with swarm's block, at its end or in the place of an older block.

    Every character outside of the block stays. The block has the line ends of the file.
    """
    part = _sealed(f"{_BEGIN}\n{made}")
    found = list(_MARKER.finditer(text or ""))
    if text is None or not found:
        return Placed(
            f"{_before_block(text or '')}{_in_lines_of(text or '', part)}{_newline(text or '')}", part, "added"
        )
    kinds = [marker["kind"] for marker in found]
    if kinds != ["begin", "end"]:
        return NotPlaced("broken", kinds.count("begin"), kinds.count("end"))
    start, end = found[0].start("line"), found[1].start("line") + len(found[1]["line"].rstrip())
    if not _is_untouched(text[start:end]):
        return NotPlaced("edited")
    return _put(text, start, end, part)


def _put(text: str, start: int, end: int, part: str) -> Placed:
    if _plain(text[start:end]) == part:
        return Placed(text, part, "unchanged")
    return Placed(text[:start] + _in_lines_of(text, part) + text[end:], part, "renewed")


def _sealed(made: str) -> str:
    return f"{made}<!-- swarm:end sha256:{_digest(made)} -->"


def _is_untouched(part: str) -> bool:
    plain = _plain(part)
    seal = _SEAL.search(plain)
    return seal is not None and seal[1] == _digest(plain[: seal.start()])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _plain(text: str) -> str:
    # git can turn the line ends of a checkout; that is no edit.
    return text.replace("\r\n", "\n")


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text and text.index("\r\n") == text.index("\n") - 1 else "\n"


def _in_lines_of(text: str, part: str) -> str:
    return part.replace("\n", _newline(text))


def _before_block(text: str) -> str:
    """Return the text with an empty line behind it, for Markdown to end its last paragraph."""
    if not text.strip("\ufeff"):
        return text
    newline = _newline(text)
    ended = text if text.endswith("\n") else text + newline
    return ended if ended.endswith(newline * 2) else ended + newline
