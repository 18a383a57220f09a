from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.anchors import Anchored, SourceText
from swarm.rules.locations import WINDOW, ReportedPlace, given_out, locate, locate_all

TWINS = SourceText("a.c", b"int a() {\n  go();\n  x = 1;\n  go();\n  y = 'it';  // why\n  go();\n}\n")


def lines_of(anchors):
    return [anchor.line for anchor in anchors]


def test_a_quote_that_stands_at_the_told_line_is_believed_though_another_definition_is_named():
    anchor = locate(TWINS, 4, "  go();", "elsewhere")
    assert (anchor.line, anchor.occurrence, anchor.occurrences, anchor.anchored) == (4, 2, 3, Anchored.QUOTE)


def test_a_quote_between_two_lines_means_the_one_that_was_reported_before():
    assert locate(TWINS, 3, "go();", None, {4}).line == 4
    assert locate(TWINS, 3, "go();", None, {2}).line == 2


def test_a_line_that_is_told_exactly_wins_over_one_that_was_reported_before():
    assert locate(TWINS, 2, "go();", None, {4}).line == 2


def test_careless_quotes_find_their_line():
    quotes = ["y='it';", 'y = "it"; // why', "y = 'it'", "y = 'i...", "y = 'it'; // whyy"]
    assert [locate(TWINS, 6, quote, None).line for quote in quotes] == [5, 5, 5, 5, 5]


def test_a_cut_quote_without_a_line_needs_more_than_a_few_letters():
    assert locate(TWINS, None, "y = '...", None).anchored is Anchored.NONE


def test_reports_of_an_agent_on_equal_lines_get_as_many_lines_in_their_order():
    claims = [ReportedPlace(line, "go();", None, "bug", 1) for line in (7, 3, 5)]
    assert lines_of(locate_all(TWINS, claims)) == [6, 2, 4]


def test_two_agents_may_mean_the_same_line():
    claims = [ReportedPlace(1, "go();", None, "bug", 1), ReportedPlace(2, "go();", None, "bug", 2)]
    assert lines_of(locate_all(TWINS, claims)) == [2, 2]


def test_an_agent_that_reports_a_line_twice_means_that_line_alone():
    claims = [ReportedPlace(1, "go();", None, "bug", 1)] * 2
    assert lines_of(locate_all(TWINS, claims)) == [2, 2]


@given(st.lists(st.dictionaries(st.integers(1, 30), st.integers(0, 2 * WINDOW)), max_size=6))
def test_places_are_given_out_once_in_order_and_only_to_those_who_can_have_them(costs):
    places = given_out(costs)
    assert len(places) == len(costs)
    got = [place for place in places if place is not None]
    assert got == sorted(set(got))
    assert all(place is None or place in wish for place, wish in zip(places, costs, strict=True))
