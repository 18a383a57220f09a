"""The chain of a merge: each agent's judged work as a commit, merged one after the other as objects."""

import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.git import checkouts, history, merging, refs
from swarm.git.merging import Conflict, Identity
from swarm.git.repository import Repository
from swarm.git.runner import Git
from swarm.rules.ref_names import integration_branch
from swarm.rules.states import AgentRunStatus
from swarm.store import file_claims, fix_claims, merges
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.trees import git_folder


class Link(NamedTuple):
    """The work of one agent: its branch, and the commit there that holds what was judged."""

    agent: AgentRun
    branch: str
    commit: str
    files: tuple[str, ...]
    findings: tuple[str, ...]


class MergeTask(NamedTuple):
    """Everything that stays the same while a wave is merged.

    `tip` is the target's commit at the beginning, `integration` that of the run's integration branch; `dropped` and
    `publish` are what was asked for, which a next step must ask for again.
    """

    run: Run
    wave: Wave
    repository: Repository
    target: str | None
    tip: str
    integration: str | None
    identity: Identity
    dropped: tuple[str, ...] = ()
    publish: bool = False


def links_of(conn: sqlite3.Connection, task: MergeTask, agents: Sequence[AgentRun]) -> list[Link]:
    """Save what was judged of each agent's work on its branch, and return those with something to merge."""
    git, wave = task.repository.git, task.wave
    files = file_claims.claimed_files(conn, wave.id)
    by_domain: dict[str, list[str]] = {}
    for claim in fix_claims.of_wave(conn, wave.id):
        by_domain.setdefault(claim.domain, []).append(claim.finding_id)
    empty = history.tree_of(git, wave.dispatch_sha)
    recorded = [one.commit_sha for one in merges.merges_of(conn, wave.id)]
    found = []
    for agent in agents:
        if agent.status is not AgentRunStatus.COMPLETE or agent.work in {None, empty} or agent.worktree_branch is None:
            continue
        findings = tuple(by_domain.get(agent.domain, ()))
        commit = _saved(git, task, agent, findings, recorded)
        found.append(Link(agent, agent.worktree_branch, commit, tuple(files.get(agent.id, ())), findings))
    return found


def _saved(git: Git, task: MergeTask, agent: AgentRun, findings: Sequence[str], recorded: Sequence[str]) -> str:
    """Return the commit of an agent's branch that holds its judged work, made by us where it is not committed."""
    branch, work, since = agent.worktree_branch or "", agent.work or "", task.wave.dispatch_sha
    tip = refs.tip_of(git, branch)
    for merge in recorded if tip is None else ():
        # What was merged may be cleaned away; it is found where it was merged.
        known = history.is_ancestor(git, since, merge)
        if known and (kept := history.commit_with_tree(git, since, merge, work)) is not None:
            return kept
    grown = tip is not None and history.is_ancestor(git, since, tip)
    # A history with merges in it would bring in what others are judged by.
    grown = grown and tip is not None and not history.has_merges(git, since, tip)
    # What was committed after it was judged, or merged, is left alone.
    if tip is not None and grown and (kept := history.commit_with_tree(git, since, tip, work)) is not None:
        return kept
    # A history that was rewritten is left alone, too: what was judged stands by itself.
    parent = tip if tip is not None and grown else since
    message = _message(f"Work of {agent.domain}", task, agent.domain, findings)
    commit = merging.commit_tree(git, work, [parent], message, task.identity)
    if tip is None or grown:
        _move(git, task, agent, (tip, parent, commit))
    return commit


def _move(git: Git, task: MergeTask, agent: AgentRun, step: tuple[str | None, str, str]) -> None:
    """Move an agent's branch on, and the index of its tree with it; first that, for the branch is what is asked."""
    branch, (tip, parent, commit) = agent.worktree_branch or "", step
    # No git call in a tree whose git folder somebody changed.
    if agent.worktree_path is None or git_folder.changed_common(task.wave, task.repository):
        refs.move_branch(git, branch, tip, commit)
        return
    tree = Path(agent.worktree_path)
    checkouts.take_into_tree(task.repository, tree, branch, parent, commit)
    try:
        refs.move_branch(git, branch, tip, commit)
    except BaseException:
        # An interrupt is told after git has ended, and it may have moved the branch.
        if refs.tip_of(git, branch) != commit:
            checkouts.take_into_tree(task.repository, tree, branch, commit, parent)
        raise


