"""`swarm status --watch`: on a terminal the state in its place, in a pipe each change as a line, as text or JSON."""

import contextlib
import fcntl
import json
import os
import pty
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swarm.waves.watch.looks import Look, looks
from tests.cli.scenes.launched_agents import LONG
from tests.conftest import Repo, Swarm, Workspace

WATCH = [sys.executable, "-m", "swarm", "status", "--watch"]


@pytest.fixture
def watch(repo: Repo) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a watch in the repository; it is killed when the test ends."""
    with contextlib.ExitStack() as started:

        def start(*words: str, **streams: int) -> subprocess.Popen[str]:
            # The size of these would hold before the terminal's own.
            plain = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
            given: dict[str, Any] = {"stdout": subprocess.PIPE, **streams}
            made = started.enter_context(
                subprocess.Popen([*WATCH, *words], cwd=repo.root, env=plain, text=True, **given)
            )
            started.callback(made.kill)
            return made

        yield start


def lines_of(watching: subprocess.Popen[str], count: int) -> list[str]:
    assert watching.stdout is not None
    return [watching.stdout.readline().rstrip("\n") for _ in range(count)]


def test_a_pipe_gets_a_line_for_each_change_of_state_and_a_control_plane_may_go_and_come_back(
    swarm: Swarm, workspace: Workspace, watch: Callable[..., subprocess.Popen[str]]
) -> None:
    lines, documents = watch(), watch("--json")
    run = f"run {workspace.run}"
    assert lines_of(lines, 2) == [f"{run}: initializing, NO WAVE", "open findings: 0 of 0"]
    (first,) = map(json.loads, lines_of(documents, 1))
    assert first["data"] == swarm("status", "--json").data
    swarm("dispatch", "health-audit-a", "--isolate")
    assert lines_of(lines, 2) == [f"{run}: health-audit-a, IN PROGRESS", "wave 1 (health-audit-a): dispatched"]
    (second,) = map(json.loads, lines_of(documents, 1))
    assert {**second, "meta": None} == {**swarm("status", "--json").document, "meta": None}
    aside = workspace.db.with_name("aside.db")
    workspace.db.rename(aside)
    assert lines_of(lines, 1)[0].startswith("⚠ The state cannot be read: No control plane at ")
    (third,) = map(json.loads, lines_of(documents, 1))
    assert (third["ok"], third["error"]["code"]) == (False, "CONTROL_PLANE_MISSING")
    aside.rename(workspace.db)
    (fourth,) = map(json.loads, lines_of(documents, 1))
    assert fourth["data"] == second["data"]
    # Ctrl-C is how a watch ends, and nobody's error.
    lines.send_signal(signal.SIGINT)
    documents.send_signal(signal.SIGTERM)
    assert (lines.wait(LONG), documents.wait(LONG)) == (0, 0)
    assert (lines.stdout and lines.stdout.read(), documents.stdout and documents.stdout.read()) == ("", "")


def test_a_watch_ends_with_its_reader_although_nothing_changes(
    workspace: Workspace, watch: Callable[..., subprocess.Popen[str]]
) -> None:
    watching = watch(workspace.run)
    assert lines_of(watching, 1) == [f"run {workspace.run}: initializing, NO WAVE"]
    assert watching.stdout is not None
    watching.stdout.close()
    assert watching.wait(LONG) == 1


def test_a_terminal_shows_the_state_in_its_place_and_has_its_screen_and_its_modes_back_afterwards(
    swarm: Swarm, workspace: Workspace, watch: Callable[..., subprocess.Popen[str]]
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 44, 0, 0))
    modes = termios.tcgetattr(theirs)
    # Of a group of its own: the kernel suspends no group whose parent is in another session.
    watching = watch(stdin=theirs, stdout=theirs, stderr=theirs, process_group=0)
    seen = ""

    def until(words: str) -> str:
        nonlocal seen
        seen = ""
        while words not in seen:
            seen += os.read(ours, 65536).decode()
        return seen

    drawn = until("q ends.")
    assert drawn.startswith("\x1b[?1049h\x1b[?25l\x1b[H")
    rows = drawn.partition("\x1b[H")[2].replace("\x1b[K", "").replace("\x1b[J", "").split("\r\n")
    assert rows[0].startswith(f"Run {workspace.run}")
    assert max(map(len, rows)) <= 44
    assert len(rows) == 12
    swarm("dispatch", "health-audit-a", "--isolate")
    assert "Wave 1 of 1 (health-audit-a): dispatched" in until("more line")
    # A smaller terminal is drawn anew without any change of the run.
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 200, 0, 0))
    assert "… 9 more lines" in until("q ends.")
    # While it is suspended, the shell has its own screen.
    watching.send_signal(signal.SIGTSTP)
    until("\x1b[?25h\x1b[?1049l")
    assert os.WIFSTOPPED(os.waitpid(watching.pid, os.WUNTRACED)[1])
    watching.send_signal(signal.SIGCONT)
    until("\x1b[?1049h")
    os.write(ours, b"q")
    left = until("Next: ").rpartition("\x1b[?25h\x1b[?1049l")[2]
    assert watching.wait(LONG) == 0
    assert f"Run {workspace.run}" in left
    assert termios.tcgetattr(theirs) == modes
    os.close(theirs)
    os.close(ours)


def test_a_watch_that_would_print_nothing_is_refused(swarm: Swarm, workspace: Workspace) -> None:
    assert swarm("status", "--watch", "-q", exit=2).code == "CLI_USAGE"
    assert swarm("status", "swarm-1-none", "--watch", exit=1).code == "RUN_NOT_FOUND"


def test_a_run_that_has_ended_is_shown_once(swarm: Swarm, collected: Workspace) -> None:
    with contextlib.closing(sqlite3.connect(collected.db)) as conn, conn:
        conn.execute("UPDATE runs SET status = 'complete'")
    assert swarm("status", "--watch").out.splitlines()[0] == f"run {collected.run}: complete, COMPLETE"


def test_a_look_is_made_again_only_where_a_file_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, journal = tmp_path / "db", tmp_path / "journal"
    long_ago = 1_000_000_000
    answers = iter([1, 2, 2, OSError("gone"), OSError("gone"), 2])
    acts: Iterator[Callable[[], object] | None] = iter(
        [
            None,
            None,
            lambda: os.utime(journal, (long_ago, long_ago + 1)),
            None,
            lambda: database.write_text("young"),
            *[None] * 3,
        ]
    )
    made = []
    for file in (database, journal):
        file.touch()
        os.utime(file, (long_ago, long_ago))

    def look() -> Look[int]:
        made.append(1)
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return Look(answer, (journal,))

    def pause() -> bool:
        act = next(acts, "over")
        if callable(act):
            act()
        return act != "over"

    # Two quiet pauses cost no look; a change of the journal one; a file that has just changed one at each pause.
    assert [str(seen) for seen in looks(database, look, pause)] == ["1", "2", "gone", "2"]
    assert len(made) == 6


def test_a_look_is_made_again_at_the_time_that_the_look_before_named(tmp_path: Path) -> None:
    os.utime(tmp_path, (1, 1))
    pauses = iter([True, True, False])
    numbers = iter(range(9))
    assert list(looks(tmp_path, lambda: Look(next(numbers), again_in=0.0), lambda: next(pauses))) == [0, 1, 2]
