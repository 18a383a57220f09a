"""The durable identity of a finding: its fingerprint."""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from swarm.rules.analysis import source_of
from swarm.rules.anchors import UNANCHORED, Anchor, digest, folded

# Part of each fingerprint: a new algorithm gives new fingerprints, and the old ones stay as aliases.
VERSION: Final = "swarmFingerprint/v1"
# 96 bits: among a million findings two equal fingerprints by chance are out of reach.
LENGTH: Final = 24
SHORTEST_ID: Final = 8


class Report(NamedTuple):
    """A finding of an agent or a tool at the place that collect found for it.

    `domain` owns the file, and is that of the reporter without a file. `analyzer` is tool, version and configuration of
    an analyzer that was launched, `tool` the name in a handed-in report; both are `None` for the report of an agent.
    `ordinal` and `fingerprint` identify the report among those of its output.
    """

    reported_id: str
    severity: str
    category: str
    rule_id: str | None
    description: str
    recommendation: str | None
    symbol: str | None
    column: int
    domain: str
    agent_run_id: int
    anchor: Anchor | None = None
    kind: str = "defect"
    analyzer: str | None = None
    is_fixable: bool = False
    tool: str | None = None
    ordinal: int = 0
    fingerprint: str = ""

    @property
    def rule(self) -> str:
        """The analyzer's rule, else the category that the agent named."""
        return self.rule_id or self.category

    @property
    def source(self) -> str | None:
        """The tool that reports it, whatever the version; `None` for an agent."""
        return source_of(self.analyzer, self.tool)

    @property
    def words(self) -> tuple[str | None, str, str, str | None]:
        """The file, the text of the line, the description and the recommendation."""
        path, text = (self.anchor.path, self.anchor.text) if self.anchor else (None, "")
        return path, text, self.description, self.recommendation


def fingerprint_of(report: Report, ordinal: int | None = None) -> str:
    """Return the 24 hex digits that identify a finding; severity and prose can change and are left out."""
    number = report.ordinal if ordinal is None else ordinal
    return fingerprint_at(report.anchor, report.rule, report.domain, report.description, number)


def fingerprint_at(anchor: Anchor | None, rule: str, domain: str, description: str, ordinal: int = 0) -> str:
    """Return the fingerprint of a report that is not made yet."""
    # Without a file nothing but the words can identify a finding; the domain keeps two agents' words apart.
    if anchor is None:
        return digest(VERSION, "", domain, rule, folded(description).lower())[:LENGTH]
    # No line number: every edit above the line would change the identity.
    path, _, scope, _, text_hash, occurrence, _, _, anchored = anchor
    if anchored is UNANCHORED:
        return digest(VERSION, path, rule, folded(description).lower())[:LENGTH]
    # In a single text: to join the parts takes as long as their hash, and every report is hashed.
    return digest(f"{VERSION}\0{path}\0{scope}\0{text_hash}\0{occurrence}\0{rule}\0{ordinal}")[:LENGTH]


def identified(reports: Sequence[Report]) -> list[Report]:
    """Give the reports of one output their ordinals and fingerprints; a report that has a fingerprint keeps its own.

    Reports of the same `rule_id` on the same line are several findings, in the order of their columns, then
    messages: a line with two unused imports has two findings. Reports without a rule differ by their anchor alone.
    """
    alike: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for position, report in enumerate(reports):
        anchor = report.anchor
        # Only an analyzer names rules exactly; two reports of an agent on a line are often the same defect in other
        # words.
        if report.rule_id and anchor is not None and anchor.line is not None:
            alike[anchor.path, anchor.line, report.rule_id].append(position)
    found = [report if report.fingerprint else _numbered(report, 0) for report in reports]
    for positions in alike.values():
        if len(positions) > 1:
            # By column, then message: the order of an analyzer's output can change from run to run.
            positions.sort(key=lambda at: (reports[at].column, reports[at].description))
            for ordinal, at in enumerate(positions):
                found[at] = _numbered(reports[at], ordinal)
    return found


def _numbered(report: Report, ordinal: int) -> Report:
    # They are the last two fields: `_replace` takes seven times as long, a fifth of a second for 100,000 reports.
    return Report._make((*report[:-2], ordinal, fingerprint_of(report, ordinal)))


def unclaimed(fingerprint: str, taken: AbstractSet[str]) -> str:
    """Return a free fingerprint for a new finding, derived from its own where another finding has its own.

    A finding keeps its first fingerprint although its line can change places with an equal line: a line added above
    becomes the first occurrence, and the finding of the first occurrence is now the second.
    """
    count = 1
    free = fingerprint
    while free in taken:
        count += 1
        free = digest(VERSION, fingerprint, str(count))[:LENGTH]
    return free


def shortest_free_id(fingerprint: str, taken: set[str]) -> str:
    """Return `F-` and the first 8 hex digits of a fingerprint, more where the id is taken; add the id to `taken`."""
    for length in range(SHORTEST_ID, LENGTH + 1):
        candidate = f"F-{fingerprint[:length]}"
        if candidate not in taken:
            taken.add(candidate)
            return candidate
    raise AssertionError(fingerprint)
