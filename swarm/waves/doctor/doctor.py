"""`doctor`: read-only checks of the machine, the database and the workspace."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.config import Config
from swarm.git import runner
from swarm.installed import install_command
from swarm.locks import holder_of, is_held
from swarm.results.doctor import Check, DoctorResult
from swarm.runtimes import registry
from swarm.runtimes.sandbox import NONE, backend_here
from swarm.store import ledger, migrations, runs, waves
from swarm.store.backups import kept_copies, remedy
from swarm.store.connection import Store, open_store
from swarm.store.runs import Run
from swarm.store.writers import lock_file
from swarm.waves import run_place
from swarm.waves.clean.unfinished_rewind import unfinished_rewind
from swarm.waves.doctor import repairs
from swarm.waves.doctor.repairs import Ward
from swarm.workspace import Workspace

PASS: Final = "pass"  # noqa: S105
WARN: Final = "warn"
FAIL: Final = "fail"
_LEAST_FREE: Final = 200 * 1024 * 1024
_LOW_FREE: Final = 1024 * 1024 * 1024
_FIRST_SOUND_WAL: Final = (3, 51, 3)
_OLDEST_SQLITE: Final = (3, 38, 0)
# A walk along all of a long ledger takes seconds: `ledger verify` does that.
_QUICK: Final = 10_000
_MOST_NAMED: Final = 3
_GOOD: Final = {
    "attempts": "no attempt is left open by a launch that died",
    "processes": "no process has outlived its attempt",
    "records": "every attempt and verification has its file",
    "half_written": "no file was left half-written",
    "permissions": "what is swarm's own is closed to others",
    "worktrees": "no worktree is stranded",
    "scratch": "no scratch tree was left behind",
    "locks": "no git left a lock behind",
}


def doctor(workspace: Workspace, config: Config) -> DoctorResult:
    """Return every check, each pass, warn or fail, and the worst status. Nothing is written.

    Only SQLite itself may write: opening a database rolls back the transaction of a writer that died.
    """
    checks = [_python(), _engine(), _git(), _disk(workspace), _runtime(config), _sandbox(config)]
    # Before the database is opened: opening rolls a journal back and removes the trace.
    had_journal = _journal(workspace).exists()
    store, database = _database(workspace)
    checks += database
    if store is not None:
        with store:
            checks += _inside(store, workspace, had_journal=had_journal)
    order = (PASS, WARN, FAIL)
    return DoctorResult(tuple(checks), max((check.status for check in checks), key=order.index))


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", PASS, f"Python {version}", None)


def _engine() -> Check:
    version = tuple(int(part) for part in sqlite3.sqlite_version.split("."))
    text = f"SQLite {sqlite3.sqlite_version}"
    if version < _OLDEST_SQLITE:
        return Check(
            "sqlite",
            FAIL,
            f"{text} lacks what the control plane uses",
            "use a Python with SQLite 3.38 or newer",
        )
    # Informational: swarm never turns the write-ahead log on.
    if version < _FIRST_SOUND_WAL:
        note = "its write-ahead log can corrupt a file; swarm keeps a rollback journal, which is not affected"
        return Check("sqlite", PASS, f"{text}: {note}", None)
    return Check("sqlite", PASS, text, None)


def _git() -> Check:
    try:
        version = runner.version()
    except errors.SwarmError as error:
        return Check("git", FAIL, error.message, error.hint)
    text = "git " + ".".join(map(str, version))
    if version < runner.OLDEST:
        return Check("git", FAIL, f"{text} is too old", "install git 2.38 or newer")
    return Check("git", PASS, text, None)


def _disk(workspace: Workspace) -> Check:
    folder = workspace.folder
    # The workspace may not exist yet; its disk is the disk of the nearest folder above.
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free // (1024 * 1024):,} MiB free at {folder}"
    if free < _LEAST_FREE:
        return Check("disk", FAIL, text, "free some space; a full disk stops every wave")
    return Check("disk", WARN if free < _LOW_FREE else PASS, text, "free some space soon" if free < _LOW_FREE else None)


def _runtime(config: Config) -> Check:
    program = registry.runtime_named(registry.DEFAULT, config).program()
    if program.path is None:
        return Check("runtime", WARN, f"{registry.DEFAULT} is {program.why_not}", install_command("[analyzers]"))
    return Check("runtime", PASS, f"{registry.DEFAULT} {program.version} at {program.path}", None)


def _sandbox(config: Config) -> Check:
    """Return whether a sandbox really starts; who turned it off by `swarm.toml` has recorded why."""
    if config.sandbox.backend == NONE:
        return Check("sandbox", PASS, f"turned off by swarm.toml: {config.sandbox.reason}", None)
    backend, problem = backend_here()
    if problem is not None:
        hint = "install bubblewrap (`apt-get install bubblewrap`)"
        return Check("sandbox", WARN, f"agents and builds run without a sandbox ({problem})", hint)
    return Check("sandbox", PASS, f"{backend} holds agents and builds", None)


def _database(workspace: Workspace) -> tuple[Store | None, list[Check]]:
    path = workspace.database
    try:
        store = open_store(path, "doctor")
    except errors.ControlPlaneMissing as error:
        return None, [Check("database", WARN, error.message, error.hint)]
    except errors.SwarmError as error:
        return None, [Check("database", FAIL, error.message, error.hint)]
    checks = [Check("database", PASS, f"{path} can be read", None)]
    # The folder too: SQLite makes its journal there.
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    text = f"{path} can be written" if writable else f"{path} or its folder is read-only"
    hint = None if writable else "make the file and its folder writable for this user"
    checks.append(Check("writable", PASS if writable else FAIL, text, hint))
    return store, checks


def _inside(store: Store, workspace: Workspace, *, had_journal: bool) -> Iterator[Check]:
    yield Check("schema", PASS, f"schema version {migrations.current()}, which is this build's", None)
    yield _half_committed(workspace, had_journal=had_journal)
    damage = store.damage()
    yield (
        Check("integrity", PASS, "SQLite finds no damage", None)
        if damage is None
        else Check("integrity", FAIL, f"SQLite says: {damage}", remedy(workspace.database))
    )
    yield from _ledger(store, workspace)
    yield _backups(workspace)
    yield _lock(workspace)
    yield from _remains(repairs.wards(store, workspace))
    every = [run for run, *_ in runs.all_with_counts(store.conn)]
    yield _rewinds(store, [run_place.placed(run, workspace.folder) for run in every])
    yield _repositories(store, workspace, every)


def _rewinds(store: Store, every: Sequence[Run]) -> Check:
    begun = {run.id: line for run in every if (line := unfinished_rewind(store.conn, run))}
    if not begun:
        return Check("rewinds", PASS, "no rewind was broken off", None)
    run_id, line = next(iter(begun.items()))
    hint = f"`{line} --apply --reason '…'` ends it; `swarm undo {run_id}` takes it back"
    named = _named([f"`{line}`" for line in begun.values()])
    return Check("rewinds", WARN, f"{len(begun)} begun and not finished: {named}", hint)


def _repositories(store: Store, workspace: Workspace, every: Sequence[Run]) -> Check:
    missing = [run for run in every if not Path(run.local_path).is_dir()]
    if not missing:
        return Check("repositories", PASS, "every run's repository is here", None)
    text = f"{len(missing)} name a repository that is not here: {_named([run.id for run in missing])}"
    hint = "where it was moved, name the place: `--repo-path PATH`; else run swarm where the repository is"
    try:
        for run in missing:
            # Only a wave in flight has prompts and trees whose absolute paths still matter.
            if waves.in_flight(store.conn, run.id) is not None:
                run_place.hold_to_place(store.conn, workspace, run)
    except errors.WorkspaceMoved as moved:
        return Check("repositories", WARN, f"{text}; {moved.message}", moved.hint)
    return Check("repositories", WARN, text, hint)


def _journal(workspace: Workspace) -> Path:
    return workspace.database.with_name(workspace.database.name + "-journal")


def _half_committed(workspace: Workspace, *, had_journal: bool) -> Check:
    journal = _journal(workspace)
    if not had_journal:
        return Check("journal", PASS, "no writer left a journal behind", None)
    if not journal.exists():
        return Check("journal", PASS, "what a writer that died left half-written was taken back just now", None)
    if not is_held(lock_file(workspace.database)) and _is_blank(journal):
        text = f"{journal} was left by a writer that died before it wrote"
        return Check("journal", PASS, f"{text}; the next command that writes takes it away", None)
    text = f"{journal} is there: a writer is at work, or died and the folder cannot be written"
    return Check("journal", WARN, text, "run the command again in a moment; never remove that file by hand")


def _is_blank(journal: Path) -> bool:
    """Say whether a journal holds nothing to roll back: its first byte is zero until the journal is on the disk."""
    try:
        with journal.open("rb") as stream:
            return stream.read(1) in {b"", b"\0"}
    except OSError:
        return False


def _ledger(store: Store, workspace: Workspace) -> Iterator[Check]:
    broken = ledger.examine(store.conn, tail=_QUICK).broken
    yield (
        Check("ledger", PASS, f"the last {_QUICK:,} links of the ledger hold", None)
        if broken is None
        else Check("ledger", FAIL, f"the ledger is broken at event {broken.seq}", remedy(workspace.database))
    )
    text = "the triggers that keep the ledger from being edited"
    yield (
        Check("triggers", PASS, f"{text} are there", None)
        if ledger.has_triggers(store.conn)
        else Check("triggers", FAIL, f"{text} are gone", "`swarm ledger verify` and `swarm ledger replay --check` tell")
    )


def _backups(workspace: Workspace) -> Check:
    copies = kept_copies(workspace.database)
    text = f"{len(copies)}, the newest is {copies[-1]}" if copies else "none; one is made before each upgrade"
    return Check("backups", PASS, text, None)


def _lock(workspace: Workspace) -> Check:
    file = lock_file(workspace.database)
    holder = holder_of(file)
    if is_held(file):
        return Check("lock", PASS, f"held by {holder}", None)
    return Check("lock", PASS, f"free, last held by {holder}" if holder else "never held", None)


def _remains(found: Sequence[Ward]) -> Iterator[Check]:
    """Report the repairs by kind, and the findings that are left to other verbs."""
    for name, good in _GOOD.items():
        steps = [step.what for ward in found for step in ward.steps if step.id == name]
        left = [alone for ward in found for alone in ward.left if alone.id == name]
        others = f"{len(left)} to look into: {_named([alone.what for alone in left])}" if left else ""
        if steps:
            text = "; ".join(filter(None, (f"{len(steps)} to be repaired: {_named(steps)}", others)))
            yield Check(name, WARN, text, "`swarm doctor --fix` shows the plan, and `--apply --reason '…'` does it")
        elif left:
            yield Check(name, WARN, others, left[0].hint)
        else:
            yield Check(name, PASS, good, None)


def _named(found: Sequence[str]) -> str:
    return "; ".join(found[:_MOST_NAMED]) + (
        f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    )
