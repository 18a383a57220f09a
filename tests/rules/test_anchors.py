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


NESTED = SourceText("a.py", b"def a():\n    go()\n    if x:\n        go()\n    go()\n\tgo()\n")


def test_of_equal_lines_the_one_with_the_indentation_of_the_quote_is_meant():
    near = [(2, "        go()"), (3, "    go()"), (4, "    go()"), (5, "\n        go()\n    go()"), (3, "\tgo()")]
    assert [locate(NESTED, line, quote, None).line for line, quote in near] == [4, 2, 5, 4, 6]


def test_a_quote_whose_indentation_no_line_has_is_found_without_it():
    assert [locate(NESTED, line, quote, None).line for line, quote in ((4, "go()"), (3, "  go()"))] == [4, 2]


def test_reports_of_an_agent_on_equal_lines_are_told_apart_by_the_indentation_of_their_quotes():
    claims = [ReportedPlace(*told, None, "bug", 1) for told in ((5, "        go()"), (4, "    go()"), (3, "    go()"))]
    assert lines_of(locate_all(NESTED, claims)) == [4, 5, 2]


BLOCKS = SourceText(
    "a.c", b"if (a)\n  go();\nif (b)\n  go();\n\n  end();\nlong one; /* of a */\nlong two; /* of b */\n"
)


def test_of_equal_lines_the_one_that_the_next_lines_of_the_quote_follow_is_meant():
    claims = [(2, "  go();\n  end();"), (4, "  go();\nif (b)"), (4, "  go();\n  other();"), (2, "  go();\n\n  en")]
    assert [locate(BLOCKS, line, quote, None).line for line, quote in claims] == [4, 2, 4, 4]


def test_of_lines_that_a_cut_quote_can_mean_the_one_with_the_code_that_the_message_names_is_meant():
    said = ("`two` is never read", "the value isn't read, it's of b", 'nobody reads "one"')
    assert [locate(BLOCKS, 7, "long ...", None, (), words).line for words in said] == [8, 7, 7]


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
