"""Matching of what nothing sure has paired: lines that were edited, laid out anew, or moved.

Each pass takes a known finding whose line git follows no further, and a report of the same rule, best first and one to
one. Measured by `benchmarks/identity.py` over the declarations of real histories.
"""

from collections.abc import Hashable, Mapping
from typing import Final

from swarm.rules.anchors import Anchor, tightened
from swarm.rules.edited_lines import (
    are_named_apart,
    declared_at,
    dice,
    is_common_method,
    is_only_marks,
    is_same_definition,
    own_words,
    path_likeness,
)
from swarm.rules.findings import Fate
from swarm.rules.fingerprints import Report
from swarm.rules.known_findings import Known, MatchedBy
from swarm.rules.matcher import Matcher, message, neighbours
from swarm.rules.prose import SIMILAR_PROSE, numberless, shared_words
from swarm.rules.standing_code import FEWEST_WORDS, Standing

# Share of equal tokens above which a rewritten line is the same line.
SIMILAR_LINES: Final = 0.55
# Words that are no keyword, up to which a line is found in many places.
FEW_WORDS: Final = 3
_BY_FATE: Final = {
    Fate.REFORMATTED: MatchedBy.REFORMATTED,
    Fate.REWRITTEN: MatchedBy.REWRITTEN,
    Fate.MOVED_FILE: MatchedBy.MOVED_FILE,
}


def match_leftovers(matcher: Matcher, standing: Mapping[int, Standing]) -> None:
    """Pair findings whose lines were lost; `standing` holds, by row, where the code of a lost line stands."""
    # A pass may only take what the surer passes before it left.
    # A name that is declared again stands for more than the place in a change.
    _by_declaration(matcher)
    _by_facing_line(matcher)
    _by_format(matcher)
    _by_move(matcher)
    _by_other_file(matcher)
    _by_code(matcher, standing)
    _by_moved_declaration(matcher)
    _by_definition(matcher)
    _by_only_one(matcher)


def _lost(matcher: Matcher, known: Known) -> Anchor | None:
    """Return the anchor of a finding whose line did not survive: an equal line elsewhere is another finding."""
    anchor = known.anchor
    return anchor if anchor is not None and anchor.text and matcher.line_now(known) is None else None


def _placed(report: Report) -> Anchor | None:
    return report.anchor if report.anchor is not None and report.anchor.text else None


def _by_facing_line(matcher: Matcher) -> None:
    """Match two lines that face each other in a hunk and have most tokens in common."""

    def known_key(known: Known) -> Hashable:
        line = matcher.line_rewritten(known)
        return None if line is None else (matcher.path_now(known), line, known.rule)

    def report_key(report: Report) -> Hashable:
        anchor = _placed(report)
        return anchor and (anchor.path, anchor.line, report.rule)

    def agree(known: Known, report: Report) -> bool:
        # Two lines that face each other can still be a fixed line and a new one.
        return _likeness_of_lines(known, report) >= SIMILAR_LINES

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.REWRITTEN, agree=agree)


def _by_format(matcher: Matcher) -> None:
    """Match a line that a formatter changed: white space, kinds of quotation marks, a last comma or semicolon."""

    def known_key(known: Known) -> Hashable:
        anchor = _lost(matcher, known)
        return anchor and (matcher.path_now(known), anchor.scope, tightened(anchor.text), known.rule)

    def report_key(report: Report) -> Hashable:
        anchor = _placed(report)
        return anchor and (anchor.path, anchor.scope, tightened(anchor.text), report.rule)

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.REFORMATTED)


def _by_declaration(matcher: Matcher) -> None:
    """Match a line that declares the same name as before, in the same definition, whatever else changed in it."""

    def known_key(known: Known) -> Hashable:
        anchor = _lost(matcher, known)
        found = anchor and declared_at(anchor._replace(scope=matcher.scope_now(known)))
        return found and (matcher.path_now(known), *found, known.rule)

    def report_key(report: Report) -> Hashable:
        anchor = _placed(report)
        found = anchor and declared_at(anchor)
        return found and anchor and (anchor.path, *found, report.rule)

    def likeness(known: Known, report: Report) -> float:
        if not matcher.is_added(known, report) or not _says_the_same(known, report):
            return 0
        # A line that is only laid out anew is left to the pass that says so.
        if _is_laid_out_anew(known, report):
            return 0
        # The name is a likeness by itself, so a value that changed as a whole is no obstacle.
        return 1 + _likeness_of_lines(known, report)

    matcher.pair_best(known_key, report_key, likeness, MatchedBy.REWRITTEN)


def _is_laid_out_anew(known: Known, report: Report) -> bool:
    ours, theirs = known.anchor, report.anchor
    if ours is None or theirs is None or ours.scope != theirs.scope:
        return False
    return tightened(ours.text) == tightened(theirs.text)


def _by_move(matcher: Matcher) -> None:
    """Match the same text in another place of the file."""

    def known_key(known: Known) -> Hashable:
        anchor = _lost(matcher, known)
        return anchor and (matcher.path_now(known), anchor.text_hash, known.rule)

    def report_key(report: Report) -> Hashable:
        anchor = _placed(report)
        return anchor and (anchor.path, anchor.text_hash, report.rule)

    def agree(known: Known, report: Report) -> bool:
        anchor = report.anchor
        if anchor is None or len(own_words(anchor.text)) > FEW_WORDS or neighbours(known) == neighbours(report):
            return True
        # A person's or an agent's words about a defect tell more than its line; a tool says the same of each line.
        if not known.has_rule_id and message(known) == message(report):
            return True
        # A line such as `try {` in another place shows nothing about where the old line went.
        return anchor.scope == matcher.scope_now(known) and anchor.occurrences == 1

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.MOVED, agree=agree)


