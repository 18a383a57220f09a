"""An agent's work in its worktree, read from the files themselves and never from state that the agent can write.

The tree is compared with the wave's commit through a copy of the index that was taken when the tree was made,
and through the repository's own git folder; the tree's `.git`, its index and its flags are not believed.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git import sparse
from swarm.git.agent_record import Record, commit_of_branch, filtered_paths, record_of, refused_by, take_entries
from swarm.git.apart import NOTHING_APART, Apart
from swarm.git.blocking_files import Blocking, blocking_files, largest_file, too_large
from swarm.git.diff import Change, changes, raw_changes
from swarm.git.history import tree_of
from swarm.git.path_text import path_bytes, path_text
from swarm.git.repository import SUBMODULE_MODE
from swarm.git.runner import Git
from swarm.git.submodules import edited_submodules
from swarm.git.user_view import UserView, user_view
from swarm.scratch import scratch_folder

_PLAIN: Final = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
MOST_IGNORED: Final = 200
_KINDS: Final = {"A": "create", "C": "create", "D": "delete", "R": "rename"}


class Touched(NamedTuple):
    """A file that differs from the wave's commit: its path and the kind of its change."""

    path: str
    kind: str


class Work(NamedTuple):
    """An agent's work: a tree object, and its differences from the wave's commit.

    `untakable` are repositories inside of the tree, files that cannot be read, and names that git does not take;
    `ignored` is what git ignores. `filtered` are uncommitted edits whose content a program of the user's (git-lfs,
    git-crypt, nbstripout) would have to change on its way into git. `large` are files above the limit: git reads
    none of them.
    """

    tree: str
    touched: tuple[Touched, ...]
    untakable: tuple[str, ...]
    ignored: tuple[str, ...]
    filtered: tuple[str, ...] = ()
    large: tuple[str, ...] = ()


def touched_files(
    common_dir: Path,
    tree: Path,
    commit: str,
    kept_index: Path | None,
    branch: str | None,
    *,
    view: UserView | None = None,
    apart: Apart = NOTHING_APART,
    blocking: Blocking | None = None,
) -> list[Touched]:
    """Return what differs between a commit and a worktree: on its branch, in its files, and files that are new.

    What is `apart` does not count: swarm put it there. A caller may have looked for `blocking` files before.
    """
    endless, large = blocking or blocking_files(tree, common_dir, largest_file())
    if stuck := endless or swollen(Git(tree, git_dir=common_dir, view=view), commit, large):
        return [Touched(path, "edit") for path in stuck]
    found: dict[str, str] = {}
    with own_index(common_dir, tree, commit, kept_index, view=view) as git:
        _note(found, changed_files(git))
        found |= dict.fromkeys(new_files(git), "create")
        found |= dict.fromkeys(edited_submodules(git, tree, commit), "edit")
    _note(found, _committed(Git(common_dir), commit, branch))
    return [Touched(path, kind) for path, kind in sorted(found.items()) if not apart.holds(path)]


