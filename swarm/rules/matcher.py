"""Pairs of a known finding and a report, each in at most one pair, found by keys that both sides share."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final

from swarm.rules.anchors import folded
from swarm.rules.edited_lines import declared_name
from swarm.rules.fingerprints import Report
from swarm.rules.known_findings import Known, Match, MatchedBy, Travel

# Findings of one key that are compared with each other, on each side.
MOST_RIVALS: Final = 20
# Lead over every rival that a likeness needs.
CLEARLY: Final = 0.1

Trait = Callable[[Known | Report], str]


def message(item: Known | Report) -> str:
    """Return the message with white space folded."""
    return folded(item.description)


def neighbours(item: Known | Report) -> str:
    """Return the hash of the lines before and after."""
    return item.anchor.context_hash if item.anchor else ""


class Matcher:
    """Known findings and reports that are not paired yet, by their position, and the matches so far.

    Each pass takes pairs out of both sides, so that a surer pass leaves nothing for a less sure pass to take apart.
    """

    def __init__(
        self,
        known: Sequence[Known],
        reports: Sequence[Report],
        travels: Mapping[str, Travel],
        matches: Sequence[Match] = (),
    ) -> None:
        self.known = dict(enumerate(known))
        self.reports = dict(enumerate(reports))
        self.travels = travels
        self.matches = list(matches)

    def pair(
        self,
        known_key: Callable[[Known], Hashable],
        report_key: Callable[[Report], Hashable],
        named: Callable[[Known, Report], MatchedBy],
        *,
        agree: Callable[[Known, Report], bool] = lambda _known, _report: True,
        in_order: bool = False,
    ) -> None:
        """Pair known findings and reports of the same key, where the key, or a trait below it, singles out both.

        An empty key takes no part. `agree` can refuse a pair; `in_order` pairs equal numbers by their ordinals.
        """
        for ours, theirs in self._by_key(known_key, report_key):
            for mine, its in self._settled(ours, theirs, in_order=in_order):
                if agree(self.known[mine], self.reports[its]):
                    self.take(mine, its, named)

    def pair_best(
        self,
        known_key: Callable[[Known], Hashable],
        report_key: Callable[[Report], Hashable],
        likeness: Callable[[Known, Report], float],
        named: MatchedBy,
    ) -> None:
        """Pair those of the same key that are most alike, best first; a pair with a rival as good is left.

        `likeness` is 0 for a pair that must not be made.
        """
        for ours, theirs in self._by_key(known_key, report_key):
            # Everything is compared with everything, so a crowded key would cost the square of its number.
            if len(ours) > MOST_RIVALS or len(theirs) > MOST_RIVALS:
                continue
            scores = {
                (mine, its): score
                for mine in ours
                for its in theirs
                if (score := likeness(self.known[mine], self.reports[its])) > 0
            }
            for mine, its in _best_pairs(scores):
                self.take(mine, its, lambda _known, _report: named)

    def take(self, mine: int, its: int, named: Callable[[Known, Report], MatchedBy]) -> None:
        """Make a match of a known finding and a report, by their positions."""
        known, report = self.known.pop(mine), self.reports.pop(its)
        self.matches.append(Match._make((known, report, named(known, report), note_of(known, report))))

    def exchange(self, mine: int, number: int, named: MatchedBy) -> None:
        """Give the report of a match to a known finding that has none; the finding of the match takes its place."""
        other, report, _, _ = self.matches[number]
        known, self.known[mine] = self.known[mine], other
        self.matches[number] = Match(known, report, named, note_of(known, report))

    def _by_key(
        self, known_key: Callable[[Known], Hashable], report_key: Callable[[Report], Hashable]
    ) -> list[tuple[list[int], list[int]]]:
        """Return the positions of known findings and of reports that have the same key."""
        by_key: defaultdict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for at, known in self.known.items():
            # An empty key is no key.
            if key := known_key(known):
                by_key[key][0].append(at)
        for at, report in self.reports.items() if by_key else ():
            # Reports without a partner are not collected: among 100,000 reports most are new.
            if (key := report_key(report)) and key in by_key:
                by_key[key][1].append(at)
        return [(ours, theirs) for ours, theirs in by_key.values() if theirs]

    def path_now(self, known: Known) -> str | None:
        """Return the path of a known finding's file in the commit of the reports."""
        if known.anchor is None:
            return None
        return self.travels[known.anchor_commit].path(known.anchor.path)

    def line_now(self, known: Known) -> int | None:
        """Return the line of a known finding in the commit of the reports, `None` where the line did not survive."""
        if known.anchor is None or known.anchor.line is None:
            return None
        return self.travels[known.anchor_commit].lines(known.anchor.path).successor(known.anchor.line)

    def line_rewritten(self, known: Known) -> int | None:
        """Return the line that replaced the line of a known finding, `None` where no single line did."""
        if known.anchor is None or known.anchor.line is None:
            return None
        return self.travels[known.anchor_commit].lines(known.anchor.path).rewritten(known.anchor.line)

    def is_added(self, known: Known, report: Report) -> bool:
        """Say whether the line of a report has no predecessor in the commit of a known finding."""
        anchor, was = report.anchor, known.anchor
        if anchor is None or was is None or anchor.line is None:
            return False
        # Maps are kept by the old path, and only of files with findings: a line of another file can be new.
        if anchor.path != self.path_now(known):
            return True
        return self.travels[known.anchor_commit].lines(was.path).hunk_of_new(anchor.line) is not None

    def is_one_change(self, known: Known, report: Report) -> bool:
        """Say whether a change of the file took the line of a known finding and added the line of a report."""
        anchor, was = report.anchor, known.anchor
        if anchor is None or was is None or anchor.line is None or was.line is None:
            return False
        if anchor.path != self.path_now(known):
            return False
        lines = self.travels[known.anchor_commit].lines(was.path)
        return (hunk := lines.hunk_at(was.line)) is not None and hunk == lines.hunk_of_new(anchor.line)

    def scope_now(self, known: Known) -> str:
        """Return the definition around a known finding; a class that is called like its renamed file is renamed."""
        anchor = known.anchor
        if anchor is None or (now := self.path_now(known)) in {anchor.path, None}:
            return anchor.scope if anchor else ""
        first, dot, rest = anchor.scope.partition(".")
        return f"{_stem(now or '')}{dot}{rest}" if first == _stem(anchor.path) else anchor.scope

    def _settled(self, ours: list[int], theirs: list[int], *, in_order: bool) -> list[tuple[int, int]]:
        """Return the pairs within a key; a wrong merge hides a finding, so ambiguity is left unpaired."""
        if len(ours) == len(theirs) == 1:
            return [(ours[0], theirs[0])]
        pairs: list[tuple[int, int]] = []
        # The message tells more than the neighbours, which every edit near by changes.
        for trait in (message, neighbours):
            ours, theirs, found = self._by_trait(ours, theirs, trait)
            pairs += found
        if (in_order and len(ours) == len(theirs)) or len(ours) == len(theirs) == 1:
            ours.sort(key=lambda at: self.known[at].ordinal)
            theirs.sort(key=lambda at: self.reports[at].ordinal)
            pairs += zip(ours, theirs, strict=True)
        return pairs

    def _by_trait(
        self, ours: list[int], theirs: list[int], trait: Trait
    ) -> tuple[list[int], list[int], list[tuple[int, int]]]:
        """Return the positions of both sides that stay unpaired, and the pairs that alone share a value of a trait."""
        mine: defaultdict[str, list[int]] = defaultdict(list)
        its: defaultdict[str, list[int]] = defaultdict(list)
        for at in ours:
            mine[trait(self.known[at])].append(at)
        for at in theirs:
            its[trait(self.reports[at])].append(at)
        pairs = [
            (mine[value][0], its[value][0])
            for value in mine
            # An empty trait is shared by all that have none, and singles out nothing.
            if value and len(mine[value]) == 1 and len(its.get(value, ())) == 1
        ]
        paired_ours, paired_theirs = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
        return (
            [at for at in ours if at not in paired_ours],
            [at for at in theirs if at not in paired_theirs],
            pairs,
        )


