"""Decisions as TOML: what is written reads back as it was, and nothing in it is hidden."""

import re
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.results.triage import DecisionExported
from swarm.show.escape import UNSAFE
from swarm.show.toml import decisions_file, string

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("\"\\'\n\r\t\b\f\x00\x1b\x7f\x85\u2028\u202e\ufeff#[]=\U000e0041\U0010ff85"),
    )
)
ONE = DecisionExported(
    "0" * 24, "rejected", "it is fine", "A Person", None, None, (), "S307", "src/a.py", "eval(x)", "HIGH", "Bad."
)


@given(HOSTILE)
def test_a_string_reads_back_as_it_was_and_is_one_visible_line(text: str) -> None:
    written = string(text)
    assert tomllib.loads(f"key = {written}") == {"key": text}
    assert re.search(UNSAFE, written) is None


@pytest.mark.parametrize("half", ["\ud800", "a\udcff", "\udfff\ud800"])
def test_half_a_surrogate_pair_is_replaced(half: str) -> None:
    assert tomllib.loads(f"key = {string(half)}") == {
        "key": "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in half)
    }


@given(
    st.lists(
        st.builds(
            DecisionExported,
            st.text(alphabet="0123456789abcdef", min_size=24, max_size=24),
            st.sampled_from(["approved", "deferred", "rejected"]),
            st.one_of(st.none(), HOSTILE),
            HOSTILE,
            st.just("2026-11-21T10:00:00.123Z"),
            st.one_of(st.none(), st.just("2027-01-31")),
            st.tuples(st.text(alphabet="0123456789abcdef", min_size=24, max_size=24)),
            HOSTILE,
            st.one_of(st.none(), HOSTILE),
            HOSTILE,
            st.just("LOW"),
            HOSTILE,
        ),
        max_size=4,
        unique_by=lambda one: one.fingerprint,
    )
)
def test_a_file_reads_back_whatever_its_texts_are(decisions: list[DecisionExported]) -> None:
    document: dict[str, Any] = tomllib.loads(decisions_file(decisions))
    tables = document.get("decisions", {})
    assert list(tables) == sorted(decision.fingerprint for decision in decisions)
    for decision in decisions:
        table = tables[decision.fingerprint]
        assert (table["author"], table.get("reason"), table["rule"]) == (
            decision.author,
            decision.reason,
            decision.rule,
        )
        assert (table.get("file"), table.get("quote", ""), table["aliases"]) == (
            decision.file,
            decision.quote,
            list(decision.aliases),
        )


def test_the_order_of_a_file_is_that_of_the_fingerprints() -> None:
    others = [ONE._replace(fingerprint=letter * 24) for letter in "b0a"]
    assert decisions_file(others) == decisions_file(sorted(others, reverse=True))


def test_a_file_is_what_a_person_can_review() -> None:
    first = ONE._replace(
        decided="2026-11-21T10:00:00.000Z",
        expires="2027-01-31",
        aliases=("1" * 24,),
        description="So\nlong " + "x" * 300,
    )
    assert decisions_file([first]).split("\n\n")[1] == (
        f'[decisions."{"0" * 24}"]\n'
        'decision = "rejected"\n'
        'reason = "it is fine"\n'
        'author = "A Person"\n'
        "decided = 2026-11-21T10:00:00.000Z\n"
        "expires = 2027-01-31\n"
        "aliases = [\n"
        f'  "{"1" * 24}",\n'
        "]\n"
        'rule = "S307"\n'
        'file = "src/a.py"\n'
        'quote = "eval(x)"\n'
        'severity = "HIGH"\n'
        f'description = "So long {"x" * 191}…"\n'
    )
