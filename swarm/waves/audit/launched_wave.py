"""The wave of an audit after its dispatch: launched, collected, and shown as the record of the audit."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from swarm import errors, stage_events
from swarm.config import Config
from swarm.git.diff import changed_lines
from swarm.git.edits import edits_begun
from swarm.git.merge_base import merge_base
from swarm.git.repository import Repository
from swarm.git.working_files import WorkingFiles
from swarm.results.audit import AuditResult, FinishedWave
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.audit.audit_result import result_of, with_edits, with_new_files, with_next_action
from swarm.waves.collect.collect import collect
from swarm.waves.launch.launch import launch_again
from swarm.waves.look.findings import Filters
from swarm.waves.trees.worktrees import tidying
from swarm.workspace import Workspace

if TYPE_CHECKING:
    from swarm.waves.audit.baseline_name import Baseline


class RecordOptions(NamedTuple):
    """Options of the record of an audit, which covers findings below `folder`, in lines changed `since` a commit.

    `files` are the files of the checkout, where the wave looks at them in place of HEAD. `runtime` is what the caller
    named.
    """

    folder: Path
    since: str | None
    baseline: "Baseline | None"
    files: WorkingFiles | None
    jobs: int | None
    runtime: str | None


def record_of(
    store: Store,
    workspace: Workspace,
    run: Run,
    wave: Wave,
    repository: Repository,
    options: RecordOptions,
    config: Config,
) -> tuple[AuditResult, Filters]:
    """Launch and collect a wave, and return its record with the filters of its digest. Raises as its parts do."""
    launched = launch_again(store, workspace, run, config, "audit", runtime=wave.runtime, jobs=options.jobs)
    collected = collect(store, workspace, run, {}, tidies=False)
    # Git removes the tree and compares the checkout while the digest is read here. The collect of a wave whose tree was
    # touched records a violation, and the tree stays.
    tidied = tidying(store.conn, run, repository, wave.shared_tree)
    edits = edits_begun(repository.git, with_new=True) if options.files is None else None
    try:
        filters = _filters_within(repository, options.folder, options.since, wave)
        result = result_of(
            store,
            run,
            wave,
            repository,
            since=options.since,
            exit_class=launched.exit_class,
            collected=collected,
            filters=filters,
        )
    finally:
        tidied()
    if options.baseline is not None:
        # A part that only a comparison needs, with all that looks at another commit.
        from swarm.waves.audit.base_look import EndedAudit, against

        ended = EndedAudit(
            conn=store.conn,
            workspace=workspace,
            run=run,
            wave=wave,
            repository=repository,
            config=config,
            jobs=options.jobs,
        )
        result = against(ended, result, options.baseline)
    found = edits() if edits else None
    seen = with_edits(with_next_action(result), options.files, found)
    if found and found.new:
        named = wave.runtime if options.runtime else None
        seen = with_new_files(seen, found.new, repository, filters, named, config)
    return seen._replace(without_sandbox=launched.without_sandbox), filters


def _filters_within(repository: Repository, folder: Path, since: str | None, wave: Wave) -> Filters:
    """Return filters for findings below a folder, and in lines that a wave's commit changed since its merge base."""
    # A branch that is behind has not changed the lines that the other side changed meanwhile.
    base = since and merge_base(repository.git, wave.dispatch_sha, since)
    lines = changed_lines(repository.git, base, wave.dispatch_sha) if base else None
    inside = folder.resolve()
    if inside == repository.root:
        return Filters(lines=lines)
    # An audit called in a folder reports that folder, though the wave covers the repository.
    prefix = inside.relative_to(repository.root).as_posix()
    return Filters(lines=lines, paths=(f"{_literal(prefix)}/**",))


def _literal(path: str) -> str:
    """Return a glob that matches this path alone."""
    return "".join(f"\\{c}" if c in "\\*?[]{}()!+@" else c for c in path)


def finished_wave(
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
