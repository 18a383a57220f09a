"""Supervisors of a wave: at most one at a time, and the processes and files that dead supervisors left."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.files import is_in_place, left_unfinished, make_folder
from swarm.runtimes import processes
from swarm.store import agent_runs, attempts, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt, Ending
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.launch import attempt_files
from swarm.workspace import AGENT_VARIABLE, Workspace

_MOMENT: Final = 0.2
# The variables by which a process of an attempt is known.
MARK: Final = (AGENT_VARIABLE, "SWARM_ATTEMPT_FOLDER")


@contextmanager
def only_supervisor(workspace: Workspace, run: Run, wave: Wave) -> Iterator[None]:
    """Hold the launch lock of a wave. Raises LaunchInProgress, naming the process that holds it."""
    from swarm.locks import LockTaken, locked

    lock = workspace.launch_lock(run.id, wave.number)
    make_folder(lock.parent)
    try:
        # Wait a moment, for a dry-run that tests the lock holds it that long, but no longer: rewind takes this lock
        # under the lock of worktrees, and resume the other way round, so a long wait could be a deadlock.
        with locked(lock, "launch", timeout=_MOMENT):
            yield
    except LockTaken as taken:
        holder = f" by process {taken.holder.partition(' ')[0]}" if taken.holder else ""
        raise errors.LaunchInProgress(number=wave.number, holder=holder, run_id=run.id) from taken


def wave_to_launch(conn: sqlite3.Connection, workspace: Workspace, run: Run) -> Wave:
    """Return the wave in flight of a run. Raises NoWaveToLaunch, ControlPlaneForeign."""
    wave = waves.in_flight(conn, run.id)
    if wave is None:
        raise errors.NoWaveToLaunch(run_id=run.id)
    _hold_to_own_folder(workspace, run, wave)
    return wave


def _hold_to_own_folder(workspace: Workspace, run: Run, wave: Wave) -> None:
    """Refuse to launch through a link in the place of a wave's folders. Raises ControlPlaneForeign.

    A clone and an archive bring links, and an attempt would write its logs where they lead.
    """
    folder, trees = workspace.wave_folder(run.id, wave.number), workspace.trees_folder(run.id)
    places = [place for place in (folder, trees) if place.exists()]
    strange = [place for place in places if not is_in_place(place, workspace.folder)]
    strange = strange or [entry for place in places for entry in place.iterdir() if entry.is_symlink()]
    if strange:
        problem = f"a link leads {'/'.join(strange[0].parts[-3:])} out of its place"
        remedy = f"remove the link, then repeat `swarm launch {run.id}`"
        raise errors.ControlPlaneForeign(path=str(workspace.database), problem=problem, remedy=remedy)


def hold_to_status(conn: sqlite3.Connection, wave: Wave) -> None:
    """Raises StateConflict when a wave is no longer the newest, or no longer in the state in which it was read."""
    now = waves.newest(conn, wave.run_id)
    if now is None or (now.id, now.status) != (wave.id, wave.status):
        raise errors.StateConflict(subject=f"Wave {wave.number}", expected=wave.status.value, run_id=wave.run_id)


def hold_to_no_supervisor(workspace: Workspace, run: Run, wave: Wave) -> None:
    """Raises LaunchInProgress where a process works on a wave's agents; writes no lock file, for a dry-run."""
    from swarm.locks import holder_of, is_held

    lock = workspace.launch_lock(run.id, wave.number)
    if is_held(lock):
        holder = f" by process {holder_of(lock).partition(' ')[0]}"
        raise errors.LaunchInProgress(number=wave.number, holder=holder, run_id=run.id)


def hold_to_no_orders(conn: sqlite3.Connection, run: Run, wave: Wave) -> None:
    """Refuse to end a wave whose agents are worked on by other machines. Raises LaunchInProgress."""
    for _, attempt in open_attempts(conn, wave):
        if attempt.engine is not None:
            raise errors.LaunchInProgress(number=wave.number, holder=f" on the engine {attempt.engine}", run_id=run.id)


def open_attempts(conn: sqlite3.Connection, wave: Wave) -> Iterator[tuple[AgentRun, Attempt]]:
    """Yield the agents of a wave whose newest attempt has no end yet, with that attempt."""
    by_agent = attempts.of_wave(conn, wave.id)
    for agent in agent_runs.current(conn, wave.id):
        own = by_agent.get(agent.id, [])
        if own and own[-1].outcome is None:
            yield agent, own[-1]


def close_dead_attempts(store: Store, run: Run, wave: Wave) -> None:
    """End processes of a dead supervisor, close its attempts, and write the records that are missing."""
    for own in attempts.of_wave(store.conn, wave.id).values():
        # Only the last attempt can be open: the table allows a single open attempt per agent run.
        attempt = own[-1]
        _sweep(Path(attempt.record_path).parent)
        if attempt.outcome is not None and not Path(attempt.record_path).exists():
            attempt_files.write(Path(attempt.record_path), store.conn, attempt.id)
        # A pid of another machine may be any process here.
        if attempt.outcome is not None or attempt.host != processes.host():
            continue
        for pid, start in _processes_of(attempt):
            processes.end_group(pid, start)
        # A process that made its own session left the group, but its environment still names the attempt.
        processes.end_all_with(mark_of(attempt))
        ending = Ending("killed", 3, error_code="SUPERVISOR_DIED", error_fragment="its supervisor ended before it")
        with store.mutation() as conn:
            attempts.close(conn, run.id, wave.id, attempt.id, ending)
        attempt_files.write(Path(attempt.record_path), store.conn, attempt.id)


def _sweep(folder: Path) -> None:
    """Remove the temporary files that a supervisor was writing when it died."""
    if folder.is_dir() and attempt_files.is_in_place_of_attempt(folder):
        for file in left_unfinished(folder):
            file.unlink(missing_ok=True)


def _processes_of(attempt: Attempt) -> list[tuple[int, str]]:
    """Return the leaders of an attempt's groups; a supervisor may die before it records the process."""
    if attempt.pid is not None and attempt.pid_start:
        return [(attempt.pid, attempt.pid_start)]
    # A supervisor killed between spawn and `record_process` leaves the environment as the only trace.
    return processes.leaders_with(mark_of(attempt))


def mark_of(attempt: Attempt) -> dict[str, str]:
    """Return the environment variables that every process of an attempt has, and no process of another."""
    # Id and path together: another control plane can have an attempt of the same id.
    return marked(attempt.id, Path(attempt.record_path).parent)


def marked(attempt_id: int | str, folder: Path) -> dict[str, str]:
    """Return the marks of an attempt with a folder of its own."""
    return dict(zip(MARK, (str(attempt_id), str(folder)), strict=True))
