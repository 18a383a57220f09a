"""Work of a worktree that no commit holds, found and kept as a commit below `refs/swarm/salvage/`.

Finding is a pure read. The tree's `.git`, its index and its flags are not believed, as in `agent_work`; content that
is staged in its index alone counts as well, because removing the tree would lose that content.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git import history, merging
from swarm.git.agent_work import changed_files, new_files, own_index, swollen, take_files
from swarm.git.apart import NOTHING_APART, Apart
from swarm.git.blocking_files import MOST_TOGETHER, blocking_files, largest_file
from swarm.git.checkouts import is_sparse
from swarm.git.diff import changes, raw_changes
from swarm.git.merging import Identity
from swarm.git.path_text import path_bytes, path_text
from swarm.git.refs import create, drop, refs_below, tip
from swarm.git.repository import SUBMODULE_MODE, Repository, filled_submodules, own_git_dir
from swarm.git.runner import Git
from swarm.interruption import postponed
from swarm.rules.ref_names import salvage_ref, salvage_refs
from swarm.scratch import scratch_folder

_PLAIN: Final = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]+")


class Dirt(NamedTuple):
    """Files of a worktree that differ from a commit, by path.

    `new` are files that git does not track. `untakable` cannot be kept by git: repositories inside of the tree, what
    cannot be read, what git would wait for. `ignored` counts the files that git ignores; they are no dirt.
    """

    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    untakable: tuple[str, ...] = ()
    ignored: int = 0

    @property
    def is_none(self) -> bool:
        """Whether the files are those of the commit."""
        return not (self.changed or self.gone or self.new or self.untakable)


class Unsavable(Exception):
    """Files that git did not take into a commit."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = tuple(files)
        super().__init__(", ".join(files))


class Comparison(NamedTuple):
    """A worktree and the commit to compare its files with; `kept_index` is the index of `base`, kept at dispatch.

    What is `apart` is no work: swarm put it there.
    """

    common_dir: Path
    tree: Path
    base: str
    kept_index: Path | None
    commit: str
    apart: Apart = NOTHING_APART


@contextmanager
def checkout_of(repository: Repository) -> Iterator[Comparison]:
    """Give the user's checkout and HEAD to compare, with a copy of the checkout's index; the index is only read."""
    git, head = repository.git, repository.head
    own = own_git_dir(git)
    index = None if own is None else own / "index"
    if index is None or not index.is_file():
        yield Comparison(repository.common_dir, repository.root, head, None, head)
        return
    with scratch_folder() as folder:
        kept = folder / "index"
        shutil.copy2(index, kept)
        here = Git(repository.root, index=kept, view=repository.view)
        # Back to HEAD, with the times of unchanged files and the marks of a sparse checkout: without them, a staged
        # file or a conflict would make git read every file again.
        here.run("read-tree", "--reset", head, filters=True, sparse=is_sparse(here))
        yield Comparison(repository.common_dir, repository.root, head, kept, head)


def dirt_of(comparison: Comparison, *, with_submodules: bool = True) -> Dirt:
    """Return the differences of a worktree's files from its commit.

    `with_submodules` says that a submodule's folder is to be empty, as it is in a worktree that we made.
    """
    tree, common_dir = comparison.tree, comparison.common_dir
    # Far above the limit for work: a file that is merely large is saved, and never one of 100 GiB.
    endless, large = blocking_files(tree, common_dir, MOST_TOGETHER * largest_file())
    if stuck := endless or swollen(Git(tree, git_dir=common_dir), comparison.commit, large):
        return Dirt(untakable=stuck)
    with _index_of(comparison) as git:
        found = _dirt(git, comparison, with_submodules=with_submodules)
    huge = tuple(path for path in found.new if path in large)
    return found._replace(untakable=(*found.untakable, *huge)) if huge else found


def tree_with_dirt(comparison: Comparison, only: Collection[str] | None = None, also: Sequence[str] = ()) -> str:
    """Return a tree object: the commit's, with the dirt of the files, or with `only` some of it, and `also` others.

    Raises Unsavable where git leaves something out.
    """
    with _index_of(comparison) as git:
        found = _dirt(git, comparison, with_submodules=only is None)
        wanted = [path for path in (*found.changed, *found.new) if only is None or path in only]
        wanted += [path for path in also if path not in wanted]
        gone = [path for path in found.gone if only is None or path in only]
        unreadable = take_files(git, gone, wanted)
        tree = git.run("write-tree", filters=True).decode().strip()
        # git silently leaves out names that would lead into `.git` on other file systems.
        written = {change.new_path for change in changes(git, comparison.commit, tree, renames=False)}
        left_out = [path for path in found.new if path in wanted and path not in written]
    if unreadable or left_out:
        raise Unsavable([*unreadable, *left_out])
    return tree


def staged_alone(comparison: Comparison, index: Path) -> tuple[str, ...]:
    """Return what is staged in a tree's own index and nowhere else. Raises GitError for an index that is broken."""
    if not index.is_file() or index.is_symlink():
        return ()
    with _copied(comparison, index) as git:
        git.run("update-index", "-q", "--really-refresh", expect=(0, 1), filters=True)
        held = {change.old_path for change in changed_files(git, comparison.apart)}
        for commit in {comparison.commit, comparison.base}:
            listed = git.run("diff-index", "--cached", "--raw", "-z", "--no-abbrev", *_PLAIN, commit, "--")
            held &= {change.new_path for change in raw_changes(listed) if change.letter != "D"}
    return tuple(sorted(held))


