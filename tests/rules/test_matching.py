import random

from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.anchors import Anchored, SourceText
from swarm.rules.fingerprints import Report, identified
from swarm.rules.known_findings import Known, MatchedBy, Travel
from swarm.rules.line_map import Hunk, LineMap
from swarm.rules.matching import match

STAYED = {"old": Travel({}, {})}


def report(source, line, rule="bug", prose="the value is lost", *, rule_id=None):
    anchor = source.anchor_at(line, Anchored.QUOTE)
    return Report(f"{line}-{rule}", "LOW", rule, rule_id, prose, None, None, 0, "all", 1, anchor)


def known(row, told):
    return Known(
        row,
        told.fingerprint,
        frozenset(),
        told.rule,
        told.rule_id is not None,
        told.ordinal,
        told.description,
        told.anchor,
        "old",
    )


def pairs(matches):
    return {(found.known.row_id, found.report.reported_id, found.matched_by) for found in matches}


def test_an_equal_line_added_above_does_not_take_the_finding_over():
    old = SourceText("a.py", b"go()\n")
    new = SourceText("a.py", b"go()\ngo()\n")
    ours = [known(1, *identified([report(old, 1)]))]
    reports = identified([report(new, 1), report(new, 2)])
    travels = {"old": Travel({}, {"a.py": LineMap([Hunk(0, 0, 1, 1)])})}
    matches, silent, fresh = match(ours, reports, travels)
    assert pairs(matches) == {(1, "2-bug", MatchedBy.LINE_MAP)}
    assert (silent, [item.reported_id for item in fresh]) == ([], ["1-bug"])


def test_another_category_with_similar_words_at_the_same_line_is_the_same_finding():
    source = SourceText("a.py", b"a = b\n")
    ours = [known(1, *identified([report(source, 1, prose="callers find no documentation of failures here")]))]
    told = identified([report(source, 1, "docs", "the failure is not documented for callers")])
    assert pairs(match(ours, told, STAYED)[0]) == {(1, "1-docs", MatchedBy.ANCHOR)}


def test_another_category_with_other_words_at_the_same_line_is_another_finding():
    source = SourceText("a.py", b"a = b\n")
    ours = [known(1, *identified([report(source, 1, prose="the secret is written to the log")]))]
    told = identified([report(source, 1, "docs", "the failure is not documented for the callers")])
    assert match(ours, told, STAYED)[0] == []


LINES = st.lists(st.sampled_from(["go()", "x = 1", "return", ""]), min_size=1, max_size=8)
SPOTS = st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["bug", "docs"])), max_size=8, unique=True)


@given(LINES, LINES, SPOTS, SPOTS, st.randoms(use_true_random=False))
def test_matching_is_one_to_one_complete_and_does_not_depend_on_order(before, after, were, are, rng: random.Random):
    old = SourceText("a.py", "\n".join(before).encode())
    new = SourceText("a.py", "\n".join(after).encode())
    ours = [
        known(n, told) for n, told in enumerate(identified([report(old, *at) for at in were if at[0] <= len(before)]))
    ]
    told = identified([report(new, *at) for at in are if at[0] <= len(after)])
    travels = {"old": Travel({}, {"a.py": LineMap([Hunk(1, len(before), 1, len(after))])})}
    matches, silent, fresh = match(ours, told, travels)
    assert sorted([found.known.row_id for found in matches] + [item.row_id for item in silent]) == list(
        range(len(ours))
    )
    assert sorted([found.report.reported_id for found in matches] + [item.reported_id for item in fresh]) == sorted(
        item.reported_id for item in told
    )
    rng.shuffle(ours)
    rng.shuffle(told)
    assert pairs(match(ours, told, travels)[0]) == pairs(matches)


@given(LINES, SPOTS, st.randoms(use_true_random=False))
def test_what_is_told_again_unchanged_is_always_matched_to_itself(lines, spots, rng: random.Random):
    source = SourceText("a.py", "\n".join(lines).encode())
    told = identified([report(source, *at) for at in spots if at[0] <= len(lines)])
    ours = [known(number, one) for number, one in enumerate(told)]
    rng.shuffle(ours)
    matches, silent, fresh = match(ours, told, STAYED)
    assert (silent, fresh) == ([], [])
    assert {(one.known.fingerprint, one.matched_by) for one in matches} == {
        (one.fingerprint, MatchedBy.FINGERPRINT) for one in told
    }
    assert all(one.known.fingerprint == one.report.fingerprint for one in matches)


def test_an_agent_that_describes_another_defect_of_an_edited_declaration_reports_a_new_finding() -> None:
    old = SourceText("a.py", b"def f():\n    limit = read(a)\n    return limit\n")
    new = SourceText("a.py", b"def f():\n    a = 1\n    limit = parsed(a, b)[0]\n    return limit\n")
    travels = {"old": Travel({}, {"a.py": LineMap([Hunk(2, 1, 2, 2)])})}
    ours = [known(1, *identified([report(old, 2, prose="an empty value is never checked before its use")]))]
    same = identified([report(new, 3, prose="the empty value is used and never checked")])
    other = identified([report(new, 3, prose="two threads can race for the lock")])
    assert [pairs(match(ours, told, travels)[0]) for told in (same, other)] == [
        {(1, "3-bug", MatchedBy.REWRITTEN)},
        set(),
    ]
