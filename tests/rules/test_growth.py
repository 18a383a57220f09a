"""Inputs whose cost once grew with the square of their size. At these sizes a square does not end."""

import pytest

from swarm.rules.anchors import Anchored, SourceText
from swarm.rules.fingerprints import Report, identified
from swarm.rules.known_findings import Travel, known_of
from swarm.rules.line_map import Hunk, LineMap
from swarm.rules.locations import MOST_SEARCHED, ReportedPlace, locate_all
from swarm.rules.matching import match
from swarm.rules.safe_paths import safe_path
from swarm.rules.scopes import scopes_of
from tests.sweeping import swept

MANY = 60_000


def place(line: int | None, quote: str | None = None, symbol: str | None = None) -> ReportedPlace:
    return ReportedPlace(line, quote, symbol, "bug", 1)


def test_every_line_of_many_equal_lines_gets_the_report_that_names_it() -> None:
    source = SourceText("app.js", b"  go();\n" * MANY)
    anchors = locate_all(source, [place(at, "go();") for at in range(1, MANY + 1)])
    assert [(anchor.line, anchor.occurrence) for anchor in anchors] == [(at, at) for at in range(1, MANY + 1)]


@pytest.mark.parametrize("symbol", swept([None, "f", "g"]))
def test_reports_far_from_many_equal_lines_get_the_nearest_of_them(symbol: str | None) -> None:
    body = "def f():\n" + "    go()\n" * MANY
    source = SourceText("app.py", (body + body.replace("f()", "g()")).encode())
    reported = [place(3 * MANY + at, "go()", symbol) for at in range(MANY)]
    last = {None: 2 * MANY + 2, "f": MANY + 1, "g": 2 * MANY + 2}[symbol]
    assert {anchor.line for anchor in locate_all(source, reported)} == {last}


def test_blank_lines_have_the_neighbours_of_their_block() -> None:
    source = SourceText("app.js", b"begin();\n" + b"\n" * MANY + b"end();\n")
    anchors = locate_all(source, [place(at) for at in range(2, MANY + 2)])
    assert len({anchor.context_hash for anchor in anchors}) == 1
    assert [anchor.occurrence for anchor in anchors] == list(range(1, MANY + 1))


def test_a_bounded_number_of_inexact_quotes_without_a_line_is_searched_in_a_file() -> None:
    source = SourceText("app.js", b"".join(b"call_%d(value);\n" % at for at in range(10 * 1000, MANY)))
    most = MOST_SEARCHED // len(source.text)
    reported = [place(None, f"all_{at}(valu") for at in range(10 * 1000, MANY)]
    lines = [anchor.line for anchor in locate_all(source, reported)]
    assert most > 0
    assert lines == [*range(1, most + 1), *[None] * (len(lines) - most)]


def test_an_equal_quote_means_an_equal_place_after_the_last_search() -> None:
    lines = [b"  first_call(of_some, names);", b"x" * MOST_SEARCHED]
    source = SourceText("app.js", b"\n".join(lines))
    reported = [place(None, "first_call(of_some"), place(None, "y" * 40), place(None, "first_call(of_some")]
    assert [anchor.line for anchor in locate_all(source, reported)] == [1, None, 1]


def test_a_long_line_is_read_once_for_all_its_reports() -> None:
    source = SourceText("app.js", b"head();\n" + b"f(x);" * 500_000)
    anchors = locate_all(source, [place(2, f"nothing of {at}") for at in range(500)])
    assert {anchor.line for anchor in anchors} == {2}
    assert len({anchor.text_hash for anchor in anchors}) == 1


@pytest.mark.parametrize(
    "text",
    [
        '\\"""' * MANY,
        "\\'''" * MANY,
        'x = "' + '\\"' * MANY,
        "x = '" + "\\'" * MANY,
        "'\\\"" * MANY,
        '"""' + "\\'''" * MANY + '\\"""' * MANY + "\\",
        "'\\\n\"\\\n" * MANY,
        "(" * MANY,
        "#" * MANY,
    ],
    ids=lambda text: text[:8],
)
def test_python_strings_that_nothing_closes_are_read_once(text: str) -> None:
    source = f"def f():\n    pass\n\n\n{text}\n"
    lines = source.split("\n")
    scopes = scopes_of("app.py", source, lines)
    assert len(scopes) == len(lines)
    assert scopes[:3] == ["f", "f", ""]


@pytest.mark.parametrize("path", ["app.py", "app.js"])
def test_definitions_that_nest_deeply_have_scopes_of_bounded_length(path: str) -> None:
    head = "{}def {}{}():" if path == "app.py" else "{}class {}{} {{"
    lines = [head.format(" " * at, "f" * 200, at) for at in range(600)]
    lines += [" " * 600 + "x = (", *["1,"] * MANY, ")"]
    scopes = scopes_of(path, "\n".join(lines), lines)
    assert scopes[0] == "f" * 200 + "0"
    assert scopes[1] == f"{scopes[0]}.{'f' * 200}1"
    assert max(map(len, scopes)) <= 1000
    assert len(scopes) == len(lines)


def test_lines_that_were_rewritten_are_found_among_many_hunks() -> None:
    lines = LineMap([Hunk(2 * at, 1, 2 * at, 1) for at in range(1, MANY)])
    rewritten = [lines.rewritten(at) for at in range(2 * MANY - 1)]
    assert rewritten == [at if at and at % 2 == 0 else None for at in range(2 * MANY - 1)]


def test_paths_are_compared_with_links_by_their_folders() -> None:
    links = frozenset(f"link{at}" for at in range(MANY))
    named = [f"folder/link{at}/x.js" for at in range(MANY)]
    assert [safe_path(path, frozenset(), links) for path in named] == named
    with pytest.raises(ValueError, match="it leads through a symbolic link"):
        safe_path(f"link{MANY - 1}/x.js", frozenset(), links)


def test_findings_in_rewritten_and_crowded_files_are_matched_without_comparing_each_with_each() -> None:
    count = 6_000
    before = SourceText("app.js", b"".join(b"const same = call(alpha, %d);\n" % at for at in range(count)))
    after = SourceText("app.js", b"".join(b"const same = made(beta, %d, more);\n" % at for at in range(count)))
    known = [known_of(at, report, "old") for at, report in enumerate(identified(reports_on(before, count)))]
    travels = {"old": Travel({}, {"app.js": LineMap([Hunk(1, count, 1, count - 1)])})}
    matches, silent, fresh = match(known, identified(reports_on(after, count)), travels)
    assert (len(matches), len(silent), len(fresh)) == (0, count, count)


def reports_on(source: SourceText, count: int) -> list[Report]:
    """Return a report of one rule on each line."""
    return [
        Report(
            reported_id=str(at),
            severity="LOW",
            category="bug",
            rule_id="R1",
            description="It is wrong.",
            recommendation=None,
            symbol=None,
            column=0,
            domain="all",
            agent_run_id=1,
            anchor=source.anchor_at(at, Anchored.LINE),
        )
        for at in range(1, count + 1)
    ]
