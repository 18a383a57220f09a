"""Findings as Checkstyle's XML report, which Jenkins, reviewdog and most code hosts read."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from swarm.results.findings import FindingShown
from swarm.show.escape import xml
from swarm.show.formats.facts import FormatFacts, column_of, file_of, line_of, rule_of

BEGINS: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<checkstyle version="10.0">\n'
_SEVERITIES: Final = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "info"}


def parts(findings: Iterable[FindingShown], facts: FormatFacts) -> Iterator[str]:
    """Yield the report. A file has an element for each stretch of its findings, which come gravest first."""
    yield BEGINS
    for file, own in groupby(findings, key=lambda finding: file_of(finding, facts)):
        yield f'<file name="{xml(file)}">\n'
        yield from map(_error, own)
        yield "</file>\n"
    yield "</checkstyle>\n"


def _error(finding: FindingShown) -> str:
    column = column_of(finding)
    place = f'line="{line_of(finding)}"' + (f' column="{column}"' if column else "")
    source = xml(f"{finding.reporter}.{rule_of(finding)}")
    return (
        f'<error {place} severity="{_SEVERITIES[finding.severity]}" message="{xml(finding.description)}"'
        f' source="{source}"/>\n'
    )
