"""`dispatch`: from a frozen map to a wave, with a prompt and, when isolated, a worktree for each agent."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from swarm import errors, stage_events
from swarm.config import Config
from swarm.files import make_folder, write_whole
from swarm.git import sentinel
from swarm.git.repository import Repository, files_at, repository_at, tracked_changes
from swarm.git.worktrees import Tree
from swarm.interruption import postponed
from swarm.results.dispatch import AgentPlan, DispatchResult
from swarm.rules.ownership import Domain, OwnershipMap
from swarm.rules.phases import Phase, expected_next, is_audit
from swarm.runtimes import registry
from swarm.runtimes.runtime import Program, Runtime
from swarm.store import agent_runs, assignments, leases, ledger, runs, snapshots, transitions, waves
from swarm.store import domains as domain_table
from swarm.store.agent_runs import NewAgentRun
from swarm.store.connection import Store
from swarm.store.ledger import Entry
from swarm.store.runs import Run
from swarm.store.wave_documents import Sentinel
from swarm.store.waves import NewWave
from swarm.waves.dispatch import preconditions, prompts
from swarm.waves.dispatch.prompts import Briefing, Prompt, Setting
from swarm.waves.dispatch.routing import MOST_NAMED, Routing, hold_to_anchors, route, told_to_audit
from swarm.waves.trees import kept_index, worktrees
from swarm.waves.trees.integration import unpublished
from swarm.waves.trees.sparse import sparse_files
from swarm.workspace import Workspace


class Wish(NamedTuple):
    """What a caller asks of a dispatch."""

    phase: Phase
    isolate: bool = False
    auto_freeze: bool = False
    dry_run: bool = False
    runtime: str | None = None
    sparse: bool = False
    skip_anchor_check: bool = False
    reason: str | None = None


class Agent(NamedTuple):
    """One agent of the wave that is being made."""

    domain: Domain
    files: tuple[str, ...]
    prompt_path: Path
    output_path: Path
    tree: Tree | None
    prompt: Prompt
    assigned: tuple[int, ...] = ()


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
    routing: Routing | None
    reads_of_nobody: tuple[str, ...] = ()

    @property
    def is_sparse(self) -> bool:
        """Whether the agents' trees may hold a part of the files; a tree that several share is whole."""
        return self.wish.sparse and self.shared_tree is None


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
    with worktrees.worktree_lock(repository, "dispatch"):
        repository = repository_at(repository.root)
        preconditions.no_wave_in_flight(store.conn, run, wish.phase)
        plan = _plan(store.conn, workspace, run, wish, repository, domains, config, runtime)
        wave_id, snapshot_id, ids = _make(store, plan, repository)
    told = _told(plan, wave_id, snapshot_id, ids, len(tracked_changes(repository.git)))
    return told._replace(warnings=(*told.warnings, *_unpublished(store.conn, run, repository)))


def _unpublished(conn: sqlite3.Connection, run: Run, repository: Repository) -> Iterator[str]:
    """Yield a warning where an earlier wave's work is merged and not in what this wave looks at."""
    with suppress(errors.IntegrationMoved):
        if (commit := unpublished(conn, run, repository)) is not None:
            yield f"HEAD does not have what was merged ({commit[:12]}): `swarm merge {run.id} --publish` brings it in"


