"""Bases of a worker: the repositories that it was sent, and the worktrees of attempts that it makes of them."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.engine.messages import WorkOrder
from swarm.files import make_folder
from swarm.git import private_trees, snapshot, worktrees
from swarm.git.apart import Apart
from swarm.git.private_trees import Part
from swarm.git.repository import Repository, files_at, hold_again, repository_at
from swarm.git.runner import GitError
from swarm.git.worktrees import Tree
from swarm.locks import locked
from swarm.rules.file_marks import marked
from swarm.rules.ref_names import tree_branch
from swarm.scratch import scratch_folder
from swarm.waves.worker.aside import aside
from swarm.workspace import FILE_NAME, Workspace, tree_name

_SECONDS: Final = 300.0


class WorkPlace(NamedTuple):
    """The place of an attempt: the repository of its base, a workspace of its own, and its worktree.

    `admin` is the folder of git's state of the worktree, `kept_index` a copy of its first index, `part` what a sparse
    worktree holds.
    """

    repository: Repository
    workspace: Workspace
    tree: Tree
    commit: str
    admin: Path
    part: Part | None

    @property
    def kept_index(self) -> Path:
        """The copy of the first index, out of the reach of an enclosed agent."""
        return self.workspace.folder / "kept.index"

    def is_untouched(self, apart: Apart) -> bool:
        """Say whether the worktree is as it was made, besides what is apart. Raises GitError."""
        common = self.repository.common_dir
        return private_trees.is_untouched(common, self.tree, self.admin, self.kept_index, self.commit, apart, self.part)


class Bases:
    """Repositories of the bases that a worker was sent, each in a folder that is called like the digest of its base.

    Other workers may use the same folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, Repository] = {}
        # Files and index of a base, once a sparse worktree was made of it.
        self._whole: dict[str, tuple[tuple[str, ...], bytes]] = {}

    def holds(self, order: WorkOrder) -> bool:
        """Say whether the repository of an order's base is here."""
        return self._place(order).exists()

    def bring(self, order: WorkOrder, pack: bytes) -> None:
        """Make the repository of an order's base, unless another slot or worker made it meanwhile. Raises GitError."""
        make_folder(self._folder)
        with self._alone(order):
            if not self.holds(order):
                snapshot.make_repository(self._place(order), pack, order.commit)

    @asynccontextmanager
    async def site_of(self, order: WorkOrder) -> AsyncIterator[WorkPlace]:
        """Give an attempt its place on this machine, and remove it afterwards. Raises GitError, OSError."""
        with scratch_folder() as folder:
            made: list[WorkPlace] = []
            try:
                # A cancellation waits for the end of this, and what was made by then must be known.
                await aside(lambda: made.append(self._made(order, Workspace(folder / FILE_NAME))))
                (site,) = made
                await aside(lambda: private_trees.fill(site.tree, site.admin, site.kept_index, site.part))
                yield site
            finally:
                # A result that cost money must not be lost because a tree that nobody needs any more stays.
                with suppress(errors.SwarmError, GitError, OSError):
                    await aside(lambda: self._remove(order, made))

    def _place(self, order: WorkOrder) -> Path:
        return self._folder / order.base.digest

    def _alone(self, order: WorkOrder) -> AbstractContextManager[None]:
        """Hold the repository of an order's base against the other slots and workers of this folder."""
        return locked(self._folder / f"{order.base.digest}.lock", "worker", timeout=_SECONDS)

    def _repository(self, order: WorkOrder) -> Repository:
        known = self._found.get(order.base.digest)
        if known is None:
            known = self._found[order.base.digest] = repository_at(self._place(order))
        else:
            # git is asked once for each base: it would be asked twice for each order.
            hold_again(known)
        return known

    def _chosen(
        self, order: WorkOrder, repository: Repository, folder: Path
    ) -> tuple[tuple[str, ...] | None, Part | None]:
        """Return the files of an order's worktree, `None` for all, and the part that they are. Raises ObjectCorrupt."""
        if order.files is None:
            return None, None
        if order.base.digest not in self._whole:
            paths = tuple(file.path for file in files_at(repository.git, order.commit))
            index = private_trees.whole_index(repository.git, order.commit, folder / "whole.index")
            self._whole[order.base.digest] = paths, index
        paths, index = self._whole[order.base.digest]
        try:
            only = marked(paths, order.files)
        except ValueError as error:
            raise errors.ObjectCorrupt(digest=order.base.digest, problem=str(error)) from error
        held = frozenset(only)
        return only, Part(index, [path for path in paths if path not in held])

    def _made(self, order: WorkOrder, workspace: Workspace) -> WorkPlace:
        repository, name = self._repository(order), tree_name(order.wave, order.domain)
        branch = tree_branch(order.run.rpartition("-")[2], f"{name}-{order.id}")
        only, part = self._chosen(order, repository, workspace.folder)
        tree = Tree(workspace.tree(order.run, order.wave, order.domain), branch, only)
        make_folder(tree.path.parent)
        # An older worker of this folder makes worktrees by git, which reads all others, half-made ones too.
        with self._alone(order):
            try:
                admin = private_trees.add(repository.git, tree, order.commit)
            except (GitError, OSError):
                worktrees.discard_unfinished(repository.git, tree, order.commit)
                raise
        return WorkPlace(repository, workspace, tree, order.commit, admin, part)

    def _remove(self, order: WorkOrder, made: Sequence[WorkPlace]) -> None:
        for site in made:
            # Its files without the lock, which others wait for.
            shutil.rmtree(site.tree.path, ignore_errors=True)
            with self._alone(order):
                private_trees.remove(site.repository.git, site.tree, site.admin)
