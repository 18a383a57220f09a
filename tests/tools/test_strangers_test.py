"""The stranger's test asks twenty questions and counts the right guesses."""

from pathlib import Path

import pytest

from tools import strangers_test


def test_the_sheet_names_every_file_and_question_and_no_answer() -> None:
    names, _, asked = strangers_test.sheet().partition("\n\n")
    assert {file for question in strangers_test.questions() for file in question.files} <= set(names.splitlines())
    assert [line.partition(". ")[2] for line in asked.splitlines()] == [
        question.text for question in strangers_test.questions()
    ]


def test_right_guesses_are_counted_and_wrong_guesses_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, *others = strangers_test.questions()
    guesses = tmp_path / "guesses.txt"
    guesses.write_text("\n".join(["cli/show.py", *(f"swarm/{question.files[-1]}" for question in others[:-1])]))
    assert strangers_test.main([str(guesses)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        first.text,
        f"  guessed cli/show.py, right is {first.files[0]}",
        others[-1].text,
        f"  guessed nothing, right is {others[-1].files[0]}",
        "18 of 20 first guesses are right",
    ]
