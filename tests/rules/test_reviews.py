"""Verdicts of several reviewers, and groups of findings with one cause."""

from itertools import pairwise, product

import pytest

from swarm.rules.reviews import Agent, groups, standing

CONFIRMED, REFUTED, UNKNOWN = "confirmed", "refuted", "unknown"


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ([], None),
        ([("a", CONFIRMED)], CONFIRMED),
        ([("a", REFUTED)], REFUTED),
        ([("a", UNKNOWN)], UNKNOWN),
        ([("a", CONFIRMED), ("a", REFUTED)], REFUTED),
        ([("a", REFUTED), ("a", CONFIRMED)], CONFIRMED),
        ([("a", CONFIRMED), ("a", UNKNOWN)], UNKNOWN),
        ([("a", CONFIRMED), ("b", REFUTED)], "disputed"),
        ([("a", REFUTED), ("b", CONFIRMED)], "disputed"),
        ([("a", REFUTED), ("b", UNKNOWN)], REFUTED),
        ([("a", UNKNOWN), ("b", CONFIRMED)], CONFIRMED),
        ([("a", REFUTED), ("b", CONFIRMED), ("a", CONFIRMED)], CONFIRMED),
        ([("a", REFUTED), ("b", CONFIRMED), ("a", UNKNOWN)], CONFIRMED),
    ],
)
def test_the_newest_verdict_of_each_reviewer_counts(said: list[tuple[str, str]], result: str | None) -> None:
    assert standing(said) == result


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        (Agent("claude"), Agent("claude"), True),
        (Agent("claude", "opus"), Agent("claude", "opus"), True),
        (Agent("claude", "opus"), Agent("claude"), True),
        (Agent("claude", "opus"), Agent("claude", "haiku"), False),
        (Agent("claude", "opus"), Agent("codex", "opus"), False),
    ],
)
def test_another_model_is_another_agent_and_one_that_nobody_named_may_be_any(
    first: Agent, second: Agent, is_same: bool
) -> None:
    assert (first.may_be(second), second.may_be(first)) == (is_same, is_same)
    assert [str(agent) for agent in (Agent("claude"), Agent("claude", "opus"))] == ["claude", "claude:opus"]


def test_no_order_of_two_reviewers_hides_that_they_disagree() -> None:
    for first, second in product((CONFIRMED, REFUTED, UNKNOWN), repeat=2):
        forward, backward = standing([("a", first), ("b", second)]), standing([("b", second), ("a", first)])
        assert forward == backward
        assert (forward == "disputed") == ({first, second} == {CONFIRMED, REFUTED})


def test_links_make_groups_in_both_directions_and_over_several_steps() -> None:
    found = groups({"b": ["a"], "c": ["b"], "d": [], "e": ["f", "f"]})
    first, second = ("a", "b", "c"), ("e", "f")
    assert found == {"a": first, "b": first, "c": first, "e": second, "f": second}


def test_a_circle_and_a_link_to_itself_are_no_trap() -> None:
    assert groups({"a": ["b"], "b": ["c"], "c": ["a"]}) == dict.fromkeys("abc", ("a", "b", "c"))
    assert groups({"a": ["a"]}) == {}
    assert groups({}) == {}


def test_a_long_chain_is_one_group() -> None:
    names = [f"{number:05}" for number in range(10_000)]
    chain = {name: [following] for name, following in pairwise(names)}
    found = groups(dict(reversed(chain.items())))
    assert found.keys() == set(names)
    assert [*{id(group): group for group in found.values()}.values()] == [tuple(names)]
