"""Plan of a rewind: its preconditions, the work that it ends, and the files that would be lost."""

import sqlite3
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.git import checkouts, history
from swarm.git import refs as refs_of_git
from swarm.git import rewind as git_rewind
from swarm.git.repository import Repository
from swarm.git.rewind import Lost
from swarm.rules.ref_names import integration_branch
from swarm.rules.states import AGENT_RUN, WAVE
from swarm.store import agent_runs, observations, runs, waves
from swarm.store import promotions as promotions_table
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.clean import intents
from swarm.waves.clean.rewind_target import SavePoint
from swarm.waves.clean.unfinished_rewind import goes_on
from swarm.workspace import Workspace

_MOST_NAMED: Final = 5


class RewindRequest(NamedTuple):
    """Options of the caller; the reason is `""` for a dry run."""

    apply: bool
    force: bool
    reason: str


class RewindPlan(NamedTuple):
    """Plan of a rewind; `begun` is the intent of an earlier rewind to the same commit that died."""

    point: SavePoint
    repository: Repository
    branch: str
    begins_at: str
    found: Lost
    integration: str | None
    waves: tuple[Wave, ...]
    agents: tuple[AgentRun, ...]
    status: str
    begun: dict[str, Any] | None


def plan_rewind(
    conn: sqlite3.Connection, workspace: Workspace, repository: Repository, point: SavePoint, *, force: bool
) -> RewindPlan:
    """Check the preconditions of a rewind and read what it will change. Raises RewindRefused, RewindNotClean."""
    # Read again under the lock: the caller selected the run before it waited.
    run = runs.find(conn, point.run.id) or point.run
    branch = _branch(repository, run, force=force)
    # Before anything is saved: a tracked database cannot be rewound while it is open.
    _hold_to_control_plane(workspace, repository, point)
    found = git_rewind.lost(repository, point.commit)
    # Files that git cannot keep, such as pipes, could not be saved and would be lost.
    if found.untakable:
        raise refused(run, f"git cannot keep {', '.join(found.untakable)}", "move it out of the checkout")
    if found.files and not force:
        files = found.files[:_MOST_NAMED]
        shown = ", ".join(files) + (", …" if len(found.files) > len(files) else "")
        raise errors.RewindNotClean(path=str(repository.root), count=len(found.files), files=shown)
    ending, working, status = not_promoted(conn, run.id)
    begun = _unfinished(conn, run, repository, point)
    # After a kill HEAD may be at the save point already, and `undo` needs the commit from before.
    begins_at = begun["from"] if begun else repository.head
    integration = _integration(repository, run, point)
    return RewindPlan(
        point=point._replace(run=run),
        repository=repository,
        branch=branch,
        begins_at=begins_at,
        found=found,
        integration=integration,
        waves=ending,
        agents=working,
        status=status,
        begun=begun,
    )


def not_promoted(conn: sqlite3.Connection, run_id: str) -> tuple[tuple[Wave, ...], tuple[AgentRun, ...], str]:
    """Return the waves and the agents that a rewind ends, and the phase that the run goes back to."""
    ending = tuple(wave for wave in waves.all_of(conn, run_id) if wave.status not in WAVE.terminal)
    working = tuple(
        agent for wave in ending for agent in agent_runs.all_of(conn, wave.id) if agent.status not in AGENT_RUN.terminal
    )
    promotions = promotions_table.promotions_of(conn, run_id)
    return ending, working, promotions[-1].to_phase if promotions else "initializing"


def _branch(repository: Repository, run: Run, *, force: bool) -> str:
    """Return the branch to rewind. Raises RewindRefused for a branch that cannot be moved."""
    git, branch = repository.git, repository.branch
    # A rebase or merge keeps state of its own in the git folder, which a moved branch would break.
    if (busy := git_rewind.unfinished(repository)) is not None:
        raise refused(run, f"{busy} is not finished in {repository.root}", "finish it, or abort it, then repeat")
    if branch is None:
        remedy = f"check out the branch that you mean, such as `git checkout {run.branch or 'main'}`"
        raise refused(run, f"HEAD is detached at {repository.head[:12]}", remedy)
    if run.branch is not None and branch != run.branch and not force:
        remedy = f"`git checkout {run.branch}` first, or add `--force` to rewind {branch}"
        raise refused(run, f"{branch} is checked out, and the run began on {run.branch}", remedy)
    # Git moves a branch under another checkout without a word, and its files would look edited.
    for name in (branch, integration_branch(run.hex)):
        others = [str(tree) for tree in checkouts.checkouts_of(git, name) if tree.resolve() != repository.root]
        if others:
            remedy = f"`git worktree remove {others[0]}`, or check something else out there"
            raise refused(run, f"branch {name} is checked out at {others[0]} as well", remedy)
    return branch


def refused(run: Run, problem: str, remedy: str) -> "errors.RewindRefused":
    """Return the refusal of a rewind of a run."""
    return errors.RewindRefused(problem=problem, remedy=remedy, run_id=run.id)


def _hold_to_control_plane(workspace: Workspace, repository: Repository, point: SavePoint) -> None:
    """Refuse a rewind in which git would overwrite the open database, as a tracked file. Raises RewindRefused."""
    place = workspace.database.resolve()
    if not place.is_relative_to(repository.root):
        return
    path = place.relative_to(repository.root).as_posix()
    if any(git_rewind.is_tracked(repository.git, sha, path) for sha in (repository.head, point.commit)):
        remedy = f"`git rm --cached {path}` and commit, or move the control plane out of the checkout"
        raise refused(point.run, f"the control plane {path} is a tracked file", remedy)


def _integration(repository: Repository, run: Run, point: SavePoint) -> str | None:
    """Return the tip of the integration branch, unless the target contains it.

    The next merge would publish everything on it again.
    """
    tip = refs_of_git.tip_of(repository.git, integration_branch(run.hex))
    return None if tip is None or history.is_ancestor(repository.git, tip, point.commit) else tip


def _unfinished(conn: sqlite3.Connection, run: Run, repository: Repository, point: SavePoint) -> dict[str, Any] | None:
    known = intents.last(conn, run.id)
    if known is None or known.kind != intents.REWIND_BEGUN:
        return None
    is_this = known.payload["to"] == point.commit and goes_on(known.payload, repository)
    return known.payload if is_this else None


def is_nothing(conn: sqlite3.Connection, plan: RewindPlan) -> bool:
    """Say whether a rewind would change nothing, in git or in the database."""
    is_there = plan.repository.head == plan.point.commit and not plan.found.files and plan.integration is None
    run = plan.point.run
    still_open = observations.unverified_by(conn, run.id, [wave.number for wave in plan.waves])
    return is_there and not plan.begun and not plan.waves and not still_open and run.status == plan.status
