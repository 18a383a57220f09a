"""Findings as CSV (RFC 4180), for spreadsheets and scripts: a finding on each line, every text in quotes."""

import csv
from collections.abc import Iterable, Iterator
from typing import Final

from swarm.results.findings import FindingShown
from swarm.show.escape import unmarked
from swarm.show.formats.facts import FormatFacts

HEAD: Final = (
    "findingId",
    *("severity", "category", "ruleId", "status", "isNew", "file", "line", "column"),
    *("description", "recommendation", "domain", "tool", "firstSeenWave", "lastSeenWave", "fixable", "fingerprint"),
)
# Spreadsheets calculate a cell that begins so, also after blanks, and in the wide forms of East Asian keyboards.
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


class _Returned:
    """Target of a writer that hands each line back, so that a single writer serves every line."""

    def write(self, line: str) -> str:
        return line


def parts(findings: Iterable[FindingShown], facts: FormatFacts) -> Iterator[str]:
    """Yield the head, then a line for each finding."""
    del facts
    # Quoted throughout: a reader that splits at semicolons would find a formula behind each of them.
    writer = csv.writer(_Returned(), quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    yield writer.writerow(HEAD)
    for finding in findings:
        yield writer.writerow(map(_cell, _cells(finding)))


def _cells(finding: FindingShown) -> tuple[object, ...]:
    return (
        finding.finding_id,
        *(finding.severity, finding.category, finding.rule_id, finding.status, _truth(finding.is_new)),
        *(finding.file, finding.line, finding.column, finding.description, finding.recommendation, finding.domain),
        *(finding.reporter, finding.first_seen_wave, finding.last_seen_wave, _truth(finding.fixable)),
        finding.fingerprint,
    )


def _truth(value: bool | None) -> str | None:  # noqa: FBT001
    return None if value is None else str(value).lower()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return "" if value is None else value
    # Line ends and other controls as codes: a finding stays a line, for the tools that read lines.
    shown = unmarked(value)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
