"""Preconditions of a merge: the wave is ready, its agents and target exist, and its integration branch is ours."""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Final

from swarm import errors
from swarm.git import history, refs
from swarm.git.merging import Identity
from swarm.git.repository import Repository
from swarm.git.runner import Git
from swarm.rules.phases import is_audit
from swarm.rules.ref_names import integration_branch
from swarm.rules.states import WaveStatus
from swarm.store import merges, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves import run_facts
from swarm.waves.prove.commit_to_prove import verifications_of_files
from swarm.waves.prove.merge_chain import Link, MergeTask, before_unrecorded, caught_up
from swarm.waves.prove.merge_gate import MergeOptions
from swarm.waves.trees.integration import integration_of

_MERGEABLE: Final = (WaveStatus.COLLECTED, WaveStatus.VERIFIED, WaveStatus.ADVANCED)


def mergeable(conn: sqlite3.Connection, run: Run) -> Wave | None:
    """Return the newest amend wave with worktrees. Raises MergeNotReady where the newest is in flight or failed."""
    newest = waves.newest_of_phase(conn, run.id)
    if newest is not None and not is_audit(newest.phase) and newest.status not in _MERGEABLE:
        remedy = f"`{run_facts.next_action(conn, run.id)}` goes on with it; `swarm status {run.id}` tells more"
        raise errors.MergeNotReady(
            number=newest.number, phase=newest.phase, status=newest.status, remedy=remedy, run_id=run.id
        )
    found = waves.newest_amend(conn, run.id)
    return found if found is not None and found.isolated else None


def hold_to_agents(options: MergeOptions, agents: Sequence[AgentRun]) -> None:
    """Raise CliUsage where `--drop` names a domain without an agent in the wave."""
    names = [agent.domain for agent in agents]
    if strange := next((name for name in options.drop if name not in names), None):
        problem = f"--drop: no agent of the wave is called '{errors.shortened(strange)}'; there are {', '.join(names)}"
        raise errors.CliUsage(problem=problem, command="swarm merge")


def target_of(repository: Repository, run: Run, options: MergeOptions) -> tuple[str | None, str]:
    """Return the branch to merge on top of, `None` for a detached HEAD, and its commit. Raises CliUsage."""
    target = run.branch if options.target is None else options.target
    if target is None:
        if options.publish:
            problem = "--publish needs --target BRANCH: the run was made on a detached HEAD"
            raise errors.CliUsage(problem=problem, command="swarm merge")
        return None, repository.head
    tip = refs.tip_of(repository.git, target)
    if tip is None:
        problem = f"there is no branch '{errors.shortened(target)}' in {repository.root}"
        raise errors.CliUsage(problem=problem, command="swarm merge")
    return target, tip


def hold_to_integration(
    conn: sqlite3.Connection, git: Git, task: MergeTask, links: Sequence[Link], recorded: Collection[str]
) -> None:
    """Raise IntegrationMoved, unless a merge of ours left the branch at its tip, recorded or killed before that."""
    tip, ours = task.integration, merges.merged_into(conn, task.run.id, integration_branch(task.run.hex))
    if tip is None or tip in ours or history.is_ancestor(git, tip, task.tip):
        return
    base = before_unrecorded(git, task, tip, links, recorded)
    if base in ours or history.is_ancestor(git, base, task.tip) or _is_caught_up(git, task, base, ours):
        return
    integration_of(conn, task.repository.git, task.run)


def hold_to_verification(conn: sqlite3.Connection, git: Git, run: Run, commit: str) -> None:
    """Raise PublishUnverified where the newest `verify` of a commit, or of another with the same files, failed.

    The gate of a merge judges the build alone, so its pass does not outweigh what `verify` found.
    """
    made = [known for known in verifications_of_files(conn, git, run, commit) if known.purpose == "verify"]
    if made and not made[-1].passed:
        failed = made[-1]
        raise errors.PublishUnverified(
            verification=failed.id, verdict=failed.verdict, commit=failed.commit_sha[:12], run_id=run.id
        )


def _is_caught_up(git: Git, task: MergeTask, commit: str, ours: Collection[str]) -> bool:
    """Say whether a commit combines a merge of ours with its target, byte for byte as we combine them."""
    earlier, *others = history.parents_of(git, commit) or [commit]
    if len(others) != 1 or earlier not in ours or not history.is_ancestor(git, others[0], task.tip):
        return False
    try:
        return caught_up(git, task, earlier, others[0]) == commit
    except errors.MergeConflict:
        return False


def task_of(
    run: Run, wave: Wave, repository: Repository, agents: Sequence[AgentRun], options: MergeOptions
) -> MergeTask:
    """Return the task of a merge: its commits, branches and options, the same at each call."""
    target, tip = target_of(repository, run, options)
    # Verification and promotion move the end of the wave, but not the end of its agents: the commit stays the same.
    ended = max((agent.ended for agent in agents if agent.ended is not None), default=wave.dispatched)
    return MergeTask(
        run=run,
        wave=wave,
        repository=repository,
        target=target,
        tip=tip,
        integration=refs.tip_of(repository.git, integration_branch(run.hex)),
        identity=Identity(ended),
        dropped=options.drop,
        publish=options.publish,
    )
