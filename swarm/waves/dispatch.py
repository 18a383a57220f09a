"""`dispatch`: from a frozen map to a wave, with a prompt and, when isolated, a worktree for each agent."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from swarm import errors, events
from swarm.config import Config
from swarm.failpoints import failpoint
from swarm.files import make_folder, write_whole
from swarm.git import sentinel
from swarm.git.repository import Repository, files_at, repository_at, tracked_changes
from swarm.git.worktrees import Tree
from swarm.rules.classification import OPEN_STATUSES, Decision
from swarm.rules.ownership import Domain, OwnershipMap
from swarm.rules.phases import LENSES, Phase, expected_next, is_audit
from swarm.runtimes import registry
from swarm.runtimes.runtime import Program, Runtime
from swarm.store import agent_runs, findings, runs, transitions, waves
from swarm.store import domains as domain_table
from swarm.store.agent_runs import NewAgentRun
from swarm.store.connection import Store
from swarm.store.findings import Finding, Selection
from swarm.store.runs import Run
from swarm.store.waves import NewWave
from swarm.waves import maps, preconditions, prompts, trees
from swarm.waves.prompts import Prompt, Setting
from swarm.waves.results import AgentPlan, DispatchResult
from swarm.workspace import Workspace


class Wish(NamedTuple):
    """What a caller asks of a dispatch."""

    phase: Phase
    isolate: bool = False
    auto_freeze: bool = False
    dry_run: bool = False
    runtime: str | None = None


class Agent(NamedTuple):
    """One agent of the wave that is being made."""

    domain: Domain
    files: tuple[str, ...]
    prompt_path: Path
    output_path: Path
    tree: Tree | None
    prompt: Prompt


class Plan(NamedTuple):
    """A wave before it is made."""

    run: Run
    wish: Wish
    number: int
    commit: str
    domains: tuple[Domain, ...]
    agents: tuple[Agent, ...]
    folder: Path
    shared_tree: Tree | None
    runtime: tuple[Runtime, Program] | None
    runtime_config: str | None


def dispatch(store: Store, workspace: Workspace, run: Run, wish: Wish, config: Config) -> DispatchResult:
    """Dispatch one wave of one phase at HEAD.

    Raises a DispatchPreconditionError, IsolationError, or what the runtime's look-up raises; then nothing is
    recorded, and what this call made is gone again.
    """
    domains = _checked(store.conn, run, wish)
    runtime = registry.ready(wish.runtime, config, wish.phase) if wish.runtime else None
    repository = repository_at(Path(run.local_path))
    if wish.dry_run:
        plan = _plan(store.conn, workspace, run, wish, repository, domains, config, runtime)
        return _told(plan, None, None, (None,) * len(plan.agents), len(tracked_changes(repository.git)))
    with trees.worktree_lock(repository, "dispatch"):
        repository = repository_at(repository.root)
        preconditions.no_wave_in_flight(store.conn, run, wish.phase)
        plan = _plan(store.conn, workspace, run, wish, repository, domains, config, runtime)
        wave_id, snapshot_id, ids = _make(store, plan, repository)
    return _told(plan, wave_id, snapshot_id, ids, len(tracked_changes(repository.git)))


@contextmanager
def refusals_told(asked: str | None) -> Iterator[None]:
    """Tell a refused dispatch as an event, before the error goes on; `asked` is the run as the caller named it."""
    try:
        yield
    except errors.DispatchPreconditionError as error:
        events.emit(
            "dispatch_precondition_failed", code=error.code, message=error.message, run_id=asked, phase=error.phase
        )
        raise


def _checked(conn: sqlite3.Connection, run: Run, wish: Wish) -> list[Domain]:
    domains = preconditions.some_domains(conn, run, wish.phase)
    preconditions.frozen_map(run, wish.phase, auto_freeze=wish.auto_freeze)
    preconditions.some_agents(run, wish.phase, domains)
    preconditions.no_wave_in_flight(conn, run, wish.phase)
    preconditions.something_approved(conn, run, wish.phase)
    return domains


def _plan(
    conn: sqlite3.Connection,
    workspace: Workspace,
    run: Run,
    wish: Wish,
    repository: Repository,
    domains: Sequence[Domain],
    config: Config,
    runtime: tuple[Runtime, Program] | None,
) -> Plan:
    number = waves.next_number(conn, run.id)
    paths = [file.path for file in files_at(repository.git, repository.head)]
    owned, _ = OwnershipMap(domains).divide(paths)
    folder = workspace.wave_folder(run.id, number)
    is_shared = wish.isolate and runtime is not None and runtime[0].is_analyzer
    shared = Tree(workspace.tree(run.id, number, None), None) if is_shared else None
    setting = Setting(run.id, run.repo, wish.phase, number, repository.head, config.prompt_bytes)
    agents = []
    for domain in domains:
        if not domain.ownership.has_agent:
            continue
        tree = shared
        if wish.isolate and not is_shared:
            place = workspace.tree(run.id, number, domain.name)
            tree = Tree(place, trees.branch_name(run.hex, number, domain.name))
        output = folder / domain.name / "output.json"
        where = tree.path if tree else repository.root
        known = _known(conn, run, wish.phase, domain)
        prompt = prompts.write_prompt(setting, domain, len(owned[domain.name]), where, output, known)
        prompt_path = folder / f"{domain.name}.md"
        agents.append(Agent(domain, tuple(owned[domain.name]), prompt_path, output, tree, prompt))
    configured = runtime[0].config_hash(repository.root, paths, wish.phase) if runtime else None
    return Plan(run, wish, number, repository.head, tuple(domains), tuple(agents), folder, shared, runtime, configured)


def _known(conn: sqlite3.Connection, run: Run, phase: Phase, domain: Domain) -> list[Finding]:
    """Return what an agent is told: its open findings under this lens, or the approved ones that it shall mend."""
    statuses = OPEN_STATUSES if is_audit(phase) else (Decision.APPROVED.value,)
    selection = Selection(statuses=statuses, domains=(domain.name,))
    lens = LENSES[phase]
    return [finding for finding in findings.select(conn, run.id, selection) if finding.lens == lens]


def _make(store: Store, plan: Plan, repository: Repository) -> tuple[int, int, tuple[int, ...]]:
    wanted = _trees_of(plan)
    had_folder = plan.folder.exists()
    made = trees.make_trees(repository.git, wanted, plan.commit)
    try:
        trees.keep_indexes([tree for _, tree in wanted], plan.folder / "trees")
        _write_prompts(plan)
        guard = _sentinel(plan, repository)
        failpoint("dispatch.before_commit")
        recorded = _record(store, plan, guard)
    except BaseException:
        trees.take_back(repository.git, made, plan.commit)
        if not had_folder:
            shutil.rmtree(plan.folder, ignore_errors=True)
        trees.remove_empty({tree.path.parent for tree in made} | {plan.folder})
        raise
    failpoint("dispatch.after_commit")
    return recorded


def _trees_of(plan: Plan) -> list[tuple[str, Tree]]:
    if plan.shared_tree is not None:
        return [("all", plan.shared_tree)]
    return [(agent.domain.name, agent.tree) for agent in plan.agents if agent.tree is not None]


def _write_prompts(plan: Plan) -> None:
    for agent in plan.agents:
        make_folder(agent.output_path.parent)
        if agent.prompt.known is not None:
            write_whole(agent.output_path.parent / "findings.json", agent.prompt.known)
        write_whole(agent.prompt_path, agent.prompt.text)


def _sentinel(plan: Plan, repository: Repository) -> sentinel.Sentinel:
    common = sentinel.fingerprint_common(repository.common_dir, plan.run.id)
    # Our own analyzers write nothing, so a person may go on editing while they look.
    is_trusted = plan.runtime is not None and plan.runtime[0].is_trusted
    watched = plan.wish.isolate and not is_trusted
    primary = sentinel.fingerprint_primary(repository) if watched else None
    indexes = trees.kept_digests([tree for _, tree in _trees_of(plan)], plan.folder / "trees")
    return sentinel.Sentinel(common, primary, indexes)


def _record(store: Store, plan: Plan, guard: sentinel.Sentinel) -> tuple[int, int, tuple[int, ...]]:
    run, wish = plan.run, plan.wish
    with store.mutation() as conn:
        now = runs.find(conn, run.id)
        if now is None:
            raise errors.DispatchRunNotFound(run_id=run.id, phase=wish.phase)
        preconditions.frozen_map(now, wish.phase, auto_freeze=wish.auto_freeze)
        preconditions.no_wave_in_flight(conn, run, wish.phase)
        if tuple(domain_table.domain_map(conn, run.id)) != plan.domains:
            raise errors.StateConflict(subject="The domain map", expected="what it was", run_id=run.id)
        maps.freeze_within(conn, now)
        snapshot_id = domain_table.snapshot(conn, run.id, plan.domains)
        runtime, program = plan.runtime or (None, None)
        wave_id = waves.add(
            conn,
            NewWave(
                run.id,
                plan.number,
                wish.phase,
                snapshot_id,
                plan.commit,
                wish.isolate,
                str(plan.shared_tree.path) if plan.shared_tree else None,
                runtime.name if runtime else None,
                program.version if program else None,
                plan.runtime_config,
                guard.document(),
            ),
        )
        ids = tuple(agent_runs.add(conn, run.id, wave_id, _row(agent)) for agent in plan.agents)
        transitions.move_run(conn, run.id, now.status, wish.phase)
    return wave_id, snapshot_id, ids


def _row(agent: Agent) -> NewAgentRun:
    return NewAgentRun(
        agent.domain.name,
        len(agent.files),
        str(agent.prompt_path),
        hashlib.sha256(agent.prompt.text.encode()).hexdigest(),
        str(agent.output_path),
        str(agent.tree.path) if agent.tree else None,
        agent.tree.branch if agent.tree else None,
    )


def _told(
    plan: Plan, wave_id: int | None, snapshot_id: int | None, ids: Sequence[int | None], edited: int
) -> DispatchResult:
    run, wish = plan.run, plan.wish
    warnings = []
    if wish.phase not in (expected := expected_next(run.status)) and expected:
        warnings.append(f"{wish.phase} is out of order: the run is in {run.status}")
    agents = tuple(
        AgentPlan(
            agent_run_id,
            agent.domain.name,
            str(agent.prompt_path),
            str(agent.output_path),
            str(agent.tree.path) if agent.tree else None,
            agent.tree.branch if agent.tree else None,
            len(agent.files),
            agent.prompt.told,
        )
        for agent_run_id, agent in zip(ids, plan.agents, strict=True)
    )
    again = " ".join(["swarm dispatch", run.id, wish.phase, *(["--isolate"] if wish.isolate else [])])
    return DispatchResult(
        run.id,
        wave_id,
        plan.number,
        wish.phase,
        wish.isolate,
        wish.dry_run,
        plan.commit,
        snapshot_id,
        plan.runtime[0].name if plan.runtime else None,
        str(plan.folder),
        agents,
        edited,
        tuple(warnings),
        again if wish.dry_run else f"swarm launch {run.id}",
    )
