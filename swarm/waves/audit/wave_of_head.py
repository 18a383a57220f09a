"""The run and the wave of an audit, over HEAD or the files as they are, and waves in flight that it must not touch."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from swarm import errors, stage_events
from swarm.config import Config
from swarm.git.repository import Repository
from swarm.results.audit import WaveLeftAlone
from swarm.rules.phases import Phase, is_audit
from swarm.runtimes.registry import Ready
from swarm.store import runs, waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.trust import Trust
from swarm.waves.audit.looked_at import may_prove_fixed, refuse_nothing_to_look_at
from swarm.waves.dispatch import preconditions
from swarm.waves.dispatch.dispatch import dispatch_isolated
from swarm.waves.dispatch.preconditions import refusals_reported
from swarm.waves.dispatch.wave_plan import DispatchRequest
from swarm.waves.dispatched_here import is_own
from swarm.waves.run_place import open_run_of
from swarm.waves.setup.init import init, mapped
from swarm.workspace import Workspace


def own_run(
    conn: sqlite3.Connection, workspace: Workspace, repository: Repository, trust: Trust
) -> tuple[Run | None, WaveLeftAlone | None]:
    """Return the run of an audit, and the wave in flight in whose run it would be, if others had not dispatched that.

    A run with a wave of others is left alone, however new it claims to be.
    """
    others = {wave.run_id: wave for wave in waves.every_in_flight(conn) if not is_own(conn, workspace, wave, trust)}
    run = open_run_of(conn, workspace, repository, others)
    newest = open_run_of(conn, workspace, repository) if others else None
    if newest is None or (wave := others.get(newest.id)) is None:
        return run, None
    return run, WaveLeftAlone(wave.run_id, wave.number, wave.phase)


def new_run(store: Store, workspace: Workspace, repository: Repository, looked_at: str, *, is_first: bool) -> Run:
    """Make a run of a repository that has none yet: from HEAD, with a map of the files of the commit looked at.

    Raises RunOpen where the control plane had no run at all when the audit began, and another audit made one since.
    """
    mapping = mapped(repository._replace(head=looked_at), "auto")
    # Beside a run whose wave in flight is not this user's own, which an audit leaves alone.
    made = init(store, workspace, repository, mapping=mapping, beside=not is_first, maker="audit")
    stage_events.emit("run_created", run_id=made.run_id, commit=made.commit_sha)
    run = runs.find(store.conn, made.run_id)
    if run is None:
        raise errors.RunNotFound(run_id=made.run_id)
    return run


def refuse_others_work(store: Store, run: Run, wave: Wave, phase: Phase) -> None:
    """Refuse a wave in flight in which others work. Raises DispatchWaveInFlight."""
    # An amend wave would change code, a review answers other questions, and people work in the trees of a wave that
    # names no runtime.
    if wave.is_review or not (is_audit(wave.phase) and wave.runtime):
        with refusals_reported(None):
            preconditions.no_wave_in_flight(store.conn, run, phase)


def refuse_nothing_at_head(
    store: Store, run: Run | None, repository: Repository, ready: Sequence[Ready], folder: Path, *, is_named: bool
) -> None:
    """Refuse an audit that has no file to look at, and no finding that it could prove fixed."""
    if run is None or not may_prove_fixed(store.conn, run, ready):
        refuse_nothing_to_look_at(repository, ready, folder, is_named=is_named)


def dispatched(
    store: Store,
    workspace: Workspace,
    run: Run,
    checkout: Repository,
    phase: Phase,
    runtime: str,
    config: Config,
    *,
    snapshot: str | None,
) -> Wave:
    """Dispatch a wave over HEAD, or over a snapshot of the checkout's files, and return it in flight."""
    with refusals_reported(None):
        wanted = DispatchRequest(phase, runtime=runtime, snapshot=snapshot)
        wave, dispatched = dispatch_isolated(store, workspace, run, wanted, config, checkout=checkout)
    if count := dispatched.edited_files_not_seen:
        stage_events.emit("edited_files_not_seen", count=count)
    for warning in dispatched.warnings:
        stage_events.emit("warning", run_id=run.id, message=warning)
    return wave