@contextmanager
def refusals_told(asked: str | None) -> Iterator[None]:
    """Tell a refused dispatch as an event, before the error goes on; `asked` is the run as the caller named it."""
    try:
        yield
    except errors.DispatchPreconditionError as error:
        stage_events.emit(
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
    tracked = set(paths)
    owned, _ = OwnershipMap(domains).divide(paths)
    folder = workspace.wave_folder(run.id, number)
    routing = _routing(conn, run, wish, repository, domains)
    leased = leases.granted(conn, run.id, number)
    is_shared = wish.isolate and is_audit(wish.phase) and runtime is not None and runtime[0].is_analyzer
    shared = Tree(workspace.tree(run.id, number, None), None) if is_shared else None
    only = sparse_files(config, owned, paths) if wish.sparse and not is_shared else {}
    reads_of_nobody = tuple(sorted(config.reads.keys() - owned.keys())) if only else ()
    setting = Setting(run.id, run.repo, wish.phase, number, repository.head, config.prompt_bytes)
    agents = []
    for domain in domains:
        if not domain.ownership.has_agent:
            continue
        tree = shared
        if wish.isolate and not is_shared:
            place = workspace.tree(run.id, number, domain.name)
            kept = only.get(domain.name)
            if kept is not None:
                kept = tuple(sorted({*kept, *leased.get(domain.name, set())} & tracked))
            tree = Tree(place, worktrees.branch_name(run.hex, number, domain.name), kept)
        output = folder / domain.name / "output.json"
        where = tree.path if tree else repository.root
        known = routing.by_domain[domain.name] if routing else told_to_audit(conn, run, wish.phase, domain.name)
        held = len(tree.only) if tree is not None and tree.only is not None else None
        drifted = routing.drifted if routing else frozenset()
        told = Briefing(known, drifted, sorted(leased.get(domain.name, ())), held)
        prompt = prompts.write_prompt(setting, domain, len(owned[domain.name]), where, output, told)
        prompt_path = folder / f"{domain.name}.md"
        assigned = tuple(finding.row_id for finding in known) if routing else ()
        agents.append(
            Agent(
                domain=domain,
                files=tuple(owned[domain.name]),
                prompt_path=prompt_path,
                output_path=output,
                tree=tree,
                prompt=prompt,
                assigned=assigned,
            )
        )
    configured = runtime[0].config_hash(repository.root, paths, wish.phase) if runtime else None
    return Plan(
        run=run,
        wish=wish,
        number=number,
        commit=repository.head,
        domains=tuple(domains),
        agents=tuple(agents),
        folder=folder,
        shared_tree=shared,
        runtime=runtime,
        runtime_config=configured,
        routing=routing,
        reads_of_nobody=reads_of_nobody,
    )


def _routing(
    conn: sqlite3.Connection, run: Run, wish: Wish, repository: Repository, domains: Sequence[Domain]
) -> Routing | None:
    if is_audit(wish.phase):
        return None
    routing = route(conn, run, wish.phase, repository, domains)
    if not wish.skip_anchor_check:
        hold_to_anchors(run, wish.phase, routing)
    if not routing.given:
        named = ", ".join(f"{one.finding_id} ({one.reason})" for one in routing.unrouted[:MOST_NAMED])
        problem = f"no agent owns what is approved: {named}"
        raise errors.DispatchNothingApproved(run_id=run.id, phase=wish.phase, problem=problem)
    return routing


def _make(store: Store, plan: Plan, repository: Repository) -> tuple[int, int, tuple[int, ...]]:
    wanted = _trees_of(plan)
    had_folder = plan.folder.exists()
    made = worktrees.make_trees(repository.git, wanted, plan.commit)
    # Once it is recorded, what was made for it must not be taken back.
    with postponed():
        try:
            kept_index.keep_indexes([tree for _, tree in wanted], plan.folder / "trees")
            write_prompts(plan.agents, is_amend=plan.routing is not None)
            guard = _sentinel(plan, repository)
            recorded = _record(store, plan, guard)
        except BaseException:
            worktrees.take_back(repository.git, made, plan.commit)
            if not had_folder:
                shutil.rmtree(plan.folder, ignore_errors=True)
            worktrees.remove_empty({tree.path.parent for tree in made} | {plan.folder})
            raise
    return recorded


def _trees_of(plan: Plan) -> list[tuple[str, Tree]]:
    if plan.shared_tree is not None:
        return [("all", plan.shared_tree)]
    return [(agent.domain.name, agent.tree) for agent in plan.agents if agent.tree is not None]


def write_prompts(agents: Sequence[Agent], *, is_amend: bool) -> None:
    """Write the prompt of each agent, and the folder of its output."""
    for agent in agents:
        make_folder(agent.output_path.parent)
        if agent.prompt.known is not None:
            write_whole(agent.output_path.parent / "findings.json", agent.prompt.known)
        write_whole(agent.prompt_path, agent.prompt.text)
        if is_amend and not agent.assigned:
            # Nobody need be launched to hear that there is nothing to do.
            write_whole(agent.output_path, json.dumps(_nothing_to_mend(agent.domain.name)) + "\n")


def _nothing_to_mend(domain: str) -> dict[str, object]:
    summary = "Nothing was approved in this domain; swarm answered in the agent's place."
    return {"domain": domain, "summary": summary, "fixes": [], "files_changed": []}


def _sentinel(plan: Plan, repository: Repository) -> Sentinel:
    common = sentinel.fingerprint_common(repository.common_dir, plan.run.id)
    # Our own analyzers write nothing, so a person may go on editing while they look.
    is_trusted = plan.runtime is not None and plan.runtime[0].is_trusted
    watched = plan.wish.isolate and not is_trusted
    primary = sentinel.fingerprint_primary(repository) if watched else None
    indexes = kept_index.kept_digests([tree for _, tree in _trees_of(plan)], plan.folder / "trees")
    return Sentinel(common, primary, indexes)


def _record(store: Store, plan: Plan, guard: Sentinel) -> tuple[int, int, tuple[int, ...]]:
    run, wish = plan.run, plan.wish
    with store.mutation() as conn:
        now = runs.find(conn, run.id)
        if now is None:
            raise errors.DispatchRunNotFound(run_id=run.id, phase=wish.phase)
        preconditions.frozen_map(now, wish.phase, auto_freeze=wish.auto_freeze)
        preconditions.no_wave_in_flight(conn, run, wish.phase)
        if tuple(domain_table.domain_map(conn, run.id)) != plan.domains:
            raise errors.StateConflict(subject="The domain map", expected="what it was", run_id=run.id)
        domain_table.freeze_within(conn, now)
        snapshot_id = snapshots.add(conn, run.id, plan.domains)
        runtime, program = plan.runtime or (None, None)
        wave_id = waves.add(
            conn,
            NewWave(
                run_id=run.id,
                number=plan.number,
                phase=wish.phase,
                snapshot_id=snapshot_id,
                dispatch_sha=plan.commit,
                isolated=wish.isolate,
                shared_tree=str(plan.shared_tree.path) if plan.shared_tree else None,
                runtime=runtime.name if runtime else None,
                runtime_version=program.version if program else None,
                runtime_config=plan.runtime_config,
                sentinel=guard,
            ),
        )
        ids = tuple(agent_runs.add(conn, run.id, wave_id, row_of(agent)) for agent in plan.agents)
        for agent_run_id, agent in zip(ids, plan.agents, strict=True):
            assignments.assign(conn, agent_run_id, agent.assigned)
        if plan.routing is not None and plan.routing.broken:
            payload: dict[str, object] = {"broken": list(plan.routing.broken)}
            skipped = Entry("anchor_check_skipped", f"wave:{wave_id}", run.id, wave_id, reason=wish.reason)
            ledger.append(conn, skipped._replace(payload=payload))
        transitions.move_run(conn, run.id, now.status, wish.phase)
    return wave_id, snapshot_id, ids


def row_of(agent: Agent) -> NewAgentRun:
    """Return an agent as the control plane keeps it."""
    return NewAgentRun(
        domain=agent.domain.name,
        files=len(agent.files),
        prompt_path=str(agent.prompt_path),
        prompt_sha256=hashlib.sha256(agent.prompt.text.encode()).hexdigest(),
        output_path=str(agent.output_path),
        worktree_path=str(agent.tree.path) if agent.tree else None,
        worktree_branch=agent.tree.branch if agent.tree else None,
    )


def _told(
    plan: Plan, wave_id: int | None, snapshot_id: int | None, ids: Sequence[int | None], edited: int
) -> DispatchResult:
    run, wish = plan.run, plan.wish
    warnings = []
    if wish.phase not in (expected := expected_next(run.status)) and expected:
        warnings.append(f"{wish.phase} is out of order: the run is in {run.status}")
    if plan.routing is not None and plan.routing.broken:
        warnings.append(f"the place of {', '.join(plan.routing.broken[:MOST_NAMED])} is gone at this commit")
    if not wish.isolate and plan.routing is not None:
        warnings.append("without --isolate the agents share your checkout: nobody can tell who edited what")
    if wish.sparse and not plan.is_sparse:
        warnings.append("--sparse does nothing here: analyzers share one whole tree")
    if plan.reads_of_nobody:
        warnings.append(f"[reads] of swarm.toml names no domain of the map: {', '.join(plan.reads_of_nobody)}")
    agents = tuple(
        AgentPlan(
            agent_run_id=agent_run_id,
            domain=agent.domain.name,
            prompt_path=str(agent.prompt_path),
            output_path=str(agent.output_path),
            worktree_path=str(agent.tree.path) if agent.tree else None,
            worktree_branch=agent.tree.branch if agent.tree else None,
            files=len(agent.files),
            findings=agent.prompt.told,
            checked_out=len(agent.tree.only) if agent.tree and agent.tree.only is not None else None,
        )
        for agent_run_id, agent in zip(ids, plan.agents, strict=True)
    )
    options = (*(["--isolate"] if wish.isolate else []), *(["--sparse"] if wish.sparse else []))
    if wish.skip_anchor_check:
        options = (*options, "--skip-anchor-check", "--reason '…'")
    again = " ".join(["swarm dispatch", run.id, wish.phase, *options])
    return DispatchResult(
        run_id=run.id,
        wave_id=wave_id,
        wave_number=plan.number,
        phase=wish.phase,
        isolated=wish.isolate,
        sparse=plan.is_sparse,
        dry_run=wish.dry_run,
        dispatch_sha=plan.commit,
        snapshot_id=snapshot_id,
        runtime=plan.runtime[0].name if plan.runtime else None,
        prompt_dir=str(plan.folder),
        agents=agents,
        unrouted=plan.routing.unrouted if plan.routing else (),
        edited_files_not_seen=edited,
        warnings=tuple(warnings),
        next_action=again if wish.dry_run else f"swarm launch {run.id}",
    )
