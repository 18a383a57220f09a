"""Work of agents that ran on other machines: bundles, each taken into the worktree of its agent once it is checked.

From there on it is judged as the work of an agent that ran here: by the same code, with the same bounds.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.git import checkouts, history, quarantine, refs
from swarm.git.bundle_fault import BundleFault
from swarm.git.quarantine import Checked
from swarm.git.repository import Repository
from swarm.git.runner import GitError
from swarm.rules.ref_names import attempt_ref, head_ref
from swarm.store import agent_runs
from swarm.store.agent_runs import AgentRun
from swarm.store.waves import Wave
from swarm.waves.trees.git_folder import changed_common
from swarm.waves.trees.kept_index import touched_in, work_in
from swarm.waves.trees.kept_view import as_at_dispatch
from swarm.workspace import Workspace

_MOST_NAMED: Final = 5


class _Work(NamedTuple):
    """A bundle of an agent's, with all that it is taken into. `branch` is that of the agent's worktree."""

    agent: AgentRun
    wave: Wave
    folder: Path
    bundle: Path
    tree: Path
    branch: str
    ref: str

    def refused(self, reason: str, problem: str) -> "errors.BundleRefused":
        return errors.BundleRefused(
            domain=self.agent.domain,
            reason=reason,
            problem=problem,
            path=str(self.bundle),
            base=self.wave.dispatch_sha,
            branch=self.branch,
        )


@contextmanager
def brought_in(
    conn: sqlite3.Connection,
    workspace: Workspace,
    wave: Wave,
    repository: Repository,
    bundles: Mapping[str, Path],
    named: Iterable[str],
) -> Iterator[Repository]:
    """Give the repository as a wave saw it at dispatch, with each bundle taken into the worktree of its domain's agent.

    Every bundle is checked before any of them is taken. The ref of a bundle is the branch of the worktree. A bundle
    that was taken before is taken again without a change. `named` are the domains of other answers of the call, which
    must not be refused once a bundle is taken. Raises BundleRefused, CollectUnknownDomain.
    """
    with as_at_dispatch(wave, repository) as seen:
        if bundles:
            agents = {agent.domain: agent for agent in agent_runs.current(conn, wave.id)}
            if strange := next((name for name in (*bundles, *named) if name not in agents), None):
                raise errors.CollectUnknownDomain(name=strange, number=wave.number, names=", ".join(agents))
            folder = workspace.wave_folder(wave.run_id, wave.number)
            _take_all(seen, wave, [_work(agents[name], wave, folder, bundle) for name, bundle in bundles.items()])
        yield seen


def take_attempt(
    workspace: Workspace, wave: Wave, repository: Repository, agent: AgentRun, attempt: str, bundle: Path
) -> None:
    """Take the bundle of an attempt on another machine into its agent's worktree. Raises BundleRefused."""
    folder = workspace.wave_folder(wave.run_id, wave.number)
    with as_at_dispatch(wave, repository) as seen:
        _take_all(seen, wave, [_work(agent, wave, folder, bundle)._replace(ref=attempt_ref(attempt))])


def _take_all(repository: Repository, wave: Wave, works: Sequence[_Work]) -> None:
    if changed := changed_common(wave, repository):
        # A changed git folder could make git run a program in a worktree; collect without bundles reports the change.
        raise works[0].refused("git folder", f".git/{changed[0].file} changed since dispatch; see `swarm collect`")
    with ExitStack() as stack:
        ready = [(work, _checked(stack, repository, work)) for work in works]
        for work, checked in ready:
            _take(repository, work, checked)


def _work(agent: AgentRun, wave: Wave, folder: Path, bundle: Path) -> _Work:
    tree, branch = Path(agent.worktree_path or ""), agent.worktree_branch or ""
    work = _Work(agent=agent, wave=wave, folder=folder, bundle=bundle, tree=tree, branch=branch, ref=head_ref(branch))
    if not wave.isolated or not branch:
        raise work.refused("worktree", f"wave {wave.number} was dispatched without --isolate")
    if not tree.is_dir() or tree.is_symlink():
        raise work.refused("worktree", f"{tree} is gone or was replaced")
    return work


def _checked(stack: ExitStack, repository: Repository, work: _Work) -> Checked:
    base = work.wave.dispatch_sha
    try:
        checked = stack.enter_context(quarantine.quarantined(repository, work.bundle, base, work.ref))
    except BundleFault as fault:
        raise work.refused(fault.kind, fault.words) from None
    except GitError as error:
        raise error.typed() from error
    except OSError as error:
        raise work.refused("header", f"{work.bundle} cannot be read: {error.strerror}") from error
    tip = refs.tip_of(repository.git, work.branch)
    touched = touched_in(repository, work.tree, work.wave, work.folder, work.branch) if tip == base else []
    if tip not in {base, checked.commit} or touched:
        named = ", ".join(file.path for file in touched[:_MOST_NAMED]) or f"commit {str(tip)[:12]}"
        raise work.refused("worktree", f"{work.tree} holds other work: {named}")
    return checked


def _take(repository: Repository, work: _Work, checked: Checked) -> None:
    git, base = repository.git, work.wave.dispatch_sha
    try:
        if refs.tip_of(git, work.branch) != checked.commit:
            quarantine.admit(repository, checked)
            # From the wave's commit alone: of two calls with two bundles, the second is refused.
            refs.move_branch(git, work.branch, base, checked.commit)
        # Also where the branch has moved: a call that was killed in between left the files of the wave's commit.
        checkouts.take_into_tree(repository, work.tree, work.branch, base, checked.commit, with_files=True)
    except GitError as error:
        raise error.typed() from error
    # The files may be left half written, on a full disk; then a part of the work would be judged as all of it.
    found = work_in(repository, work.tree, work.wave, work.folder, work.branch)
    if found.tree != history.tree_of(git, checked.commit):
        raise work.refused("worktree", f"the files of {work.tree} are not those of the bundle")
