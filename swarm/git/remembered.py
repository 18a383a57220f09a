"""Answers about objects: a whole name stands for its content, so that a command asks git once for each of them."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, TypeVar

T = TypeVar("T")

_WHOLE: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOST: Final = 64
# By context: each call of the command line has its own, also where tests make many calls in a process.
_answers: ContextVar[dict[str, dict[tuple[str, ...], Any]] | None] = ContextVar("_answers", default=None)


def remembered(question: str, names: tuple[str, ...], ask: Callable[[], T], *, most: int = _MOST) -> T:
    """Return the answer to a question about objects; it is asked anew for names that can come to mean another object.

    Errors are not remembered: an object that is missing may come. Of each question the last `most` answers are kept.
    """
    if not all(_WHOLE.fullmatch(name) for name in names):
        return ask()
    known = _answers.get()
    if known is None:
        known = {}
        _answers.set(known)
    answers = known.setdefault(question, {})
    if names not in answers:
        found = ask()
        if len(answers) >= most:
            del answers[next(iter(answers))]
        answers[names] = found
    answer: T = answers[names]
    return answer
