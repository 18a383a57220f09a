"""Matching of reports with known findings.

Passes run from the surest to the least sure. Each pass pairs by a key; where several share a key, the message and then
the neighbouring lines decide, and an ambiguous pair is left unmatched. Every match is one to one.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final

from swarm.rules.anchors import Anchored
from swarm.rules.edited_lines import is_only_marks
from swarm.rules.fingerprints import Report
from swarm.rules.known_findings import Known, Match, MatchedBy, Travel
from swarm.rules.leftovers import match_leftovers
from swarm.rules.matcher import MOST_RIVALS, Matcher, neighbours, note_of
from swarm.rules.prose import SIMILAR_PROSE, shared_words
from swarm.rules.standing_code import Standing


def match(
    known: Sequence[Known],
    reports: Sequence[Report],
    travels: Mapping[str, Travel],
    standing: Mapping[int, Standing] = {},
) -> tuple[list[Match], list[Known], list[Report]]:
    """Return the matches, the known findings that nobody reported, and the reports that are new.

    `reports` have different fingerprints; `travels` holds, by `anchor_commit`, the renames and line maps from there;
    `standing` holds, by row, where the code of a lost line stands.
    """
    if not known:
        return [], [], list(reports)
    # The order of the passes is the rule: each pass may only take what all surer passes left.
    crowded = _crowded(known, reports)
    matches, known, reports = _same_fingerprints(known, reports, crowded)
    matcher = Matcher(known, reports, travels, matches)
    _by_alias(matcher, crowded)
    _by_line(matcher, _is_in_its_definition)
    # A second time, with the crowded fingerprints: the line map has settled all findings that it can.
    _by_fingerprint(matcher)
    _by_alias(matcher, frozenset())
    _by_line(matcher, _has_its_neighbours)
    _by_words_of_line(matcher)
    match_leftovers(matcher, standing)
    _by_prose(matcher)
    return matcher.matches, list(matcher.known.values()), list(matcher.reports.values())


def _crowded(known: Sequence[Known], reports: Sequence[Report]) -> frozenset[str]:
    """Return the fingerprints that rest on an ordinal or an occurrence.

    A fix next to them shifts these numbers, so that the fingerprint of a fixed finding names its neighbour: the line
    map decides before the fingerprint does.
    """
    crowded: set[str] = set()
    # Fingerprints of one place differ by their ordinals: without ordinals no two reports share a place.
    sides: list[Sequence[Known | Report]] = [known]
    if any(report.ordinal for report in reports):
        sides.append(reports)
    else:
        crowded |= {report.fingerprint for report in reports if report.anchor and report.anchor.occurrences > 1}
    for items in sides:
        # The fingerprint that was first at each place of this side.
        first: dict[tuple[object, ...], str] = {}
        for item in items:
            anchor, fingerprint = item.anchor, item.fingerprint
            if anchor is None:
                continue
            # Taken apart at once: to read the fields by their names takes twice as long.
            path, line, scope, _, text_hash, occurrence, occurrences, _, _ = anchor
            if line is None:
                continue
            # The number of an equal line shifts when a line above is fixed.
            if occurrences > 1:
                crowded.add(fingerprint)
            place = (path, scope, text_hash, occurrence, item.rule)
            if (other := first.setdefault(place, fingerprint)) != fingerprint:
                crowded |= {other, fingerprint}
    return frozenset(crowded)


# Python before 3.12 calls a function for each reading of a member of an enum.
_FINGERPRINT: Final = MatchedBy.FINGERPRINT


def _same_fingerprints(
    known: Sequence[Known], reports: Sequence[Report], crowded: frozenset[str]
) -> tuple[list[Match], list[Known], list[Report]]:
    """Match equal fingerprints, of which each side has each once; return the matches, and the rest of both sides.

    Nearly all findings of a wave are matched here: by positions, as the other passes match, they take twice as long.
    """
    named = {report.fingerprint: report for report in reports}
    matches: list[Match] = []
    left: list[Known] = []
    for item in known:
        fingerprint = item.fingerprint
        report = None if fingerprint in crowded else named.pop(fingerprint, None)
        if report is None:
            left.append(item)
        else:
            matches.append(Match._make((item, report, _FINGERPRINT, note_of(item, report))))
    # By the object: reports of two tools can have the same fingerprint.
    matched = {id(found.report) for found in matches}
    return matches, left, [report for report in reports if id(report) not in matched]


def _by_fingerprint(matcher: Matcher) -> None:
    """Match the crowded fingerprints that the line map has left."""
    named = {report.fingerprint: at for at, report in matcher.reports.items()} if matcher.known else {}
    for at, known in list(matcher.known.items()):
        its = named.get(known.fingerprint)
        if its is not None:
            matcher.take(at, its, _same_identity)


def _same_identity(known: Known, report: Report) -> MatchedBy:
    return MatchedBy.FINGERPRINT if known.fingerprint == report.fingerprint else MatchedBy.ALIAS


def _by_alias(matcher: Matcher, crowded: frozenset[str]) -> None:
    owners = {alias: at for at, known in matcher.known.items() for alias in known.aliases if alias not in crowded}
    for at, report in list(matcher.reports.items()) if owners else ():
        owner = owners.get(report.fingerprint)
        # The rule is compared too: an alias from a time before a rule was renamed must not join two rules.
        if owner is not None and owner in matcher.known and matcher.known[owner].rule == report.rule:
            matcher.take(owner, at, _same_identity)


def _by_line(matcher: Matcher, agree: Callable[[Matcher, Known, Report], bool]) -> None:
    def known_key(known: Known) -> Hashable:
        line = matcher.line_now(known)
        return None if line is None else (matcher.path_now(known), line, known.rule)

    def named(known: Known, report: Report) -> MatchedBy:
        return MatchedBy.FINGERPRINT if known.fingerprint == report.fingerprint else MatchedBy.LINE_MAP

    def agreed(known: Known, report: Report) -> bool:
        return agree(matcher, known, report)

    matcher.pair(known_key, _place, named, agree=agreed, in_order=True)


def _is_in_its_definition(matcher: Matcher, known: Known, report: Report) -> bool:
    """Say whether a pair of the line map holds: of brackets that close definitions, git takes any for any."""
    ours, theirs = known.anchor, report.anchor
    if ours is None or theirs is None or ours.scope == theirs.scope:
        return True
    return not is_only_marks(theirs.text) or matcher.scope_now(known) == theirs.scope


def _has_its_neighbours(matcher: Matcher, known: Known, report: Report) -> bool:
    # A definition that has another name now.
    return neighbours(known) == neighbours(report) or _is_in_its_definition(matcher, known, report)


def _by_words_of_line(matcher: Matcher) -> None:
    """Give a report of an agent to the silent finding of its line whose words it has.

    Its category made the match, and is that of another defect of the line: the words tell the two apart.
    """
    silent: defaultdict[Hashable, list[int]] = defaultdict(list)
    for at, known in matcher.known.items():
        if not known.has_rule_id and (line := matcher.line_now(known)) is not None:
            silent[matcher.path_now(known), line].append(at)
    rivals: defaultdict[Hashable, list[int]] = defaultdict(list)
    for number, found in enumerate(matcher.matches) if silent else ():
        anchor = found.report.anchor
        if anchor is not None and (anchor.path, anchor.line) in silent and not found.known.has_rule_id:
            rivals[anchor.path, anchor.line].append(number)
    for place, numbers in rivals.items():
        fitting = [
            (at, number)
            for at in silent[place][:MOST_RIVALS]
            for number in numbers[:MOST_RIVALS]
            if _means_other(matcher.matches[number], matcher.known[at])
        ]
        # With two such pairs at one line nothing says which of them is meant.
        if len(fitting) == 1:
            matcher.exchange(*fitting[0], MatchedBy.ANCHOR)


def _means_other(found: Match, other: Known) -> bool:
    prose = found.report.description
    return found.report.rule_id is None and shared_words(
        found.known.description, prose
    ) < SIMILAR_PROSE <= shared_words(other.description, prose)


def _by_prose(matcher: Matcher) -> None:
    """Match a finding whose report has another category, by its line and the words of its message."""

    def known_key(known: Known) -> Hashable:
        # An analyzer's rule is exact: another rule on the line is another finding.
        line = None if known.has_rule_id else matcher.line_now(known)
        return None if line is None else (matcher.path_now(known), line)

    def report_key(report: Report) -> Hashable:
        anchor = report.anchor
        if report.rule_id or anchor is None or anchor.anchored is Anchored.NONE:
            return None
        return anchor.path, anchor.line

    def agree(known: Known, report: Report) -> bool:
        return shared_words(known.description, report.description) >= SIMILAR_PROSE

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.ANCHOR, agree=agree)


def _place(report: Report) -> Hashable:
    anchor = report.anchor
    return None if anchor is None or anchor.line is None else (anchor.path, anchor.line, report.rule)