def _by_other_file(matcher: Matcher) -> None:
    """Match a line that went to another file: with its definition, or with words enough to be recognised."""

    def known_key(known: Known) -> Hashable:
        anchor = _lost(matcher, known)
        return anchor and (anchor.text_hash, known.rule)

    def report_key(report: Report) -> Hashable:
        anchor = _placed(report)
        return anchor and (anchor.text_hash, report.rule)

    def likeness(known: Known, report: Report) -> float:
        ours, theirs = known.anchor, report.anchor
        if ours is None or theirs is None or theirs.path == matcher.path_now(known):
            return 0
        has_moved_with = is_same_definition(ours, theirs)
        if not has_moved_with and (len(own_words(ours.text)) < FEWEST_WORDS or is_common_method(ours)):
            return 0
        traits = (message(known) == message(report), has_moved_with, neighbours(known) == neighbours(report))
        return sum(traits) + path_likeness(ours.path, theirs.path)

    matcher.pair_best(known_key, report_key, likeness, MatchedBy.MOVED_FILE)


def _by_code(matcher: Matcher, standing: Mapping[int, Standing]) -> None:
    """Match a line that is there in another form or place, by the place of its code."""

    def known_key(known: Known) -> Hashable:
        place = standing.get(known.row_id)
        return None if place is None else (place.path, place.line, known.rule)

    def report_key(report: Report) -> Hashable:
        anchor = report.anchor
        return None if anchor is None or anchor.line is None else (anchor.path, anchor.line, report.rule)

    def agree(known: Known, report: Report) -> bool:
        ours, theirs = known.anchor, report.anchor
        if ours is None or theirs is None or is_same_definition(ours, theirs):
            return True
        if are_named_apart(ours.text, theirs.text) or is_common_method(ours):
            return False
        # A variable of another definition can have the same type and the same empty value.
        return len(own_words(ours.text) & own_words(theirs.text)) >= FEWEST_WORDS

    def named(known: Known, _report: Report) -> MatchedBy:
        return _BY_FATE.get(standing[known.row_id].fate, MatchedBy.MOVED)

    matcher.pair(known_key, report_key, named, agree=agree)


def _by_moved_declaration(matcher: Matcher) -> None:
    """Match a declaration that went to another file with the definition around it, and was edited there."""

    def known_key(known: Known) -> Hashable:
        anchor = _lost(matcher, known)
        found = anchor and declared_at(anchor)
        return found and found.around and (*found, known.rule)

    def report_key(report: Report) -> Hashable:
        anchor = _placed(report)
        found = anchor and declared_at(anchor)
        return found and (*found, report.rule)

    def likeness(known: Known, report: Report) -> float:
        ours, theirs = known.anchor, report.anchor
        if (
            ours is None
            or theirs is None
            or theirs.path == matcher.path_now(known)
            or not _says_the_same(known, report)
        ):
            return 0
        found = _likeness_of_lines(known, report)
        return found + path_likeness(ours.path, theirs.path) if found >= SIMILAR_LINES else 0

    matcher.pair_best(known_key, report_key, likeness, MatchedBy.MOVED_FILE)


def _by_definition(matcher: Matcher) -> None:
    """Match a new line of the same definition that has most of the old tokens."""

    def known_key(known: Known) -> Hashable:
        anchor = _lost(matcher, known)
        return anchor and (matcher.path_now(known), matcher.scope_now(known), known.rule)

    def report_key(report: Report) -> Hashable:
        anchor = _placed(report)
        return anchor and (anchor.path, anchor.scope, report.rule)

    def likeness(known: Known, report: Report) -> float:
        ours, theirs = known.anchor, report.anchor
        if ours is None or theirs is None or are_named_apart(ours.text, theirs.text):
            return 0
        if not matcher.is_added(known, report) or not _says_the_same(known, report):
            return 0
        found = _likeness_of_lines(known, report)
        return found if found >= SIMILAR_LINES else 0

    matcher.pair_best(known_key, report_key, likeness, MatchedBy.REWRITTEN)


def _by_only_one(matcher: Matcher) -> None:
    """Match what a tool says of a single lost and a single new line of a definition and of a change, but for numbers.

    A tool that names the last line of a statement, or of a body, names other text with every edit there.
    """

    def known_key(known: Known) -> Hashable:
        anchor = _lost(matcher, known) if known.has_rule_id else None
        scope = anchor and matcher.scope_now(known)
        return scope and (matcher.path_now(known), scope, known.rule, numberless(message(known)))

    def report_key(report: Report) -> Hashable:
        anchor = _placed(report) if report.rule_id else None
        return anchor and anchor.scope and (anchor.path, anchor.scope, report.rule, numberless(message(report)))

    def agree(known: Known, report: Report) -> bool:
        ours, theirs = known.anchor, report.anchor
        if ours is None or theirs is None or are_named_apart(ours.text, theirs.text):
            return False
        # Two lines with words were compared, and are not alike; a bracket can only be known by its place.
        says_nothing = is_only_marks(ours.text) or is_only_marks(theirs.text)
        return says_nothing and matcher.is_one_change(known, report)

    matcher.pair(known_key, report_key, lambda _known, _report: MatchedBy.REWRITTEN, agree=agree)


def _likeness_of_lines(known: Known, report: Report) -> float:
    return dice(known.anchor.text, report.anchor.text) if known.anchor and report.anchor else 0


def _says_the_same(known: Known, report: Report) -> bool:
    # A category of an agent is no rule: in one definition a bug can be fixed and another bug made.
    return known.has_rule_id or shared_words(known.description, report.description) >= SIMILAR_PROSE
