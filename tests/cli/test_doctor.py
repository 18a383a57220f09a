"""`doctor`: what it finds, what `--fix` would do and does, and what it never touches."""

import errno
import fcntl
import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from swarm.errors import CATALOGUE
from swarm.runtimes import processes
from swarm.waves.trees.worktrees import WORKTREE_LOCK
from tests.cli.scenes.merge_team import Team
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

APPLY = ("doctor", "--fix", "--apply", "--reason", "after a crash", "--format", "json")
REMAINS = ("attempts", "processes", "records", "half_written", "permissions", "worktrees", "scratch", "locks")


def checks(swarm: Swarm, exit: int = 0) -> dict[str, tuple[str, str]]:  # noqa: A002
    data = swarm("doctor", "--format", "json", exit=exit).data
    return {check["id"]: (check["status"], check["message"]) for check in data["checks"]}


def planned(swarm: Swarm) -> list[tuple[str, str]]:
    """Return the plan of `--fix`. Another test checks that it changes nothing."""
    data = swarm("doctor", "--fix", "--format", "json").data
    assert {repair["status"] for repair in data["repairs"]} <= {"planned"}
    return [(repair["id"], repair["what"]) for repair in data["repairs"]]


def left(swarm: Swarm) -> list[tuple[str, str, str]]:
    data = swarm("doctor", "--fix", "--format", "json").data
    return [(item["id"], item["what"], item["hint"]) for item in data["left"]]


def repaired(swarm: Swarm, exit: int = 0) -> list[tuple[str, str]]:  # noqa: A002
    """Repair, and check that the repair is recorded as planned, that nothing is left to do and the ledger is sound."""
    data = swarm(*APPLY, exit=exit).data
    if any(repair["status"] == "done" for repair in data["repairs"]):
        last = json.loads(swarm("events").out.splitlines()[-1])
        assert (last["kind"], last["reason"], last["payload"]["repairs"]) == (
            "repaired",
            "after a crash",
            data["repairs"],
        )
    swarm("ledger", "verify")
    swarm("ledger", "replay", "--check")
    return [(repair["id"], repair["status"]) for repair in data["repairs"]]


def sql(place: Workspace, statement: str, *values: object) -> list[Any]:
    conn = sqlite3.connect(place.db, isolation_level=None)
    try:
        return conn.execute(statement, values).fetchall()
    finally:
        conn.close()


