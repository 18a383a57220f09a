"""The chain of a merge: each agent's judged work as a commit, merged one after the other as objects."""

import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.git import checkouts, history, merging, refs
from swarm.git.conflicts import Conflict
from swarm.git.merging import Identity
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
    """The judged work of an agent: the commit that swarm made of it on the wave's commit, which is what is merged.

    `own` is the commit of the agent's branch with the same files. Its history may hold the agent's own commits, whose
    middle states, authors and messages nobody judged.
    """

    agent: AgentRun
    branch: str
    commit: str
    own: str
    files: tuple[str, ...]
    findings: tuple[str, ...]

    def is_in(self, git: Git, commit: str) -> bool:
        """Say whether a history holds the work: merged by swarm, or by a person who merged the agent's branch."""
        return any(history.is_ancestor(git, one, commit) for one in dict.fromkeys((self.commit, self.own)))


class MergeTask(NamedTuple):
    """The facts of a merge that stay the same from its beginning to its end.

    `tip` is the target's commit at the beginning, `integration` that of the run's integration branch; `present` is
    the work that an earlier merge brought into one of them; `dropped` and `publish` are options of the call, which a
    next step must repeat.
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
    present: tuple[Link, ...] = ()


def links_of(conn: sqlite3.Connection, task: MergeTask, agents: Sequence[AgentRun]) -> list[Link]:
    """Save the judged work of each agent on its branch, and return the agents with work to merge."""
    git, wave = task.repository.git, task.wave
    files = file_claims.claimed_files(conn, wave.id)
    by_domain: dict[str, list[str]] = {}
    for claim in fix_claims.of_wave(conn, wave.id):
        by_domain.setdefault(claim.domain, []).append(claim.finding_id)
    empty = history.tree_of(git, wave.dispatch_sha)
    recorded = [merge.commit_sha for merge in merges.merges_of(conn, wave.id)]
    found = []
    for agent in agents:
        if agent.status is not AgentRunStatus.COMPLETE or agent.work in {None, empty} or agent.worktree_branch is None:
            continue
        findings = tuple(by_domain.get(agent.domain, ()))
        commit = _alone(git, task, agent, findings)
        found.append(
            Link(
                agent=agent,
                branch=agent.worktree_branch,
                commit=commit,
                own=_saved(git, task, agent, commit, recorded),
                files=tuple(files.get(agent.id, ())),
                findings=findings,
            )
        )
    return found


def _alone(git: Git, task: MergeTask, agent: AgentRun, findings: Sequence[str]) -> str:
    """Return the judged work of an agent as a single commit of swarm's on that of the wave."""
    message = _message(f"Work of {agent.domain}", task, agent.domain, findings)
    return merging.commit_tree(git, agent.work or "", [task.wave.dispatch_sha], message, task.identity)


def _saved(git: Git, task: MergeTask, agent: AgentRun, alone: str, recorded: Sequence[str]) -> str:
    """Return the commit of an agent's branch that holds its judged work, made by us where the work is not committed.

    `alone` is the work as a commit on that of the wave.
    """
    branch, work, since = agent.worktree_branch or "", agent.work or "", task.wave.dispatch_sha
    tip = refs.tip_of(git, branch)
    for merge in recorded if tip is None else ():
        # The branch of merged work may be removed; the work is found in the merge.
        known = history.is_ancestor(git, since, merge)
        if known and (kept := history.commit_with_tree(git, since, merge, work)) is not None:
            return kept
    grown = tip is not None and history.is_ancestor(git, since, tip)
    # On a history with merges, a commit of ours would read as the agent's decision about others' work.
    grown = grown and tip is not None and not history.has_merges(git, since, tip)
    # Commits made after the judgement or the merge are not merged.
    if tip is not None and grown and (kept := history.commit_with_tree(git, since, tip, work)) is not None:
        return kept
    parent, commit = since, alone
    # Uncommitted work goes on top of the agent's own commits, so that its worktree and its branch agree.
    if tip is not None and grown and tip != since:
        message = f"Work of {agent.domain} that was not committed in wave {task.wave.number}\n"
        parent, commit = tip, merging.commit_tree(git, work, [tip], message, task.identity)
    if tip is None or grown:
        _move(git, task, agent, (tip, parent, commit))
    return commit


