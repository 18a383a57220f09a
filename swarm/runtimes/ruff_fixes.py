"""Applying the fixes that an analyzer offers to some of its reports, and to no others.

Fixes are taken as ruff's JSON gives them (`fix.applicability`, `fix.edits`): rows and columns count from 1, columns in
characters, and a line ends as Python's lines do. Where an edit has a `unit`, its places are offsets in such units
instead, from the beginning of the file or, with a row, from that of the line.
"""

import ast
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm.files import write_whole
from swarm.runtimes.runtime import Assigned, Job
from swarm.runtimes.text_places import TextPlaces
from swarm.runtimes.undo_fixes import digest_of, is_plain

_BOM: Final = "\ufeff"
MOST_BROKEN: Final = 20


class Edit(NamedTuple):
    """A replacement in a text, by offsets in characters."""

    start: int
    end: int
    content: str


_Part = tuple[int, list[Edit]]


class Mended(NamedTuple):
    """The fixes by finding id, in ruff's words; the findings without a fix, and why; and the files that changed.

    `collided` are the skipped findings whose fixes do not go together with the fixes that were made.
    """

    fixes: dict[str, str]
    skipped: dict[str, str]
    files: tuple[str, ...]
    collided: tuple[str, ...] = ()


def mend(
    tree: Path,
    wanted: Iterable[tuple[Assigned, Any]],
    reports: Mapping[str, Sequence[Any]],
    record: Path,
    *,
    unsafe: bool,
    tool: str = "ruff",
) -> Mended:
    """Write into a tree the fixes of the reports of assigned findings.

    `wanted` pairs each finding with its report, `None` where it has none. `reports` are all reports in the form of
    ruff's, by the path of their file in the tree. The previous files are kept in `record` first.
    """
    fixes: dict[str, str] = {}
    skipped: dict[str, str] = {}
    collided: list[str] = []
    written: dict[str, tuple[str, str]] = {}
    by_file: defaultdict[str, list[tuple[Assigned, Any]]] = defaultdict(list)
    for finding, report in wanted:
        if (reason := _unfixable(finding, report, tool, unsafe=unsafe)) is not None:
            skipped[finding.finding_id] = reason
        else:
            by_file[finding.file or ""].append((finding, report))
    for file, pairs in sorted(by_file.items()):
        place = tree / file
        offered, shared = _parted(pairs, reports[file])
        skipped |= shared
        if not is_plain(place, tree):
            skipped |= {finding.finding_id: "a link stands in the place of its file" for finding, _ in offered}
            continue
        source = place.read_bytes().decode("utf-8", "surrogateescape")
        text, taken = _applied(source, [report["fix"]["edits"] for _, report in offered])
        for (finding, report), is_taken in zip(offered, taken, strict=True):
            if is_taken:
                fixes[finding.finding_id] = report["fix"].get("message") or f"{tool}'s own fix for {finding.rule_id}"
            else:
                skipped[finding.finding_id] = "its fix runs into another one; amend again after this one is merged"
                collided.append(finding.finding_id)
        if text != source:
            written[file] = (source, text)
    if written:
        kept = {file: [source, digest_of(text)] for file, (source, text) in written.items()}
        write_whole(record, json.dumps(kept))
    for file, (_, text) in written.items():
        (tree / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    return Mended(fixes, skipped, tuple(written), tuple(collided))


def amended(tool: str, version: str | None, job: Job, done: Mended) -> dict[str, Any]:
    """Return the output of an amend agent whose fixes are an analyzer's own."""
    file_of = {finding.finding_id: finding.file for finding in job.assigned}
    name = f"{tool} {version or 'of unknown version'}"
    return {
        "domain": job.domain,
        "summary": f"{name} mended {len(done.fixes)} of {len(job.assigned)} findings by its own fixes.",
        "fixes": [{"finding_id": i, "description": words, "file": file_of[i]} for i, words in done.fixes.items()],
        "files_changed": list(done.files),
        "skipped": [{"finding_id": i, "reason": reason} for i, reason in done.skipped.items()],
    }


def with_reports(wanted: Iterable[Assigned], reports: Mapping[str, Sequence[Any]]) -> Iterator[tuple[Assigned, Any]]:
    """Yield each assigned finding with the report that means it, `None` where no report does so beyond doubt."""
    by_place = _by_place(reports)
    for finding in wanted:
        yield finding, _report_of(finding, by_place.get((finding.file or "", finding.rule_id, finding.line), ()))


def _by_place(reports: Mapping[str, Sequence[Any]]) -> dict[tuple[str, str | None, int | None], list[Any]]:
    """Return the reports by file, rule and line, each list in the order of columns, then messages."""
    by_place: defaultdict[tuple[str, str | None, int | None], list[Any]] = defaultdict(list)
    for file, several in reports.items():
        for report in several:
            by_place[file, report["code"], report["location"]["row"]].append(report)
    for here in by_place.values():
        here.sort(key=lambda report: (report["location"]["column"], report["message"]))
    return by_place


def _report_of(finding: Assigned, here: Sequence[Any]) -> Any:
    """Return the report of a finding among those at its place, `None` where it could belong to another finding."""
    candidates = [*here[finding.ordinal - 1 : finding.ordinal], *here]
    if same := next((report for report in candidates if report["message"] == finding.description), None):
        return same
    return here[0] if len(here) == 1 and not finding.is_measured else None


def _unfixable(finding: Assigned, report: Any, tool: str, *, unsafe: bool) -> str | None:
    if finding.rule_id is None:
        return f"it is no rule's finding, so there is nothing that {tool} could mend"
    if report is None:
        return f"{tool} does not report {finding.rule_id} there"
    fix = report.get("fix")
    if not fix or not fix.get("edits") or report.get("cell") is not None:
        return f"{tool} has no fix for {finding.rule_id} here"
    if fix["applicability"] == "safe" or (unsafe and fix["applicability"] == "unsafe"):
        return None
    return (
        f"ruff's fix for {finding.rule_id} is {fix['applicability']}; `unsafe_fixes` of [runtimes.ruff] would take it"
    )


def _parted(
    pairs: Sequence[tuple[Assigned, Any]], reports: Sequence[Any]
) -> tuple[list[tuple[Assigned, Any]], dict[str, str]]:
    """Set apart findings whose fix is also the fix of a report that is not assigned to this agent."""
    # Compared as texts in a set: n reports in a list would cost their square.
    meant = {_text_of(report) for _, report in pairs}
    others: dict[str, Any] = {}
    for report in reports:
        if report.get("fix") and _text_of(report) not in meant:
            others.setdefault(_text_of(report["fix"]["edits"]), report)
    kept, shared = [], {}
    for finding, report in pairs:
        also = others.get(_text_of(report["fix"]["edits"]))
        if also is None:
            kept.append((finding, report))
        else:
            shared[finding.finding_id] = f"its fix would also mend what was not given to this agent: {also['message']}"
    return kept, shared


def _applied(source: str, offered: Sequence[Sequence[Any]]) -> tuple[str, list[bool]]:
    """Apply fixes in turn, each only where it overlaps no other and the text still parses as Python.

    The fix that replaces the fewest characters comes first: imports that are sorted before one of them is removed may
    have to be sorted again. After MOST_BROKEN fixes that break the text the rest is not applied: each of them costs a
    search.
    """
    bom = _BOM if source.startswith(_BOM) else ""
    body = source.removeprefix(_BOM)
    places = TextPlaces(source)
    was_python = _is_python(body)
    edits_of = [[_edit(places, edit) for edit in edits] for edits in offered]
    order = sorted(range(len(edits_of)), key=lambda at: sum(edit.end - edit.start for edit in edits_of[at]))
    fixes = [edits_of[at] for at in order]
    accepted: list[Edit] = []
    taken = [False] * len(fixes)
    at = broken = 0
    while at < len(fixes) and broken <= MOST_BROKEN:
        # All at once, and halves only where that breaks the text: parsing it after each fix costs their square.
        parts = _without_overlap(fixes, at, accepted)
        good = _longest_good(body, accepted, parts) if was_python else len(parts)
        accepted = _joined(accepted, parts[:good])
        for position, _ in parts[:good]:
            taken[order[position]] = True
        at = parts[good][0] + 1 if good < len(parts) else len(fixes)
        broken += 1
    return bom + _written(body, accepted), taken


def _edit(places: TextPlaces, edit: Any) -> Edit:
    begin, end = (places.offset(edit[key], edit.get("unit")) for key in ("location", "end_location"))
    return Edit(begin, max(begin, end), edit.get("content") or "")


def _without_overlap(
    fixes: Sequence[Sequence[Edit]], begin: int, accepted: Sequence[Edit]
) -> list[tuple[int, list[Edit]]]:
    """Return the fixes from a position on that overlap no edit before them, each with the edits that it adds."""
    edits = list(accepted)
    parts = []
    for position, own in enumerate(fixes[begin:], begin):
        fresh = [edit for edit in own if not _holds(edits, edit)]
        for count, edit in enumerate(fresh):
            place = bisect_left(edits, edit)
            edits.insert(place, edit)
            if any(_collide(*pair) for pair in pairwise(edits[max(0, place - 1) : place + 2])):
                for added in fresh[: count + 1]:
                    del edits[bisect_left(edits, added)]
                break
        else:
            parts.append((position, fresh))
    return parts


def _collide(before: Edit, after: Edit) -> bool:
    # Of two different insertions at one place nobody can say which comes first.
    return before.end > after.start or before.start == before.end == after.start == after.end


def _holds(edits: Sequence[Edit], edit: Edit) -> bool:
    place = bisect_left(edits, edit)
    return place < len(edits) and edits[place] == edit


def _joined(accepted: Sequence[Edit], parts: Iterable[tuple[int, list[Edit]]]) -> list[Edit]:
    return sorted([*accepted, *(edit for _, fresh in parts for edit in fresh)])


def _longest_good(body: str, accepted: Sequence[Edit], parts: Sequence[_Part]) -> int:
    """Return how many parts from the first on leave a text that parses as Python."""
    good, bad = 0, len(parts) + 1
    middle = len(parts)
    while bad - good > 1:
        is_good = _is_python(_written(body, _joined(accepted, parts[:middle])))
        good, bad = (middle, bad) if is_good else (good, middle)
        middle = (good + bad) // 2
    return good


def _text_of(document: Any) -> str:
    return json.dumps(document, sort_keys=True)


def _written(body: str, edits: Sequence[Edit]) -> str:
    parts, at = [], 0
    for edit in edits:
        parts += [body[at : edit.start], edit.content]
        at = edit.end
    return "".join([*parts, body[at:]])


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