def all_there_is(repo: Repo) -> dict[str, object]:
    """Every file of the repository and its workspace with content and rights, and every ref."""
    found: dict[str, object] = {"refs": repo.git("for-each-ref")}
    for folder, _, names in os.walk(repo.root):
        for path in (Path(folder), *(Path(folder, name) for name in names)):
            status = path.lstat()
            body = path.read_bytes() if stat.S_ISREG(status.st_mode) and path.suffix != ".lock" else None
            found[str(path)] = (status.st_mode, body)
    return found


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that leads a group of its own and does not end."""
    started = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield started
    started.kill()
    started.wait()


@pytest.fixture
def stranded(swarm_process: Swarm, workspace: Workspace) -> Workspace:
    """A dispatch that was killed between its worktrees and its commit."""
    swarm_process("dispatch", "health-audit-a", "--isolate", exit=-9, SWARM_FAILPOINT="commit.before")
    return workspace


@pytest.fixture
def launched(swarm: Swarm, workspace: Workspace) -> Workspace:
    """A wave whose agents have run, each in one attempt."""
    swarm("dispatch", "health-audit-a", "--runtime", "ruff")
    swarm("launch")
    return workspace


# --- checks -----------------------------------------------------------------------------------------------


def test_a_sound_workspace_passes_every_check_and_has_nothing_to_repair(swarm: Swarm, collected: Workspace) -> None:
    found = checks(swarm)
    assert list(found) == [
        *(
            "python",
            "sqlite",
            "git",
            "disk",
            "runtime",
            "sandbox",
            "database",
            "writable",
            "schema",
            "journal",
            "integrity",
        ),
        *("ledger", "triggers", "backups", "lock", *REMAINS, "rewinds", "repositories"),
    ]
    assert {name for name, (status, _) in found.items() if status != "pass"} <= {"disk", "runtime", "sandbox"}
    before = all_there_is(Repo(collected.folder.parent))
    assert swarm("doctor", "--fix").out.splitlines()[-1] == "Nothing to repair."
    assert repaired(swarm) == []
    assert all_there_is(Repo(collected.folder.parent)) == before


def test_a_ledger_that_was_edited_and_triggers_that_were_removed_fail(swarm: Swarm, workspace: Workspace) -> None:
    sql(workspace, "DROP TRIGGER the_ledger_is_not_edited")
    assert checks(swarm, exit=1)["triggers"][0] == "fail"
    sql(workspace, "UPDATE events SET reason = 'x' WHERE seq = 2")
    assert checks(swarm, exit=1)["ledger"] == ("fail", "the ledger is broken at event 2")


def test_a_journal_that_a_dead_writer_left_is_taken_back_by_opening(swarm: Swarm, collected: Workspace) -> None:
    before = sql(collected, "SELECT * FROM findings")
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        " c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN IMMEDIATE');"
        ' c.execute("UPDATE findings SET description = hex(zeroblob(200000))"); os.kill(os.getpid(), 9)'
    )
    subprocess.run([sys.executable, "-c", script, str(collected.db)], check=False)
    assert Path(f"{collected.db}-journal").exists()
    found = checks(swarm)
    assert found["journal"] == ("pass", "what a writer that died left half-written was taken back just now")
    assert found["integrity"][0] == "pass"
    assert sql(collected, "SELECT * FROM findings") == before
    assert checks(swarm)["journal"] == ("pass", "no writer left a journal behind")


def test_a_journal_of_a_writer_that_died_before_it_wrote_is_reported_and_the_next_writer_takes_it_away(
    swarm: Swarm, collected: Workspace
) -> None:
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        " c.execute('BEGIN IMMEDIATE'); c.execute(\"UPDATE findings SET description = 'x'\"); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(collected.db)], check=False)
    journal = Path(f"{collected.db}-journal")
    assert journal.read_bytes()[:1] in {b"", b"\0"}
    expected = f"{journal} was left by a writer that died before it wrote; the next command that writes takes it away"
    assert checks(swarm)["journal"] == ("pass", expected)
    swarm("approve", "--all")
    assert not journal.exists()


def test_a_repository_that_was_moved_is_reported(swarm: Swarm, workspace: Workspace, repo: Repo) -> None:
    sql(workspace, "UPDATE runs SET local_path = '/nowhere'")
    expected = f"1 name a repository that is not here: {workspace.run}"
    assert checks(swarm)["repositories"] == ("warn", expected)
    assert planned(swarm) == []


def test_a_repository_that_was_moved_with_a_wave_in_flight_is_led_back(
    swarm: Swarm, dispatched: Workspace, repo: Repo
) -> None:
    moved = repo.root.rename(repo.root.with_name("moved"))
    found = swarm("doctor", "--format", "json", cwd=moved).data["checks"]
    first = next(check for check in found if check["id"] == "repositories")
    lead = f"`ln -s '{moved}' '{repo.root}'`"
    assert first["hint"] == (
        f"move the folder back, or link its previous place to the new one: {lead}; then repeat the command"
    )
    subprocess.run(first["hint"].split("`")[1], shell=True, check=True)
    found = swarm("doctor", "--format", "json", cwd=moved).data["checks"]
    assert next(check for check in found if check["id"] == "repositories")["status"] == "pass"


def test_without_a_database_there_is_nothing_to_repair(swarm: Swarm, repo: Repo) -> None:
    assert swarm("doctor", "--fix").out.splitlines()[-1] == "Nothing to repair."
    assert not (repo.root / "swarms").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--apply",), "CLI_USAGE"),
        (("--fix", "--reason", "x"), "CLI_USAGE"),
        (("--fix", "--apply"), "REASON_REQUIRED"),
    ],
)
def test_repairing_is_asked_for_in_full(swarm: Swarm, workspace: Workspace, words: tuple[str, ...], code: str) -> None:
    assert swarm("doctor", *words, exit=CATALOGUE[code].exit_code).code == code


def test_an_agent_may_not_repair(swarm: Swarm, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARM_ATTEMPT", "1")
    assert swarm("doctor", "--fix", exit=1).code == "INSIDE_AGENT_WORKTREE"


# --- worktrees --------------------------------------------------------------------------------------------


def test_a_plan_changes_nothing(swarm: Swarm, repo: Repo, stranded: Workspace) -> None:
    (stranded.folder / f".note.{2**22}-abc.tmp").write_text("half")
    (stranded.folder / stranded.run).chmod(0o755)
    before = all_there_is(repo)
    lines = swarm("doctor", "--fix").out.splitlines()
    assert len(planned(swarm)) == 4
    assert all_there_is(repo) == before
    assert lines[-1] == "Nothing was changed. Next: swarm doctor --fix --apply --reason '…'"
    assert [line.partition(":")[0] for line in lines if line.startswith("planned")] == [
        *("planned  half_written", "planned  permissions", "planned  worktrees", "planned  worktrees"),
    ]


def test_empty_worktrees_of_a_dispatch_that_died_are_removed_with_their_branches(
    swarm: Swarm, repo: Repo, stranded: Workspace
) -> None:
    trees = stranded.folder / stranded.run / "worktrees"
    found = [("worktrees", f"remove the worktree {trees / name}, which is as new and of no agent") for name in NAMES]
    assert checks(swarm)["worktrees"][0] == "warn"
    assert planned(swarm) == found
    assert repaired(swarm) == [("worktrees", "done")] * 2
    assert list(trees.iterdir()) == []
    assert repo.git("for-each-ref", "refs/heads/swarm") == ""
    assert repo.git("worktree", "list").count("\n") == 0
    assert planned(swarm) == []
    swarm("dispatch", "health-audit-a", "--isolate")


NAMES = ("w1-code", "w1-rest")


def test_a_worktree_without_its_files_is_removed(swarm: Swarm, swarm_process: Swarm, workspace: Workspace) -> None:
    swarm_process("dispatch", "health-audit-a", "--isolate", exit=-9, SWARM_FAILPOINT="git.reset.before")
    assert {name for name, _ in planned(swarm)} == {"worktrees"}
    assert set(repaired(swarm)) == {("worktrees", "done")}
    assert list((workspace.folder / workspace.run / "worktrees").iterdir()) == []


def test_a_branch_of_no_agent_is_removed_where_it_holds_nothing(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    mine = f"swarm/{collected.run.rpartition('-')[2]}"
    for name in ("w7-code", "w7-rest", "integration"):
        repo.git("branch", f"{mine}/{name}")
    repo.git("switch", "-q", f"{mine}/w7-rest")
    repo.commit({"README.md": "# Mine\n"})
    repo.git("switch", "-q", "main")
    assert planned(swarm) == [
        ("worktrees", f"remove the branch {mine}/w7-code, which is of no agent and holds nothing")
    ]
    assert left(swarm) == [
        (
            "worktrees",
            f"branch {mine}/w7-rest is of no agent, and has commits that are nowhere else",
            f"look into it: `git log {mine}/w7-rest`; `git branch -D {mine}/w7-rest` removes it",
        )
    ]
    assert repaired(swarm) == [("worktrees", "done")]
    branches = set(repo.git("for-each-ref", "--format=%(refname:lstrip=4)", f"refs/heads/{mine}/").split())
    assert branches == {"integration", "w1-code", "w1-rest", "w7-rest"}


def test_what_a_doctor_who_was_killed_has_done_is_recorded_by_the_next(
    swarm: Swarm, stranded: Workspace, swarm_process: Swarm
) -> None:
    swarm_process(*APPLY, exit=-9, SWARM_FAILPOINT="commit.before:3")
    assert planned(swarm) == []
    swarm(*APPLY)
    found = sql(stranded, "SELECT kind, payload FROM events WHERE kind LIKE 'repair%' ORDER BY seq")
    assert [(kind, len(json.loads(payload)["repairs"])) for kind, payload in found] == [
        ("repair_begun", 2),
        ("repaired", 0),
    ]
    swarm(*APPLY)
    assert len(sql(stranded, "SELECT 1 FROM events WHERE kind LIKE 'repair%'")) == 2


@pytest.mark.parametrize("work", swept(["new", "edited", "committed", "staged", "deleted"], first=2))
def test_a_worktree_that_may_hold_work_is_named_and_left(
    swarm: Swarm, repo: Repo, stranded: Workspace, work: str
) -> None:
    tree = stranded.folder / stranded.run / "worktrees" / "w1-code"
    match work:
        case "new":
            (tree / "note.txt").write_text("mine")
        case "deleted":
            (tree / "src/app.py").unlink()
        case _:
            (tree / "src/app.py").write_text("# mine\n")
    if work in {"committed", "staged"}:
        repo.git("add", "-A", cwd=tree)
    if work == "committed":
        repo.git("commit", "-q", "-m", "mine", cwd=tree)
    if work == "staged":
        repo.git("checkout", "-q", "HEAD", "--", "README.md", cwd=tree)
    expected = f"{tree} belongs to no agent, and work may be in it"
    assert left(swarm) == [("worktrees", expected, f"`swarm clean {stranded.run}` tells what, and saves it")]
    assert repaired(swarm) == [("worktrees", "done")]
    assert tree.is_dir()
    branch = f"refs/heads/swarm/{stranded.run.rpartition('-')[2]}/w1-code"
    assert branch in repo.git("for-each-ref", "--format=%(refname)")


def test_the_worktrees_of_agents_are_not_checked(swarm: Swarm, dispatched: Workspace) -> None:
    assert (planned(swarm), left(swarm)) == ([], [])
    assert repaired(swarm) == []
    assert len(list((dispatched.folder / dispatched.run / "worktrees").iterdir())) == 2


def test_while_somebody_makes_worktrees_none_is_stranded(
    swarm: Swarm, repo: Repo, stranded: Workspace, sleeper: subprocess.Popen[bytes]
) -> None:
    import fcntl

    with (repo.root / ".git" / WORKTREE_LOCK).open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert planned(swarm) == []


def test_what_is_no_worktree_is_left(swarm: Swarm, stranded: Workspace, tmp_path: Path) -> None:
    trees = stranded.folder / stranded.run / "worktrees"
    (trees / "w9-link").symlink_to(tmp_path)
    (trees / "w9-file").write_text("x")
    (trees / "w9-folder").mkdir()
    (trees / "w9-folder" / "note").write_text("x")
    (trees / "w9-nothing").mkdir()
    kept = {Path(what.partition(" ")[0]).name for _, what, _ in left(swarm)}
    assert kept == {"w9-link", "w9-file", "w9-folder"}
    assert repaired(swarm) == [("worktrees", "done")] * 3
    assert {place.name for place in trees.iterdir()} == kept


def test_git_forgets_worktrees_whose_folders_were_removed(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    trees = collected.folder / collected.run / "worktrees"
    other = repo.root.parent / "elsewhere"
    repo.git("worktree", "add", "-q", "--detach", str(other))
    for name in NAMES:
        subprocess.run(["rm", "-r", str(trees / name)], check=True)
    subprocess.run(["rm", "-r", str(other)], check=True)
    assert [what for _, what in planned(swarm)] == [
        f"let git forget the worktree {trees / name}, whose folder is gone" for name in NAMES
    ]
    assert repaired(swarm) == [("worktrees", "done")] * 2
    listed = repo.git("worktree", "list", "--porcelain")
    assert "w1-code" not in listed
    # A worktree of the user's own may lie on a disk that is not here now.
    assert str(other) in listed
    assert len(repo.git("for-each-ref", "refs/heads/swarm").splitlines()) == 2


def test_a_forgotten_worktree_with_something_staged_is_left(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    tree = collected.folder / collected.run / "worktrees" / "w1-code"
    (tree / "src/app.py").write_text("# only staged\n")
    repo.git("add", "-A", cwd=tree)
    subprocess.run(["rm", "-r", str(tree)], check=True)
    assert planned(swarm) == []
    assert [what for _, what, _ in left(swarm)] == [
        f"git knows the worktree {tree}, whose folder is gone, and work may hang on it"
    ]


def scratch_tree(repo: Repo, place: Workspace, pid: int) -> Path:
    tree = place.folder / place.run / "worktrees" / f"proof-{pid}-0123456789ab"
    repo.git("worktree", "add", "-q", "--detach", str(tree))
    (tree / "built.txt").write_text("made by a build")
    return tree


def test_a_scratch_tree_that_nobody_holds_is_removed_and_one_that_is_held_stays_whatever_their_process_ids(
    swarm: Swarm, repo: Repo, collected: Workspace, dead_pid: int
) -> None:
    left, held = (scratch_tree(repo, collected, pid) for pid in (os.getpid(), dead_pid))
    handle = os.open(held, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert repaired(swarm) == [("scratch", "done")]
    os.close(handle)
    assert (left.exists(), held.exists()) == (False, True)
    assert str(left) not in repo.git("worktree", "list")


def test_where_no_folder_can_be_locked_a_scratch_tree_stays_while_its_process_lives(
    swarm: Swarm, repo: Repo, collected: Workspace, dead_pid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    dead, alive = (scratch_tree(repo, collected, pid) for pid in (dead_pid, os.getpid()))
    without = SimpleNamespace(LOCK_EX=fcntl.LOCK_EX, LOCK_NB=fcntl.LOCK_NB, flock=unsupported)
    monkeypatch.setattr("swarm.waves.trees.scratch_tree.fcntl", without)
    assert repaired(swarm) == [("scratch", "done")]
    assert (dead.exists(), alive.exists()) == (False, True)


# --- locks ------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(repo: Repo, dispatched: Workspace, dead_pid: int) -> Path:
    """The lock of a git that was killed in an agent's worktree, under a command of ours that was killed, too."""
    (repo.root / ".git" / WORKTREE_LOCK).write_text(f"{dead_pid} dispatch\n")
    lock = repo.root / ".git" / "worktrees" / "w1-code" / "index.lock"
    lock.write_bytes(b"")
    return lock


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="only there it is known who is at work")
def test_the_lock_of_a_git_of_ours_that_was_killed_is_removed(swarm: Swarm, locked: Path) -> None:
    assert planned(swarm) == [("locks", f"remove {locked}, which a git of ours left behind when it was killed")]
    assert repaired(swarm) == [("locks", "done")]
    assert not locked.exists()


