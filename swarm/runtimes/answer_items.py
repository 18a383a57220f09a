"""Items of an answer: each is held to the schema by itself, so that a bad item costs no other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.documents import LONGEST_PROBLEM, MOST_PROBLEMS, check, fits
from swarm.rules.phases import Phase
from swarm.rules.safe_paths import safe_path
from swarm.runtimes import sarif
from swarm.runtimes.runtime import UnusableOutput
from swarm.runtimes.sarif_files import answer_or_log, is_named_as_log, log_in
from swarm.sarif.log import is_log

_SCHEMA: Final = "agent-output"
# Lists of an answer, by the definition of the schema that describes their items.
_LISTS: Final = {
    "findings": "one_finding",
    "features": "one_feature",
    "fixes": "one_fix",
    "skipped": "one_skipped",
    "confirmed": "confirmed_item",
    "requests": "request",
    "reviews": "one_review",
}
_REPORTS: Final = ("findings", "features")
_PROSE: Final = ("summary", "description", "recommendation", "reason", "quote")
_LONGEST_PROSE: Final = 65536
_LONGEST_CONFIRMED_QUOTE: Final = 4096
# Stands for the file of a refused report that names none, or none that can be trusted.
ANY_FILE: Final = ""


class RefusedItem(NamedTuple):
    """An item that does not count, or a part of a SARIF log: its code, its JSON path and the reason."""

    code: str
    path: str
    reason: str


class Sifted(NamedTuple):
    """An answer with the items that fit, and the items that do not.

    `refused` explains the first of `total`. `files` are the files of refused reports: silence about these files
    proves nothing. `positions` holds, by list, the first positions of the items that were kept, where some were not.
    `is_log` holds for a SARIF log, whose findings name their tool; with `fits` the whole answer fits its schema.
    """

    answer: Any
    refused: tuple[RefusedItem, ...] = ()
    total: int = 0
    files: frozenset[str] = frozenset()
    positions: Mapping[str, tuple[int, ...]] = {}
    is_log: bool = False
    fits: bool = False


def read_items(
    body: bytes, name: str, shown: str, trees: Sequence[Path], domain: str, phase: Phase, kind: str
) -> Sifted:
    """Return the answer in the bytes of a file, or in a SARIF log about the files of some trees, parted by its items.

    `name` is the name of the file, `kind` that of its schema. Raises the errors of an answer that cannot be read.
    """
    is_named = is_named_as_log(name)
    value = log_in(body, shown) if is_named else answer_or_log(body, shown)
    # SARIF becomes the form of agents here, so every later check is the same for both.
    if is_output := is_named or is_log(value):
        try:
            value = sarif.output_in(trees, value, domain, phase)
        except UnusableOutput as error:
            raise errors.AgentOutputSchemaInvalid(path=shown, problem=str(error)) from error
    found = sifted(value, kind)
    parts = list(sarif.refused_parts(found.answer)) if isinstance(value, Mapping) else []
    refused = (*(RefusedItem(part.code, part.path, part.message) for part in parts), *found.refused)
    files = found.files.union(*(part.files for part in parts))
    return found._replace(refused=refused, total=len(parts) + found.total, files=files, is_log=is_output)


def sifted(answer: Any, kind: str) -> Sifted:
    """Part an answer into what fits and what does not; the envelope is left to be checked. Prose is cut to its limit.

    `kind` is audit, feature, amend or review.
    """
    # The common case costs a single quick look, however many items there are.
    if fits(answer, _SCHEMA, kind):
        return Sifted(answer, fits=True)
    if not isinstance(answer, Mapping):
        return Sifted(answer)
    kept: dict[str, Any] = {}
    positions: dict[str, tuple[int, ...]] = {}
    refused: list[RefusedItem] = []
    files: set[str] = set()
    count = 0
    for name, part in _LISTS.items():
        if not isinstance(listed := answer.get(name), list):
            continue
        items = [_cut(item) for item in listed]
        fitting = tuple(at for at, item in enumerate(items) if fits(item, _SCHEMA, part))
        kept[name] = [items[at] for at in fitting]
        if len(fitting) == len(items):
            continue
        positions[name] = fitting
        for at in sorted(set(range(len(items))).difference(fitting)):
            count += 1
            if name in _REPORTS:
                files.add(_file(items[at]))
            # Only the first are explained: an explanation costs a thousand times the check.
            if len(refused) < MOST_PROBLEMS:
                problem = check(items[at], _SCHEMA, part) or "$: it does not fit"
                place = f"$.{name}[{at}]{problem[1:]}"[:LONGEST_PROBLEM]
                refused.append(RefusedItem(errors.AgentItemInvalid.code, *place.split(": ", 1)))
    return Sifted(_cut({**answer, **kept}), tuple(refused), count, frozenset(files), positions)


def _cut(item: Any) -> Any:
    """Return an item whose prose has its longest length, with the number of characters that it had."""
    if not isinstance(item, Mapping):
        return item
    # Only an answer to a second look has a quote and the id of a finding, and no verdict of a review.
    is_answer = "finding_id" in item and "verdict" not in item
    longest_quote = _LONGEST_CONFIRMED_QUOTE if is_answer else _LONGEST_PROSE
    limits = {name: longest_quote if name == "quote" else _LONGEST_PROSE for name in _PROSE}
    long = {
        name: _shortened(text, limit, marked=name != "quote")
        for name, limit in limits.items()
        if isinstance(text := item.get(name), str) and len(text) > limit
    }
    return {**item, **long} if long else item


def _shortened(text: str, limit: int, *, marked: bool) -> str:
    # A mark in a quote would make it the quote of no line.
    mark = f" … (cut, it had {len(text):,} characters)" if marked else ""
    return text[: limit - len(mark)] + mark


def _file(item: Any) -> str:
    named = item.get("file") if isinstance(item, Mapping) else None
    try:
        return safe_path(named, (), frozenset()) if isinstance(named, str) else ANY_FILE
    except ValueError:
        return ANY_FILE
