"""Plan of the agents that are dispatched again, each with the same commit, map and findings, a prompt and a tree."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm.git import worktrees
from swarm.git.repository import files_at
from swarm.git.worktrees import Tree
from swarm.rules.ownership import OwnershipMap
from swarm.store import agent_runs, digests, leases, snapshots
from swarm.store.agent_runs import AgentRun
from swarm.store.findings import Finding
from swarm.waves.collect import watch
from swarm.waves.dispatch import routing
from swarm.waves.dispatch.agents import PlannedAgent, WaveGround, plan_agent
from swarm.waves.dispatch.ground_text import instructions_in
from swarm.waves.dispatch.prompts import Setting
from swarm.waves.dispatch.second_try import after_failure
from swarm.waves.recover.recovery import Recovery
from swarm.waves.review.asked import code_around
from swarm.waves.trees import kept_index
from swarm.waves.trees.provided import tracks_answers
from swarm.waves.trees.sparse import Origin, held_again


class Successor(NamedTuple):
    """An agent that is dispatched again: its row, the plan of its next row, and whether its tree must be made."""

    before: AgentRun
    agent: PlannedAgent
    makes_tree: bool

    @property
    def left_behind(self) -> str | None:
        """The previous tree of an agent that gets a new tree."""
        return self.before.worktree_path if self.makes_tree else None


class SuccessorPlan(NamedTuple):
    """Agents that are dispatched again, and the new place of the tree that analyzers share, if it moves.

    `digest` is over the completed agents: redispatch must leave them as they are.
    `answers_in_trees` says that the agents of new trees answer there.
    """

    successors: tuple[Successor, ...]
    shared_tree: str | None
    digest: str
    answers_in_trees: bool = False


def plan_successors(conn: sqlite3.Connection, recovery: Recovery, tail: Sequence[AgentRun]) -> SuccessorPlan:
    """Plan the next rows of some agents, with the same commit, map and findings as before. Writes nothing."""
    run, wave, repository = recovery.run, recovery.wave, recovery.repository
    # The map of the dispatch: successors must own what their predecessors owned.
    domains = {domain.name: domain for domain in snapshots.map_of(conn, wave.snapshot_id)}
    owners = OwnershipMap(list(domains.values()))
    paths = [file.path for file in files_at(repository.git, wave.dispatch_sha)]
    findings, drifted = _given(conn, recovery, tail)
    ground = WaveGround(
        setting=Setting(
            run_id=run.id,
            repo=run.repo,
            phase=wave.phase,
            wave=wave.number,
            commit=wave.dispatch_sha,
            limit=recovery.config.prompt_bytes,
            domains=list(domains.values()),
            instructions=instructions_in(paths),
            # Of the dispatch: what was accepted or withdrawn since must not make agents of one wave unequal.
            advice=wave.advice.text,
        ),
        folder=recovery.folder,
        root=repository.root,
        owned=owners.divide(paths)[0],
        paths=paths,
        leased=leases.holding(conn, run.id, wave.number),
        drifted=drifted,
        answers_in_trees=not tracks_answers(paths),
        claimed=routing.claimed_files(conn, run),
        code=_code(recovery, findings) if wave.is_review else None,
    )
    rows = [agent.domain for agent in agent_runs.all_of(conn, wave.id)]
    # Every earlier row counts, so that no name of a prompt, a tree or a branch comes twice.
    ordinals = {agent.domain: rows.count(agent.domain) + 1 for agent in tail}
    shared = _shared_tree(recovery, owners, max(ordinals.values(), default=2))
    successors = []
    for before in tail:
        name = f"{before.domain}.{ordinals[before.domain]}"
        tree, makes_tree = _tree(recovery, before, name, shared, ground)
        agent = plan_agent(ground, domains[before.domain], name, tree, findings[before.id], after_failure(before))
        successors.append(Successor(before, agent, makes_tree))
    return SuccessorPlan(tuple(successors), shared, digests.completed_hash(conn, wave.id), ground.answers_in_trees)


def _given(
    conn: sqlite3.Connection, recovery: Recovery, tail: Sequence[AgentRun]
) -> tuple[Mapping[int, Sequence[Finding | str]], frozenset[str]]:
    """Return the findings of each agent's prompt, and the ids of the findings whose line was rewritten."""
    run, wave = recovery.run, recovery.wave
    if wave.is_audit and not wave.is_review:
        known = routing.known_to_audit(conn, run, wave.phase)
        return {agent.id: known.get(agent.domain, ()) for agent in tail}, frozenset()
    given, drifted = routing.given_before(conn, run, wave, recovery.repository)
    return {agent.id: given.get(agent.id, []) for agent in tail}, drifted


def _code(recovery: Recovery, findings: Mapping[int, Sequence[Finding | str]]) -> Mapping[int, tuple[str, ...]]:
    every = [finding for own in findings.values() for finding in own if isinstance(finding, Finding)]
    return code_around(recovery.repository.git, recovery.wave.dispatch_sha, every)


def _tree(
    recovery: Recovery, before: AgentRun, name: str, shared: str | None, ground: WaveGround
) -> tuple[Tree | None, bool]:
    """Return the tree of an agent's next row, and whether it must be made.

    The previous tree is used again where it is as it was dispatched: work of an agent that failed stays where it is.
    """
    if before.worktree_path is None:
        return None, False
    if before.worktree_branch is None:
        return Tree(Path(shared or before.worktree_path), None), False
    run, wave, git = recovery.run, recovery.wave, recovery.repository.git
    old = Tree(Path(before.worktree_path), before.worktree_branch, _only(recovery, before, ground))
    if old.path.is_dir() and not old.path.is_symlink():
        seen = kept_index.touched_in(recovery.repository, old.path, wave, recovery.folder, old.branch)
        is_as_made = not seen and worktrees.is_as_made(git, old, wave.dispatch_sha)
        # A sparse tree of the earlier try may lack files that are leased or read now.
        if is_as_made and not worktrees.lacks_files(old):
            return old, False
    # A new place and branch: the failed agent's work stays for a person to look through.
    return Tree.of_agent(run.hex, recovery.workspace.tree(run.id, wave.number, name), old.only), True


def _only(recovery: Recovery, before: AgentRun, ground: WaveGround) -> tuple[str, ...] | None:
    """Return the files of an agent's next tree, `None` for all: those of the previous tree, and leased ones."""
    name = Path(before.worktree_path or "").name
    origin = Origin(recovery.repository, recovery.wave, recovery.folder)
    only = held_again(origin, name, before.domain, recovery.config, ground.owned, ground.paths)
    return ground.sparse_set(before.domain, only)


def _shared_tree(recovery: Recovery, owners: OwnershipMap, ordinal: int) -> str | None:
    """Return another place for the tree that analyzers share, where files in the present tree were edited."""
    run, wave = recovery.run, recovery.wave
    seen = watch.shared_tree_violations(recovery.repository, wave, recovery.folder, owners)
    return str(recovery.workspace.tree(run.id, wave.number, None)) + f".{ordinal}" if seen else None
