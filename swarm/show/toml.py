"""Decisions as a TOML text for a repository and its reviews: sorted, one fact on each line."""

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
_ESCAPED: Final = re.compile(f'["\\\\\\\\]|{UNSAFE}')


def decisions_file(decisions: Iterable[DecisionExported]) -> str:
    """Return a file of decisions, ordered by fingerprint."""
    # Sorted: the diff of two exports shows the changed decisions alone.
    ordered = sorted(decisions, key=lambda decision: decision.fingerprint)
    return HEAD + "".join(f"\n{line}\n" if line.startswith("[") else f"{line}\n" for line in _lines(ordered))


def _lines(decisions: Iterable[DecisionExported]) -> Iterator[str]:
    for decision in decisions:
        yield f"[decisions.{string(decision.fingerprint)}]"
        yield f"decision = {string(decision.decision)}"
        if decision.reason is not None:
            yield f"reason = {string(decision.reason)}"
        yield f"author = {string(decision.author)}"
        # TOML has its own dates and times, without quotes.
        yield from (
            f"{name} = {moment}"
            for name, moment in (("decided", decision.decided), ("expires", decision.expires))
            if moment
        )
        if decision.aliases:
            yield "aliases = ["
            yield from (f"  {string(alias)}," for alias in decision.aliases)
            yield "]"
        yield f"rule = {string(decision.rule)}"
        if decision.file is not None:
            yield f"file = {string(decision.file)}"
        if decision.quote:
            yield f"quote = {string(decision.quote)}"
        yield f"severity = {string(decision.severity)}"
        words = " ".join(decision.description.split())
        cut = words if len(words) <= LONGEST_DESCRIPTION else words[: LONGEST_DESCRIPTION - 1] + "…"
        yield f"description = {string(cut)}"


def string(text: str) -> str:
    """Return a text as a TOML basic string that hides nothing from its reader.

    Half a surrogate pair has no form in TOML and becomes U+FFFD; all other text reads back unchanged.
    """
    return '"' + _ESCAPED.sub(_code, text) + '"'


def _code(found: re.Match[str]) -> str:
    character = found[0]
    number = ord(character)
    # TOML has no form for half a surrogate pair, and the file must stay readable.
    if 0xD800 <= number <= 0xDFFF:  # noqa: PLR2004
        return "\ufffd"
    return _SHORT.get(character) or (f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}")  # noqa: PLR2004