def work_of(  # noqa: PLR0913
    common_dir: Path,
    tree: Path,
    commit: str,
    kept_index: Path | None,
    branch: str | None,
    *,
    objects: Path | None = None,
    upstream: str | None = None,
    view: UserView | None = None,
    apart: Apart = NOTHING_APART,
) -> Work:
    """Return an agent's work in its worktree, as a tree object that is judged now and merged later.

    The work is what the agent committed and staged, with every file that differs from that as it is on the disk;
    where all of that is the wave's commit again, it is what the branch holds. Each path of either is in `touched`,
    so that nothing is hidden behind a later state. Changes of `upstream`, a commit of the user's on which the agent
    based its branch meanwhile, are not the agent's; nor is what is `apart`. `objects` is the folder for new objects.
    """
    here = Git(common_dir, objects=objects)
    unchanged = tree_of(here, commit)
    endless, large = blocking_files(tree, common_dir, largest_file())
    seen = view or user_view(tree, str(common_dir))
    grown = () if endless else swollen(Git(tree, git_dir=common_dir, view=seen), commit, large)
    if endless or grown:
        return Work(unchanged, _listed(dict.fromkeys((*endless, *grown), "edit")), endless, (), large=grown)
    record = record_of(here, common_dir, tree, commit, branch, seen, large=large.keys())
    record = record._replace(entries=tuple(apart.without(record.entries)))
    base = _based_on(here, commit, record.tip, upstream)
    with own_index(common_dir, tree, commit, kept_index, objects=objects, view=seen) as git:
        odd = take_entries(git, record.entries)
        disk = _disk(git, tree, commit, record, apart)
        unreadable = take_files(git, disk.gone, disk.present)
        left_out = _without_untracked(git, record.entries, disk.new)
        # Every write of an index, `write-tree` included, reads again the files that are as new as the index.
        made = git.run("write-tree", filters=True).decode().strip()
        listed = git.run("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z", filters=True)
        ignored = tuple(name for path in listed.split(b"\0") if path and not apart.holds(name := path_text(path)))
    written = _own_changes(here, commit, base, made)
    tip = record.tip or commit
    committed = [] if tip == commit else list(apart.without(_own_changes(here, commit, base, tip)))
    found: dict[str, str] = {}
    _note(found, written)
    _note(found, committed)
    odd |= left_out
    large_now = disk.large | record.large
    found |= dict.fromkeys(disk.nested | odd, "create")
    found |= dict.fromkeys((*unreadable, *disk.filtered, *sorted(large_now)), "edit")
    if committed and made == unchanged:
        made, written = tree_of(here, tip), committed
    linked = {change.new_path for change in written if change.new_mode == SUBMODULE_MODE}
    untakable = tuple(sorted(disk.nested | odd | linked | set(unreadable)))
    filtered = tuple(sorted(disk.filtered))
    return Work(made, _listed(found), untakable, ignored[:MOST_IGNORED], filtered, tuple(sorted(large_now)))


def swollen(git: Git, commit: str, large: Mapping[str, int]) -> tuple[str, ...]:
    """Return the large files of a tree that have another size in the commit.

    The index of a commit may lack the size of a file, and git would read all of the file to compare it.
    """
    if not large:
        return ()
    sizes = {}
    for entry in git.run("ls-tree", "-r", "-l", "-z", commit).split(b"\0"):
        facts, _, path = entry.partition(b"\t")
        sizes[path_text(path)] = facts.split()[-1:]
    others = sorted(path for path, size in large.items() if path in sizes and sizes[path] != [b"%d" % size])
    # What a filter such as git-lfs made of a small blob is no edit.
    return tuple(sorted(set(others) - filtered_paths(git, others)))


class _Disk(NamedTuple):
    """Differences between the files of a tree and an index; `new` files are in `present` as well."""

    gone: list[str]
    present: list[str]
    new: list[str]
    nested: set[str]
    filtered: set[str]
    large: set[str]


def _disk(git: Git, tree: Path, commit: str, record: Record, apart: Apart) -> _Disk:
    changed, new = changed_files(git, apart), new_files(git, apart)
    nested = {path for path in new if path.endswith("/")}
    nested |= {change.new_path for change in changed if change.new_mode == SUBMODULE_MODE}
    nested |= set(edited_submodules(git, tree, commit))
    new = [path for path in new if path not in nested]
    edited = [change.new_path for change in changed if change.letter != "D" and change.new_path not in nested]
    through = filtered_paths(git, [*edited, *new])
    # A smudged file never equals its blob; the agent's own git, which ran the filter, knows whether it was edited.
    settled = frozenset[str]() if record.unstaged is None else frozenset(edited) - record.unstaged
    large = too_large(tree, [path for path in (*edited, *new) if path not in through], largest_file())
    new = [path for path in new if path not in through and path not in large]
    return _Disk(
        gone=[change.old_path for change in changed if change.letter == "D" and change.old_path not in nested],
        present=[path for path in edited if path not in through and path not in large] + new,
        new=new,
        nested=nested,
        filtered=through - settled,
        large=large,
    )


def _without_untracked(git: Git, entries: Sequence[Change], new: Sequence[str]) -> set[str]:
    """Drop new files that the agent's git stopped tracking and that lie unedited on the disk.

    Return the new files that the index does not hold although they were brought in: git leaves out, without a word,
    names that would lead into `.git` on other file systems.
    """
    if not new:
        return set()
    held = {}
    for entry in git.run("ls-files", "-s", "-z").split(b"\0"):
        facts, _, path = entry.partition(b"\t")
        if path:
            held[path_text(path)] = facts.split(b" ")[1].decode()
    left_out = {path for path in new if path not in held}
    dropped = {change.old_path: change.old_blob for change in entries if change.letter == "D"}
    _update_index(git, "--force-remove", [path for path in new if path in held and dropped.get(path) == held[path]])
    return left_out