def _message(title: str, task: MergeTask, domain: str, findings: Sequence[str]) -> str:
    lines = [f"{title} in wave {task.wave.number} ({task.wave.phase})", "", f"Swarm-Run: {task.run.id}"]
    lines += [f"Swarm-Wave: {task.wave.number}", f"Swarm-Domain: {domain}"]
    lines += [f"Swarm-Finding: {finding}" for finding in findings]
    return "\n".join(lines) + "\n"


def base_of(git: Git, task: MergeTask) -> str:
    """Return what the wave is merged on top of: the target, with what an earlier merge has not published yet."""
    tip, earlier = task.tip, task.integration
    if earlier is None or history.is_ancestor(git, earlier, tip):
        return tip
    if history.is_ancestor(git, tip, earlier):
        return earlier
    return caught_up(git, task, earlier, tip)


def caught_up(git: Git, task: MergeTask, earlier: str, tip: str) -> str:
    """Return the commit in which an earlier merge is brought together with its target. Raises MergeConflict."""
    try:
        tree = merging.merged(git, earlier, tip)
    except Conflict as conflict:
        raise _conflict(task, conflict, ()) from conflict
    message = _message("Catch up with the target", task, task.target or "HEAD", ())
    return merging.commit_tree(git, tree, [earlier, tip], message, task.identity)


def before_unrecorded(git: Git, task: MergeTask, base: str, links: Sequence[Link], recorded: Collection[str]) -> str:
    """Return a base without those merges at its end that a call which was killed published and did not record.

    Merged again they are the same commits; what somebody merged by hand is not.
    """
    by_commit = {link.commit: link for link in links}
    commit = base
    undone: list[Link] = []
    while commit not in recorded:
        first, *others = history.parents_of(git, commit) or [commit]
        if len(others) != 1 or others[0] not in by_commit:
            break
        undone.insert(0, by_commit[others[0]])
        commit = first
    try:
        return commit if undone and chained(git, task, commit, undone) == base else base
    except errors.MergeConflict:
        return base


def chained(git: Git, task: MergeTask, base: str, links: Sequence[Link]) -> str:
    """Return the commit in which the links are merged in map order. Raises MergeConflict."""
    commit, since = base, task.wave.dispatch_sha
    done: list[Link] = []
    for link in links:
        # An agent's own history does not say what its work rests on: with a merge in it, it could undo others' work.
        alone = merging.commit_tree(git, link.agent.work or "", [since], "Judged work\n", task.identity)
        try:
            tree = merging.merged(git, commit, alone)
        except Conflict as conflict:
            raise _conflict(task, conflict, (*done, link), is_alone=len(links) == 1 and base == task.tip) from conflict
        message = _message(f"Merge {link.agent.domain}", task, link.agent.domain, link.findings)
        commit = merging.commit_tree(git, tree, [commit, link.commit], message, task.identity)
        done.append(link)
    return commit


def _conflict(
    task: MergeTask, conflict: Conflict, links: Sequence[Link], *, is_alone: bool = False
) -> errors.MergeConflict:
    both = [link.agent.domain for link in links if set(link.files) & set(conflict.files)]
    last = links[-1] if links else None
    if last is not None and last.agent.domain not in both:
        both.append(last.agent.domain)
    run = task.run
    remedy = ""
    if last is not None:
        again = f"swarm merge {run.id}{' --publish' if task.publish else ''}"
        remedy = f"leave one out with `{again} --drop {','.join([*task.dropped, last.agent.domain])}`, or "
    if is_alone:
        # Without it there is nothing left to merge; whoever begins at the target now has nothing in the way.
        remedy = f"`swarm dispatch {run.id} {task.wave.phase} --isolate` amends anew on top of the target, or "
    return errors.MergeConflict(
        number=task.wave.number,
        files=conflict.files or ("unknown files",),
        domains=tuple(both) or ("none, but the target",),
        branch=last.branch if last else integration_branch(run.hex),
        remedy=remedy,
        run_id=run.id,
    )
