"""`audit`: run, freeze, dispatch, launch, collect, and report the changes."""

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from swarm import stage_events
from swarm.ahead import begun
from swarm.config import Config
from swarm.git.repository import Repository, at_head
from swarm.git.working_files import WorkingFiles
from swarm.results.audit import AuditResult
from swarm.rules.phases import Phase
from swarm.runtimes import bubblewrap, registry
from swarm.runtimes.registry import Ready
from swarm.store import runs, waves
from swarm.store.connection import Store
from swarm.trust import Trust
from swarm.waves.audit.ready_here import ready_at
from swarm.waves.audit.wave_of_head import (
    dispatched,
    new_run,
    own_run,
    refuse_nothing_at_head,
    refuse_others_work,
)
from swarm.waves.look.findings import Filters
from swarm.workspace import Workspace

if TYPE_CHECKING:
    from swarm.waves.audit.baseline_name import Baseline


class Request(NamedTuple):
    """Options of an audit, and the checkout that it looks at, as its caller found it."""

    checkout: Repository
    phase: Phase = Phase.HEALTH_AUDIT_A
    runtime: str | None = None
    # A commit: only findings in lines that changed since then.
    since: str | None = None
    jobs: int | None = None
    baseline: "Baseline | None" = None
    trust: Trust = Trust()
    # The runtimes that the caller has found for `runtime`; a wave in flight can keep others.
    ready: tuple[Ready, ...] = ()
    # The files of the checkout as they are, which the audit looks at in place of HEAD.
    files: WorkingFiles | None = None


class Audited(NamedTuple):
    """The result of an audit, and the filters of its digest."""

    result: AuditResult
    filters: Filters


def audit(store: Store, workspace: Workspace, folder: Path, request: Request, config: Config) -> Audited:
    """Audit HEAD of the repository around `folder`, or its files as they are; findings outside it are left out.

    Continues an interrupted wave of the same commit; another interrupted audit wave is finished before. A run whose
    wave in flight was dispatched by others is left alone. Raises the errors of its parts; a runtime that cannot be
    launched is refused before anything is made.
    """
    checkout, files = at_head(request.checkout), request.files
    snapshot = None if files is None else files.snapshot
    repository = checkout._replace(head=snapshot or checkout.head)
    run, left_alone = own_run(store.conn, workspace, repository, request.trust)
    is_first = not runs.every(store.conn)
    wave = waves.in_flight(store.conn, run.id) if run else None
    if run is not None and wave is not None:
        refuse_others_work(store, run, wave, request.phase)
    # Unless the caller names another, a wave in flight keeps its runtime: another analyzer's silence proves nothing.
    asked = request.runtime or (wave.runtime if wave else None)
    known = request.ready if asked == request.runtime else ()
    ready = known or ready_at(repository, asked, config, request.phase)
    name = registry.joined(ready)
    if request.baseline is not None:
        from swarm.waves.audit.baseline_name import hold_to_analyzer

        hold_to_analyzer(name, config)
    refuse_nothing_at_head(store, run, repository, ready, folder, is_named=asked is not None)
    if run is None:
        run = new_run(store, workspace, checkout, repository.head, is_first=is_first)
    # The launch needs both, and git makes a worktree meanwhile.
    begun(partial(import_module, "swarm.waves.audit.launched_wave"))
    if config.sandbox.backend in {"auto", bubblewrap.NAME}:
        bubblewrap.asked()
    finished = None
    if wave is not None and (wave.dispatch_sha, wave.phase) != (repository.head, request.phase):
        from swarm.waves.audit.launched_wave import finished_wave

        finished, wave = finished_wave(store, workspace, run, wave, config, request.jobs), None
    if wave is None:
        wave = dispatched(store, workspace, run, checkout, request.phase, name, config, snapshot=snapshot)
    else:
        stage_events.emit("audit_goes_on", run_id=run.id, wave_id=wave.id, phase=wave.phase)
    from swarm.waves.audit.launched_wave import RecordOptions, record_of

    options = RecordOptions(folder, request.since, request.baseline, files, request.jobs, request.runtime)
    result, filters = record_of(store, workspace, run, wave._replace(runtime=name), repository, options, config)
    return Audited(result._replace(finished=finished, left_alone=left_alone), filters)
