"""YAML that others wrote becomes JSON values, or is refused with its line."""

import re

import pytest

from swarm.yaml_text import parse_yaml, yaml_from


def test_plain_yaml_is_read_and_a_date_stays_text() -> None:
    text = "a: 1\nb: [x, 2.5, true, ~, 2026-01-01]\nc: |\n  two\n  lines\n"
    assert parse_yaml(text) == {"a": 1, "b": ["x", 2.5, True, None, "2026-01-01"], "c": "two\nlines\n"}
    assert parse_yaml("") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x 1\nb: *x", "line 1 holds an anchor or an alias"),
        ("a: !!python/name:os.system x", "line 1 holds a tag"),
        ("a: 1\na: 2", "line 2 has the key 'a' a second time"),
        ("[" * 900, "line 1 is nested more than 32 levels deep"),
        ("a: .inf", "line 1 holds a number that JSON readers do not agree on"),
        ("a: 9223372036854775808", "line 1 holds a number that JSON readers do not agree on"),
        ("a: " + "9" * 5000, "Exceeds the limit"),
        ("1: 2", "line 1 has a key that is no text"),
        ("<<: {a: 1}", "line 1 holds 'merge', which is no plain value"),
        ("a: b\n---\nc: d", "expected a single document"),
        ("a: [1", "expected ',' or ']'"),
        ("a: \0", "characters are not allowed"),
        ("x" * 262_145, "it is longer than 262,144 characters"),
    ],
)
def test_other_yaml_is_refused_with_its_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse_yaml(text)


def test_what_is_written_is_read_back_the_same() -> None:
    twice = [
        "yes",
        "1e5",
        "08",
        "2026-01-01",
        "1:20",
        "=",
        "<<",
        "~",
        "",
        "é\x85\x1b",
        " x ",
        "a: b\n# c",
        "&a",
        "*a",
        "!x",
    ]
    document = {"first": twice, "second": twice, "numbers": [1, -3, 1.5], "others": [True, None, {"empty": []}]}
    assert parse_yaml(yaml_from(document)) == document
