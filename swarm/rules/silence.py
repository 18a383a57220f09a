"""Verdict on a finding that a wave did not report again."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from swarm.rules.analysis import is_named, was_on
from swarm.rules.findings import CHANGED_FORM, REMOVED_WORDS, EvidenceKind, Fate, Observation


class Confirmation(NamedTuple):
    """An agent's answer that a finding is gone, with the line that shows it; `problem` says why it does not count."""

    file: str
    quote: str
    problem: str


class Coverage(NamedTuple):
    """Coverage of the place of a finding by a wave.

    `gap` is the reason why no agent covered the place, `None` where an agent did. `analyzer` names tool, version and
    configuration, `rules` are the rules that were on, `silenced` the rules that a comment turns off in the file.
    `confirmation` is an agent's answer that the finding is gone, `None` without an answer. `is_same_for_path` holds
    where the file has its path of before, or where the analyzer has the same rules for all paths there. `hidden` is
    the reason why an analyzer that reads the file may not have seen the place.
    """

    gap: str | None
    analyzer: str | None = None
    rules: AbstractSet[str] = frozenset()
    file_was_read: bool = False
    silenced: frozenset[str] = frozenset()
    confirmation: Confirmation | None = None
    is_same_for_path: bool = False
    hidden: str | None = None


class Silent(NamedTuple):
    """A finding that nobody reported: its line now, who found it, and a report of the same wave that is like it.

    `place` and `like` are written as `path:line`. `analyzer` is `None` for a finding of an agent.
    """

    fate: Fate
    place: str
    rule: str
    analyzer: str | None
    like: str | None = None


class SilenceVerdict(NamedTuple):
    """Observation of a finding by a wave that did not report the finding, with evidence and reason.

    `is_covered` holds where the wave checked the place, so that the silence counts as a miss. `note` is the file and
    the quote of a confirmation, on two lines, so that a later verification can look for the quote again.
    """

    observation: Observation
    evidence: EvidenceKind | None
    reason: str
    is_covered: bool
    note: str | None = None


def verdict_on_silence(coverage: Coverage, silent: Silent) -> SilenceVerdict:
    """Judge a finding that the wave did not report. Silence alone is never a fix."""
    # First of all: where no agent checked the place, not even a missing line proves anything to the wave.
    if coverage.gap:
        return _unproved(coverage.gap, is_covered=False)
    # A comment that turns the rule off is the cheapest way to fake a fix.
    if silent.analyzer is not None and is_named(silent.rule, coverage.silenced):
        return _unproved(f"{silent.rule} is turned off by a comment in the file", is_covered=False)
    if silent.fate is Fate.FILE_REMOVED:
        return SilenceVerdict(Observation.FIXED, EvidenceKind.ANCHOR, REMOVED_WORDS[silent.fate], is_covered=True)
    # Each finding needs the evidence of its own kind: a line is rewritten without being fixed more easily than an
    # analyzer is deceived, so the line decides only where no analyzer can.
    proof = _by_line(silent) if silent.analyzer is None else _by_rescan(coverage, silent)
    confirmed = coverage.confirmation
    if proof.observation is Observation.FIXED or confirmed is None:
        return proof
    if confirmed.problem:
        return _unproved(f"confirmed as gone, but {confirmed.problem}", is_covered=True)
    reason = f"the owner's agent found it gone: {confirmed.file} says {confirmed.quote!r}"
    note = f"{confirmed.file}\n{confirmed.quote}"
    return SilenceVerdict(Observation.FIXED, EvidenceKind.CONFIRMED, reason, is_covered=True, note=note)


def _unproved(reason: str, *, is_covered: bool) -> SilenceVerdict:
    return SilenceVerdict(Observation.UNVERIFIED, None, reason, is_covered=is_covered)


def _by_line(silent: Silent) -> SilenceVerdict:
    if silent.fate is Fate.REMOVED:
        return SilenceVerdict(Observation.FIXED, EvidenceKind.ANCHOR, REMOVED_WORDS[silent.fate], is_covered=True)
    words = CHANGED_FORM.get(silent.fate)
    return _unproved(f"{words} {silent.place}" if words else "not reported, and its line still stands", is_covered=True)


def _by_rescan(coverage: Coverage, silent: Silent) -> SilenceVerdict:
    if coverage.analyzer is None:
        return _unproved(f"found by {silent.analyzer}, which did not run in this wave", is_covered=False)
    if (blind := _blindness(coverage, silent)) is not None:
        return _unproved(blind, is_covered=False)
    # One defect moved, or one of several that are alike was fixed: the number of reports says how many are gone.
    if silent.like is not None:
        return _unproved(f"{silent.rule} is reported anew at {silent.like}", is_covered=True)
    if silent.fate is Fate.MOVED_FILE:
        return _unproved(f"{CHANGED_FORM[silent.fate]} {silent.place}", is_covered=True)
    reason = f"{coverage.analyzer} analysed the file with {silent.rule} on and was silent"
    return SilenceVerdict(Observation.FIXED, EvidenceKind.ANALYZER_RESCAN, reason, is_covered=True)


def _blindness(coverage: Coverage, silent: Silent) -> str | None:
    """Return why the analyzer may not have seen the place of the finding."""
    # Another version or configuration may miss the defect for reasons of its own, and so may another tool.
    if coverage.analyzer != silent.analyzer:
        return f"looked at with {coverage.analyzer}, was found with {silent.analyzer}"
    if not was_on(silent.rule, coverage.rules):
        return "rule not run"
    if not coverage.file_was_read:
        return "the analyzer did not read the file"
    if not coverage.is_same_for_path:
        return "the file was renamed, and its rules may be others there"
    return coverage.hidden
