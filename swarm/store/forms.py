"""Forms of what rows hold, and places of files that rows name: a row may come from anybody.

Ids, commits and branches are arguments of git and parts of paths. Paths are derived: of a recorded path only the part
below the workspace counts, and it counts as a part of the workspace at hand.
"""

import json
import os
import re
import sqlite3
from collections.abc import Callable, Container
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from swarm import errors

_RUN: Final = r"swarm-[0-9]{1,20}-[0-9a-f]{1,64}"
# A domain, and the ordinal of an agent that was dispatched again.
_NAME: Final = r"[A-Za-z0-9_-]{1,64}(?:\.[0-9]{1,9})?"
_OF_WAVE: Final = rf"wave-[0-9]{{1,9}}/{_NAME}(?:\.md|/output\.json|/attempt-[0-9]{{1,9}}/record\.json)"
_TREE: Final = rf"w[0-9]{{1,9}}(?:-{_NAME}|\.shared(?:\.[0-9]{{1,9}})?)"
_PLACE: Final = re.compile(rf"(.*)/({_RUN}/(?:{_OF_WAVE}|worktrees/{_TREE}))", re.ASCII | re.DOTALL)
REFUSED: Final = ""

RUN_ID: Final = re.compile(_RUN, re.ASCII)
COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
DOMAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
SAVE_POINT: Final = re.compile(r"swarm-save-[0-9]{1,20}-[0-9a-f]{1,64}", re.ASCII)
AGENT_BRANCH: Final = re.compile(rf"swarm/[0-9a-f]{{1,64}}/{_TREE}", re.ASCII)
# What `git check-ref-format` takes. A name may begin with a dash: git is given branches as `refs/heads/…` alone.
BRANCH: Final = re.compile(
    r"(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]{1,1024}(?<![/.])", re.DOTALL
)
WORD: Final = re.compile(r"[^\x00-\x1f\x7f]{1,1024}")
DAMAGED: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError)

_Row = TypeVar("_Row")


def hold(table: str, column: str, form: re.Pattern[str], value: str | None) -> None:
    """Refuse a text of another form; `None` is no text. Raises ControlPlaneRowRefused."""
    if value is not None and not form.fullmatch(value):
        raise errors.ControlPlaneRowRefused(table=table, column=column, received=repr(value))


def hold_word(table: str, column: str, words: Container[str], value: str) -> None:
    """Refuse a word that is none of some words. Raises ControlPlaneRowRefused."""
    if value not in words:
        raise errors.ControlPlaneRowRefused(table=table, column=column, received=repr(value))


def hold_places(table: str, **places: str | None) -> None:
    """Refuse a row with a path that `placed` did not take. Raises ControlPlaneRowRefused."""
    for column, place in places.items():
        if place == REFUSED:
            raise errors.ControlPlaneRowRefused(table=table, column=column, received="it names no file of the run")


def made(table: str, make: Callable[[Any], _Row], row: Any) -> _Row:
    """Make a record of a row. Raises ControlPlaneRowRefused for a word or a JSON text of another form."""
    try:
        return make(row)
    except DAMAGED as error:
        problem = f"{type(error).__name__}: {error}"
        raise errors.ControlPlaneRowRefused(table=table, column="form", received=problem) from error


def decoded(table: str, column: str, text: str, kind: type[_Row]) -> _Row:
    """Return the JSON value of a column, which must be of a kind. Raises ControlPlaneRowRefused."""
    value = made(table, json.loads, text)
    if not isinstance(value, kind):
        raise errors.ControlPlaneRowRefused(table=table, column=column, received=repr(value))
    return value


def facts_of(text: str | None) -> dict[str, Any]:
    """Return the facts of a payload, empty without a payload. Raises ControlPlaneRowRefused."""
    return decoded("events", "payload", text, dict) if text else {}


def hold_moments(table: str, **moments: str | None) -> None:
    """Refuse a time that is no time of ISO 8601; `None` is no time. Raises ControlPlaneRowRefused."""
    for column, moment in moments.items():
        try:
            if moment is not None:
                datetime.fromisoformat(moment)
        except (ValueError, TypeError) as error:
            raise errors.ControlPlaneRowRefused(table=table, column=column, received=repr(moment)) from error


def register(conn: sqlite3.Connection, database: Path) -> None:
    """Give a connection the function `placed`, by which every recorded path is read."""
    folder = os.path.dirname(database)  # noqa: PTH120
    conn.create_function("placed", 1, _Places(folder).placed, deterministic=True)


class _Places:
    """The places below a workspace's folder, with the folders that were looked at before."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._same: dict[str, bool] = {folder: True}

    def placed(self, recorded: object) -> str | None:
        """Return the place of a recorded path in this workspace, `REFUSED` where it has another form."""
        if recorded is None:
            return None
        found = _PLACE.fullmatch(recorded) if isinstance(recorded, str) else None
        if found is None:
            return REFUSED
        begin, rest = found.groups()
        # The same folder by another link stays as it is recorded: processes are known by that text.
        if begin not in self._same:
            self._same[begin] = os.path.realpath(begin) == os.path.realpath(self._folder)
        return f"{begin if self._same[begin] else self._folder}/{rest}"
