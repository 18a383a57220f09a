"""An agent's record of its work: its branch and its index, as git data and never as a command.

What an agent committed or staged is its work as it stands there: a forced ignored file, a file that is no longer
tracked, a mode, a blob that a filter made. The index is copied and read for its entries alone; its flags, which can
hide edits, count for nothing.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from swarm.git import sparse
from swarm.git.diff import Change, changes, raw_changes
from swarm.git.path_text import path_bytes, path_text
from swarm.git.repository import SUBMODULE_MODE
from swarm.git.runner import Git, GitError
from swarm.git.user_view import UserView
from swarm.git.worktree_list import WORKTREES
from swarm.rules.ref_names import head_ref
from swarm.scratch import scratch_folder

_PLAIN: Final = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "--no-renames")
_UNSTAGED: Final = ("diff-files", "--raw", "-z", "--no-abbrev", *_PLAIN)
_LONGEST_POINTER: Final = 1 << 14
# git-lfs names itself so everywhere; without it a checkout holds pointers, and a raw file in place of one is a loss.
_LFS: Final = "lfs"
MOST_REFUSED: Final = 50
_Item = TypeVar("_Item")


class Record(NamedTuple):
    """Changes against the wave's commit that the agent's git holds.

    `tip` is the commit of its branch. `entries` are the changes of its index, or of the branch where the index cannot
    be read, without renames. `unstaged` are the paths whose files the agent's git takes for edited since, `None` where
    that cannot be asked. `large` are staged paths whose files on the disk are above the limit for a file.
    """

    tip: str | None = None
    entries: tuple[Change, ...] = ()
    unstaged: frozenset[str] | None = None
    large: frozenset[str] = frozenset()


def record_of(
    here: Git,
    common_dir: Path,
    tree: Path,
    commit: str,
    branch: str | None,
    view: UserView,
    *,
    large: AbstractSet[str] = frozenset(),
) -> Record:
    """Return what an agent's branch and index hold. `here` is git with the objects of the repository.

    Nothing is compared with the `large` files of the tree.
    """
    tip = commit_of_branch(here, branch)
    with _copied_index(common_dir, tree) as index:
        if index is not None:
            git = Git(tree, git_dir=common_dir, index=index, view=view)
            try:
                staged = raw_changes(git.run("diff-index", "--cached", "--raw", "-z", "--no-abbrev", *_PLAIN, commit))
                # An entry can lack the size of its file, and git would read all of the file to compare it.
                files = None if large else raw_changes(git.run(*_UNSTAGED, filters=True))
            except GitError:
                # The agent broke it, or its git writes a kind that ours does not read: the branch is what is left.
                pass
            else:
                entries = [change for change in staged if change.letter != "U"]
                own = tuple(change for change in entries if change.new_path not in large)
                unstaged = None if files is None else frozenset(change.new_path for change in files)
                return Record(tip, own, unstaged, frozenset(change.new_path for change in entries) & large)
    return Record(tip, tuple(changes(here, commit, tip, renames=False)) if tip else ())


def commit_of_branch(git: Git, branch: str | None) -> str | None:
    """Return the commit of an agent's branch, `None` without a branch, or where its ref holds no commit."""
    if branch is None:
        return None
    code, tip = git.answer("rev-parse", "--verify", "--quiet", f"{head_ref(branch)}^{{commit}}", expect=(0, 1, 128))
    return None if code else tip.decode().strip()


@contextmanager
def _copied_index(common_dir: Path, tree: Path) -> Iterator[Path | None]:
    """Give a copy of a tree's own index, `None` where there is none that belongs to this repository."""
    source = _index_file(common_dir, tree)
    if source is None:
        yield None
        return
    with scratch_folder() as folder:
        copy = folder / "index"
        try:
            shutil.copyfile(source, copy)
            # Made newer: git reads again what was written in the same second as the index, and without its filter a
            # file never equals its blob.
            moment = copy.stat().st_mtime + 2
            os.utime(copy, (moment, moment))
        except OSError:
            yield None
            return
        yield copy


