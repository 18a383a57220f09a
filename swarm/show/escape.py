"""Escaping of untrusted text for the terminal, for markdown and for XML."""

import re
import unicodedata
from typing import Final

# Combining marks on a character: real scripts need a few, an attack stacks hundreds over the lines above.
MOST_MARKS: Final = 4
# Patterns as text, which `re` compiles at their first use: most commands load this module and meet none of these.
# Controls, bidirectional overrides, zero-width and other invisible characters, tags, and half surrogates.
UNSAFE: Final = (
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\ud800-\udfff\U0010ff80-\U0010ffff]"
)
# GitHub's runner and others obey it anywhere in a line.
_CI_COMMAND: Final = r"##(?=[A-Za-z]*\[)"
# All that XML 1.0 has no character for, not even as a reference. The complement, which is the standard's own set, takes
# ten times as long to compile.
_NOT_XML: Final = "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
_XML: Final = {
    **{ord(c): f"&#{ord(c)};" for c in "\t\n\r\x85\u2028\u2029"},
    **{ord(c): name for c, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"))},
}
_MARKDOWN: Final = r"([\\`*_{}\[\]<>#|~!&])"


def plain(text: str) -> str:
    """Return text for one line of a terminal: characters that move the cursor, hide or forge become codes."""
    # The quick way for nearly every text; a digest of 100,000 findings escapes a million.
    if text.isascii() and text.isprintable():
        return text
    return _without_stacks(re.sub(UNSAFE, _code, text))


def unmarked(text: str) -> str:
    """Return text for one line of a log, as `plain`, in which no part is a command of a CI system."""
    shown = plain(text)
    return re.sub(_CI_COMMAND, r"#\\#", shown) if "##" in shown else shown


def markdown(text: str) -> str:
    """Return text for a cell or line of markdown, without any markup."""
    return re.sub(_MARKDOWN, r"\\\1", plain(text))


def code_span(text: str) -> str:
    """Return text as a markdown code span, with a fence longer than any run of backticks in it."""
    if "\\|" in text:
        # In a table a backslash escapes the next character, and a pipe ends the cell.
        return markdown(text)
    safe = plain(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", safe)), default=0)
    fence = "`" * (longest + 1)
    # A backtick beside the fence would belong to the fence.
    pad = " " if longest else ""
    return f"{fence}{pad}{safe}{pad}{fence}"


def xml(text: str) -> str:
    """Return text for an attribute or element of XML, on one line; characters that XML lacks become codes."""
    # A log shows the report as it is, and some CI systems obey `##` with a bracket anywhere in a line.
    return re.sub(_NOT_XML, _code, text).translate(_XML).replace("##", "#&#35;")


def _code(found: re.Match[str]) -> str:
    number = ord(found[0])
    # A byte of a name that is no UTF-8, in the range where git's paths keep such bytes.
    if number >= 0x10FF80:  # noqa: PLR2004
        return f"\\x{number - 0x10FF00:02x}"
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(found[0]) or (
        f"\\x{number:02x}" if number < 0x100 else f"\\u{{{number:x}}}"  # noqa: PLR2004
    )


def _without_stacks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        # By category: many stacking marks have combining class 0.
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)
