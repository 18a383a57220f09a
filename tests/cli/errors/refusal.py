"""Refusals: commands that are refused, entered by the code of their error."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.cli.scenes.scene import Scene


class Refusal(NamedTuple):
    """A command that is refused: the block on stderr without its first word, and the fields of the document."""

    command: tuple[str, ...]
    block: str
    fields: Mapping[str, Any]
    exit: int = 1
    cwd: Path | None = None


Case = Callable[[Scene], Refusal]
REFUSED: dict[str, Case] = {}
# Codes of errors that collect lists in its report, or that leave something behind: each has a test of its own.
SHOWN_BY_TESTS: set[str] = set()


def refused(case: Case) -> Case:
    """Enter a case; its name is the code in small letters."""
    REFUSED[case.__name__.upper()] = case
    return case


def raises(code: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark a test that shows a code by itself."""
    SHOWN_BY_TESTS.add(code)
    return lambda test: test
