"""Every row of every table of docs/recovery.md: its symptom is brought about and seen, its commands are run, and all is
right afterwards."""

import os
import re
import resource
import shlex
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from swarm.git import runner
from swarm.store import writers
from swarm.waves.doctor import repairs_of_git
from tests.cli.scenes.merge_team import MENDED
from tests.cli.scenes.scene import Scene, end, holder_of_the_lock
from tests.cli.test_resume import FOUND, Wave
from tests.cli.test_verify import assert_ends
from tests.conftest import Answer, Swarm

pytestmark = pytest.mark.sweep

PAGE = Path(__file__).parents[2] / "docs" / "recovery.md"
HEAD = "| what you see | what to call |"
_QUOTED = re.compile(r"`([^`]+)`")
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
            symptom = _QUOTED.findall(seen)[0]
            assert symptom not in found, row
            commands = tuple(word for word in _QUOTED.findall(called) if word.startswith(_RUN))
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
        """What the doctor finds to be otherwise than it should be."""
        checks = self.swarm("doctor", "--format", "json", exit=None).data["checks"]
        return {one["id"]: one["message"] for one in checks if one["status"] != "pass" and one["id"] != "disk"}


Case = Callable[[RowScene], None]
ROWS: dict[str, Case] = {}


def row(symptom: str) -> Callable[[Case], Case]:
    """Enter the test of a row."""

    def enter(case: Case) -> Case:
        assert symptom not in ROWS
        ROWS[symptom] = case
        return case

    return enter


# --- a wave that failed -----------------------------------------------------------------------------------


def failed(scene: RowScene) -> Wave:
    place = scene.dispatched
    place.answer("code", FOUND)
    scene.swarm("collect", exit=1)
    return Wave(scene.swarm, scene.repo, place)


@row("WAVE FAILED")
def _(scene: RowScene) -> None:
    wave = failed(scene)
    scene.see("status", exit=0)
    for at in range(4):
        scene.call(at)
    assert wave.wave() == "collected"


@row("Out of time")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    place.answer("rest")
    scene.sql("UPDATE agent_runs SET status = 'running', started = '2001-01-01T00:00:00.000Z' WHERE domain = 'code'")
    scene.see("resume", exit=0)
    for at in range(3):
        scene.call(at)
    assert scene.sql("SELECT domain, status FROM agent_runs ORDER BY id") == [
        ("code", "timed_out"),
        ("rest", "complete"),
        ("code", "complete"),
    ]


@row("Next: swarm resume")
def _(scene: RowScene) -> None:
    scene.dispatched  # noqa: B018
    scene.repo.write({"swarms/swarm.toml": '[runtimes.poor]\nkind = "command"\nargv = ["false"]\n'})
    scene.see("launch", "--runtime", "poor", exit=3)
    scene.call(0)
    scene.swarm("launch", "--runtime", "ruff")
    scene.swarm("collect")
    assert scene.sql("SELECT status FROM waves") == [("collected",)]


@row("is invalid_output")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    place.answer("code", FOUND)
    place.answer("rest")
    good = place.output("code").read_text()
    place.output("code").write_text("{")
    scene.swarm("collect", exit=1)
    scene.see("status", exit=0)
    mended = scene.tmp / "mended.json"
    mended.write_text(good)
    scene.call(0, NAME="code", FILE=str(mended))
    assert scene.sql("SELECT status FROM waves") == [("collected",)]


@row("is ownership_violation")
def _(scene: RowScene) -> None:
    scene.amending.edit("code", "tests/test_app.py")
    scene.amending.collect(exit=1)
    scene.see("status", exit=0)
    scene.call(0, WAVE="2")
    scene.call(1, WAVE="2")
    newest = scene.sql("SELECT status, output_path FROM agent_runs WHERE domain = 'code' ORDER BY id DESC")[0]
    assert newest[0] == "dispatched"
    scene.amending.answer("code")
    shutil.copy(scene.amending.place.output("code", 2), str(newest[1]))
    scene.swarm("collect")
    # As the page says of a violation that was put right, after a redrive nothing of it is in the way.
    assert scene.swarm("status", "--format", "json").data["violations"] == 0


