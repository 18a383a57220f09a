"""Dispatching some agents of a wave again: a new row, a prompt and a tree each; nobody else is touched."""

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.git import sentinel, worktrees
from swarm.git.repository import Repository, files_at
from swarm.git.worktrees import Tree
from swarm.interruption import postponed
from swarm.results.redispatch import CompletedHash
from swarm.rules.ownership import WHOLE_WAVE, OwnershipMap
from swarm.rules.phases import is_audit
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import agent_runs, assignments, digests, leases, ledger, snapshots, transitions, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.findings import Finding
from swarm.store.ledger import Entry
from swarm.store.runs import Run
from swarm.store.wave_documents import Sentinel, Violation
from swarm.store.waves import Wave
from swarm.waves.collect import watch
from swarm.waves.dispatch import dispatch, prompts, routing
from swarm.waves.dispatch.prompts import Briefing, Setting
from swarm.waves.trees import git_folder, kept_index
from swarm.waves.trees import worktrees as agent_trees
from swarm.waves.trees.sparse import Origin, held_again
from swarm.workspace import Workspace

MOST_NAMED = 10


class Scene(NamedTuple):
    """A wave that is taken up again, by which verb, and why."""

    verb: str
    workspace: Workspace
    run: Run
    wave: Wave
    repository: Repository
    config: Config
    reason: str | None

    @property
    def folder(self) -> Path:
        """Where the wave's prompts and outputs are."""
        return self.workspace.wave_folder(self.run.id, self.wave.number)


class Again(NamedTuple):
    """An agent that is dispatched again: its row, what its new one will hold, and whether its tree must be made."""

    before: AgentRun
    agent: dispatch.Agent
    makes_tree: bool

    @property
    def left_behind(self) -> str | None:
        """The tree that the agent had, where it gets another one."""
        return self.before.worktree_path if self.makes_tree else None


class _Ground(NamedTuple):
    """The files of the wave's commit: all, those of each domain, and those leased to each."""

    owned: Mapping[str, Sequence[str]]
    paths: Sequence[str]
    leased: Mapping[str, set[str]]


class Plan(NamedTuple):
    """What is dispatched again, and the place of the tree that analyzers share, if that is another now."""

    tail: tuple[Again, ...]
    shared_tree: str | None
    digest: str


def hold_to_git_folder(run: Run, wave: Wave, repository: Repository) -> None:
    """Raises WaveGitFolderChanged: nothing is run in the trees of a wave whose git folder somebody changed."""
    if changed := git_folder.changed_common(run, wave, repository):
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        files = ", ".join(f".git/{name}" for name in changed[:MOST_NAMED]) + more
        # A wave in flight is collected first, and fails.
        is_over = wave.status is not WaveStatus.DISPATCHED
        behind = f"swarm dispatch {run.id} {wave.phase} --isolate" if is_over else f"swarm collect {run.id}"
        raise errors.WaveGitFolderChanged(
            number=wave.number, phase=wave.phase, files=files, behind=behind, run_id=run.id
        )


def plan(conn: sqlite3.Connection, scene: Scene, tail: Sequence[AgentRun]) -> Plan:
    """Return the new rows of some agents, with the same commit, map and findings as before. Writes nothing."""
    run, wave, repository = scene.run, scene.wave, scene.repository
    domains = {domain.name: domain for domain in snapshots.map_of(conn, wave.snapshot_id)}
    owners = OwnershipMap(list(domains.values()))
    paths = [file.path for file in files_at(repository.git, wave.dispatch_sha)]
    owned, _ = owners.divide(paths)
    leased = leases.holding(conn, run.id, wave.number)
    given, drifted = _given(conn, scene, tail)
    rows = [agent.domain for agent in agent_runs.all_of(conn, wave.id)]
    ground = _Ground(owned, paths, leased)
    setting = Setting(run.id, run.repo, wave.phase, wave.number, wave.dispatch_sha, scene.config.prompt_bytes)
    shared = _shared_tree(scene, owners, max((rows.count(agent.domain) + 1 for agent in tail), default=2))
    again = []
    for before in tail:
        name = before.domain
        suffix = f"{name}.{rows.count(name) + 1}"
        tree, makes_tree = _tree(scene, before, suffix, shared, ground)
        output = scene.folder / suffix / "output.json"
        held = len(tree.only) if tree is not None and tree.only is not None else None
        told = Briefing(given[before.id], drifted, sorted(leased.get(name, ())), held)
        where = tree.path if tree else repository.root
        prompt = prompts.write_prompt(setting, domains[name], len(owned[name]), where, output, told)
        assigned = () if is_audit(wave.phase) else tuple(finding.row_id for finding in given[before.id])
        prompt_path = scene.folder / f"{suffix}.md"
        agent = dispatch.Agent(
            domain=domains[name],
            files=tuple(owned[name]),
            prompt_path=prompt_path,
            output_path=output,
            tree=tree,
            prompt=prompt,
            assigned=assigned,
        )
        again.append(Again(before, agent, makes_tree))
    return Plan(tuple(again), shared, digests.completed_hash(conn, wave.id))