def test_a_lock_whose_maker_nobody_knows_is_left(swarm: Swarm, repo: Repo, locked: Path) -> None:
    ours = repo.root / ".git" / WORKTREE_LOCK
    os.utime(locked, (1, 1))
    found = [("locks", f"{locked} keeps git from writing there", "if no git is at work there, remove it by hand")]
    assert (planned(swarm), left(swarm)) == ([], found)
    os.utime(locked)
    ours.write_text(f"{os.getpid()} dispatch\n")
    locked.touch()
    assert (planned(swarm), left(swarm)) == ([], found)
    ours.unlink()
    assert (planned(swarm), left(swarm)) == ([], found)
    assert repaired(swarm) == []
    assert locked.exists()


def test_a_lock_of_the_users_own_checkout_is_never_touched(swarm: Swarm, repo: Repo, locked: Path) -> None:
    own = repo.root / ".git" / "index.lock"
    own.write_bytes(b"")
    assert [what for _, what, _ in left(swarm)] == [f"{own} keeps git from writing there"]
    repaired(swarm)
    assert own.exists()


def test_a_lock_of_a_repository_with_several_runs_is_reported_once(
    swarm: Swarm, repo: Repo, collected: Workspace
) -> None:
    swarm("init", ".", "--new")
    own = repo.root / ".git" / "index.lock"
    own.write_bytes(b"")
    assert checks(swarm)["locks"] == ("warn", f"1 to look into: {own} keeps git from writing there")


