"""Known findings of a run, as matching compares them with the reports of a wave."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from swarm.rules.anchors import Anchor
from swarm.rules.fingerprints import Report
from swarm.rules.line_map import UNCHANGED, LineMap


class MatchedBy(StrEnum):
    """How a report was recognised."""

    NEW = "new"
    FINGERPRINT = "fingerprint"
    ALIAS = "alias"
    LINE_MAP = "line_map"
    MOVED = "moved"
    ANCHOR = "anchor"


class Known(NamedTuple):
    """A finding of the run as matching needs it. `anchor.line` is a line of `anchor_commit`."""

    row_id: int
    fingerprint: str
    aliases: frozenset[str]
    rule: str
    has_rule_id: bool
    ordinal: int
    description: str
    anchor: Anchor | None
    anchor_commit: str


class Match(NamedTuple):
    """A report that is a known finding, and how that is known."""

    known: Known
    report: Report
    matched_by: MatchedBy
    note: str


class Travel(NamedTuple):
    """How files got from the commit of a known finding to the wave's: new paths, and a line map for each."""

    renames: Mapping[str, str]
    line_maps: Mapping[str, LineMap]

    def path(self, old: str) -> str:
        """Return the path that a file has now."""
        return self.renames.get(old, old)

    def lines(self, old: str) -> LineMap:
        """Return the line map of a file by its old path; a file that did not change maps to itself."""
        return self.line_maps.get(old, UNCHANGED)