@row("touched that should not have been")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    for domain in ("code", "rest"):
        place.answer(domain)
    scene.repo.write({"src/stray.py": "x = 1\n"})
    scene.swarm("collect", exit=1)
    scene.see("status", exit=0)
    (scene.repo.root / "src/stray.py").unlink()
    scene.call(0)
    assert scene.sql("SELECT status FROM waves") == [("collected",)]


@row("1 file was touched that should not have been")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    tree = Path(str(scene.sql("SELECT worktree_path FROM agent_runs WHERE domain = 'code'")[0][0]))
    (tree / "src/app.py").write_text("# edited\n")
    for domain in ("code", "rest"):
        place.answer(domain)
    scene.swarm("collect", exit=1)
    scene.repo.git("checkout", "-q", "--", ".", cwd=tree)
    scene.swarm("revalidate", "--domain", f"code:{place.output('code')}", *WHY)
    assert scene.sql("SELECT status FROM waves") == [("collected",)]
    scene.see("status", exit=0)
    scene.call(0)
    assert scene.sql("SELECT status FROM runs") == [("health-audit-b",)]


@row("WAVE_GIT_FOLDER_CHANGED")
def _(scene: RowScene) -> None:
    wave = failed(scene)
    scene.repo.git("config", "alias.x", "log")
    scene.see("resume")
    scene.repo.git("config", "--unset", "alias.x")
    scene.swarm("resume")
    scene.repo.git("config", "alias.x", "log")
    scene.call(0, PHASE="health-audit-a")
    assert wave.wave() == "dispatched"


@row("Interrupted")
def _(scene: RowScene) -> None:
    place = scene.workspace
    words = ("dispatch", "health-audit-a", "--isolate")
    scene.process(*words, exit=-9, SWARM_FAILPOINT="git.worktree.after:2")
    folder = scene.tmp / "bin"
    folder.mkdir()
    told = f'#!/bin/sh\nkill -{signal.SIGINT.value} "$PPID"\nexec "{shutil.which("git")}" "$@"\n'
    (folder / "git").write_text(told)
    (folder / "git").chmod(0o755)
    answer = scene.process(*words, exit=130, PATH=f"{folder}:{os.environ['PATH']}")
    assert scene.row.symptom in answer.err
    scene.seen = True
    scene.process(*words)
    assert len(list((place.folder / place.run / "worktrees").iterdir())) == 2
    assert scene.doctor() == {}


# --- what should go, or come back -------------------------------------------------------------------------


@row("Would remove")
def _(scene: RowScene) -> None:
    scene.amended.merge()
    scene.see("clean", exit=0)
    scene.call(0)
    assert not scene.amended.tree("code").exists()


@row("WORK_AT_RISK")
def _(scene: RowScene) -> None:
    team = scene.amended
    team.merge()
    team.edit("code", {"notes.txt": "mine\n"})
    scene.see("clean", exit=0)
    scene.call(0)
    scene.call(1)
    assert not team.tree("code").exists()
    assert team.file_at(f"refs/swarm/salvage/{team.run}/w2-code", "notes.txt") == "mine"


@row("Next: swarm undo")
def _(scene: RowScene) -> None:
    scene.amended.merge()
    scene.see("clean", *WHY, exit=0)
    scene.call(0)
    scene.call(1)
    assert (scene.amended.tree("code") / "src/app.py").read_text() == MENDED


def published(scene: RowScene) -> str:
    """Publish a wave; return the save point before it."""
    scene.amended.merge("--publish")
    return scene.amended.run.replace("swarm-", "swarm-save-", 1)


@row("swarm-save-…")
def _(scene: RowScene) -> None:
    answer = scene.see("init", ".", exit=0)
    point = re.findall(r"swarm-save-\d+-[0-9a-f]+", answer.out)[0]
    start = scene.repo.head
    scene.repo.commit({"wrong.py": "x = 1\n"})
    scene.call(0, SAVE_POINT=point)
    scene.call(1, SAVE_POINT=point)
    assert (scene.repo.head, (scene.repo.root / "wrong.py").exists()) == (start, False)


