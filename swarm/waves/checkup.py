"""`doctor`: read-only checks of the machine, the database and the workspace."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.config import Config
from swarm.git import runner
from swarm.runtimes import processes, registry
from swarm.store import attempts, ledger, runs, waves
from swarm.store.connection import Store, open_store
from swarm.store.faults import lock_file
from swarm.store.locks import holder_of
from swarm.store.runs import Run
from swarm.waves.proving import is_in_use
from swarm.waves.results import Check, DoctorResult
from swarm.workspace import Workspace

PASS: Final = "pass"  # noqa: S105
WARN: Final = "warn"
FAIL: Final = "fail"
_LEAST_FREE: Final = 200 * 1024 * 1024
_LOW_FREE: Final = 1024 * 1024 * 1024
_FIRST_SOUND_WAL: Final = (3, 51, 3)
_OLDEST_SQLITE: Final = (3, 38, 0)


def check_up(workspace: Workspace, config: Config) -> DoctorResult:
    """Return every check, each pass, warn or fail, and the worst of them. Nothing is written."""
    checks = [_python(), _engine(), _git(), _disk(workspace), _runtime(config)]
    store, database = _database(workspace)
    checks += database
    if store is not None:
        with store:
            checks += _inside(store, workspace)
    order = (PASS, WARN, FAIL)
    return DoctorResult(tuple(checks), max((check.status for check in checks), key=order.index))


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", PASS, f"Python {version}", None)


def _engine() -> Check:
    version = tuple(int(part) for part in sqlite3.sqlite_version.split("."))
    told = f"SQLite {sqlite3.sqlite_version}"
    if version < _OLDEST_SQLITE:
        return Check(
            "sqlite",
            FAIL,
            f"{told} lacks what the control plane uses",
            "use a Python with SQLite 3.38 or newer",
        )
    if version < _FIRST_SOUND_WAL:
        note = "its write-ahead log can corrupt a file; swarm keeps a rollback journal, which is not affected"
        return Check("sqlite", PASS, f"{told}: {note}", None)
    return Check("sqlite", PASS, told, None)


def _git() -> Check:
    try:
        version = runner.version()
    except errors.SwarmError as error:
        return Check("git", FAIL, error.message, error.hint)
    told = "git " + ".".join(map(str, version))
    if version < runner.OLDEST:
        return Check("git", FAIL, f"{told} is too old", "install git 2.38 or newer")
    return Check("git", PASS, told, None)


def _disk(workspace: Workspace) -> Check:
    folder = workspace.folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    told = f"{free // (1024 * 1024):,} MiB free at {folder}"
    if free < _LEAST_FREE:
        return Check("disk", FAIL, told, "free some space; a full disk stops every wave")
    return Check("disk", WARN if free < _LOW_FREE else PASS, told, "free some space soon" if free < _LOW_FREE else None)


def _runtime(config: Config) -> Check:
    program = registry.runtime_named(registry.DEFAULT, config).program()
    if program.path is None:
        hint = "python -m pip install 'swarm-control-plane[analyzers]'"
        return Check("runtime", WARN, f"{registry.DEFAULT} is {program.why_not}", hint)
    return Check("runtime", PASS, f"{registry.DEFAULT} {program.version} at {program.path}", None)


def _database(workspace: Workspace) -> tuple[Store | None, list[Check]]:
    path = workspace.database
    try:
        store = open_store(path, "doctor")
    except errors.ControlPlaneMissing as error:
        return None, [Check("database", WARN, error.message, error.hint)]
    except errors.SwarmError as error:
        return None, [Check("database", FAIL, error.message, error.hint)]
    checks = [Check("database", PASS, f"{path} can be read", None)]
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    told = f"{path} can be written" if writable else f"{path} or its folder is read-only"
    hint = None if writable else "make the file and its folder writable for this user"
    checks.append(Check("writable", PASS if writable else FAIL, told, hint))
    mode = path.stat().st_mode & 0o077
    if mode:
        told = f"{path} can be read by others"
        checks.append(Check("permissions", WARN, told, f"chmod 600 '{path}'"))
    return store, checks


def _inside(store: Store, workspace: Workspace) -> Iterator[Check]:
    damage = store.damage()
    yield (
        Check("integrity", PASS, "SQLite finds no damage", None)
        if damage is None
        else Check("integrity", FAIL, f"SQLite says: {damage}", "restore the newest file of backups/")
    )
    broken = ledger.broken_link(store.conn)
    yield (
        Check("ledger", PASS, "every link of the ledger holds", None)
        if broken is None
        else Check("ledger", FAIL, f"the ledger is broken at event {broken}", "restore the newest file of backups/")
    )
    yield _lock(workspace)
    yield from _runs(store, workspace)


def _lock(workspace: Workspace) -> Check:
    holder = holder_of(lock_file(workspace.database))
    return Check("lock", PASS, f"last held by {holder}" if holder else "never held", None)


def _runs(store: Store, workspace: Workspace) -> Iterator[Check]:
    orphans, lost, missing = [], [], []
    for counted in runs.all_with_counts(store.conn):
        run = counted.run
        if not Path(run.local_path).is_dir():
            missing.append(run.id)
        wave = waves.in_flight(store.conn, run.id)
        if wave is not None:
            for own in attempts.of_wave(store.conn, wave.id).values():
                last = own[-1]
                if last.outcome is None and not processes.is_alive(
                    last.supervisor_pid, _any_start(last.supervisor_pid)
                ):
                    orphans.append(f"attempt {last.id} of {run.id}")
        lost += _stranded(store, workspace, run)
    yield _listed(
        "attempts",
        orphans,
        "no attempt is left open",
        "left open by a launch that died",
        "swarm launch goes on with them",
    )
    yield _listed(
        "worktrees",
        lost,
        "no worktree is stranded",
        "belong to no agent",
        "look into them; `git worktree remove` takes away an empty one",
    )
    yield _listed(
        "repositories",
        missing,
        "every run's repository is here",
        "name a repository that is not here",
        "run swarm where the repository is",
    )


def _any_start(pid: int) -> str:
    return processes.start_of(pid) or "gone"


def _stranded(store: Store, workspace: Workspace, run: Run) -> list[str]:
    """Return the trees that no agent run has, and the shared ones of waves that have ended."""
    folder = workspace.run_folder(run.id) / "worktrees"
    if not folder.is_dir():
        return []
    known = waves.trees_in_use(store.conn, run.id)
    return [str(tree) for tree in sorted(folder.iterdir()) if str(tree) not in known and not is_in_use(tree)]


def _listed(name: str, found: list[str], good: str, bad: str, hint: str) -> Check:
    if not found:
        return Check(name, PASS, good, None)
    shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")  # noqa: PLR2004
    return Check(name, WARN, f"{len(found)} {bad}: {shown}", hint)
