"""Answers about objects: asked once in a command, and never remembered for names that can change."""

import contextvars
from collections import Counter
from typing import Any

import pytest

from swarm.git.remembered import remembered
from swarm.git.runner import Git
from tests.cli.conftest import team, workspace
from tests.cli.scenes.merge_team import MENDED, Team

__all__ = ["team", "workspace"]

ONE, OTHER = "1" * 40, "2" * 64


def asked(*calls: tuple[str, tuple[str, ...]], most: int = 2) -> list[int]:
    """Return the number of the question that each call was answered by, in a context of its own."""
    count = iter(range(len(calls)))
    return contextvars.Context().run(
        lambda: [remembered(question, names, lambda: next(count), most=most) for question, names in calls]
    )


def test_a_question_about_whole_names_is_asked_once_and_about_any_other_name_each_time() -> None:
    assert asked(("tree", (ONE,)), ("tree", (ONE,)), ("tree", (OTHER,)), ("parents", (ONE,))) == [0, 0, 1, 2]
    assert asked(("tree", ("HEAD",)), ("tree", ("HEAD",)), ("tree", (ONE, "main")), ("tree", (ONE, "main"))) == [
        0,
        1,
        2,
        3,
    ]
    assert asked(("tree", (ONE[:12],)), ("tree", (ONE[:12],)), ("tree", (f"{ONE}^",)), ("tree", (f"{ONE}^",))) == [
        0,
        1,
        2,
        3,
    ]


def test_a_false_answer_is_remembered_and_of_too_many_answers_the_oldest_is_forgotten() -> None:
    answers = iter((False, True))
    ask = lambda: remembered("is ancestor", (ONE,), lambda: next(answers))  # noqa: E731
    assert contextvars.Context().run(lambda: (ask(), ask())) == (False, False)
    names = [(f"{number}" * 40,) for number in (1, 2, 3, 2, 1)]
    assert asked(*(("tree", name) for name in names)) == [0, 1, 2, 1, 3]


def test_an_error_is_not_remembered_and_another_call_of_the_command_line_asks_anew() -> None:
    def fail() -> int:
        raise OSError

    def tried() -> int:
        with pytest.raises(OSError):
            remembered("tree", (ONE,), fail)
        return remembered("tree", (ONE,), lambda: 7)

    assert contextvars.Context().run(tried) == 7
    assert contextvars.Context().run(lambda: remembered("tree", (ONE,), lambda: 8)) == 8


def test_dispatch_collect_and_merge_ask_git_nothing_twice_about_an_object(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[tuple[str, ...]] = Counter()
    answer = Git.answer

    def counted(git: Git, *arguments: str, **options: Any) -> tuple[int, bytes]:
        if arguments[0] in {"ls-tree", "merge-base"} or str(arguments[-1]).endswith("^{tree}"):
            calls[arguments] += 1
        return answer(git, *arguments, **options)

    def mended() -> None:
        ids = team.ids()
        team.collect(code=(ids["def load"],), rest=(ids["# A project"],))

    monkeypatch.setattr(Git, "answer", counted)
    repeated = []
    for step in (team.dispatch, mended, team.merge):
        calls.clear()
        step()
        repeated += [call for call, count in calls.items() if count > 1]
        team.edit("code", {"src/app.py": MENDED})
    assert repeated == []