# --- attempts, records, files -----------------------------------------------------------------------------


def test_an_attempt_whose_supervisor_is_dead_is_closed_and_its_process_ended(
    swarm: Swarm, dispatched: Workspace, dead_pid: int, sleeper: subprocess.Popen[bytes]
) -> None:
    _open_attempt(dispatched, dead_pid, sleeper)
    expected = f"close attempt 1 of wave 1 of {dispatched.run}, whose supervisor is dead"
    assert planned(swarm) == [("attempts", expected)]
    data = swarm(*APPLY).data
    assert [(repair["id"], repair["status"]) for repair in data["repairs"]] == [("attempts", "done")]
    assert sql(dispatched, "SELECT outcome, error_code FROM attempts") == [("killed", "SUPERVISOR_DIED")]
    assert sleeper.wait(timeout=20) < 0
    assert planned(swarm) == []


def test_an_attempt_whose_supervisor_lives_is_left(
    swarm: Swarm, dispatched: Workspace, sleeper: subprocess.Popen[bytes]
) -> None:
    _open_attempt(dispatched, os.getpid(), sleeper)
    assert planned(swarm) == []


def test_an_attempt_of_another_machine_is_named(
    swarm: Swarm, dispatched: Workspace, dead_pid: int, sleeper: subprocess.Popen[bytes]
) -> None:
    _open_attempt(dispatched, dead_pid, sleeper, host="elsewhere")
    expected = f"attempt 1 of wave 1 of {dispatched.run} was opened on elsewhere"
    assert (planned(swarm), left(swarm)) == ([], [("attempts", expected, "run `swarm doctor --fix` there")])


