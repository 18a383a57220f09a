"""Patterns that read foreign text, each on the text that it likes least. At this length a square does not end."""

import pytest

from swarm import documents
from swarm.builds import tests_ran
from swarm.git.runner import Git, GitError
from swarm.rules.step_failures import Failures, failures_in
from swarm.rules.suppressions import Suppression, suppressions_at
from swarm.runtimes.redaction import MASK, Redactor
from swarm.show import escape
from swarm.waves.triage import decision_files
from tests.conftest import Repo
from tests.sweeping import swept

LONG = 200_000


@pytest.mark.parametrize(
    "unit", swept([" ", "\t", "(", "[", "1", "/", "/a", "0x", "1.", "1 ", "FAILED ", "- error:(report"])
)
def test_lines_of_a_step_s_output_are_read_once(unit: str) -> None:
    line = f"x{unit * (LONG // len(unit))}!"
    found = failures_in([line])
    assert (found.tests, found.rules) == (Failures().tests, {})


def test_a_duration_is_left_out_of_a_long_line_of_blanks() -> None:
    assert failures_in([f"x{' ' * LONG}1.5 s)"]) == failures_in(["x"])


@pytest.mark.parametrize(
    "unit", ["=", " ", "1 a, ", "1 a ", "Ran ", "= collected ", '{"Test":"', "--- PASS: ", "| 1 a "]
)
def test_lines_of_test_runners_are_read_once(unit: str) -> None:
    many = [unit * (tests_ran.LINE_CHARACTERS // len(unit)) + "!"] * 1000
    assert tests_ran.read(many).tests is None


@pytest.mark.parametrize("unit", ["\t", " ", "[", ",", "a.", '"a".', ',"', "{a", "\\"])
def test_a_configuration_of_one_long_line_is_searched_once(unit: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        documents.parse_toml("x" + unit * LONG + "!")
    with pytest.raises(ValueError, match=r"."):
        documents.parse_toml(unit * LONG + "!")


def test_blank_lines_of_a_file_of_decisions_are_read_once() -> None:
    assert decision_files._LONG_LINE.search("\n" * LONG + " \n" * LONG) is None
    assert decision_files._LONG_LINE.search("\n" * LONG + "x = " + "[" * 400) is not None


@pytest.mark.parametrize("text", ["a," * LONG, "a" * LONG + ",!", "." * LONG, "#" * LONG])
def test_the_rules_of_a_suppression_are_read_once(text: str) -> None:
    (found,) = suppressions_at([f"x = 1  # swarm: ignore {text}"], 1)
    assert isinstance(found, Suppression)
    assert found.problem


def test_many_marks_of_suppressions_on_a_line_are_read_once() -> None:
    (found,) = suppressions_at(["x = 1 " + "# swarm: ignore S1 " * (LONG // 20)], 1)
    assert found.rules == {"S1"}
    assert suppressions_at(["x = 1 " + "/* swarm:" * LONG], 1) == ()


@pytest.mark.parametrize(
    "unit", ["bearer ", "token ", "token=", "eyJa.", "-----BEGIN ", "gh_", "'", "-----END ", "api_"]
)
def test_output_of_agents_is_searched_for_secrets_once(unit: str) -> None:
    text = Redactor({"A_TOKEN": "a b c d e f"}).clean(unit * (LONG // len(unit)))
    assert (MASK in text) == (unit == "token=")


def test_text_of_agents_is_escaped_in_one_pass() -> None:
    assert escape.plain("e" + "\u0301" * LONG) == "e" + "\u0301" * escape.MOST_MARKS
    assert len(escape.code_span("` " * LONG)) > LONG


def test_what_git_says_of_files_that_an_agent_named_is_cut(repo: Repo) -> None:
    name = "-'a" * 80
    listed = b"".join(f"0 {name}{at}\n".encode() for at in range(500))
    with pytest.raises(GitError) as caught:
        Git(repo.root).run("update-index", "--index-info", stdin=listed)
    assert len(caught.value.stderr) <= 8000
    assert not caught.value.is_of_disk
    assert not caught.value.is_momentary