@row("REWIND_NOT_CLEAN")
def _(scene: RowScene) -> None:
    point = published(scene)
    scene.repo.write({"src/app.py": "# mine\n"})
    scene.see("rewind", point, *WHY)
    scene.call(0, SAVE_POINT=point)
    assert scene.repo.git("status", "--porcelain") == ""
    assert scene.amended.file_at(f"refs/swarm/salvage/{scene.amended.run}/rewind", "src/app.py") == "# mine"


@row("REWIND_STATE_SPLIT")
def _(scene: RowScene) -> None:
    point = published(scene)
    scene.sql("CREATE TRIGGER full BEFORE UPDATE ON waves BEGIN SELECT RAISE(ABORT, 'no room'); END")
    scene.see("rewind", point, *WHY)
    scene.sql("DROP TRIGGER full")
    scene.call(0, SAVE_POINT=point)
    assert set(scene.sql("SELECT status FROM waves")) == {("aborted_for_rewind",)}


@row("A rewind that was begun is not finished")
def _(scene: RowScene) -> None:
    point = published(scene)
    run = scene.amended.run
    scene.process("rewind", point, *WHY, exit=-9, SWARM_FAILPOINT="commit.before:2")
    scene.see("rewind", point, exit=0)
    assessment = scene.swarm("status", "--format", "json").data["assessment"]
    assert assessment == {
        "state": "BLOCKED",
        "blockers": [f"`swarm rewind {point}` was begun and is not finished; `swarm undo {run}` takes it back"],
        "nextAction": f"swarm rewind {point} --apply --reason '…'",
    }
    checks = {one["id"]: one for one in scene.swarm("doctor", "--format", "json").data["checks"]}
    assert (checks["rewinds"]["status"], checks["rewinds"]["message"]) == (
        "warn",
        f"1 begun and not finished: `swarm rewind {point}`",
    )
    scene.call(0, SAVE_POINT=point)
    assert scene.swarm("status", "--format", "json").data["assessment"]["state"] == "NO WAVE"
    assert set(scene.sql("SELECT status FROM waves")) == {("aborted_for_rewind",)}
    assert scene.row.symptom not in scene.swarm("rewind", point).out


def next_line(answer: Answer) -> str:
    """Return the command of an error's `Next:` line."""
    line = next(line for line in answer.err.splitlines() if line.startswith("  Next: "))
    return next(word for word in _QUOTED.findall(line) if word.startswith(("git ", "swarm ")))


@row("REWIND_REFUSED")
def _(scene: RowScene) -> None:
    point = published(scene)
    scene.repo.git("checkout", "-q", "--detach")
    _, *words = shlex.split(next_line(scene.see("rewind", point, *WHY)))
    scene.repo.git(*words)
    scene.swarm("rewind", point, *WHY)


@row("UNDO_REFUSED")
def _(scene: RowScene) -> None:
    scene.amended.merge()
    scene.swarm("clean", *WHY)
    scene.repo.git("branch", scene.amended.branch("code"), "main")
    _, *words = shlex.split(next_line(scene.see("undo", *WHY)).replace("…", "mine"))
    scene.repo.git(*words)
    scene.call(0)
    assert scene.amended.tree("code").is_dir()


# --- locks, processes and what they left ------------------------------------------------------------------


@row("CONTROL_PLANE_BUSY")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    words = ("domains", "--unfreeze", "--reason", "a look")
    holder = holder_of_the_lock(scene.db.with_name("control-plane.db.lock"), "4711 collect")
    with scene.monkeypatch.context() as patched:
        patched.setattr(writers, "WAIT_SECONDS", 0.05)
        scene.see(*words)
    end(holder)
    scene.swarm(*words)


