"""Text for people: tables that fit a terminal."""

import pytest

from swarm.show import text

HEAD = ("domain", "class", "globs")
ROWS = [
    ("code", "owned", "src/app/**, src/library/**, src/tools/generate/**"),
    ("a-name-that-is-rather-long", "shared", "docs/**"),
]


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(text, "is_terminal", lambda: True)
    return monkeypatch


@pytest.mark.parametrize("width", [50, 60, 79])
def test_a_table_fits_the_terminal_and_loses_nothing(columns: pytest.MonkeyPatch, width: int) -> None:
    columns.setenv("COLUMNS", str(width))
    lines = list(text.table(ROWS, HEAD))
    assert max(map(len, lines)) <= width
    together = "".join("".join(lines).split())
    assert all(part in "".join(lines) for part in ("code", "owned", "shared", "docs/**"))
    assert len(together) == sum(len("".join(cell.split())) for row in (HEAD, *ROWS) for cell in row)


def test_a_long_cell_goes_on_below_and_is_cut_where_a_reader_would(columns: pytest.MonkeyPatch) -> None:
    columns.setenv("COLUMNS", "50")
    assert list(text.table(ROWS[:1], HEAD)) == [
        "domain  class  globs",
        "code    owned  src/app/**, src/library/**, src/",
        "               tools/generate/**",
    ]


def test_a_wide_terminal_and_a_pipe_have_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    in_a_pipe = list(text.table(ROWS, HEAD))
    assert len(in_a_pipe) == 3
    monkeypatch.setattr(text, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    assert list(text.table(ROWS, HEAD)) == in_a_pipe


def test_characters_of_two_columns_are_counted_as_two(columns: pytest.MonkeyPatch) -> None:
    columns.setenv("COLUMNS", "20")
    lines = list(text.table([("a", "漢字" * 12)], ("x", "y")))
    assert max(map(text.columns, lines)) <= 20
    assert "".join(line[3:] for line in lines[1:]) == "漢字" * 12


def test_a_table_that_cannot_be_narrower_is_shown_as_it_is(columns: pytest.MonkeyPatch) -> None:
    columns.setenv("COLUMNS", "10")
    assert list(text.table([("abc", "def")], ("a head of it", "another"))) == [
        "a head of it  another",
        "abc           def",
    ]


def test_a_cell_is_cut_at_a_blank_that_stands_at_its_end(columns: pytest.MonkeyPatch) -> None:
    columns.setenv("COLUMNS", "15")
    assert list(text.table([("a", "2026-11-29 10:53")], ("x", "created"))) == [
        "x  created",
        "a  2026-11-29",
        "   10:53",
    ]
