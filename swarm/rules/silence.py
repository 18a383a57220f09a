"""SilenceVerdict on a finding that a wave did not report again."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from swarm.rules.findings import EvidenceKind, Fate, Observation


class Coverage(NamedTuple):
    """Coverage of the place of a finding by a wave.

    `not_looked` is the reason why no agent covered the place, `None` where an agent did. `analyzer` names tool,
    version and configuration, `rules` are the rules that were on, `silenced` the rules that a comment turns off in
    the finding's file.
    """

    not_looked: str | None
    analyzer: str | None
    rules: AbstractSet[str]
    file_was_read: bool
    silenced: AbstractSet[str]
    confirmed: bool
    file_changed: bool


class SilenceVerdict(NamedTuple):
    """Observation of a finding by a wave that did not report the finding, with evidence and reason."""

    observation: Observation
    evidence: EvidenceKind | None
    reason: str
    looked: bool


def verdict_on_silence(
    look: Coverage, fate: Fate, *, rule: str, analyzer: str | None, path_unchanged: bool
) -> SilenceVerdict:
    """Judge a finding that the wave did not report. Silence alone is never a fix."""
    if look.not_looked:
        return SilenceVerdict(Observation.UNVERIFIED, None, look.not_looked, looked=False)
    if analyzer is not None and rule in look.silenced:
        return SilenceVerdict(
            Observation.UNVERIFIED, None, f"{rule} is turned off by a comment in the file", looked=False
        )
    if fate is Fate.FILE_GONE:
        return SilenceVerdict(Observation.FIXED, EvidenceKind.ANCHOR, "the file is gone", looked=True)
    rescan = _rescan(look, rule=rule, analyzer=analyzer, path_unchanged=path_unchanged)
    if rescan.observation is Observation.FIXED:
        return rescan
    if fate is Fate.GONE:
        return SilenceVerdict(Observation.FIXED, EvidenceKind.ANCHOR, "the line is gone or was rewritten", looked=True)
    if look.confirmed and look.file_changed:
        return SilenceVerdict(
            Observation.FIXED,
            EvidenceKind.CONFIRMED,
            "the owner's agent found it gone, and the file has changed",
            looked=True,
        )
    return rescan


def _rescan(look: Coverage, *, rule: str, analyzer: str | None, path_unchanged: bool) -> SilenceVerdict:
    if analyzer is None or look.analyzer is None:
        return SilenceVerdict(Observation.UNVERIFIED, None, "not reported, and its line still stands", looked=True)
    problem = ""
    if look.analyzer != analyzer:
        problem = f"looked at with {look.analyzer}, was found with {analyzer}"
    elif rule not in look.rules:
        problem = "rule not run"
    elif not look.file_was_read:
        problem = "the analyzer did not read the file"
    elif not path_unchanged:
        problem = "the file was renamed, and its rules may be others there"
    if problem:
        return SilenceVerdict(Observation.UNVERIFIED, None, problem, looked=False)
    reason = f"{look.analyzer} analysed the file with {rule} on and was silent"
    return SilenceVerdict(Observation.FIXED, EvidenceKind.ANALYZER_RESCAN, reason, looked=True)
