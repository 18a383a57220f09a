"""Baseline files: known findings that `findings --format baseline` writes and `audit --baseline` reads."""

import json
import shlex
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.clock import today
from swarm.rules.anchors import Anchor, Anchored
from swarm.rules.findings import UNFIXED
from swarm.rules.fingerprints import VERSION
from swarm.rules.known_findings import Known
from swarm.rules.safe_paths import safe_path
from swarm.store import findings, waves
from swarm.store.findings import KnownFinding
from swarm.store.runs import Run
from swarm.waves.look.findings import Filters, selected

FORM: Final = "swarm.baseline/v1"
# Every file of this kind begins so, whatever its version.
BEGINS: Final = '{"schema": "swarm.baseline/'
# Each commit costs calls of git, and whoever writes the file chooses their number.
MOST_COMMITS: Final = 100
_NO_COMMIT: Final = "0" * 40


class BaselineRead(NamedTuple):
    """A baseline as its file holds it."""

    commit: str | None
    run_id: str | None
    known: Sequence[Known]


def exported(conn: sqlite3.Connection, run: Run, filters: Filters) -> Iterator[str]:
    """Yield the text of a baseline file: the findings that the filters keep, by default all that are not fixed.

    A finding on each line, ordered by place, so that two versions of the file can be compared.
    """
    wanted = filters._replace(statuses=filters.statuses or UNFIXED)
    kept = {finding.finding_id for finding in selected(conn, run, wanted)}
    every = [item for item in findings.known_findings(conn, run.id, today=today()) if item.finding_id in kept]
    newest = waves.newest_ended(conn, run.id)
    head = {"schema": FORM, "fingerprints": VERSION, "runId": run.id}
    if newest is not None:
        head["commit"] = newest.dispatch_sha
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "findings": ['
    for number, item in enumerate(sorted(every, key=_place)):
        yield (",\n" if number else "\n") + json.dumps(_entry(item), ensure_ascii=False)
    yield "\n]}\n"


def _place(item: KnownFinding) -> tuple[str, int, str]:
    anchor = item.known.anchor
    return (anchor.path, anchor.line or 0, item.known.fingerprint) if anchor else ("", 0, item.known.fingerprint)


def _entry(item: KnownFinding) -> dict[str, Any]:
    known, anchor = item.known, item.known.anchor
    place = anchor and {
        "path": anchor.path,
        "line": anchor.line,
        "scope": anchor.scope,
        "text": anchor.text,
        "textHash": anchor.text_hash,
        "occurrence": anchor.occurrence,
        "occurrences": anchor.occurrences,
        "contextHash": anchor.context_hash,
        "anchored": anchor.anchored.value,
    }
    return {
        "findingId": item.finding_id,
        "fingerprint": known.fingerprint,
        "aliases": sorted(known.aliases),
        "rule": known.rule,
        "hasRuleId": known.has_rule_id,
        "ordinal": known.ordinal,
        "severity": item.severity,
        "description": known.description,
        "tool": known.source,
        "commit": known.anchor_commit,
        "place": place,
    }


def read(file: Path) -> BaselineRead:
    """Return the baseline of a file. Raises BaselineFileInvalid and BaselineVersionUnknown."""
    from swarm.documents import check, parse_bounded, read_bounded

    # A link that a person named is followed, as for every file of the command line.
    try:
        document = parse_bounded(read_bounded(file.resolve()), str(file))
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit, errors.BoundedJsonParseFailed) as error:
        raise errors.BaselineFileInvalid(path=str(file), problem=error.problem) from error
    if isinstance(document, dict):
        _hold_to_version(file, document)
    problem = check(document, "baseline") or _unsafe_path(document["findings"])
    if problem:
        raise errors.BaselineFileInvalid(path=str(file), problem=problem)
    return BaselineRead(document.get("commit"), document.get("runId"), _known(document["findings"]))


def _hold_to_version(file: Path, document: dict[str, Any]) -> None:
    # Before the schema: a later version has another, and its fingerprints would match nothing here.
    for key, ours in (("schema", FORM), ("fingerprints", VERSION)):
        said = document.get(key)
        if isinstance(said, str) and said != ours:
            path = shlex.quote(str(file))
            raise errors.BaselineVersionUnknown(path=str(file), received=said, known=ours, quoted=path)


def _unsafe_path(entries: Sequence[dict[str, Any]]) -> str | None:
    for number, entry in enumerate(entries):
        if entry["place"] is not None:
            try:
                safe_path(entry["place"]["path"], (), frozenset())
            except ValueError as error:
                return f"$.findings[{number}].place.path: {error}"
    return None


def _known(entries: Sequence[dict[str, Any]]) -> list[Known]:
    followed = {commit for commit, _ in Counter(entry["commit"] for entry in entries).most_common(MOST_COMMITS)}
    return [
        Known(
            row_id=number,
            fingerprint=entry["fingerprint"],
            aliases=frozenset(entry.get("aliases", ())),
            rule=entry["rule"],
            has_rule_id=entry["hasRuleId"],
            ordinal=int(entry["ordinal"]),
            description=entry["description"],
            anchor=_anchor(entry["place"]),
            # Findings of the other commits are matched by their text alone.
            anchor_commit=entry["commit"] if entry["commit"] in followed else _NO_COMMIT,
            # Files of versions before have no tools: their findings are compared with those of every tool.
            source=entry.get("tool"),
        )
        for number, entry in enumerate(entries, 1)
    ]


def _anchor(place: dict[str, Any] | None) -> Anchor | None:
    if place is None:
        return None
    line = place["line"]
    return Anchor(
        path=place["path"],
        # A JSON Schema integer may be written 3.0.
        line=None if line is None else int(line),
        scope=place["scope"],
        text=place["text"],
        text_hash=place["textHash"],
        occurrence=int(place["occurrence"]),
        occurrences=int(place["occurrences"]),
        context_hash=place["contextHash"],
        anchored=Anchored(place["anchored"]),
    )