@row("LAUNCH_IN_PROGRESS")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    folder = place.folder / place.run / "wave-1"
    folder.mkdir(exist_ok=True)
    holder = holder_of_the_lock(folder / "launch.lock", "4711 launch")
    scene.see("launch", "--runtime", "ruff")
    scene.call(0)
    assert scene.swarm("status", "--format", "json").data["assessment"] == {
        "state": "IN PROGRESS",
        "blockers": ["process 4711 is at work on the wave"],
        "nextAction": f"swarm attempts {place.run}",
    }
    scene.swarm("attempts", place.run)
    end(holder)
    scene.swarm("launch", "--runtime", "ruff")


@row("GIT_LOCKED")
def _(scene: RowScene) -> None:
    scene.amended.merge()
    scene.monkeypatch.setattr(runner, "_PAUSES", ())
    lock = scene.repo.root / ".git/index.lock"
    lock.touch()
    answer = scene.see("merge", "--publish")
    assert str(lock) in answer.err
    # Whose it is, nobody knows.
    scene.call(0)
    assert lock.exists()
    scene.call(1, LOCK=str(lock))
    scene.swarm("merge", "--publish")


@row("left behind when it was killed")
def _(scene: RowScene) -> None:
    scene.dispatched  # noqa: B018
    (scene.repo.root / ".git" / repairs_of_git.LOCK).write_text(f"{scene.fixture('dead_pid')} dispatch\n")
    lock = scene.repo.root / ".git/worktrees/w1-code/index.lock"
    lock.write_bytes(b"")
    scene.see("doctor", exit=0)
    scene.call(0)
    scene.call(1)
    assert (lock.exists(), scene.doctor()) == (False, {})


@row("keeps git from writing there")
def _(scene: RowScene) -> None:
    scene.dispatched  # noqa: B018
    lock = scene.repo.root / ".git/index.lock"
    lock.write_bytes(b"")
    answer = scene.see("doctor", exit=0)
    assert str(lock) in answer.out
    scene.call(0, LOCK=str(lock))
    assert scene.doctor() == {}


@row("whose supervisor is dead")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    script = scene.tmp / "agent"
    mark, pid = scene.tmp / "mark", scene.tmp / "pid"
    # Kills its supervisor, once, and lives on.
    script.write_text(
        f'#!/bin/sh\nmkdir "{mark}" 2>/dev/null || exit 1\necho $$ > "{pid}"\nkill -9 "$PPID"\nexec sleep 60\n'
    )
    script.chmod(0o755)
    scene.repo.write({"swarms/swarm.toml": f'[runtimes.bad]\nkind = "command"\nargv = ["{script}"]\n'})
    for at in range(2):
        scene.process("launch", "--runtime", "bad", "--jobs", "1", exit=-9)
        scene.see("doctor", exit=0)
        scene.call(at, exit=None)
        assert_ends(int(pid.read_text()))
        mark.rmdir()
    assert "attempts" not in scene.doctor()
    assert (place.folder / place.run).is_dir()


@row("ISOLATION_FAILED")
def _(scene: RowScene) -> None:
    place = scene.workspace
    words = ("dispatch", "health-audit-a", "--isolate")
    scene.process(*words, exit=-9, SWARM_FAILPOINT="commit.before")
    tree = place.folder / place.run / "worktrees/w1-code"
    (tree / "notes.txt").write_text("mine\n")
    scene.see(*words)
    scene.call(0)
    scene.call(1)
    assert scene.repo.git("show", f"refs/swarm/salvage/{place.run}/w1-code:notes.txt") == "mine"
    scene.swarm(*words)


@row("of no agent")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    words = ("dispatch", "health-audit-a", "--isolate")
    scene.process(*words, exit=-9, SWARM_FAILPOINT="commit.before")
    scene.see("doctor", exit=0)
    scene.call(0)
    assert scene.doctor() == {}
    scene.process(*words, exit=-9, SWARM_FAILPOINT="commit.before")
    scene.swarm(*words)
    assert scene.doctor() == {}