def _best_pairs(scores: Mapping[tuple[int, int], float]) -> list[tuple[int, int]]:
    """Return pairs of positions, best first and one to one, without those that have a free rival as good."""
    by_side: tuple[defaultdict[int, list[tuple[int, int]]], ...] = (defaultdict(list), defaultdict(list))
    for pair in scores:
        by_side[0][pair[0]].append(pair)
        by_side[1][pair[1]].append(pair)
    taken: tuple[set[int], set[int]] = (set(), set())
    found = []
    for pair in sorted(scores, key=lambda pair: (-scores[pair], pair)):
        if pair[0] in taken[0] or pair[1] in taken[1]:
            continue
        rivals = [
            rival
            for rival in (*by_side[0][pair[0]], *by_side[1][pair[1]])
            if rival != pair and rival[0] not in taken[0] and rival[1] not in taken[1]
        ]
        if all(scores[pair] - scores[rival] >= CLEARLY for rival in rivals):
            found.append(pair)
            taken[0].add(pair[0])
            taken[1].add(pair[1])
    return found


def _stem(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def note_of(known: Known, report: Report) -> str:
    """Return why a match was made, as users read it."""
    old, new = known.anchor, report.anchor
    if old is None or new is None or old.line is None or new.line is None:
        return "same place, same words" if old else "same words, no file"
    # Nearly every match of a large wave: a line that moved, or stayed, as it was. Taken apart at once: to read the
    # fields by their names takes twice as long.
    was_path, was_line, was_scope, _, was_hash, _, _, _, _ = old
    path, line, scope, _, text_hash, occurrence, occurrences, _, _ = new
    is_same_path = was_path == path
    if was_hash == text_hash and is_same_path and was_scope == scope:
        return f"line {was_line} → {line}, same text, occurrence {occurrence} of {occurrences}"
    parts = [f"line {old.line} → {new.line}" if is_same_path else f"{old.path}:{old.line} → {new.path}:{new.line}"]
    parts.append("same text" if old.text_hash == new.text_hash else "text changed")
    parts.append(f"occurrence {new.occurrence} of {new.occurrences}")
    if old.text_hash != new.text_hash and (name := declared_name(old.text)) and name == declared_name(new.text):
        parts.append(f"both declare {name}")
    if old.scope != new.scope:
        parts.append(f"now in {new.scope or 'the top level'}, was in {old.scope or 'the top level'}")
    return ", ".join(parts)
