"""The stranger's test: count how often a reader finds a thing at the first guess, from file names alone.

`python tools/strangers_test.py` prints the file names and the questions, without the answers. `python
tools/strangers_test.py GUESSES`, a file with a line for each question, counts the first guesses that are right.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
QUESTIONS = ROOT / "tools" / "strangers_test.json"


class Question(NamedTuple):
    """A question, and the files below `swarm/` that answer it."""

    text: str
    files: tuple[str, ...]


def questions() -> list[Question]:
    """Read the questions with their answers."""
    document = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    return [Question(entry["question"], tuple(entry["files"])) for entry in document["questions"]]


def sheet() -> str:
    """Return what a stranger gets: the file names below `swarm/`, then the questions by number."""
    package = ROOT / "swarm"
    names = sorted(file.relative_to(package).as_posix() for file in package.rglob("*.py"))
    asked = [f"{number}. {question.text}" for number, question in enumerate(questions(), start=1)]
    return "\n".join([*names, "", *asked])


def wrong(guesses: Sequence[str]) -> list[tuple[Question, str]]:
    """Return the questions that were not answered right, each with its guess."""
    answers = [guess.strip().removeprefix("swarm/") for guess in guesses]
    answers += [""] * (len(questions()) - len(answers))
    pairs = zip(questions(), answers, strict=True)
    return [(question, guess) for question, guess in pairs if guess not in question.files]


def main(arguments: Sequence[str]) -> int:
    """Print the sheet, or the count of right guesses with every wrong guess."""
    if not arguments:
        print(sheet())
        return 0
    missed = wrong(Path(arguments[0]).read_text(encoding="utf-8").splitlines())
    for question, guess in missed:
        print(f"{question.text}\n  guessed {guess or 'nothing'}, right is {' or '.join(question.files)}")
    print(f"{len(questions()) - len(missed)} of {len(questions())} first guesses are right")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