def _given(
    conn: sqlite3.Connection, scene: Scene, tail: Sequence[AgentRun]
) -> tuple[dict[int, list[Finding]], frozenset[str]]:
    run, wave = scene.run, scene.wave
    if is_audit(wave.phase):
        return {a.id: routing.told_to_audit(conn, run, wave.phase, a.domain) for a in tail}, frozenset()
    given, drifted = routing.given_before(conn, run, wave, scene.repository)
    return {agent.id: given.get(agent.id, []) for agent in tail}, drifted


def _tree(scene: Scene, before: AgentRun, suffix: str, shared: str | None, ground: _Ground) -> tuple[Tree | None, bool]:
    """Return the tree of a new row, and whether it must be made; the old one, where it is as it was dispatched."""
    if before.worktree_path is None:
        return None, False
    if before.worktree_branch is None:
        return Tree(Path(shared or before.worktree_path), None), False
    old = Tree(Path(before.worktree_path), before.worktree_branch, _only(scene, before, ground))
    if old.path.is_dir() and not old.path.is_symlink():
        seen = kept_index.touched_in(scene.repository, old.path, scene.wave, scene.folder, old.branch)
        as_made = not seen and worktrees.is_as_made(scene.repository.git, old, scene.wave.dispatch_sha)
        if as_made and not worktrees.lacks_files(old):
            return old, False
    place = scene.workspace.tree(scene.run.id, scene.wave.number, suffix)
    return old._replace(path=place, branch=agent_trees.branch_name(scene.run.hex, scene.wave.number, suffix)), True


def _only(scene: Scene, before: AgentRun, ground: _Ground) -> tuple[str, ...] | None:
    """Return the files of an agent's next tree, `None` for all: those that the last one had, and leased ones."""
    name = Path(before.worktree_path or "").name
    origin = Origin(scene.repository, scene.wave, scene.folder)
    only = held_again(origin, name, before.domain, scene.config, ground.owned, ground.paths)
    if only is None:
        return None
    return tuple(sorted({*only, *ground.leased.get(before.domain, ())} & set(ground.paths)))


def _shared_tree(scene: Scene, owners: OwnershipMap, ordinal: int) -> str | None:
    """Return another place for the tree that analyzers share, where somebody edited the one that there is."""
    seen = watch.shared_tree_violations(scene.repository, scene.wave, scene.folder, owners)
    return str(scene.workspace.tree(scene.run.id, scene.wave.number, None)) + f".{ordinal}" if seen else None


def make(store: Store, scene: Scene, planned: Plan, timed_out: Sequence[AgentRun]) -> tuple[list[int], CompletedHash]:
    """Make trees and prompts, then write the new rows and the wave's state in one transaction; all or nothing.

    To be called under the lock of worktrees. Returns the new rows. Raises IsolationError, and StateConflict when the
    wave or an agent moved meanwhile.
    """
    commit, git = scene.wave.dispatch_sha, scene.repository.git
    wanted = [(one.agent.domain.name, one.agent.tree) for one in planned.tail if one.makes_tree and one.agent.tree]
    made = agent_trees.make_trees(git, wanted, commit)
    # Once it is recorded, what was made for it must not be taken back.
    with postponed():
        try:
            places = [tree for _, tree in wanted]
            kept_index.keep_indexes(places, scene.folder / "trees")
            dispatch.write_prompts([one.agent for one in planned.tail], is_amend=not is_audit(scene.wave.phase))
            guard = _sentinel(scene, places)
            ids, after = _record(store, scene, planned, timed_out, guard)
        except BaseException:
            agent_trees.take_back(git, made, commit)
            for one in planned.tail:
                one.agent.prompt_path.unlink(missing_ok=True)
                shutil.rmtree(one.agent.output_path.parent, ignore_errors=True)
            raise
    return ids, CompletedHash(planned.digest, after)


