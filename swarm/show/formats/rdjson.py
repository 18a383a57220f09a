"""Findings in the Reviewdog Diagnostic Format, for `reviewdog -f=rdjson`."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from swarm.results.findings import FindingShown
from swarm.show.formats.facts import FormatFacts, column_of, file_of, rule_of

BEGINS: Final = '{"source": {"name": "swarm"}, "diagnostics": ['
_SEVERITIES: Final = {"CRITICAL": "ERROR", "HIGH": "ERROR", "MEDIUM": "WARNING", "LOW": "INFO"}


def parts(findings: Iterable[FindingShown], facts: FormatFacts) -> Iterator[str]:
    """Yield a DiagnosticResult, a diagnostic on each line."""
    yield BEGINS
    separator = ""
    for finding in findings:
        yield f"{separator}\n{json.dumps(_diagnostic(finding, facts), ensure_ascii=False)}"
        separator = ","
    yield "\n]}\n" if separator else "]}\n"


def _diagnostic(finding: FindingShown, facts: FormatFacts) -> dict[str, Any]:
    location: dict[str, Any] = {"path": file_of(finding, facts)}
    if finding.file and finding.line:
        location["range"] = {"start": _start(finding, finding.line)}
    tool, rule = finding.reporter, rule_of(finding)
    url = facts.url_of(tool, rule)
    return {
        "message": finding.description,
        "location": location,
        "severity": _SEVERITIES[finding.severity],
        "source": {"name": tool},
        "code": {"value": rule, **({"url": url} if url else {})},
    }


def _start(finding: FindingShown, line: int) -> dict[str, int]:
    column = column_of(finding)
    # The format counts bytes of UTF-8. They equal characters in a line of ASCII; of others the indentation is unknown.
    return {"line": line, **({"column": column} if column and finding.quote.isascii() else {})}
