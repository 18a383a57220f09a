"""Decisions as a TOML text that is kept in a repository and reviewed there: sorted, one fact a line."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from swarm.results.triage import DecisionExported
from swarm.show.escape import UNSAFE

HEAD: Final = """\
# Decisions about findings, written by `swarm findings --export FILE`; `swarm triage --import FILE` reads them.
# Each stands under the fingerprint of its finding; rule, file, quote, severity and description are for you alone.
version = 1
"""
LONGEST_DESCRIPTION: Final = 200
_SHORT: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_ESCAPED: Final = re.compile(f'["\\\\\\\\]|{UNSAFE.pattern}')


def decisions_file(decisions: Iterable[DecisionExported]) -> str:
    """Return a file of decisions, in the order of their fingerprints."""
    ordered = sorted(decisions, key=lambda decision: decision.fingerprint)
    return HEAD + "".join(f"\n{line}\n" if line.startswith("[") else f"{line}\n" for line in _lines(ordered))


def _lines(decisions: Iterable[DecisionExported]) -> Iterator[str]:
    for one in decisions:
        yield f"[decisions.{string(one.fingerprint)}]"
        yield f"decision = {string(one.decision)}"
        if one.reason is not None:
            yield f"reason = {string(one.reason)}"
        yield f"author = {string(one.author)}"
        # Dates and times are TOML's own, without quotes.
        yield from (
            f"{name} = {moment}" for name, moment in (("decided", one.decided), ("expires", one.expires)) if moment
        )
        if one.aliases:
            yield "aliases = ["
            yield from (f"  {string(alias)}," for alias in one.aliases)
            yield "]"
        yield f"rule = {string(one.rule)}"
        if one.file is not None:
            yield f"file = {string(one.file)}"
        if one.quote:
            yield f"quote = {string(one.quote)}"
        yield f"severity = {string(one.severity)}"
        words = " ".join(one.description.split())
        cut = words if len(words) <= LONGEST_DESCRIPTION else words[: LONGEST_DESCRIPTION - 1] + "…"
        yield f"description = {string(cut)}"


def string(text: str) -> str:
    """Return a text as a TOML basic string, in which nothing is hidden from its reader.

    Half a surrogate pair has no form in TOML and becomes U+FFFD; all else reads back as it was.
    """
    return '"' + _ESCAPED.sub(_code, text) + '"'


def _code(found: re.Match[str]) -> str:
    character = found[0]
    number = ord(character)
    if 0xD800 <= number <= 0xDFFF:  # noqa: PLR2004
        return "\ufffd"
    return _SHORT.get(character) or (f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}")  # noqa: PLR2004
