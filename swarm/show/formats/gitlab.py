"""Findings as GitLab's Code Quality report, a subset of Code Climate's format.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format names the keys and the severities.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from swarm.results.findings import FindingShown
from swarm.show.formats.facts import FormatFacts, file_of, line_of, rule_of

_SEVERITIES: Final = {"CRITICAL": "blocker", "HIGH": "critical", "MEDIUM": "major", "LOW": "minor"}


def parts(findings: Iterable[FindingShown], facts: FormatFacts) -> Iterator[str]:
    """Yield a JSON array, an issue on each line."""
    separator = "["
    for finding in findings:
        yield f"{separator}\n{json.dumps(_issue(finding, facts), ensure_ascii=False)}"
        separator = ","
    yield "[]\n" if separator == "[" else "\n]\n"


def _issue(finding: FindingShown, facts: FormatFacts) -> dict[str, Any]:
    return {
        "description": finding.description,
        "check_name": rule_of(finding),
        # GitLab compares the reports of two branches by this alone, so that a line number must not be part of it.
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": file_of(finding, facts), "lines": {"begin": line_of(finding)}},
    }