def staged_tree(comparison: Comparison, index: Path) -> str:
    """Return the tree object of a worktree's own index. Raises GitError for one with a merge in it."""
    with _copied(comparison, index) as git:
        return git.run("write-tree").decode().strip()


def put_back(comparison: Comparison) -> None:
    """Bring the files of a worktree back to its commit. What git ignores stays, and so does what is apart.

    The caller has saved the dirt, and no process works in the tree.
    """
    with _index_of(comparison) as git:
        changed = [change.old_path for change in changed_files(git, comparison.apart)]
        for path in new_files(git, comparison.apart):
            # A path that git lists leads through no link.
            os.unlink(os.path.join(os.fsencode(comparison.tree), path_bytes(path)))  # noqa: PTH108, PTH118
        named = b"".join(path_bytes(path) + b"\0" for path in changed)
        git.run("checkout-index", "--force", "--quiet", "-z", "--stdin", stdin=named, filters=True)


def keep(git: Git, run_id: str, name: str, tree: str, parents: Sequence[str], message: str, moment: str) -> str:
    """Keep a tree as a commit under a free name and return the ref; a ref that keeps the same commit is reused.

    A tree that is that of its only parent needs no commit of its own: the parent is kept.
    """
    plain = len(parents) == 1 and history.tree_of(git, parents[0]) == tree
    for ref in _names(run_id, name):
        held = tip(git, ref)
        if held is None:
            commit = parents[0] if plain else merging.commit_tree(git, tree, parents, message, Identity(moment))
            create(git, ref, commit)
            return ref
        if plain and held == parents[0]:
            return ref
        if history.tree_of(git, held) == tree and history.parents_of(git, held) == list(parents):
            return ref
    raise AssertionError


@contextmanager
def kept_if_recorded(git: Git, run_id: str) -> Iterator[None]:
    """Drop the refs of saved work that the block makes for a run, when the block fails before its ledger entry.

    Interrupts are held: after the entry is committed, `undo` needs every ref that the entry names.
    """
    below = salvage_refs(run_id)
    known = refs_below(git, below)
    with postponed():
        try:
            yield
        except BaseException:
            for ref, commit in refs_below(git, below).items():
                if ref not in known:
                    drop(git, ref, commit)
            raise


@contextmanager
def _index_of(comparison: Comparison) -> Iterator[Git]:
    """Give git in a tree with an index of our own, that of the commit, refreshed against the files."""
    with own_index(comparison.common_dir, comparison.tree, comparison.base, comparison.kept_index) as git:
        if comparison.commit != comparison.base:
            # The times of unchanged files, and the marks of those that a sparse tree lacks, are taken along.
            git.run("read-tree", "-i", "-m", comparison.base, comparison.commit, filters=True)
            git.run("update-index", "-q", "--really-refresh", expect=(0, 1), filters=True)
        yield git


@contextmanager
def _copied(comparison: Comparison, index: Path) -> Iterator[Git]:
    with scratch_folder() as folder:
        copy = folder / "index"
        shutil.copy2(index, copy)
        yield Git(comparison.tree, git_dir=comparison.common_dir, index=copy)


def _dirt(git: Git, comparison: Comparison, *, with_submodules: bool) -> Dirt:
    seen, new = changed_files(git, comparison.apart), new_files(git, comparison.apart)
    nested = {path for path in new if path.endswith("/")}
    if with_submodules:
        nested |= {change.new_path for change in seen if change.new_mode == SUBMODULE_MODE}
        nested |= set(filled_submodules(git, comparison.tree, comparison.commit))
    changed = [change.new_path for change in seen if change.letter != "D" and change.new_path not in nested]
    gone = [change.old_path for change in seen if change.letter == "D" and change.old_path not in nested]
    new = [path for path in new if path not in nested]
    closed = {path for path in (*changed, *new) if not can_be_read(comparison.tree, path)}
    listed = git.run("ls-files", "--others", "--ignored", "--exclude-standard", "-z", filters=True)
    return Dirt(
        tuple(path for path in changed if path not in closed),
        tuple(gone),
        tuple(path for path in new if path not in closed),
        tuple(sorted(nested | closed | set(_closed_folders(comparison.tree)))),
        sum(1 for path in listed.split(b"\0") if path and not comparison.apart.holds(path_text(path))),
    )


def can_be_read(tree: Path, path: str) -> bool:
    """Say whether git can take what stands at a path: a link, a folder, or a file that we may read."""
    whole = os.path.join(os.fsencode(tree), path_bytes(path))  # noqa: PTH118
    return os.path.islink(whole) or os.path.isdir(whole) or (os.path.isfile(whole) and os.access(whole, os.R_OK))  # noqa: PTH112, PTH113, PTH114


def _closed_folders(tree: Path) -> list[str]:
    """Return the folders that cannot be looked into: git passes them by with a warning."""
    failed: list[OSError] = []
    for _ in os.walk(tree, onerror=failed.append):
        pass
    return [path_text(os.path.relpath(os.fsencode(error.filename), os.fsencode(tree))) for error in failed]


def _names(run_id: str, name: str) -> Iterator[str]:
    plain = _ODD.sub("-", name).strip("-") or "unnamed"
    number = 1
    while True:
        yield salvage_ref(run_id, plain + (f".{number}" if number > 1 else ""))
        number += 1
