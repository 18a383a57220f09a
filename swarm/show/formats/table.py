"""Table of the formats of other tools, by the value of `--format`."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from swarm.results.findings import FindingShown
from swarm.show.formats import checkstyle, csv, github, gitlab, junit, rdjson
from swarm.show.formats.facts import FormatFacts


class ReportFormat(NamedTuple):
    """A format: its parts, and what a file of the format begins with; `is_json` says that it is JSON."""

    parts: Callable[[Iterable[FindingShown], FormatFacts], Iterator[str]]
    begins: str
    is_json: bool = False


FORMATS: Final = {
    "csv": ReportFormat(csv.parts, '"findingId",'),
    "gitlab": ReportFormat(gitlab.parts, "[", is_json=True),
    "rdjson": ReportFormat(rdjson.parts, rdjson.BEGINS, is_json=True),
    "checkstyle": ReportFormat(checkstyle.parts, checkstyle.BEGINS),
    "junit": ReportFormat(junit.parts, junit.BEGINS),
    "github": ReportFormat(github.parts, "::"),
}
