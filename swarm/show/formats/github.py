"""New findings as annotations: workflow commands of GitHub Actions, which mark lines of the change."""

from collections.abc import Iterable, Iterator
from typing import Final

from swarm.results.findings import FindingShown
from swarm.show.escape import unmarked
from swarm.show.formats.facts import FormatFacts, column_of, file_of, line_of, rule_of

_LEVELS: Final = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "notice"}


def parts(findings: Iterable[FindingShown], facts: FormatFacts) -> Iterator[str]:
    """Yield a command for each new finding: GitHub shows ten of a level, which known findings would use up.

    What nobody looked at is an error without a place, and stands first.
    """
    for broken in facts.broken:
        yield f"::error title=swarm::{_message(f'{broken.domain} was not looked at: {broken.error}')}\n"
    for finding in findings:
        if finding.is_new is False:
            continue
        column = column_of(finding)
        properties = {
            "file": file_of(finding, facts),
            "line": str(line_of(finding)),
            **({"col": str(column)} if column else {}),
            "title": f"{finding.reporter} {rule_of(finding)} ({finding.finding_id})",
        }
        named = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        yield f"::{_LEVELS[finding.severity]} {named}::{_message(finding.description)}\n"


def _message(text: str) -> str:
    # Each line by itself: a line end is shown as such, and every other control character as a code.
    return "%0A".join(unmarked(line).replace("%", "%25") for line in text.splitlines())


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
