"""Reports that are like a finding which nobody reported."""

from swarm.rules.likeness import Reported, Suspect, like_reports
from swarm.rules.line_map import Hunk

ADDED = frozenset(range(1, 30))


def suspect(row: int, scope: str = "f", hunk: Hunk | None = None, place: tuple[str, int] | None = None) -> Suspect:
    return Suspect(
        row=row,
        rule="S307",
        path="a.py",
        scope=scope,
        description="eval",
        added=ADDED,
        hunk=hunk,
        standing=place,
        last_wave=1,
    )


def rows(suspects: list[Suspect], *reports: Reported) -> dict[int, int]:
    return {row: report.line for row, report in like_reports(suspects, reports).items()}


def test_a_report_in_the_place_in_the_hunk_or_in_the_definition_is_like_the_finding() -> None:
    assert rows([suspect(1, place=("b.py", 7))], Reported("S307", "b.py", 7, "g", "x")) == {1: 7}
    assert rows([suspect(1, hunk=Hunk(3, 1, 5, 2))], Reported("S307", "a.py", 6, "g", "x")) == {1: 6}
    assert rows([suspect(1)], Reported("S307", "a.py", 9, "f", "x")) == {1: 9}


def test_a_report_of_another_rule_file_definition_old_line_or_earlier_wave_is_not() -> None:
    others = [
        Reported("F401", "a.py", 9, "f", "eval"),
        Reported("S307", "b.py", 9, "f", "eval"),
        Reported("S307", "a.py", 9, "g", "eval"),
        Reported("S307", "a.py", 40, "f", "eval"),
        Reported("S307", "a.py", 9, "f", "eval", first_wave=1),
    ]
    assert rows([suspect(1, hunk=Hunk(3, 1, 20, 1), place=("c.py", 1))], *others) == {}


def test_outside_of_a_definition_the_message_must_be_the_same() -> None:
    assert rows([suspect(1, scope="")], Reported("S307", "a.py", 9, "", "other")) == {}
    assert rows([suspect(1, scope="")], Reported("S307", "a.py", 9, "", "eval")) == {1: 9}


def test_counts_balance_each_report_stands_for_one_finding_and_the_surest_comes_first() -> None:
    three = [suspect(1), suspect(2), suspect(3, place=("a.py", 9))]
    reports = [Reported("S307", "a.py", 9, "f", "x"), Reported("S307", "a.py", 12, "f", "x")]
    assert rows(three, *reports) == {3: 9, 1: 12}
