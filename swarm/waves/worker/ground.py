"""Ground of a worker: repositories of the bases that it was sent, worktrees of attempts, and bundles of their work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from swarm.clock import now
from swarm.engine.messages import WorkOrder
from swarm.files import make_folder
from swarm.git import merging, snapshot, worktrees
from swarm.git.agent_work import work_of
from swarm.git.apart import Apart
from swarm.git.merging import Identity
from swarm.git.repository import Repository, repository_at
from swarm.git.worktrees import Tree
from swarm.locks import locked
from swarm.rules.ref_names import attempt_ref, tree_branch
from swarm.scratch import scratch_folder
from swarm.workspace import FILE_NAME, Workspace, tree_name

_SECONDS: Final = 300.0
_MOST_UNTAKEN: Final = 50


class WorkPlace(NamedTuple):
    """The place of an attempt: the repository of its base, a workspace of its own, and its worktree."""

    repository: Repository
    workspace: Workspace
    tree: Tree
    commit: str


class Brought(NamedTuple):
    """The work of an attempt as a bundle, `None` for none, and the files that git could not take into it."""

    bundle: bytes | None
    untaken: tuple[str, ...]


def repository_for(cache: Path, order: WorkOrder) -> Path:
    """Return the place of the repository of an order's base; it is there once the base was brought."""
    return cache / order.base.digest


def bring_base(cache: Path, order: WorkOrder, pack: bytes) -> None:
    """Make the repository of an order's base, unless another slot or worker made it meanwhile. Raises GitError."""
    make_folder(cache)
    with locked(cache / f"{order.base.digest}.lock", "worker", timeout=_SECONDS):
        if not repository_for(cache, order).exists():
            snapshot.make_repository(repository_for(cache, order), pack, order.commit)


@contextmanager
def site_of(cache: Path, order: WorkOrder) -> Iterator[WorkPlace]:
    """Give an attempt its place on this machine, and remove it afterwards. Raises GitError, OSError."""
    repository = repository_at(repository_for(cache, order))
    name = tree_name(order.wave, order.domain)
    branch = tree_branch(order.run.rpartition("-")[2], f"{name}-{order.id}")
    with scratch_folder() as folder:
        workspace = Workspace(folder / FILE_NAME)
        tree = Tree(workspace.tree(order.run, order.wave, order.domain), branch)
        make_folder(tree.path.parent)
        try:
            # git reads all other worktrees, half-made ones too, while it makes the next.
            with locked(cache / f"{order.base.digest}.lock", "worker", timeout=_SECONDS):
                worktrees.add(repository.git, tree, order.commit)
            worktrees.fill(tree)
            yield WorkPlace(repository, workspace, tree, order.commit)
        finally:
            with locked(cache / f"{order.base.digest}.lock", "worker", timeout=_SECONDS):
                worktrees.discard_unfinished(repository.git, tree, order.commit)


def brought(site: WorkPlace, order: WorkOrder) -> Brought:
    """Return the work in a worktree, judged as the files lie there, as one commit on the base. Raises GitError."""
    common = site.repository.common_dir
    work = work_of(common, site.tree.path, site.commit, None, site.tree.branch, apart=Apart(answers=True))
    untaken = tuple(dict.fromkeys((*work.untakable, *work.filtered, *work.large)))[:_MOST_UNTAKEN]
    if not work.touched or untaken:
        return Brought(None, untaken)
    git = site.repository.git
    message = f"Work of {order.domain} on another machine\n"
    commit = merging.commit_tree(git, work.tree, [site.commit], message, Identity(now()))
    file = site.workspace.folder / "work.bundle"
    return Brought(snapshot.bundle_of(git, site.commit, commit, attempt_ref(order.id), file), ())