def _own_changes(git: Git, commit: str, base: str, made: str) -> list[Change]:
    """Return how a tree differs from the wave's commit, without what is as in the later commit that it starts from.

    Not simply against that commit: an edit of the user's that the agent undid is no change of the wave's commit, and
    the merge, which starts from there, keeps the user's edit.
    """
    found = changes(git, commit, made)
    if base == commit:
        return found
    own = {change.new_path for change in changes(git, base, made, renames=False)}
    return [change for change in found if not own.isdisjoint({change.old_path, change.new_path})]


def _based_on(git: Git, commit: str, tip: str | None, upstream: str | None) -> str:
    """Return the commit that an agent's work starts from: a later one of the user's, once the branch holds it."""
    if upstream in {None, commit} or tip is None:
        return commit
    code, shared = git.answer("merge-base", tip, upstream, expect=(0, 1, 128))
    base = shared.decode().strip()
    is_later = not code and git.answer("merge-base", "--is-ancestor", commit, base, expect=(0, 1, 128))[0] == 0
    return base if is_later else commit


def _listed(found: Mapping[str, str]) -> tuple[Touched, ...]:
    return tuple(Touched(path, kind) for path, kind in sorted(found.items()))


@contextmanager
def own_index(
    common_dir: Path,
    tree: Path,
    commit: str,
    kept_index: Path | None,
    *,
    objects: Path | None = None,
    view: UserView | None = None,
) -> Iterator[Git]:
    """Give git in a tree with an index of our own, that of the commit, refreshed against the files."""
    with scratch_folder() as folder:
        index = folder / "index"
        git = Git(tree, git_dir=common_dir, index=index, objects=objects, view=view)
        if kept_index is not None and kept_index.exists():
            shutil.copy2(kept_index, index)
        else:
            git.run("read-tree", commit)
        # The copy saves time alone: an index that differs from the commit is replaced.
        if git.run("diff-index", "--cached", "--raw", "-z", *_PLAIN, commit, "--"):
            index.unlink()
            git.run("read-tree", commit)
        sparse.uncover(git)
        # `diff-files` goes by the times of files; this compares the content of those whose times are others.
        git.run("update-index", "-q", "--really-refresh", expect=(0, 1), filters=True)
        yield git


def changed_files(git: Git, apart: Apart = NOTHING_APART) -> list[Change]:
    """Return how the files of a tree differ from its index, without what is apart."""
    changed = raw_changes(git.run("diff-files", "--raw", "-z", "--no-abbrev", *_PLAIN, filters=True))
    return list(apart.without(changed))


def new_files(git: Git, apart: Apart = NOTHING_APART) -> list[str]:
    """Return the files that are not in the index, not ignored and not apart; a repository in the tree ends in `/`."""
    listed = git.run("ls-files", "--others", "--exclude-standard", "-z", filters=True)
    return [name for path in listed.split(b"\0") if path and not apart.holds(name := path_text(path))]


def take_files(git: Git, gone: Iterable[str], present: Sequence[str]) -> list[str]:
    """Bring removed and written files into the index; return those that cannot be read."""
    _update_index(git, "--force-remove", gone)
    return refused_by(lambda paths: _update_index(git, "--add", paths), present)


def _update_index(git: Git, action: str, paths: Iterable[str]) -> None:
    named = b"".join(path_bytes(path) + b"\0" for path in paths)
    if named:
        git.run("update-index", "--replace", action, "-z", "--stdin", stdin=named, filters=True)


def _committed(git: Git, commit: str, branch: str | None) -> list[Change]:
    tip = commit_of_branch(git, branch)
    return [] if tip in {None, commit} else changes(git, commit, f"{tip}")


def _note(found: dict[str, str], seen: list[Change]) -> None:
    for change in seen:
        # A rename shows both paths, or a move would hide an edit.
        if change.old_path != change.new_path:
            found.setdefault(change.old_path, "rename")
        found.setdefault(change.new_path, _KINDS.get(change.letter, "edit"))