def _move(git: Git, task: MergeTask, agent: AgentRun, step: tuple[str | None, str, str]) -> None:
    """Move an agent's branch and the index of its tree; the index first, because a later call reads the branch."""
    branch, (tip, parent, commit) = agent.worktree_branch or "", step
    # Run no git in a tree whose git folder was changed: its configuration could name programs.
    if agent.worktree_path is None or git_folder.changed_common(task.wave, task.repository):
        refs.move_branch(git, branch, tip, commit)
        return
    tree = Path(agent.worktree_path)
    checkouts.take_into_tree(task.repository, tree, branch, parent, commit)
    try:
        refs.move_branch(git, branch, tip, commit)
    except BaseException:
        # An interrupt is raised after git has ended, and git may have moved the branch.
        if refs.tip_of(git, branch) != commit:
            checkouts.take_into_tree(task.repository, tree, branch, commit, parent)
        raise


def _message(title: str, task: MergeTask, domain: str, findings: Sequence[str]) -> str:
    lines = [f"{title} in wave {task.wave.number} ({task.wave.phase})", "", f"Swarm-Run: {task.run.id}"]
    lines += [f"Swarm-Wave: {task.wave.number}", f"Swarm-Domain: {domain}"]
    lines += [f"Swarm-Finding: {finding}" for finding in findings]
    return "\n".join(lines) + "\n"


def base_of(git: Git, task: MergeTask) -> str:
    """Return the base of the merge: the target, with earlier merges that are not published yet."""
    tip, earlier = task.tip, task.integration
    if earlier is None or history.is_ancestor(git, earlier, tip):
        return tip
    if history.is_ancestor(git, tip, earlier):
        return earlier
    return caught_up(git, task, earlier, tip)


def caught_up(git: Git, task: MergeTask, earlier: str, tip: str) -> str:
    """Return the commit that merges an earlier merge with its target. Raises MergeConflict."""
    try:
        tree = merging.merged(merging.with_attributes(git, tip), earlier, tip)
    except Conflict as conflict:
        raise _conflict(task, conflict, ()) from conflict
    message = _message("Catch up with the target", task, task.target or "HEAD", ())
    return merging.commit_tree(git, tree, [earlier, tip], message, task.identity)


def before_unrecorded(git: Git, task: MergeTask, base: str, links: Sequence[Link], recorded: Collection[str]) -> str:
    """Return a base without the merges at its end that a killed call published and did not record.

    Merged again, they are the same commits; a merge made by hand is another commit.
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
    """Return the commit in which the links are merged in map order. Raises MergeConflict.

    The attributes of the base hold for the whole chain: an agent's `.gitattributes` steers no merge of others' work.
    """
    commit, place = base, merging.with_attributes(git, base)
    done: list[Link] = []
    for link in links:
        try:
            tree = merging.merged(place, commit, link.commit)
        except Conflict as conflict:
            others = [other for other in (*task.present, *done) if _clashes(place, other, link)]
            alone = len(links) == 1 and base == task.tip
            raise _conflict(task, conflict, (*others, link), is_alone=alone) from conflict
        message = _message(f"Merge {link.agent.domain}", task, link.agent.domain, link.findings)
        commit = merging.commit_tree(git, tree, [commit, link.commit], message, task.identity)
        done.append(link)
    return commit


def _clashes(git: Git, one: Link, other: Link) -> bool:
    """Say whether two agents' works conflict: by their files alone, a renamed folder clashes with nothing in it."""
    try:
        merging.merged(git, one.commit, other.commit)
    except Conflict:
        return True
    return False


def _conflict(
    task: MergeTask, conflict: Conflict, links: Sequence[Link], *, is_alone: bool = False
) -> errors.MergeConflict:
    last = links[-1] if links else None
    run = task.run
    remedy = ""
    if last is not None:
        again = f"swarm merge {run.id}{' --publish' if task.publish else ''}"
        remedy = f"leave one out with `{again} --drop {','.join([*task.dropped, last.agent.domain])}`, or "
    if is_alone:
        # Without this work nothing is left to merge; a new wave begins at the target, without the conflict.
        remedy = f"`swarm dispatch {run.id} {task.wave.phase} --isolate` amends anew on top of the target, or "
    drivers = [f"; swarm does not run the merge driver '{name}' of {path}" for path, name in conflict.drivers]
    return errors.MergeConflict(
        number=task.wave.number,
        files=conflict.files or ("unknown files",),
        domains=tuple(dict.fromkeys(link.agent.domain for link in links)) or ("none, but the target",),
        branch=_by_hand(task, last) if last else integration_branch(run.hex),
        note="".join(drivers),
        remedy=remedy,
        run_id=run.id,
    )


def _by_hand(task: MergeTask, link: Link) -> str:
    """Return what a person merges to have an agent's work in the target: its branch, or the commit if that moved."""
    git = task.repository.git
    tip = refs.tip_of(git, link.branch)
    return link.branch if tip is not None and history.is_ancestor(git, link.own, tip) else link.commit
