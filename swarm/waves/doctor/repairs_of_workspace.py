"""Processes, records and files that dead commands and agents left behind, and their repairs."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.files import is_in_place, left_unfinished, make_folder
from swarm.locks import is_held
from swarm.results.doctor import LeftAlone
from swarm.runtimes import processes
from swarm.store import attempts, runs, waves
from swarm.store import receipts as receipts_table
from swarm.store.attempts import Attempt
from swarm.store.backups import backups
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.store.writers import lock_file, writers_queue
from swarm.waves.launch import attempt_files, supervision
from swarm.waves.prove import record_verification
from swarm.workspace import Workspace

_OTHERS: Final = 0o077
_Marked = Mapping[frozenset[tuple[str, str]], list[int]]


class Step(NamedTuple):
    """A safe repair; `act` checks again, repairs, and says whether the repair was done."""

    id: str
    what: str
    act: Callable[[], bool]


def remains(store: Store, workspace: Workspace) -> Iterator[Step | LeftAlone]:
    """Yield the repairs of processes, records, half-written files and rights. Nothing is changed."""
    # A single walk over all processes: a walk for each attempt would take seconds.
    marked = processes.by_variables(*supervision.MARK)
    for counted in runs.all_with_counts(store.conn):
        run = counted.run
        for wave in waves.all_of(store.conn, run.id):
            yield from _attempts(store, workspace, run, wave, marked)
        yield from _receipts(store, workspace, run)
    yield from _unfinished(store, workspace)
    yield from _rights(store, workspace)


def _attempts(store: Store, workspace: Workspace, run: Run, wave: Wave, marked: _Marked) -> Iterator[Step | LeftAlone]:
    # A living supervisor closes its own attempts and writes their records.
    if is_held(workspace.launch_lock(run.id, wave.number)):
        return
    every = [attempt for own in attempts.of_wave(store.conn, wave.id).values() for attempt in own]
    here = processes.host()
    where = f"wave {wave.number} of {run.id}"
    for attempt in every:
        # Process ids of another machine mean nothing here.
        if attempt.outcome is None and attempt.host != here:
            text = f"attempt {attempt.id} of {where} was opened on {attempt.host}"
            yield LeftAlone("attempts", text, "run `swarm doctor --fix` there")
    dead = [
        attempt for attempt in every if attempt.outcome is None and attempt.host == here and not _supervised(attempt)
    ]
    if dead:
        text = f"close attempt {', '.join(str(attempt.id) for attempt in dead)} of {where}, whose supervisor is dead"
        yield Step("attempts", text, partial(_close, store, workspace, run, wave))
    over = [attempt for attempt in every if attempt.outcome is not None and attempt.host == here]
    yield from _outlived(over + dead, marked, where)
    for attempt in every:
        if attempt.outcome is None:
            continue
        file = Path(attempt.record_path)
        # Written only where no agent has put a link in the way.
        if not file.exists() and is_in_place(file.parent.parent, workspace.folder):
            text = f"write the record of attempt {attempt.id} again: {file}"
            yield Step("records", text, partial(_record, store, file, attempt.id))


def _outlived(ended: list[Attempt], marked: _Marked, where: str) -> Iterator[Step]:
    """Yield the processes that outlived their attempts: those with the mark, and the leader of the group."""
    for attempt in ended:
        living = {
            pid for pid in marked.get(frozenset(supervision.mark_of(attempt).items()), ()) if processes.start_of(pid)
        }
        # Closing an attempt of a dead supervisor ends its process as well.
        if (
            attempt.outcome is not None
            and attempt.pid is not None
            and processes.is_alive(attempt.pid, attempt.pid_start)
        ):
            living.add(attempt.pid)
        if living:
            named = f"process{'es' if len(living) > 1 else ''} {', '.join(map(str, sorted(living)))}"
            state = "which is over" if attempt.outcome is not None else "whose supervisor is dead"
            yield Step("processes", f"end {named} of attempt {attempt.id} of {where}, {state}", partial(_end, attempt))


def _supervised(attempt: Attempt) -> bool:
    return processes.start_of(attempt.supervisor_pid) is not None


def _close(store: Store, workspace: Workspace, run: Run, wave: Wave) -> bool:
    try:
        with supervision.only_supervisor(workspace, run, wave):
            supervision.close_dead_attempts(store, run, wave)
    except errors.LaunchInProgress:
        return False
    return True


def _end(attempt: Attempt) -> bool:
    mark = supervision.mark_of(attempt)
    if attempt.pid is not None and attempt.pid_start:
        # The start time is compared with the pid: the pid may belong to another process by now.
        processes.end_group(attempt.pid, attempt.pid_start)
    processes.end_all_with(mark)
    return not processes.is_alive(attempt.pid, attempt.pid_start) and not processes.all_with(mark)


def _record(store: Store, file: Path, attempt_id: int) -> bool:
    make_folder(file.parent)
    attempt_files.write(file, store.conn, attempt_id)
    return file.exists()


def _receipts(store: Store, workspace: Workspace, run: Run) -> Iterator[Step]:
    folder = workspace.proofs_folder(run.id)
    if not is_in_place(folder, workspace.folder):
        return
    receipts = receipts_table.receipts_of(store.conn, run.id)
    kept = [receipt.verification_id for receipt in receipts if receipt.verification_id is not None]
    files = [file for number in kept if not (file := workspace.receipt_file(run.id, number)).exists()]
    if files:
        named = ", ".join(map(str, files))
        yield Step("records", f"write receipts again: {named}", partial(_write_receipts, store, workspace, run, files))


def _write_receipts(store: Store, workspace: Workspace, run: Run, files: list[Path]) -> bool:
    record_verification.write_receipts(store.conn, workspace, run)
    return all(file.exists() for file in files)


def _unfinished(store: Store, workspace: Workspace) -> Iterator[Step]:
    for folder in _folders(store, workspace):
        for file in left_unfinished(folder):
            yield Step("half_written", f"remove {file}, whose writer is dead", partial(_remove_unfinished, file))
    copies = backups(workspace.database)
    if is_in_place(copies, workspace.folder) and not is_held(lock_file(workspace.database)):
        for file in sorted(copies.glob("control-plane-*.tmp")):
            text = f"remove {file}, a backup that was not written to its end"
            yield Step("half_written", text, partial(_remove_backup, workspace, file))


def _folders(store: Store, workspace: Workspace) -> Iterator[Path]:
    """Yield the folders that swarm writes in: the workspace and its runs, without worktrees and links."""
    yield workspace.folder
    for counted in runs.all_with_counts(store.conn):
        root = workspace.run_folder(counted.run.id)
        trees = workspace.trees_folder(counted.run.id)
        if not is_in_place(root, workspace.folder):
            continue
        for place, inner, _ in os.walk(root):
            # Worktrees belong to agents, and walking their files would take minutes.
            inner[:] = [name for name in inner if Path(place, name) != trees]
            yield Path(place)


def _remove_unfinished(file: Path) -> bool:
    # Checked again: the writer may have been slow and not dead.
    if file not in left_unfinished(file.parent):
        return False
    file.unlink(missing_ok=True)
    return True


def _remove_backup(workspace: Workspace, file: Path) -> bool:
    # A backup is made by the writer that holds the queue: while this call holds the queue, no backup is being made.
    with writers_queue(workspace.database, "doctor"):
        file.unlink(missing_ok=True)
    return True


def _rights(store: Store, workspace: Workspace) -> Iterator[Step | LeftAlone]:
    copies = backups(workspace.database)
    own = [workspace.database, lock_file(workspace.database), copies, *sorted(copies.glob("control-plane-*"))]
    own += [workspace.run_folder(counted.run.id) for counted in runs.all_with_counts(store.conn)]
    for place in own:
        found = _lstat(place)
        if found is None or stat.S_ISLNK(found.st_mode) or not found.st_mode & _OTHERS:
            continue
        text = f"{place} can be read or written by others"
        if found.st_uid != os.geteuid():
            yield LeftAlone("permissions", text, f"it belongs to another user, who may run `chmod go= '{place}'`")
        else:
            yield Step("permissions", f"take from others their rights on {place}", partial(_close_to_others, place))


def _close_to_others(place: Path) -> bool:
    found = _lstat(place)
    if found is None or stat.S_ISLNK(found.st_mode):
        return False
    place.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
    return True


def _lstat(place: Path) -> os.stat_result | None:
    try:
        return place.lstat()
    except OSError:
        return None
