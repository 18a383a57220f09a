"""Matching of reports with known findings.

Passes run from the surest to the least sure. Each pass pairs by a key; where several share a key, the message and then
the neighbouring lines decide, and an ambiguous pair is left unmatched. Every match is one to one.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Final

from swarm.rules.anchors import Anchored, tightened
from swarm.rules.edited_lines import are_named_apart, declared_at, dice, is_same_definition, own_words, path_likeness
from swarm.rules.fingerprints import Report
from swarm.rules.known_findings import Known, Match, MatchedBy, Travel
from swarm.rules.matcher import Matcher, message, neighbours
from swarm.rules.standing_code import FEWEST_WORDS

# Share of equal tokens above which a rewritten line is the same line.
SIMILAR_LINES: Final = 0.55
SIMILAR_PROSE: Final = 0.5
# Words that are no keyword, up to which a line is found in many places.
FEW_WORDS: Final = 3
# Letters of a word that are compared.
STEM: Final = 5
# Words of meaning: the others stand in any two messages and would make them look alike.
_WORD: Final = re.compile(
    r"\b(?!(?:an?|and|are|as|at|be|but|by|can|could|do|does|for|from|has|have|here|how|if|in|into|is|its?|may|no|not|of"
    r"|on|or|so|than|that|the|then|there|this|to|was|when|where|which|will|with|would)\b)\w+"
)


def match(
    known: Sequence[Known],
    reports: Sequence[Report],
    travels: Mapping[str, Travel],
    standing: Mapping[int, tuple[str, int]] = {},
) -> tuple[list[Match], list[Known], list[Report]]:
    """Return the matches, the known findings that nobody reported, and the reports that are new.

    `reports` have different fingerprints; `travels` holds, by `anchor_commit`, the renames and line maps from there;
    `standing` holds, by row, the path and line where the code of a lost line stands.
    """
    if not known:
        return [], [], list(reports)
    # The order of the passes is the rule: each pass may only take what all surer passes left.
    matcher = Matcher(known, reports, travels)
    crowded = _crowded(known, reports)
    matcher.pair(
        lambda known: known.fingerprint if known.fingerprint not in crowded else None,
        lambda report: report.fingerprint if report.fingerprint not in crowded else None,
        _same_identity,
    )
    _by_alias(matcher, crowded)
    _by_line(matcher)
    matcher.pair(lambda known: known.fingerprint, lambda report: report.fingerprint, _same_identity)
    # A second time, with the crowded fingerprints: the line map has settled all findings that it can.
    _by_alias(matcher, frozenset())
    _by_rewritten_line(matcher)
    _by_format(matcher)
    _by_declaration(matcher)
    _by_move(matcher)
    _by_other_file(matcher)
    _by_code(matcher, standing)
    _by_moved_declaration(matcher)
    _by_scope(matcher)
    _by_prose(matcher)
    return matcher.matches, list(matcher.known.values()), list(matcher.reports.values())


def _crowded(known: Sequence[Known], reports: Sequence[Report]) -> frozenset[str]:
    """Return the fingerprints that rest on an ordinal or an occurrence.

    A fix next to them shifts these numbers, so that the fingerprint of a fixed finding names its neighbour: the line
    map decides before the fingerprint does.
    """
    places: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    crowded: set[str] = set()
    sides: tuple[Sequence[Known | Report], ...] = (known, reports)
    for side, items in enumerate(sides):
        for item in items:
            anchor = item.anchor
            if anchor is None or anchor.line is None:
                continue
            # The number of an equal line shifts when a line above is fixed.
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


def _by_alias(matcher: Matcher, crowded: frozenset[str]) -> None:
    owners = {alias: at for at, known in matcher.known.items() for alias in known.aliases if alias not in crowded}
    for at, report in list(matcher.reports.items()):
        owner = owners.get(report.fingerprint)
        # The rule is compared too: an alias from a time before a rule was renamed must not join two rules.
        if owner is not None and owner in matcher.known and matcher.known[owner].rule == report.rule:
            matcher.take(owner, at, _same_identity)


def _by_line(matcher: Matcher) -> None:
    def known_key(known: Known) -> Hashable:
        line = matcher.line_now(known)
        return None if line is None else (matcher.path_now(known), line, known.rule)

    def named(known: Known, report: Report) -> MatchedBy:
        return MatchedBy.FINGERPRINT if known.fingerprint == report.fingerprint else MatchedBy.LINE_MAP

    matcher.pair(known_key, _place, named, in_order=True)


def _by_rewritten_line(matcher: Matcher) -> None:
    def known_key(known: Known) -> Hashable:
        line = matcher.line_rewritten(known)
        return None if line is None else (matcher.path_now(known), line, known.rule)

    def agree(known: Known, report: Report) -> bool:
        # Two lines that face each other in a hunk can still be a fixed line and a new one.
        return dice(_text(known), _text(report)) >= SIMILAR_LINES

    matcher.pair(known_key, _place, lambda _known, _report: MatchedBy.LINE_MAP, agree=agree)


def _by_format(matcher: Matcher) -> None:
    """Match a line that a formatter changed: white space, kinds of quotation marks, a last comma or semicolon."""

    def known_key(known: Known) -> Hashable:
        anchor = known.anchor
        if anchor is None or not anchor.text or matcher.line_now(known) is not None:
            return None
        return matcher.path_now(known), anchor.scope, tightened(anchor.text), known.rule

    def report_key(report: Report) -> Hashable:
        anchor = report.anchor
        if anchor is None or not anchor.text:
            return None
        return anchor.path, anchor.scope, tightened(anchor.text), report.rule

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.MOVED)


def _by_declaration(matcher: Matcher) -> None:
    """Match a line that declares the same name as before, in the same definition, whatever else changed in it."""

    def known_key(known: Known) -> Hashable:
        if known.anchor is None or matcher.line_now(known) is not None:
            return None
        found = declared_at(known.anchor._replace(scope=matcher.scope_now(known)))
        return None if found is None else (matcher.path_now(known), *found, known.rule)

    def report_key(report: Report) -> Hashable:
        found = None if report.anchor is None else declared_at(report.anchor)
        return None if found is None or report.anchor is None else (report.anchor.path, *found, report.rule)

    def likeness(known: Known, report: Report) -> float:
        # The name is a likeness by itself, so a value that changed as a whole is no obstacle.
        return 1 + dice(_text(known), _text(report)) if matcher.is_added(known, report) else 0

    matcher.pair_best(known_key, report_key, likeness, MatchedBy.LINE_MAP)


def _by_scope(matcher: Matcher) -> None:
    """Match a line of the same definition that has most of the old tokens."""

    def known_key(known: Known) -> Hashable:
        anchor = known.anchor
        if anchor is None or not anchor.text or matcher.line_now(known) is not None:
            return None
        return matcher.path_now(known), matcher.scope_now(known), known.rule

    def report_key(report: Report) -> Hashable:
        anchor = report.anchor
        return None if anchor is None or not anchor.text else (anchor.path, anchor.scope, report.rule)

    def likeness(known: Known, report: Report) -> float:
        ours, theirs = _text(known), _text(report)
        if not matcher.is_added(known, report) or (found := dice(ours, theirs)) < SIMILAR_LINES:
            return 0
        return 0 if are_named_apart(ours, theirs) else found

    matcher.pair_best(known_key, report_key, likeness, MatchedBy.LINE_MAP)


def _by_other_file(matcher: Matcher) -> None:
    """Match a line that went to another file: with its definition, or with words enough to be recognised."""

    def known_key(known: Known) -> Hashable:
        anchor = known.anchor
        if anchor is None or not anchor.text or matcher.line_now(known) is not None:
            return None
        return anchor.text_hash, known.rule

    def report_key(report: Report) -> Hashable:
        return None if report.anchor is None else (report.anchor.text_hash, report.rule)

    def likeness(known: Known, report: Report) -> float:
        ours, theirs = known.anchor, report.anchor
        if ours is None or theirs is None:
            return 0
        has_moved_with = is_same_definition(ours, theirs)
        if not has_moved_with and len(own_words(ours.text)) < FEWEST_WORDS:
            return 0
        alike = (message(known) == message(report), has_moved_with, neighbours(known) == neighbours(report))
        return sum(alike) + path_likeness(ours.path, theirs.path)

    matcher.pair_best(known_key, report_key, likeness, MatchedBy.MOVED)


def _by_moved_declaration(matcher: Matcher) -> None:
    """Match a declaration that went to another file with the definition around it, and was edited there."""

    def known_key(known: Known) -> Hashable:
        anchor = known.anchor
        if anchor is None or matcher.line_now(known) is not None:
            return None
        found = declared_at(anchor)
        return None if found is None or not anchor.scope else (*found, known.rule)

    def report_key(report: Report) -> Hashable:
        found = None if report.anchor is None else declared_at(report.anchor)
        return None if found is None else (*found, report.rule)

    def likeness(known: Known, report: Report) -> float:
        ours, theirs = known.anchor, report.anchor
        if ours is None or theirs is None or (found := dice(ours.text, theirs.text)) < SIMILAR_LINES:
            return 0
        return found + path_likeness(ours.path, theirs.path)

    matcher.pair_best(known_key, report_key, likeness, MatchedBy.MOVED)


def _by_move(matcher: Matcher) -> None:
    def known_key(known: Known) -> Hashable:
        anchor = known.anchor
        # A finding whose line survived has not moved; an equal line elsewhere is another finding.
        if anchor is None or not anchor.text or matcher.line_now(known) is not None:
            return None
        return matcher.path_now(known), anchor.text_hash, known.rule

    def report_key(report: Report) -> Hashable:
        anchor = report.anchor
        return None if anchor is None or not anchor.text else (anchor.path, anchor.text_hash, report.rule)

    def agree(known: Known, report: Report) -> bool:
        return not _says_too_little(matcher, known, report)

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.MOVED, agree=agree)


def _says_too_little(matcher: Matcher, known: Known, report: Report) -> bool:
    """Say whether a line such as `try {` in another place shows nothing about where the old line went."""
    anchor = report.anchor
    if anchor is None or len(own_words(anchor.text)) > FEW_WORDS or neighbours(known) == neighbours(report):
        return False
    return anchor.scope != matcher.scope_now(known) or anchor.occurrences > 1


def _by_code(matcher: Matcher, standing: Mapping[int, tuple[str, int]]) -> None:
    """Match a line that is there in another form or file, by the place of its code."""

    def known_key(known: Known) -> Hashable:
        place = standing.get(known.row_id)
        return None if place is None else (*place, known.rule)

    def agree(known: Known, report: Report) -> bool:
        ours, theirs = known.anchor, report.anchor
        if ours is None or theirs is None or is_same_definition(ours, theirs):
            return True
        # A variable of another definition can have the same type and the same empty value.
        return len(own_words(ours.text) & own_words(theirs.text)) >= FEWEST_WORDS

    matcher.pair(known_key, _place, lambda _known, _report: MatchedBy.MOVED, agree=agree)


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
        return _shared_words(known.description, report.description) >= SIMILAR_PROSE

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.ANCHOR, agree=agree)


def _place(report: Report) -> Hashable:
    anchor = report.anchor
    return None if anchor is None or anchor.line is None else (anchor.path, anchor.line, report.rule)


def _text(item: Known | Report) -> str:
    return item.anchor.text if item.anchor else ""


def _shared_words(ours: str, theirs: str) -> float:
    mine, its = _words(ours), _words(theirs)
    # Relative to the shorter message, or a long explanation would never resemble a short one.
    return len(mine & its) / max(1, min(len(mine), len(its)))


def _words(prose: str) -> set[str]:
    """Return the words of meaning, cut so that `documents`, `documented` and `documentation` are equal."""
    return {word[:STEM] for word in _WORD.findall(prose.lower())}
