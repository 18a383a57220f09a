from swarm.rules.anchors import Anchored, SourceText
from swarm.rules.fingerprints import Report, identified, unclaimed

SOURCE = SourceText("a.py", b"import os, sys\nx = 1\n")


def report(description="d", *, rule="F401", column=1, line=1):
    anchor = SOURCE.anchor_at(line, Anchored.LINE)
    return Report("r", "LOW", "bug", rule, description, None, None, column, "all", 1, anchor)


def test_two_reports_of_one_rule_on_one_line_are_two_findings_by_their_columns():
    second, first = identified([report("sys", column=12), report("os", column=8)])
    assert (second.ordinal, first.ordinal) == (1, 0)
    assert second.fingerprint != first.fingerprint


def test_prose_is_not_in_a_fingerprint_of_a_report_without_a_rule():
    one, other = identified([report("a", rule=None), report("b", rule=None)])
    assert one.fingerprint == other.fingerprint


def test_a_fingerprint_that_nobody_has_is_kept():
    assert unclaimed("0" * 24, {"1" * 24}) == "0" * 24


def test_a_taken_fingerprint_gives_the_same_other_one_each_time():
    first = unclaimed("0" * 24, {"0" * 24})
    second = unclaimed("0" * 24, {"0" * 24, first})
    assert len({"0" * 24, first, second}) == 3
    assert first == unclaimed("0" * 24, {"0" * 24})
    assert len(first) == 24
