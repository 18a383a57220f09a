"""Findings as a JUnit report: a finding is a failed test, and an agent that did not complete is an error."""

from collections.abc import Iterable, Iterator
from typing import Final

from swarm.results.findings import FindingShown
from swarm.show.escape import xml
from swarm.show.formats.facts import FormatFacts, file_of, line_of, rule_of

BEGINS: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites'


def parts(findings: Iterable[FindingShown], facts: FormatFacts) -> Iterator[str]:
    """Yield the report. Without findings it has a test that passed: consumers refuse a report without tests."""
    # The counts stand before the list, so that the list can be streamed.
    errors = len(facts.broken)
    counts = f'tests="{max(1, facts.listed + errors)}" failures="{facts.listed}" errors="{errors}"'
    yield f'{BEGINS} name="swarm" {counts} time="0">\n<testsuite name="swarm" {counts} skipped="0" time="0">\n'
    yield from (_failed(finding, facts) for finding in findings)
    for broken in facts.broken:
        # A report without this would be green where an agent saw nothing.
        error = f'<error type="INCOMPLETE" message="{xml(broken.error)}"/>'
        yield f'<testcase classname="swarm" name="{xml(broken.domain)} was looked at" time="0">{error}</testcase>\n'
    if not facts.listed and not errors:
        yield '<testcase classname="swarm" name="no findings" time="0"/>\n'
    yield "</testsuite>\n</testsuites>\n"


def _failed(finding: FindingShown, facts: FormatFacts) -> str:
    file, line = file_of(finding, facts), line_of(finding)
    # Without the line: a test keeps its name, and so its history, while its finding moves.
    name = xml(f"{rule_of(finding)} {finding.finding_id}")
    text = xml(f"{file}:{line}: {finding.severity} {finding.reporter} {rule_of(finding)}: {finding.description}")
    return (
        f'<testcase classname="{xml(file)}" name="{name}" file="{xml(file)}" time="0">'
        f'<failure type="{finding.severity}" message="{xml(finding.description)}">{text}</failure></testcase>\n'
    )