def _index_file(common_dir: Path, tree: Path) -> Path | None:
    pointer = tree / ".git"
    if pointer.is_dir() and not pointer.is_symlink():
        admin = common_dir
    elif _is_plain(pointer) and pointer.stat().st_size <= _LONGEST_POINTER:
        words = pointer.read_bytes().decode("utf-8", "surrogateescape").strip()
        admin = Path(words.removeprefix("gitdir:").strip())
        # The agent can write this file; an index elsewhere is not its tree's.
        if admin.parent.resolve() != (common_dir / WORKTREES).resolve():
            return None
    else:
        return None
    index = admin / "index"
    return index if _is_plain(index) else None


def _is_plain(file: Path) -> bool:
    """Say whether there is a file that can be read without waiting for anybody."""
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except OSError:
        return False


def take_entries(git: Git, entries: Sequence[Change]) -> set[str]:
    """Bring an agent's entries into our index, and refresh that; return the paths that git does not take.

    Files that a sparse tree lacks keep their mark: without it, their absence would be a deletion.
    """
    if not entries:
        return set()
    absent = {path_text(path) for flag, path in sparse.flags(git) if flag.upper() == b"S"}
    there = _blobs_there(git, entries)
    wanted = [change for change in entries if change.letter == "D" or change.new_blob in there]
    # Removed first: a folder may stand where a file was.
    wanted.sort(key=lambda change: change.letter != "D")
    refused = _write_entries(git, wanted)
    again = [change.new_path for change in wanted if change.letter != "D" and change.new_path in absent]
    marked = b"".join(path_bytes(path) + b"\0" for path in again)
    git.run("update-index", "--skip-worktree", "-z", "--stdin", stdin=marked, filters=True)
    git.run("update-index", "-q", "--really-refresh", expect=(0, 1), filters=True)
    return refused


def _write_entries(git: Git, entries: Sequence[Change]) -> set[str]:
    def write(taken: Sequence[Change]) -> None:
        lines = b"".join(map(_line, taken))
        git.run("update-index", "--replace", "-z", "--index-info", stdin=lines, filters=True)

    return {change.new_path for change in refused_by(write, entries)}


def refused_by(take: Callable[[Sequence[_Item]], None], items: Sequence[_Item]) -> list[_Item]:
    """Give items to git in halves until each part is taken or is a single item; return the items that git refuses.

    After MOST_REFUSED of them the rest counts as refused: each call writes the whole index.
    """
    refused: list[_Item] = []
    parts = [items]
    while parts:
        part = parts.pop()
        if len(refused) >= MOST_REFUSED:
            refused += part
            continue
        try:
            take(part)
        except GitError:
            if len(part) == 1:
                refused += part
            else:
                middle = len(part) // 2
                # The first half is taken first: a folder may stand where a file was.
                parts += [part[middle:], part[:middle]]
    return refused


def _line(change: Change) -> bytes:
    path = path_bytes(change.new_path)
    if change.letter == "D":
        return b"0 " + b"0" * len(change.new_blob) + b"\t" + path + b"\0"
    return f"{change.new_mode} {change.new_blob}\t".encode() + path + b"\0"


def _blobs_there(git: Git, entries: Sequence[Change]) -> set[str]:
    """Return the blobs that can be written into a tree: an index can name others. A submodule's commit always can."""
    written = [change for change in entries if change.letter != "D"]
    commits = {change.new_blob for change in written if change.new_mode == SUBMODULE_MODE}
    asked = "".join(f"{blob}\n" for blob in sorted({change.new_blob for change in written} - commits))
    answers = git.run("cat-file", "--batch-check", stdin=asked.encode())
    return commits | {words[0].decode() for line in answers.splitlines() if (words := line.split())[1] == b"blob"}


def filtered_paths(git: Git, paths: Sequence[str]) -> set[str]:
    """Return the paths whose content a program would change on its way into git."""
    if not paths:
        return set()
    asked = b"".join(path_bytes(path) + b"\0" for path in paths)
    answer = git.run("check-attr", "-z", "--stdin", "filter", stdin=asked, filters=True).split(b"\0")
    active = {*git.view.filters, _LFS}
    named = zip(answer[0::3], answer[2::3], strict=False)
    return {path_text(path) for path, name in named if name.decode("utf-8", "surrogateescape") in active}
