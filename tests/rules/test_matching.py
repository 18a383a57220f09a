import random

from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.anchors import Anchored, SourceText
from swarm.rules.findings import Fate
from swarm.rules.fingerprints import Report, identified
from swarm.rules.known_findings import Known, MatchedBy, Travel
from swarm.rules.line_map import Hunk, LineMap
from swarm.rules.matching import match
from swarm.rules.standing_code import Standing

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


def test_a_name_that_is_declared_again_stands_for_more_than_the_place_in_a_change():
    old = SourceText("a.js", b"go();\nconst value = values[j];\nuse(value);\n")
    new = SourceText("a.js", b"go();\nconst one = values[j];\nconst value = ones[k];\n")
    travels = {"old": Travel({}, {"a.js": LineMap([Hunk(2, 2, 2, 2)])})}
    before = identified([report(old, 2, rule_id="R1")])
    found, _, fresh = match(
        [known(1, before[0])], identified([report(new, at, rule_id="R1") for at in (2, 3)]), travels
    )
    assert pairs(found) == {(1, "3-bug", MatchedBy.REWRITTEN)}
    assert [one.reported_id for one in fresh] == ["2-bug"]


def test_a_setter_in_another_file_is_not_the_setter_of_another_name_that_is_gone():
    old = SourceText("a.js", b"set size(value) { // by hand\n}\n")
    new = SourceText("b.js", b"set colour(value) { // by hand\n}\n")
    travels = {"old": Travel({}, {"a.js": LineMap([Hunk(1, 2, 0, 0)])})}
    (before,), (after,) = (identified([report(source, 1, rule_id="R1")]) for source in (old, new))
    standing = {1: Standing(Fate.MOVED_FILE, "b.js", 1)}
    assert match([known(1, before)], [after], travels, standing)[0] == []


def ends(source, *lines):
    return identified([report(source, line, rule_id="R1", prose="a method ends here") for line in lines])


METHODS = SourceText("a.js", b"a() {\n  if (x) {\n  }\n}\nb() {\n  if (y) {\n  }\n}\n")


def test_a_bracket_that_git_takes_for_the_end_of_another_definition_is_not_that_end():
    # `a` is gone and `c` is new behind `b`; git keeps the first brackets and calls the last lines new.
    after = SourceText("a.js", b"b() {\n  if (y) {\n  }\n}\nc() {\n  if (z) {\n  }\n}\n")
    travels = {"old": Travel({}, {"a.js": LineMap([Hunk(1, 2, 1, 2), Hunk(5, 2, 5, 2)])})}
    ours = [known(number, told) for number, told in enumerate(ends(METHODS, 4, 8))]
    found, silent, fresh = match(ours, ends(after, 4, 8), travels)
    assert pairs(found) == {(1, "4-bug", MatchedBy.FINGERPRINT)}
    assert ([one.row_id for one in silent], [one.reported_id for one in fresh]) == ([0], ["8-bug"])


def test_a_bracket_with_its_neighbours_is_the_end_of_a_definition_that_was_renamed():
    after = SourceText("a.js", METHODS.text.replace("a()", "first()").encode())
    travels = {"old": Travel({}, {"a.js": LineMap([Hunk(1, 1, 1, 1)])})}
    ours = [known(number, told) for number, told in enumerate(ends(METHODS, 4))]
    assert pairs(match(ours, ends(after, 4), travels)[0]) == {(0, "4-bug", MatchedBy.LINE_MAP)}


CALL = b"def f():\n    out = run(a)\n    return out\n"
TRAVELS = {"old": Travel({}, {"a.py": LineMap([Hunk(2, 1, 2, 3)])})}


def test_a_tool_that_names_the_last_line_of_a_statement_means_the_statement_that_was_split():
    after = SourceText("a.py", b"def f():\n    out = run(\n        a\n    )\n    return out\n")
    before = [report(SourceText("a.py", CALL), 2, rule_id="R1", prose="12 characters at line 2")]
    told = [report(after, 4, rule_id="R1", prose="20 characters at line 4")]
    (one,) = identified(before)
    assert pairs(match([known(1, one)], identified(told), TRAVELS)[0]) == {(1, "4-bug", MatchedBy.REWRITTEN)}


def test_a_line_with_other_words_or_outside_of_the_change_is_not_the_lost_line_of_its_definition():
    text = b"def f():\n    x = 1\n    raise Wrong('no such thing')\n    y\n    return out\n    )\n"
    after = SourceText("a.py", text)
    ours = [known(1, *identified([report(SourceText("a.py", CALL), 2, rule_id="R1")]))]
    assert [match(ours, identified([report(after, at, rule_id="R1")]), TRAVELS)[0] for at in (3, 6)] == [[], []]


def test_two_defects_of_a_line_are_told_apart_by_their_words_though_a_category_changed():
    source = SourceText("a.py", b"a = b\n")
    leak, docs = "the secret leaks into the log", "the failure is not documented for callers"
    told = identified([report(source, 1, prose=leak), report(source, 1, "docs", docs)])
    ours = [known(number, one) for number, one in enumerate(told)]
    again = identified([report(source, 1, "docs", "a secret can leak to the log")])
    assert pairs(match(ours, again, STAYED)[0]) == {(0, "1-docs", MatchedBy.ANCHOR)}
    either = identified([report(source, 1, "docs", "something else is wrong")])
    assert pairs(match(ours, either, STAYED)[0]) == {(1, "1-docs", MatchedBy.FINGERPRINT)}