def _open_attempt(
    place: Workspace, supervisor: int, process: subprocess.Popen[bytes], host: str = processes.host()
) -> None:
    file = place.output("code").parent / "attempt-1" / "record.json"
    file.parent.mkdir()
    start = processes.start_of(process.pid)
    sql(
        place,
        "INSERT INTO attempts (agent_run_id, ordinal, runtime, argv, prompt_sha256, host, supervisor_pid, pid,"
        " pid_start, created, record_path) VALUES (1, 1, 'x', '[]', '', ?, ?, ?, ?, '2026-01-01T00:00:00.000Z', ?)",
        *(host, supervisor, process.pid, start, str(file)),
    )


def test_a_process_that_outlived_its_attempt_is_ended(
    swarm: Swarm, launched: Workspace, sleeper: subprocess.Popen[bytes]
) -> None:
    sql(launched, "UPDATE attempts SET pid = ?, pid_start = 'other' WHERE id = 1", sleeper.pid)
    # The same pid with another start is another process.
    assert planned(swarm) == []
    sql(launched, "UPDATE attempts SET pid_start = ? WHERE id = 1", processes.start_of(sleeper.pid))
    assert [name for name, _ in planned(swarm)] == ["processes"]
    assert repaired(swarm) == [("processes", "done")]
    assert sleeper.wait(timeout=20) < 0


