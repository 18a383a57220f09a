"""`audit`: run, freeze, dispatch, launch, collect, and report the changes."""

from pathlib import Path
from typing import NamedTuple

from swarm import errors, stage_events
from swarm.config import Config
from swarm.git.edits import edits_of
from swarm.git.repository import Repository, commit_of, repository_at
from swarm.results.audit import AuditResult, BaselineShown, FinishedWave
from swarm.results.collect import CollectResult
from swarm.rules.phases import Phase, is_audit
from swarm.runtimes import registry
from swarm.store import runs, waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.collect.collect import collect
from swarm.waves.dispatch import preconditions
from swarm.waves.dispatch.dispatch import dispatch, refusals_reported
from swarm.waves.dispatch.wave_plan import DispatchRequest
from swarm.waves.launch.launch import launch
from swarm.waves.look.findings import Filters, filters_within, findings, fixed_in
from swarm.waves.look.new_findings import before_first_audit
from swarm.waves.run_place import open_run_of
from swarm.waves.setup.init import init
from swarm.workspace import Workspace


class Request(NamedTuple):
    """Options of an audit."""

    phase: Phase = Phase.HEALTH_AUDIT_A
    runtime: str | None = None
    since: str | None = None
    jobs: int | None = None


class Audited(NamedTuple):
    """The result of an audit, and the filters of its digest."""

    result: AuditResult
    filters: Filters


def audit(store: Store, workspace: Workspace, folder: Path, request: Request, config: Config) -> Audited:
    """Audit HEAD of the repository around `folder`; findings outside it are left out.

    Continues an interrupted wave of HEAD; another interrupted audit wave is finished before. Raises the errors of its
    parts; a runtime that cannot be launched is refused before anything is made.
    """
    repository = repository_at(folder)
    run = open_run_of(store.conn, workspace, repository)
    wave = waves.in_flight(store.conn, run.id) if run else None
    if run is not None and wave is not None and not (is_audit(wave.phase) and wave.runtime):
        # An amend wave would change code, and people work in the trees of a wave that names no runtime.
        with refusals_reported(None):
            preconditions.no_wave_in_flight(store.conn, run, request.phase)
    # Unless the caller names another, a wave in flight keeps its runtime: another analyzer's silence proves nothing.
    name = request.runtime or (wave.runtime if wave else None) or registry.DEFAULT
    registry.ready(name, config, request.phase)
    # Before anything is made: a misspelt revision must not cost a wave.
    since = _since(repository, request.since)
    if run is None:
        run = _new_run(store, workspace, repository)
    finished = None
    if wave is not None and (wave.dispatch_sha, wave.phase) != (repository.head, request.phase):
        finished, wave = _finished(store, workspace, run, wave, config, request.jobs), None
    if wave is None:
        wanted = DispatchRequest(request.phase, isolate=True, auto_freeze=True, runtime=name)
        wave = _dispatched(store, workspace, run, wanted, config)
    else:
        stage_events.emit("audit_goes_on", run_id=run.id, wave_id=wave.id, phase=wave.phase)
    exit_class = launch(store, workspace, run, config, runtime=name, jobs=request.jobs).exit_class
    collected = collect(store, workspace, run, {})
    filters = filters_within(repository, folder, since, wave)
    result = _result(store, run, wave._replace(runtime=name), since, exit_class, collected, filters)
    edited = edits_of(repository.git).changed
    return Audited(result._replace(finished=finished, edited_files_not_seen=edited), filters)


def _finished(
    store: Store, workspace: Workspace, run: Run, wave: Wave, config: Config, jobs: int | None
) -> FinishedWave:
    """Finish an interrupted wave that is not the one asked for; where its runtime is missing, the wave ends failed."""
    try:
        launch(store, workspace, run, config, runtime=wave.runtime, jobs=jobs)
    except (errors.RuntimeUnknown, errors.RuntimeNotFound, errors.RuntimePhaseUnsupported) as error:
        stage_events.emit("wave_not_launched", run_id=run.id, wave_id=wave.id, code=error.code, message=error.message)
    status = collect(store, workspace, run, {}).wave_status
    stage_events.emit("wave_finished", run_id=run.id, wave_id=wave.id, commit=wave.dispatch_sha, status=status)
    return FinishedWave(wave.number, wave.phase, wave.dispatch_sha, status)


def _dispatched(store: Store, workspace: Workspace, run: Run, wanted: DispatchRequest, config: Config) -> Wave:
    with refusals_reported(None):
        dispatched = dispatch(store, workspace, run, wanted, config)
    if count := dispatched.edited_files_not_seen:
        stage_events.emit("edited_files_not_seen", count=count)
    for warning in dispatched.warnings:
        stage_events.emit("warning", run_id=run.id, message=warning)
    wave = waves.in_flight(store.conn, run.id)
    if wave is None:
        raise errors.StateConflict(subject="The new wave", expected="dispatched", run_id=run.id)
    return wave


def _new_run(store: Store, workspace: Workspace, repository: Repository) -> Run:
    made = init(store, workspace, repository)
    stage_events.emit("run_created", run_id=made.run_id, commit=made.commit_sha)
    run = runs.find(store.conn, made.run_id)
    if run is None:
        raise errors.RunNotFound(run_id=made.run_id)
    return run


def _since(repository: Repository, revision: str | None) -> str | None:
    if revision is None:
        return None
    commit = commit_of(repository.git, revision)
    if commit is None:
        problem = f"--since: '{errors.shortened(revision)}' names no commit of {repository.root}"
        raise errors.CliUsage(problem=problem, command="swarm audit")
    return commit


def _result(
    store: Store, run: Run, wave: Wave, since: str | None, exit_class: int, collected: CollectResult, filters: Filters
) -> AuditResult:
    found = findings(store.conn, run, filters)
    before = before_first_audit(store.conn, wave)
    new_ids = tuple(f.finding_id for f in found.findings if f.first_seen_wave == wave.number)
    return AuditResult(
        run_id=run.id,
        wave_id=wave.id,
        wave_number=wave.number,
        phase=wave.phase,
        runtime=wave.runtime or registry.DEFAULT,
        since=since,
        wave_status=collected.wave_status,
        exit_class=exit_class,
        changed=collected.findings,
        digest=found,
        new_ids=new_ids,
        fixed=fixed_in(store.conn, run, wave, filters),
        commit=wave.dispatch_sha,
        baseline=BaselineShown("first_audit", None, None, nothing_known=before.nothing_known),
        new_since_baseline=tuple(f.finding_id for f in found.findings if before.is_new(f)),
        next_action=_next(run, found.findings[0].finding_id if found.findings else None),
    )


def _next(run: Run, first: str | None) -> str:
    return f"swarm status {run.id}" if first is None else f"swarm show {first}"
