"""Verdict on a finding that a wave did not report again."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from swarm.rules.findings import EvidenceKind, Fate, Observation


class Coverage(NamedTuple):
    """Coverage of the place of a finding by a wave.

    `gap` is the reason why no agent covered the place, `None` where an agent did. `analyzer` names tool, version and
    configuration, `rules` are the rules that were on, `silenced` the rules that a comment turns off in the file.
    """

    gap: str | None
    analyzer: str | None
    rules: AbstractSet[str]
    file_was_read: bool
    silenced: AbstractSet[str]
    confirmed: bool
    file_changed: bool


class SilenceVerdict(NamedTuple):
    """Observation of a finding by a wave that did not report the finding, with evidence and reason.

    `is_covered` holds where the wave checked the place, so that the silence counts as a miss.
    """

    observation: Observation
    evidence: EvidenceKind | None
    reason: str
    is_covered: bool


def verdict_on_silence(
    coverage: Coverage, fate: Fate, *, rule: str, analyzer: str | None, path_unchanged: bool
) -> SilenceVerdict:
    """Judge a finding that the wave did not report. Silence alone is never a fix."""
    # First of all: where no agent checked the place, not even a missing line proves anything to the wave.
    if coverage.gap:
        return SilenceVerdict(Observation.UNVERIFIED, None, coverage.gap, is_covered=False)
    # A comment that turns the rule off is the cheapest way to fake a fix.
    if analyzer is not None and rule in coverage.silenced:
        return SilenceVerdict(
            Observation.UNVERIFIED, None, f"{rule} is turned off by a comment in the file", is_covered=False
        )
    if fate is Fate.FILE_REMOVED:
        return SilenceVerdict(Observation.FIXED, EvidenceKind.ANCHOR, "the file is gone", is_covered=True)
    rescan = _rescan(coverage, rule=rule, analyzer=analyzer, path_unchanged=path_unchanged)
    if rescan.observation is Observation.FIXED:
        return rescan
    # After the rescan: where both hold, the analyzer's silence is the stronger evidence to record.
    if fate is Fate.REMOVED:
        return SilenceVerdict(
            Observation.FIXED, EvidenceKind.ANCHOR, "the line is gone or was rewritten", is_covered=True
        )
    # A confirmation alone is an agent's word: without an edit nothing can have been fixed.
    if coverage.confirmed and coverage.file_changed:
        return SilenceVerdict(
            Observation.FIXED,
            EvidenceKind.CONFIRMED,
            "the owner's agent found it gone, and the file has changed",
            is_covered=True,
        )
    return rescan


def _rescan(coverage: Coverage, *, rule: str, analyzer: str | None, path_unchanged: bool) -> SilenceVerdict:
    if analyzer is None or coverage.analyzer is None:
        return SilenceVerdict(Observation.UNVERIFIED, None, "not reported, and its line still stands", is_covered=True)
    problem = ""
    # Another version or configuration may miss the defect for reasons of its own.
    if coverage.analyzer != analyzer:
        problem = f"looked at with {coverage.analyzer}, was found with {analyzer}"
    elif rule not in coverage.rules:
        problem = "rule not run"
    elif not coverage.file_was_read:
        problem = "the analyzer did not read the file"
    elif not path_unchanged:
        problem = "the file was renamed, and its rules may be others there"
    if problem:
        return SilenceVerdict(Observation.UNVERIFIED, None, problem, is_covered=False)
    reason = f"{coverage.analyzer} analysed the file with {rule} on and was silent"
    return SilenceVerdict(Observation.FIXED, EvidenceKind.ANALYZER_RESCAN, reason, is_covered=True)