def _sentinel(scene: Scene, made: Sequence[Tree]) -> Sentinel:
    """Take the fingerprints anew; what the trees began with stays what it was."""
    kept = scene.wave.sentinel
    common = sentinel.fingerprint_common(scene.repository.common_dir, scene.run.id)
    primary = None if kept.primary is None else sentinel.fingerprint_primary(scene.repository)
    return Sentinel(common, primary, kept.indexes | kept_index.kept_digests(made, scene.folder / "trees"))


def _record(
    store: Store, scene: Scene, planned: Plan, timed_out: Sequence[AgentRun], guard: Sentinel
) -> tuple[list[int], str]:
    run, wave = scene.run, scene.wave
    with store.mutation() as conn:
        _hold_to_what_was_planned(conn, scene, planned)
        for agent in timed_out:
            told = f"no end within the run's {run.timeout_seconds} s"
            transitions.move_agent_run(conn, wave, agent, AgentRunStatus.TIMED_OUT, reason=told)
        ids = [_add(conn, scene, one) for one in planned.tail]
        waves.record_sentinel(conn, wave.id, guard)
        if planned.shared_tree is not None:
            waves.record_shared_tree(conn, wave.id, planned.shared_tree)
        if wave.status is WaveStatus.FAILED:
            transitions.move_wave(conn, wave, WaveStatus.DISPATCHED, reason=scene.reason)
        payload: dict[str, object] = {
            "verb": scene.verb,
            "agentRuns": list(ids),
            "forgotten": [violation.file for violation in unattributed(wave)],
        }
        subject = f"wave:{wave.id}"
        ledger.append(conn, Entry("wave_taken_up", subject, run.id, wave.id, reason=scene.reason, payload=payload))
        after = digests.completed_hash(conn, wave.id)
        if after != planned.digest:
            raise errors.StateConflict(subject="A completed agent", expected="what it was", run_id=run.id)
    return ids, after


def _hold_to_what_was_planned(conn: sqlite3.Connection, scene: Scene, planned: Plan) -> None:
    now = waves.newest(conn, scene.run.id)
    if now is None or (now.id, now.status) != (scene.wave.id, scene.wave.status):
        raise errors.StateConflict(
            subject=f"Wave {scene.wave.number}", expected=f"the newest, and {scene.wave.status}", run_id=scene.run.id
        )
    current = {agent.id: agent.status for agent in agent_runs.current(conn, now.id)}
    for one in planned.tail:
        if current.get(one.before.id) != one.before.status:
            subject = f"The agent of domain {one.before.domain}"
            raise errors.StateConflict(subject=subject, expected=one.before.status, run_id=scene.run.id)


def _add(conn: sqlite3.Connection, scene: Scene, one: Again) -> int:
    """Write the new row of an agent; one that was never dispatched has its row already."""
    before, row = one.before, dispatch.row_of(one.agent)
    if before.status is AgentRunStatus.PENDING:
        agent_runs.plan_anew(conn, before.id, row)
        dispatched = AgentRunStatus.DISPATCHED
        transitions.move_agent_run(conn, scene.wave, before, dispatched, reason=scene.reason, told=row.told)
        return before.id
    agent_run_id = agent_runs.add(conn, scene.run.id, scene.wave.id, row)
    assignments.assign(conn, agent_run_id, one.agent.assigned)
    return agent_run_id


def unattributed(wave: Wave) -> list[Violation]:
    """Return the violations of a wave whose agent is unknown."""
    return [violation for violation in wave.violations if violation.agent_domain == WHOLE_WAVE]
