"""Files of a checkout that differ from its commit: edits, files that only a filter could compare, ignored files."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from swarm.ahead import begun
from swarm.git.agent_record import filtered_paths
from swarm.git.path_text import path_text
from swarm.git.repository import status_entries
from swarm.git.runner import Git

_STATUS = ("status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty")
_NEW = "??"
# Unstaged, with content that differs: a deleted file or another kind of file needs no filter to be seen.
_CONTENT = " M"


class Edits(NamedTuple):
    """Tracked files with uncommitted changes, `filtered` files, and new files where the caller asked for them.

    A filter (git-lfs, git-crypt, nbstripout) makes another content of a filtered file on its way into git, and is never
    run; so nothing shows whether the file was edited.
    """

    changed: tuple[str, ...]
    filtered: tuple[str, ...]
    new: tuple[str, ...] = ()


def edits_of(git: Git, *, with_new: bool = False) -> Edits:
    """Return the uncommitted edits of a checkout; a pure read. New are files that git neither tracks nor ignores."""
    untracked = f"--untracked-files={'all' if with_new else 'no'}"
    seen = {path: letters for letters, path in status_entries(git.run(*_STATUS, untracked, filters=True))}
    # A repository inside of the checkout is none of its files.
    new = sorted(path for path, letters in seen.items() if letters == _NEW and not path.endswith("/"))
    seen = {path: letters for path, letters in seen.items() if letters != _NEW}
    filtered = filtered_paths(git, sorted(path for path, letters in seen.items() if letters == _CONTENT))
    return Edits(tuple(sorted(seen.keys() - filtered)), tuple(sorted(filtered)), tuple(new))


def edits_begun(git: Git, *, with_new: bool = False) -> Callable[[], Edits]:
    """Begin to look for the edits of a checkout, and return a function that waits for them."""
    return begun(partial(edits_of, git, with_new=with_new))


def ignored(git: Git, paths: Sequence[str]) -> set[str]:
    """Return those of some files that `.gitignore` or `.git/info/exclude` keep out of commits."""
    found = git.run("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *paths)
    return {path_text(path) for path in found.split(b"\0") if path}
