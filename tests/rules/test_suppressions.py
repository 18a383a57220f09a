"""Comments that reject a finding: what is one, what it says, and the line without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.anchors import Anchored, SourceText
from swarm.rules.locations import locate
from swarm.rules.suppressions import Suppression, suppressions_at, without_comment


@pytest.mark.parametrize(
    ("line", "code", "rules", "reason", "problem"),
    [
        ("x = 1  # swarm: ignore bug it is meant so", "x = 1  ", {"bug"}, "it is meant so", ""),
        ("x = 1 #swarm:ignore S307,bug fine", "x = 1 ", {"S307", "bug"}, "fine", ""),
        ("x(); // swarm: ignore no-eval fine", "x(); ", {"no-eval"}, "fine", ""),
        ("SELECT 1 -- swarm: ignore L001 fine", "SELECT 1 ", {"L001"}, "fine", ""),
        ("(f) ; swarm: ignore bug fine", "(f) ", {"bug"}, "fine", ""),
        ("x(); /* swarm: ignore bug fine */", "x(); ", {"bug"}, "fine", ""),
        ("x(); /* swarm: ignore bug goes on below", "x(); ", {"bug"}, "goes on below", ""),
        ("<p> <!-- swarm: ignore a11y/alt fine --> \r", "<p> ", {"a11y/alt"}, "fine", ""),
        ("  # swarm: ignore bug\ttwo\t words", "  ", {"bug"}, "two words", ""),
        ("x  # swarm: ignore bug", "x  ", {"bug"}, "", "it gives no reason"),
        ("x  // swarm: ignore bug   ", "x  ", {"bug"}, "", "it gives no reason"),
        ("x  # swarm: ignore", "x  ", set(), "", "it names no rule or category"),
        ("x  # swarm: ignore * all of it", "x  ", set(), "", "it names no rule or category"),
        ("x  # swarm: ignore bug, quality fine", "x  ", set(), "", "it names no rule or category"),
    ],
)
def test_a_comment_says_which_rules_it_rejects_and_why(
    line: str, code: str, rules: set[str], reason: str, problem: str
) -> None:
    assert without_comment(line) == code
    assert suppressions_at([line], 1) == (Suppression(1, frozenset(rules), reason, problem),)


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: F401",
        "swarm: ignore bug no comment at all",
        "x  # swarm: ignored bug fine",
        "x  # Swarm: ignore bug fine",
        "/* swarm: ignore bug fine */ eval(x)",
        "<!-- swarm: ignore bug fine --><img>",
    ],
)
def test_anything_else_is_no_suppression(line: str) -> None:
    assert without_comment(line) == line
    assert suppressions_at([line], 1) == ()


def test_a_comment_counts_on_its_line_and_alone_for_the_next_one() -> None:
    lines = ["# swarm: ignore bug above", "x = 1  # swarm: ignore quality here", "y = 2"]
    assert [found.reason for found in suppressions_at(lines, 2)] == ["here", "above"]
    assert suppressions_at(lines, 3) == ()
    assert suppressions_at(lines, 9) == ()


def test_the_anchor_of_a_line_is_the_same_with_and_without_its_comment() -> None:
    bare = b"def f():\n    return eval(x)\n"
    marked = b"def f():\n    # swarm: ignore S307 above\n    return eval(x)  # swarm: ignore S307 here\n"
    before = locate(SourceText("a.py", bare), 2, "    return eval(x)", None)
    after = locate(SourceText("a.py", marked), 3, "    return eval(x)  # swarm: ignore S307 here", None)
    assert after == before._replace(line=3)
    assert after.anchored is Anchored.QUOTE


@given(st.text(), st.text(alphabet=" #/*-;<!>swarm:ignobuge,", max_size=40))
def test_what_is_left_of_a_line_is_its_beginning(code: str, comment: str) -> None:
    line = code + comment
    assert line.startswith(without_comment(line))
    assert len(suppressions_at([line], 1)) == (without_comment(line) != line)