@row("and work may be in it")
def _(scene: RowScene) -> None:
    place = scene.workspace
    scene.process("dispatch", "health-audit-a", "--isolate", exit=-9, SWARM_FAILPOINT="commit.before")
    tree = place.folder / place.run / "worktrees/w1-code"
    (tree / "notes.txt").write_text("mine\n")
    scene.see("doctor", exit=0)
    scene.call(0)
    scene.call(1)
    assert (tree.exists(), scene.doctor()) == (False, {})
    assert scene.repo.git("show", f"refs/swarm/salvage/{place.run}/w1-code:notes.txt") == "mine"


@row("whose process is dead")
def _(scene: RowScene) -> None:
    place = scene.collected
    tree = place.folder / place.run / "worktrees" / f"proof-{scene.fixture('dead_pid')}-0123456789ab"
    scene.repo.git("worktree", "add", "-q", "--detach", str(tree))
    scene.see("doctor", exit=0)
    scene.call(0)
    assert (tree.exists(), scene.doctor()) == (False, {})


@row("whose folder is gone")
def _(scene: RowScene) -> None:
    place = scene.collected
    shutil.rmtree(place.folder / place.run / "worktrees/w1-rest")
    scene.see("doctor", exit=0)
    scene.call(0)
    assert "w1-rest" not in scene.repo.git("worktree", "list")


@row("whose writer is dead")
def _(scene: RowScene) -> None:
    place = scene.collected
    half = place.folder / f".receipt.json.{scene.fixture('dead_pid')}-abc.tmp"
    half.write_text("half")
    scene.see("doctor", exit=0)
    scene.call(0)
    assert (half.exists(), scene.doctor()) == (False, {})


@row("their rights")
def _(scene: RowScene) -> None:
    scene.collected.db.chmod(0o664)
    scene.see("doctor", exit=0)
    scene.call(0)
    assert (scene.db.stat().st_mode & 0o777, scene.doctor()) == (0o600, {})


@row("a repository that is not here")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    moved = scene.move()
    scene.see("doctor", exit=0, cwd=moved)
    scene.call(0, PHASE="health-audit-a", PATH=str(moved), cwd=moved)
    # Where it is now, it is found by itself.
    scene.swarm("launch", "--runtime", "ruff", cwd=moved)
    scene.swarm("collect", cwd=moved)
    moved.rename(scene.repo.root)


@row("WORKSPACE_MOVED")
def _(scene: RowScene) -> None:
    scene.dispatched  # noqa: B018
    moved = scene.move()
    scene.see("launch", "--runtime", "ruff", cwd=moved)
    moved.rename(scene.repo.root)
    scene.swarm("launch", "--runtime", "ruff")
    scene.move()
    scene.see("collect", cwd=moved)
    scene.call(0, NEW=str(moved), OLD=str(scene.repo.root), cwd=moved)
    scene.swarm("collect", cwd=moved)
    assert scene.sql("SELECT status FROM waves") == [("collected",)]


# --- the control plane ------------------------------------------------------------------------------------


def kept(scene: RowScene) -> Path:
    """Make a backup, as an upgrade does."""
    scene.collected  # noqa: B018
    folder = scene.db.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / "control-plane-v1-20260101T000000Z.db"
    shutil.copy2(scene.db, copy)
    return copy


def restored(scene: RowScene, copy: Path, at: int = 0) -> None:
    damaged = scene.db.read_bytes()
    scene.call(at, DATABASE=str(scene.db))
    assert scene.db.with_name(f"{scene.db.name}.damaged").read_bytes() == damaged
    brought_back(scene, copy, at + 1)


def brought_back(scene: RowScene, copy: Path, at: int = 0) -> None:
    scene.call(at, BACKUP=str(copy), DATABASE=str(scene.db))
    assert scene.swarm("findings", exit=1).out.count("src/app.py") == 1


@row("CONTROL_PLANE_CORRUPT")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    scene.db.write_bytes(b"no database at all; " * 1000)
    assert f"`mv {scene.db} {scene.db}.damaged && cp {copy} {scene.db}`" in scene.see("status").err
    restored(scene, copy)
    scene.call(2)


@row("CONTROL_PLANE_SCHEMA_CORRUPT")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    scene.sql("UPDATE kv SET value = 'none' WHERE key = 'schema_version'")
    assert str(copy.parent) in scene.see("status").err
    restored(scene, copy)
    scene.call(2)