def test_a_record_that_is_missing_is_written_again(swarm: Swarm, launched: Workspace) -> None:
    file = launched.output("code").parent / "attempt-1" / "record.json"
    before = file.read_bytes()
    file.unlink()
    for other in file.parent.iterdir():
        other.unlink()
    file.parent.rmdir()
    assert planned(swarm) == [("records", f"write the record of attempt 1 again: {file}")]
    assert repaired(swarm) == [("records", "done")]
    assert file.read_bytes() == before


def test_a_receipt_that_is_missing_is_written_again(swarm: Swarm, amended: Team) -> None:
    amended.merge()
    swarm("verify", amended.run)
    (file,) = (amended.place.folder / amended.run / "proofs").glob("verification-*.json")
    before = file.read_bytes()
    file.unlink()
    assert repaired(swarm) == [("records", "done")]
    assert file.read_bytes() == before


def test_half_written_files_of_dead_processes_are_removed(swarm: Swarm, collected: Workspace, dead_pid: int) -> None:
    wave = collected.folder / collected.run / "wave-1"
    tree = collected.folder / collected.run / "worktrees" / "w1-code"
    dead = [folder / f".receipt.json.{dead_pid}-abc.tmp" for folder in (collected.folder, wave)]
    copies = collected.folder / "backups"
    copies.mkdir(mode=0o700)
    dead.append(copies / "control-plane-v1-x.tmp")
    kept = [wave / f".receipt.json.{os.getpid()}-abc.tmp", wave / "mine.tmp", wave / ".mine.tmp"]
    kept.append(tree / f".receipt.json.{dead_pid}-abc.tmp")
    for file in (*dead, *kept):
        file.write_text("half")
        file.chmod(0o600)
    assert repaired(swarm) == [("half_written", "done")] * 3
    assert ([file.exists() for file in dead], [file.exists() for file in kept]) == ([False] * 3, [True] * 4)


def test_what_is_swarms_own_is_closed_to_others(swarm: Swarm, collected: Workspace) -> None:
    opened = [collected.db, collected.db.with_name("control-plane.db.lock"), collected.folder / collected.run]
    for place in opened:
        place.chmod(0o755 if place.is_dir() else 0o664)
    collected.folder.chmod(0o755)
    assert checks(swarm)["permissions"][0] == "warn"
    assert repaired(swarm) == [("permissions", "done")] * 3
    assert [stat.S_IMODE(place.stat().st_mode) for place in opened] == [0o600, 0o600, 0o700]
    # The folder that holds the workspace may be the user's own.
    assert stat.S_IMODE(collected.folder.stat().st_mode) == 0o755


def test_where_nothing_can_be_recorded_nothing_is_repaired(
    swarm: Swarm, stranded: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swarm.store.connection.os.access", lambda *_: False)
    assert swarm(*APPLY, exit=1).code == "CONTROL_PLANE_READ_ONLY"
    monkeypatch.undo()
    assert len(list((stranded.folder / stranded.run / "worktrees").iterdir())) == 2


def test_a_repair_that_does_not_succeed_is_reported_and_is_no_success(
    swarm: Swarm, stranded: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swarm.waves.doctor.repairs_of_git.worktree_list.forget", lambda *_: None)
    assert repaired(swarm, exit=1) == [("worktrees", "not_done")] * 2
