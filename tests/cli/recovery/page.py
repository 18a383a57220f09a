"""Rows of docs/recovery.md, and the scene that a row's case is played in."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.scenes.scene import Scene
from tests.conftest import Answer, Swarm

PAGE = Path(__file__).parents[3] / "docs" / "recovery.md"
HEAD = "| what you see | what to call |"
QUOTED = re.compile(r"`([^`]+)`")
_RUN = ("swarm ", "cp ", "rm ", "mv ", "ln ")
REASON = "'…'"
WHY = ("--apply", "--reason", "it must be")


class Row(NamedTuple):
    """A row of the page: the text that one sees, and the commands to call."""

    symptom: str
    commands: tuple[str, ...]


def rows() -> dict[str, Row]:
    """Return the rows of all tables of the page, by the text that one sees."""
    found = {}
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for position, line in enumerate(lines):
        if line != HEAD:
            assert not (line.startswith("| --- ") and lines[position - 1] != HEAD), line
            continue
        for row in lines[position + 2 :]:
            if not row.startswith("|"):
                break
            seen, called = (cell.strip() for cell in row.strip("|").split(" | "))
            assert seen.startswith("`"), row
            symptom = QUOTED.findall(seen)[0]
            assert symptom not in found, row
            commands = tuple(word for word in QUOTED.findall(called) if word.startswith(_RUN))
            found[symptom] = Row(symptom, commands)
    return found


class RowScene(Scene):
    """A scene of a row: what was seen, and which of the row's commands were called."""

    def __init__(self, request: pytest.FixtureRequest, row: Row) -> None:
        super().__init__(request)
        self.row = row
        self.process: Swarm = request.getfixturevalue("swarm_process")
        self.seen = False
        self.called: list[str] = []

    def fixture(self, name: str) -> object:
        """Return any fixture by its name."""
        return self._request.getfixturevalue(name)

    def move(self) -> Path:
        """Move the repository, with all that is in it, and return its new place."""
        moved = self.repo.root.with_name("moved")
        self.repo.root.rename(moved)
        return moved

    def see(self, *words: str, exit: int | None = 1, cwd: Path | None = None) -> Answer:  # noqa: A002
        """Call something, and see the row's symptom in what it prints."""
        answer = self.swarm(*words, exit=exit, cwd=cwd)
        assert self.row.symptom.rstrip("…") in answer.out + answer.err
        self.seen = True
        return answer

    def call(self, at: int, exit: int | None = 0, cwd: Path | None = None, **fills: str) -> Answer | None:  # noqa: A002
        """Call the row's command at a place, with what stands for its words in capital letters."""
        command = self.row.commands[at]
        self.called.append(command)
        line = command.replace(REASON, "'it must be'")
        for name, value in fills.items():
            line = re.sub(rf"\b{name.replace('_', '-')}\b", value, line)
        program, *words = shlex.split(line)
        if program == "swarm":
            return self.swarm(*words, exit=exit, cwd=cwd)
        subprocess.run([program, *words], check=True, cwd=cwd or self.repo.root)
        return None

    def status(self) -> str:
        found: str = self.swarm("status", "--format", "json").data["assessment"]["state"]
        return found

    def doctor(self) -> dict[str, str]:
        """Return the checks of doctor that do not pass."""
        checks = self.swarm("doctor", "--format", "json", exit=None).data["checks"]
        return {
            check["id"]: check["message"]
            for check in checks
            # The machine's own: neither is a trace of what was broken off.
            if check["status"] != "pass" and check["id"] not in {"disk", "sandbox"}
        }


Case = Callable[[RowScene], None]
ROWS: dict[str, Case] = {}


def row(symptom: str) -> Callable[[Case], Case]:
    """Enter the test of a row."""

    def enter(case: Case) -> Case:
        assert symptom not in ROWS
        ROWS[symptom] = case
        return case

    return enter