@row("CONTROL_PLANE_SCHEMA_TOO_NEW")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    scene.sql("UPDATE kv SET value = '999' WHERE key = 'schema_version'")
    before = scene.db.read_bytes()
    scene.see("status")
    answer = scene.call(0, BACKUP=str(copy))
    assert answer is not None
    assert "collected" in answer.out
    assert scene.db.read_bytes() == before


@row("CONTROL_PLANE_READ_ONLY")
def _(scene: RowScene) -> None:
    scene.collected  # noqa: B018
    lock = scene.db.with_name("control-plane.db.lock")
    lock.unlink()
    # In its place, what cannot be opened for writing by root either.
    lock.mkdir()
    words = ("domains", "--unfreeze", "--reason", "a look")
    scene.see(*words)
    scene.call(0)
    lock.rmdir()
    scene.swarm(*words)


@row("CONTROL_PLANE_WRITE_FAILED")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    scene.swarm("domains", "--unfreeze", "--reason", "to edit")
    words = ("domains", "--edit", "code", "--desc", "long " * 20_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (scene.db.stat().st_size, hard))
    try:
        scene.see(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    scene.swarm("ledger", "replay", "--check")
    scene.swarm(*words)


@row("WORKSPACE_NOT_WRITABLE")
def _(scene: RowScene) -> None:
    in_the_way = scene.workspace.folder / scene.workspace.run
    in_the_way.write_text("a file where the run's folder goes")
    words = ("dispatch", "health-audit-a")
    assert str(in_the_way) in scene.see(*words).err
    in_the_way.unlink()
    scene.swarm(*words)


@row("CONTROL_PLANE_MISSING")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    elsewhere = scene.tmp / "control-plane.db"
    scene.db.rename(elsewhere)
    scene.see("status")
    scene.call(1, PATH=str(elsewhere))
    brought_back(scene, copy)


@row("LEDGER_BROKEN")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    with sqlite3.connect(scene.db) as conn:
        for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            conn.execute(f"DROP TRIGGER {name}")
        conn.execute("UPDATE events SET reason = 'another' WHERE seq = 2")
    conn.close()
    scene.see("ledger", "verify")
    answer = scene.call(0, exit=1)
    assert answer is not None
    assert str(copy) in answer.out
    restored(scene, copy, at=1)
    scene.call(3)


@row("between the ledger and the tables:")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    scene.sql("UPDATE findings SET decision = 'rejected'")
    scene.see("ledger", "replay", "--check")
    # It goes on working, and nothing of it is mended.
    scene.swarm("status")
    scene.see("ledger", "replay", "--check")
    restored(scene, copy)
    scene.call(2)


@row("INTEGRATION_MOVED")
def _(scene: RowScene) -> None:
    team = scene.amended
    team.merge()
    scene.repo.git("branch", "-f", team.integration, scene.repo.git("commit-tree", "-m", "x", "HEAD^{tree}"))
    line = scene.see("verify").err
    _, *words = shlex.split(next(word for word in _QUOTED.findall(line) if word.startswith("git update-ref")))
    scene.repo.git(*words)
    scene.swarm("verify")


# --- the tests --------------------------------------------------------------------------------------------


@pytest.fixture
def dead_pid() -> int:
    """The id of a process that is over."""
    done = subprocess.Popen(["true"])
    done.wait()
    return done.pid


def test_every_row_of_the_page_has_its_test_and_every_test_its_row() -> None:
    assert list(rows()) == list(ROWS)


@pytest.mark.parametrize("symptom", ROWS)
def test_a_row_s_symptom_is_seen_and_its_commands_put_it_right(symptom: str, request: pytest.FixtureRequest) -> None:
    scene = RowScene(request, rows()[symptom])
    ROWS[symptom](scene)
    assert scene.seen
    assert set(scene.called) == set(scene.row.commands)
    if symptom != "CONTROL_PLANE_SCHEMA_TOO_NEW":
        scene.swarm("ledger", "verify")
