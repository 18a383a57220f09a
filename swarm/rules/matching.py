"""Which report is which known finding.

Passes run from the surest to the least sure. Each pairs by a key; a key that several share is settled by the
message and then by the neighbours, and what stays ambiguous is not merged. Everything is one to one.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from swarm.rules.anchors import Anchor, Anchored, folded
from swarm.rules.fingerprints import Report
from swarm.rules.line_map import UNCHANGED, LineMap

_NAMED: Final = re.compile(r"[`'\"](\w[\w.]*)[`'\"]")
SIMILAR_PROSE: Final = 0.5
STEM: Final = 5
# Words that carry no meaning are passed over.
_WORD: Final = re.compile(
    r"\b(?!(?:an?|and|are|as|at|be|but|by|can|could|do|does|for|from|has|have|here|how|if|in|into|is|its?|may|no|not|of"
    r"|on|or|so|than|that|the|then|there|this|to|was|when|where|which|will|with|would)\b)\w+"
)


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


class _Matcher:
    def __init__(self, known: Sequence[Known], reports: Sequence[Report], travels: Mapping[str, Travel]) -> None:
        self.known = dict(enumerate(known))
        self.reports = dict(enumerate(reports))
        self.travels = travels
        self.matches: list[Match] = []

    def pair(
        self,
        known_key: Callable[[Known], Hashable],
        report_key: Callable[[Report], Hashable],
        named: Callable[[Known, Report], MatchedBy],
        *,
        agree: Callable[[Known, Report], bool] = lambda _known, _report: True,
        in_order: bool = False,
    ) -> None:
        """Match what shares a key and nothing else does; `in_order` settles equal numbers by their order."""
        by_key: defaultdict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for at, known in self.known.items():
            if (key := known_key(known)) is not None:
                by_key[key][0].append(at)
        for at, report in self.reports.items():
            if (key := report_key(report)) is not None and key in by_key:
                by_key[key][1].append(at)
        for ours, theirs in by_key.values():
            if ours and theirs:
                for mine, its in self._settled(ours, theirs, in_order=in_order):
                    if agree(self.known[mine], self.reports[its]):
                        self._take(mine, its, named)

    def _settled(self, ours: list[int], theirs: list[int], *, in_order: bool) -> list[tuple[int, int]]:
        if len(ours) == len(theirs) == 1:
            return [(ours[0], theirs[0])]
        pairs: list[tuple[int, int]] = []
        for trait in (_message, _neighbours):
            ours, theirs, found = self._by_trait(ours, theirs, trait)
            pairs += found
        if (in_order and len(ours) == len(theirs)) or len(ours) == len(theirs) == 1:
            ours.sort(key=lambda at: self.known[at].ordinal)
            theirs.sort(key=lambda at: self.reports[at].ordinal)
            pairs += zip(ours, theirs, strict=True)
        return pairs

    def _by_trait(
        self, ours: list[int], theirs: list[int], trait: Callable[[Known | Report], str]
    ) -> tuple[list[int], list[int], list[tuple[int, int]]]:
        mine: defaultdict[str, list[int]] = defaultdict(list)
        its: defaultdict[str, list[int]] = defaultdict(list)
        for at in ours:
            mine[trait(self.known[at])].append(at)
        for at in theirs:
            its[trait(self.reports[at])].append(at)
        pairs = [
            (mine[value][0], its[value][0])
            for value in mine
            if value and len(mine[value]) == 1 and len(its.get(value, ())) == 1
        ]
        paired_ours, paired_theirs = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
        return (
            [at for at in ours if at not in paired_ours],
            [at for at in theirs if at not in paired_theirs],
            pairs,
        )

    def _take(self, mine: int, its: int, named: Callable[[Known, Report], MatchedBy]) -> None:
        known, report = self.known.pop(mine), self.reports.pop(its)
        self.matches.append(Match(known, report, named(known, report), _note(known, report)))

    # Where a known line stands now ------------------------------------------------------------------------

    def path_now(self, known: Known) -> str | None:
        if known.anchor is None:
            return None
        return self.travels[known.anchor_commit].path(known.anchor.path)

    def line_now(self, known: Known) -> int | None:
        if known.anchor is None or known.anchor.line is None:
            return None
        return self.travels[known.anchor_commit].lines(known.anchor.path).successor(known.anchor.line)

    def line_rewritten(self, known: Known) -> int | None:
        if known.anchor is None or known.anchor.line is None:
            return None
        return self.travels[known.anchor_commit].lines(known.anchor.path).rewritten(known.anchor.line)


def match(
    known: Sequence[Known], reports: Sequence[Report], travels: Mapping[str, Travel]
) -> tuple[list[Match], list[Known], list[Report]]:
    """Return the matches, the known findings that nobody reported, and the reports that are new.

    `reports` have different fingerprints; `travels` holds, for each `anchor_commit`, how its files got here.
    """
    if not known:
        return [], [], list(reports)
    matcher = _Matcher(known, reports, travels)
    crowded = _crowded(known, reports)
    matcher.pair(
        lambda known: known.fingerprint if known.fingerprint not in crowded else None,
        lambda report: report.fingerprint if report.fingerprint not in crowded else None,
        _same_identity,
    )
    _by_alias(matcher, crowded)
    _by_line(matcher)
    matcher.pair(lambda known: known.fingerprint, lambda report: report.fingerprint, _same_identity)
    _by_alias(matcher, frozenset())
    _by_rewritten_line(matcher)
    _by_move(matcher)
    _by_prose(matcher)
    return matcher.matches, list(matcher.known.values()), list(matcher.reports.values())


def _crowded(known: Sequence[Known], reports: Sequence[Report]) -> frozenset[str]:
    """Return the fingerprints that rest on an ordinal or an occurrence, which a mend next to them can shift."""
    places: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    crowded: set[str] = set()
    sides: tuple[Sequence[Known | Report], ...] = (known, reports)
    for side, items in enumerate(sides):
        for item in items:
            anchor = item.anchor
            if anchor is None or anchor.line is None:
                continue
            if anchor.occurrences > 1:
                crowded.add(item.fingerprint)
            place = (side, anchor.path, anchor.scope, anchor.text_hash, anchor.occurrence, item.rule)
            places[place].append(item.fingerprint)
    for fingerprints in places.values():
        if len(fingerprints) > 1:
            crowded.update(fingerprints)
    return frozenset(crowded)


def _same_identity(known: Known, report: Report) -> MatchedBy:
    return MatchedBy.FINGERPRINT if known.fingerprint == report.fingerprint else MatchedBy.ALIAS


def _by_alias(matcher: _Matcher, crowded: frozenset[str]) -> None:
    owners = {alias: at for at, known in matcher.known.items() for alias in known.aliases if alias not in crowded}
    for at, report in list(matcher.reports.items()):
        owner = owners.get(report.fingerprint)
        if owner is not None and owner in matcher.known and matcher.known[owner].rule == report.rule:
            matcher._take(owner, at, _same_identity)  # noqa: SLF001


def _by_line(matcher: _Matcher) -> None:
    def known_key(known: Known) -> Hashable:
        line = matcher.line_now(known)
        return None if line is None else (matcher.path_now(known), line, known.rule)

    def named(known: Known, report: Report) -> MatchedBy:
        return MatchedBy.FINGERPRINT if known.fingerprint == report.fingerprint else MatchedBy.LINE_MAP

    matcher.pair(known_key, _place, named, in_order=True)


def _by_rewritten_line(matcher: _Matcher) -> None:
    def known_key(known: Known) -> Hashable:
        line = matcher.line_rewritten(known)
        return None if line is None else (matcher.path_now(known), line, known.rule)

    def agree(known: Known, report: Report) -> bool:
        # A message that names a thing of both lines is about that thing; one that fits any line proves nothing.
        named = set(_NAMED.findall(report.description)) if known.description == report.description else set()
        return any(name in _text(known) and name in _text(report) for name in named)

    matcher.pair(known_key, _place, lambda _known, _report: MatchedBy.LINE_MAP, agree=agree)


def _by_move(matcher: _Matcher) -> None:
    def known_key(known: Known) -> Hashable:
        anchor = known.anchor
        if anchor is None or not anchor.text or matcher.line_now(known) is not None:
            return None
        return matcher.path_now(known), anchor.text_hash, known.rule

    def report_key(report: Report) -> Hashable:
        anchor = report.anchor
        return None if anchor is None or not anchor.text else (anchor.path, anchor.text_hash, report.rule)

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.MOVED)


def _by_prose(matcher: _Matcher) -> None:
    """Recognise a finding whose category was told differently, by its place and what is said of it."""

    def known_key(known: Known) -> Hashable:
        line = None if known.has_rule_id else matcher.line_now(known)
        return None if line is None else (matcher.path_now(known), line)

    def report_key(report: Report) -> Hashable:
        anchor = report.anchor
        if report.rule_id or anchor is None or anchor.anchored is Anchored.NONE:
            return None
        return anchor.path, anchor.line

    def agree(known: Known, report: Report) -> bool:
        return _shared_words(known.description, report.description) >= SIMILAR_PROSE

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.ANCHOR, agree=agree)


def _place(report: Report) -> Hashable:
    anchor = report.anchor
    return None if anchor is None or anchor.line is None else (anchor.path, anchor.line, report.rule)


def _message(item: Known | Report) -> str:
    return folded(item.description)


def _neighbours(item: Known | Report) -> str:
    return item.anchor.context_hash if item.anchor else ""


def _text(item: Known | Report) -> str:
    return item.anchor.text if item.anchor else ""


def _shared_words(ours: str, theirs: str) -> float:
    mine, its = _words(ours), _words(theirs)
    return len(mine & its) / max(1, min(len(mine), len(its)))


def _words(prose: str) -> set[str]:
    """Return the words that carry meaning, cut so that `documents`, `documented` and `documentation` are one."""
    return {word[:STEM] for word in _WORD.findall(prose.lower())}


def _note(known: Known, report: Report) -> str:
    old, new = known.anchor, report.anchor
    if old is None or new is None or old.line is None or new.line is None:
        return "same place, same words" if old else "same words, no file"
    told = [
        f"line {old.line} → {new.line}" if old.path == new.path else f"{old.path}:{old.line} → {new.path}:{new.line}"
    ]
    told.append("same text" if old.text_hash == new.text_hash else "text changed")
    told.append(f"occurrence {new.occurrence} of {new.occurrences}")
    if old.scope != new.scope:
        told.append(f"now in {new.scope or 'the top level'}, was in {old.scope or 'the top level'}")
    return ", ".join(told)
