"""Plan of a wave: its number, commit, agents, worktrees and routing, before anything is made."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from swarm.config import Config
from swarm.git.repository import Repository, files_at
from swarm.git.worktrees import Tree
from swarm.rules.domains import Domain
from swarm.rules.lessons.section import AdviceSection
from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import Phase, is_audit
from swarm.runtimes.registry import Ready, recorded
from swarm.store import leases, waves
from swarm.store.runs import Run
from swarm.waves.dispatch.agents import PlannedAgent, WaveGround, plan_agent
from swarm.waves.dispatch.ground_text import instructions_in
from swarm.waves.dispatch.prompts import Setting
from swarm.waves.dispatch.routing import Routing, claimed_files, known_to_audit, routed
from swarm.waves.dispatch.second_try import after_red_gate
from swarm.waves.review.asked import AskedFindings, asked, code_around
from swarm.waves.trees.provided import files_to_include, tracks_answers
from swarm.waves.trees.sparse import sparse_files
from swarm.workspace import Workspace


class DispatchRequest(NamedTuple):
    """Options of a dispatch, as the caller asks for them. `sign` names the key that signs the plan.

    `snapshot` is a commit of the checkout's uncommitted files, for a wave that looks at these and not at HEAD. With
    `on_merged` a wave begins on the run's merged work that HEAD does not have yet, where nothing else is in HEAD.
    """

    phase: Phase
    isolate: bool = False
    auto_freeze: bool = False
    dry_run: bool = False
    runtime: str | None = None
    sparse: bool = False
    skip_anchor_check: bool = False
    reason: str | None = None
    is_review: bool = False
    advice: AdviceSection = AdviceSection()
    sign: str | None = None
    snapshot: str | None = None
    on_merged: bool = False


class WavePlan(NamedTuple):
    """A planned wave. `runtime` is what its row keeps of the runtimes: names, versions, digests of configurations.

    `reads_of_nobody` are names in `[reads]` of swarm.toml that no domain has; `included` are the files of the checkout
    that each agent's tree gets a copy of. `answers_in_trees` says that agents with a tree of their own answer there.
    """

    run: Run
    request: DispatchRequest
    number: int
    commit: str
    domains: tuple[Domain, ...]
    agents: tuple[PlannedAgent, ...]
    folder: Path
    shared_tree: Tree | None
    ready: tuple[Ready, ...]
    runtime: tuple[str | None, str | None, str | None]
    routing: Routing | None
    reads_of_nobody: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    review: AskedFindings | None = None
    answers_in_trees: bool = False

    @property
    def is_sparse(self) -> bool:
        """Whether the agents' trees may hold a part of the files; a tree that several share is whole."""
        return self.request.sparse and self.shared_tree is None

    @property
    def trees(self) -> list[tuple[str, Tree]]:
        """The worktrees to make, each with the domain that a refusal names."""
        if self.shared_tree is not None:
            return [("all", self.shared_tree)]
        return [(agent.domain.name, agent.tree) for agent in self.agents if agent.tree is not None]


def plan_wave(
    conn: sqlite3.Connection,
    workspace: Workspace,
    run: Run,
    request: DispatchRequest,
    repository: Repository,
    domains: Sequence[Domain],
    config: Config,
    ready: tuple[Ready, ...],
) -> WavePlan:
    """Plan a wave at HEAD. Writes nothing.

    Raises DispatchAnchorsBroken, DispatchNothingApproved, DispatchNothingToReview, ConfigInvalid.
    """
    # Read without a transaction: under the lock no other dispatch of this repository can take the number.
    number = waves.next_number(conn, run.id)
    paths = [file.path for file in files_at(repository.git, repository.head)]
    owned, _ = OwnershipMap(domains).divide(paths)
    is_amend = not is_audit(request.phase)
    checks = not request.skip_anchor_check
    routing = routed(conn, run, request.phase, repository, domains, checks_anchors=checks) if is_amend else None
    review = (
        asked(conn, run, request.phase, repository, domains, by=request.runtime, config=config)
        if request.is_review
        else None
    )
    ground = WaveGround(
        setting=Setting(
            run_id=run.id,
            repo=run.repo,
            phase=request.phase,
            wave=number,
            commit=repository.head,
            limit=config.prompt_bytes,
            domains=domains,
            instructions=instructions_in(paths),
            advice=request.advice.text,
        ),
        folder=workspace.wave_folder(run.id, number),
        root=repository.root,
        owned=owned,
        paths=paths,
        leased=leases.granted(conn, run.id, number),
        drifted=routing.drifted if routing else frozenset(),
        answers_in_trees=not tracks_answers(paths),
        claimed=claimed_files(conn, run),
        retry="" if is_audit(request.phase) else after_red_gate(conn, run),
        code=None if review is None else code_around(repository.git, repository.head, review.given),
    )
    # Analyzers only read, so all of a wave share a tree: a tree for each domain costs time and disk.
    analyzes = bool(ready) and all(each.runtime.is_analyzer for each in ready)
    is_shared = request.isolate and is_audit(request.phase) and analyzes
    shared = Tree(workspace.tree(run.id, number, None), None) if is_shared else None
    # A shared tree is whole, because its analyzers read the files of all domains.
    sparse = sparse_files(config, owned, paths) if request.sparse and not is_shared else {}
    given = routing or review
    known = given.by_domain if given else known_to_audit(conn, run, request.phase)
    agents = []
    for domain in domains:
        name = domain.name
        # A reviewer without a question would cost a process.
        if not domain.ownership.has_agent or (review is not None and name not in review.by_domain):
            continue
        tree = shared
        if request.isolate and not is_shared:
            only = ground.sparse_set(name, sparse.get(name))
            tree = Tree.of_agent(run.hex, workspace.tree(run.id, number, name), only)
        agents.append(plan_agent(ground, domain, name, tree, known.get(name, ())))
    return WavePlan(
        run=run,
        request=request,
        number=number,
        commit=repository.head,
        domains=tuple(domains),
        agents=tuple(agents),
        folder=ground.folder,
        shared_tree=shared,
        ready=ready,
        runtime=recorded(ready, repository.root, paths, request.phase) if ready else (None, None, None),
        routing=routing,
        reads_of_nobody=tuple(sorted(config.reads.keys() - owned.keys())) if sparse else (),
        answers_in_trees=ground.answers_in_trees,
        included=files_to_include(repository, workspace, config) if request.isolate and not is_shared else (),
        review=review,
    )
