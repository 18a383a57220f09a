"""Known findings of a run, as matching compares them with the reports of a wave."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from swarm.rules.anchors import Anchor
from swarm.rules.fingerprints import Report
from swarm.rules.line_map import UNCHANGED, LineMap


class MatchedBy(StrEnum):
    """Ways in which a report is recognised as a known finding."""

    NEW = "new"
    FINGERPRINT = "fingerprint"
    ALIAS = "alias"
    LINE_MAP = "line_map"
    REWRITTEN = "rewritten"
    REFORMATTED = "reformatted"
    MOVED = "moved"
    MOVED_FILE = "moved_file"
    ANCHOR = "anchor"


class Known(NamedTuple):
    """A finding of the run, with the fields that matching compares. `anchor.line` counts in `anchor_commit`.

    `source` is the tool that reports it, as `source_of` names it; `None` stands for agents.
    """

    row_id: int
    fingerprint: str
    aliases: frozenset[str]
    rule: str
    has_rule_id: bool
    ordinal: int
    description: str
    anchor: Anchor | None
    anchor_commit: str
    source: str | None = None


class Match(NamedTuple):
    """A report that is a known finding, and the way in which the pass recognised the finding."""

    known: Known
    report: Report
    matched_by: MatchedBy
    note: str


class Travel(NamedTuple):
    """Changes from the commit of a known finding to the commit of the wave: renames, and a line map a file."""

    renames: Mapping[str, str]
    line_maps: Mapping[str, LineMap]

    def path(self, old: str) -> str:
        """Return the path of a file in the commit of the wave."""
        return self.renames.get(old, old)

    def lines(self, old: str) -> LineMap:
        """Return the line map of a file by its old path; a file that did not change maps to itself."""
        return self.line_maps.get(old, UNCHANGED)


def known_of(number: int, report: Report, commit: str) -> Known:
    """Return a report as a finding that is known in a commit."""
    return Known(
        row_id=number,
        fingerprint=report.fingerprint,
        aliases=frozenset(),
        rule=report.rule,
        has_rule_id=report.rule_id is not None,
        ordinal=report.ordinal,
        description=report.description,
        anchor=report.anchor,
        anchor_commit=commit,
        source=report.source,
    )
