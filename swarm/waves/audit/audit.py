"""`audit`: run, freeze, dispatch, launch, collect, and report the changes."""

from pathlib import Path
from typing import NamedTuple

from swarm import errors, stage_events
from swarm.config import Config
from swarm.git.repository import Repository, commit_of, repository_at
from swarm.results.audit import AuditResult, FinishedWave
from swarm.rules.phases import Phase
from swarm.runtimes import registry
from swarm.runtimes.registry import Ready
from swarm.store import waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.trust import Trust
from swarm.waves.audit.audit_result import result_of, with_edits
from swarm.waves.audit.base_look import EndedAudit, against
from swarm.waves.audit.baseline_name import Baseline, hold_to_analyzer
from swarm.waves.audit.new_run import new_run
from swarm.waves.audit.wave_of_head import (
    dispatched,
    own_run,
    ready_at,
    refuse_nothing_at_head,
    refuse_others_work,
)
from swarm.waves.collect.collect import collect
from swarm.waves.launch.launch import launch_again
from swarm.waves.look.findings import Filters, filters_within
from swarm.workspace import Workspace


class Request(NamedTuple):
    """Options of an audit."""

    phase: Phase = Phase.HEALTH_AUDIT_A
    runtime: str | None = None
    since: str | None = None
    jobs: int | None = None
    baseline: Baseline | None = None
    trust: Trust = Trust()
    # The runtimes that the caller has found for `runtime`; a wave in flight can keep others.
    ready: tuple[Ready, ...] = ()


class Audited(NamedTuple):
    """The result of an audit, and the filters of its digest."""

    result: AuditResult
    filters: Filters


def audit(store: Store, workspace: Workspace, folder: Path, request: Request, config: Config) -> Audited:
    """Audit HEAD of the repository around `folder`; findings outside it are left out.

    Continues an interrupted wave of HEAD; another interrupted audit wave is finished before. A run whose wave in flight
    was dispatched by others is left alone. Raises the errors of its parts; a runtime that cannot be launched is refused
    before anything is made.
    """
    repository = repository_at(folder)
    run, left_alone = own_run(store.conn, workspace, repository, request.trust)
    wave = waves.in_flight(store.conn, run.id) if run else None
    if run is not None and wave is not None:
        refuse_others_work(store, run, wave, request.phase)
    # Unless the caller names another, a wave in flight keeps its runtime: another analyzer's silence proves nothing.
    asked = request.runtime or (wave.runtime if wave else None)
    known = request.ready if asked == request.runtime else ()
    ready = known or ready_at(repository, asked, config, request.phase)
    name = registry.joined(ready)
    # Before anything is made: a misspelt revision must not cost a wave.
    since = _since(repository, request.since)
    if request.baseline is not None:
        hold_to_analyzer(name, config)
    refuse_nothing_at_head(store, run, repository, ready, folder, is_named=asked is not None)
    if run is None:
        run = new_run(store, workspace, repository)
    finished = None
    if wave is not None and (wave.dispatch_sha, wave.phase) != (repository.head, request.phase):
        finished, wave = _finished(store, workspace, run, wave, config, request.jobs), None
    if wave is None:
        wave = dispatched(store, workspace, run, request.phase, name, config)
    else:
        stage_events.emit("audit_goes_on", run_id=run.id, wave_id=wave.id, phase=wave.phase)
    launched = launch_again(store, workspace, run, config, "audit", runtime=name, jobs=request.jobs)
    collected = collect(store, workspace, run, {})
    filters = filters_within(repository, folder, since, wave)
    wave = wave._replace(runtime=name)
    result = result_of(
        store,
        run,
        wave,
        repository,
        since=since,
        exit_class=launched.exit_class,
        collected=collected,
        filters=filters,
    )
    ended = EndedAudit(
        conn=store.conn,
        workspace=workspace,
        run=run,
        wave=wave,
        repository=repository,
        config=config,
        jobs=request.jobs,
    )
    result = against(ended, result, request.baseline)
    result = with_edits(result, repository)._replace(finished=finished, without_sandbox=launched.without_sandbox)
    return Audited(result._replace(left_alone=left_alone), filters)


def _finished(
    store: Store, workspace: Workspace, run: Run, wave: Wave, config: Config, jobs: int | None
) -> FinishedWave:
    """Finish an interrupted wave that is not the one asked for; where its runtime is missing, the wave ends failed."""
    try:
        launch_again(store, workspace, run, config, "audit", runtime=wave.runtime, jobs=jobs)
    except (errors.RuntimeUnknown, errors.RuntimeNotFound, errors.RuntimePhaseUnsupported) as error:
        stage_events.emit("wave_not_launched", run_id=run.id, wave_id=wave.id, code=error.code, message=error.message)
    status = collect(store, workspace, run, {}).wave_status
    stage_events.emit("wave_finished", run_id=run.id, wave_id=wave.id, commit=wave.dispatch_sha, status=status)
    return FinishedWave(wave.number, wave.phase, wave.dispatch_sha, status)


def _since(repository: Repository, revision: str | None) -> str | None:
    if revision is None:
        return None
    commit = commit_of(repository.git, revision)
    if commit is None:
        problem = f"--since: '{errors.shortened(revision)}' names no commit of {repository.root}"
        raise errors.CliUsage(problem=problem, command="swarm audit")
    return commit
