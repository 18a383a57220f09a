"""Text that others wrote can neither move the cursor, hide, forge a line, nor become markup."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.show.escape import MOST_MARKS, code_span, markdown, plain
from swarm.show.text import columns, table

ANY = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("häßlich 漢字 🙂 — «»", "häßlich 漢字 🙂 — «»"),
        ("", ""),
        ("two\nlines\r\n\tand a tab", "two\\nlines\\r\\n\\tand a tab"),
        ("\x1b[2J\x1b[31mred", "\\x1b[2J\\x1b[31mred"),
        ("\x1b]8;;http://evil\x07link", "\\x1b]8;;http://evil\\x07link"),
        ("\x9b2J", "\\x9b2J"),
        ("\x00\x7f\x85", "\\x00\\x7f\\x85"),
        ("over\x08\x08type", "over\\x08\\x08type"),
        ("user\u202egpj.exe", "user\\u{202e}gpj.exe"),
        ("\u2066iso\u2069", "\\u{2066}iso\\u{2069}"),
        ("a\u200bb\u200dc\u2060d\ufeffe", "a\\u{200b}b\\u{200d}c\\u{2060}d\\u{feff}e"),
        ("soft\xadhyphen", "soft\\xadhyphen"),
        ("\u2028\u2029", "\\u{2028}\\u{2029}"),
        ("tag\U000e0041", "tag\\u{e0041}"),
        ("half \ud800", "half \\u{d800}"),
        ("caf\U0010ffe9", "caf\\xe9"),
    ],
)
def test_what_could_move_hide_or_forge_is_shown_as_its_code(text: str, shown: str) -> None:
    assert plain(text) == shown


DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
LINES_AND_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}


def test_no_control_no_direction_and_no_half_surrogate_is_left_in_all_of_unicode() -> None:
    kept = [
        number
        for number in range(sys.maxunicode + 1)
        if unicodedata.category(chr(number)) in LINES_AND_CONTROLS
        or unicodedata.bidirectional(chr(number)) in DIRECTIONS
    ]
    assert len(kept) > 2000
    assert [number for number in kept if chr(number) in plain(chr(number))] == []


@given(ANY)
def test_a_text_of_any_characters_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = plain(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert plain(shown) == shown


@pytest.mark.parametrize("mark", ["\u0301", "\u0e34", "\u0e47", "\u20dd", "\u0489", "\u1ab0"])
def test_marks_are_stacked_only_so_high(mark: str) -> None:
    assert plain("e" + mark * 100 + "x") == "e" + mark * MOST_MARKS + "x"


def test_marks_that_languages_need_stay() -> None:
    for text in ("Ti\u1ebf\u0301ng", "ที่นี่", "שָׁלוֹם", "हिन्दी", "ṩ"):
        assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, really.", "plain text, really."),
        ("a | b", "a \\| b"),
        ("a \\| b", "a \\\\\\| b"),
        ("**bold** _it_ ~~gone~~", "\\*\\*bold\\*\\* \\_it\\_ \\~\\~gone\\~\\~"),
        ("[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))"),
        ("![x](http://evil/p.png)", "\\!\\[x\\](http://evil/p.png)"),
        ("<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"),
        ("&lt;b&gt;", "\\&lt;b\\&gt;"),
        ("```\ncode", "\\`\\`\\`\\\\ncode"),
        ("# head", "\\# head"),
        ("x\n| forged | row |", "x\\\\n\\| forged \\| row \\|"),
        ("\u202etxt", "\\\\u\\{202e\\}txt"),
    ],
)
def test_nothing_is_markup_in_a_cell(text: str, shown: str) -> None:
    assert markdown(text) == shown


@given(ANY)
def test_each_character_that_could_be_markup_is_escaped_once(text: str) -> None:
    assert re.sub(r"\\([\\`*_{}\[\]<>#|~!&])", r"\1", markdown(text)) == plain(text)
    assert re.fullmatch(r"(?:[^\\`*_{}\[\]<>#|~!&]|\\.)*", markdown(text))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("src/app.py", "`src/app.py`"),
        ("", "``"),
        ("a`b", "`` a`b ``"),
        ("``` fence", "```` ``` fence ````"),
        ("`", "`` ` ``"),
        ("a|b", "`a\\|b`"),
        ("<b>*x*", "`<b>*x*`"),
        ("a\nb", "`a\\nb`"),
        ("ends\\", "`ends\\`"),
        # A backslash before a pipe would free the pipe.
        ("a\\|b", "a\\\\\\|b"),
    ],
)
def test_a_code_span_is_closed_by_its_own_fence_alone(text: str, span: str) -> None:
    assert code_span(text) == span


def cells(row: str) -> int:
    """The pipes of a row that end a cell, as GitHub's tables read them: what a backslash escapes ends none."""
    return len(re.findall(r"\|", re.sub(r"\\.", "", row)))


@given(st.text("a`|\\\n\x1b* ", min_size=1))
def test_no_text_adds_a_cell_to_a_table(text: str) -> None:
    assert cells(code_span(text)) == cells(markdown(text)) == 0


@given(st.text("a` ", min_size=1))
def test_a_fence_is_longer_than_any_run_of_backticks_inside(text: str) -> None:
    span = code_span(text)
    fence = re.match("`+", span)
    assert fence is not None
    inside = span[len(fence[0]) : -len(fence[0])]
    assert span == f"{fence[0]}{inside}{fence[0]}"
    assert fence[0] not in inside
    assert inside.strip(" ") == text.strip(" ")


def test_a_table_is_as_wide_as_its_cells_and_holds_them_to_their_line() -> None:
    rows = [("漢字", "a\nb"), ("e\u0301", "\x1b[2J"), ("plain", "")]
    assert list(table(rows, ("name", "what"))) == [
        "name   what",
        "漢字   a\\nb",
        "e\u0301      \\x1b[2J",
        "plain",
    ]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("", 0), ("漢字", 4), ("e\u0301", 1), ("\u0e01\u0e34", 1)])
def test_the_columns_of_a_text_are_counted_as_a_terminal_shows_it(text: str, width: int) -> None:
    assert columns(text) == width


# Written out here, and not taken from the code: what a terminal obeys, what is not seen, what turns a line around.
_NEVER = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)


@given(st.text(st.characters() | st.sampled_from("\x1b\x9b\u202e\u200b\u0301\ufe0f\U000e0041\ud800")))
def test_escaped_text_holds_nothing_raw_and_is_escaped_once_for_all(text: str) -> None:
    assert _NEVER.search(plain(text)) is None
    assert plain(plain(text)) == plain(text)
    assert _NEVER.search(markdown(text) + code_span(text)) is None
