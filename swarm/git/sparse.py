"""Worktrees with some of a commit's files: the others stay in the index, marked as skipped, and off the disk.

The marks (`skip-worktree`) do all of it: git's own `sparse-checkout` would write into the configuration that all
worktrees share, and match thousands of patterns with each file. git takes a marked file for unchanged, even one
that is there with other content, so whoever judges a tree asks `uncover` first.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from swarm.git.path_text import path_bytes, path_text
from swarm.git.runner import Git

_HALF_MADE: Final = "index.part"
_PLAIN: Final = b"H"
_SKIPPED: Final = b"S"
# A mark needs a longer entry than this version of an index has (gitformat-index(5)).
_WITHOUT_MARKS: Final = b"DIRC" + (2).to_bytes(4, "big")


def fill(tree: Path, admin_dir: Path, only: Iterable[str]) -> None:
    """Check out some files of a new worktree's HEAD; files of HEAD that are there already are kept as well.

    The index comes into its place last: until then the tree is one without its files. Raises GitError, OSError.
    """
    drop_half_made(admin_dir)
    index = admin_dir / _HALF_MADE
    here = Git(tree, index=index)
    here.run("read-tree", "HEAD")
    wanted = {path_bytes(path) for path in only}
    others = [path for path in here.run("ls-files", "-z").split(b"\0") if path and path not in wanted]
    present = set(not_absent(tree, others))
    wanted |= present
    here.run("update-index", "--skip-worktree", "-z", "--stdin", stdin=_lines(p for p in others if p not in present))
    here.run("checkout-index", "--force", "--index", "-z", "--stdin", stdin=_lines(sorted(wanted)), filters=True)
    index.replace(admin_dir / "index")


def drop_half_made(admin_dir: Path) -> None:
    """Remove what a `fill` that died left in a worktree's own folder."""
    for name in (_HALF_MADE, f"{_HALF_MADE}.lock"):
        (admin_dir / name).unlink(missing_ok=True)


def uncover(git: Git) -> None:
    """Take the marks off those files of an index that are not simply absent from the work tree.

    What an agent put at the place of a file that it was not given, or of a folder above it, is then compared
    like any other; the files that nobody touched stay marked, and as they are in the commit.
    """
    skipped = [path for flag, path in flags(git) if flag.upper() == _SKIPPED]
    if present := not_absent(git.folder, skipped):
        git.run("update-index", "--no-skip-worktree", "-z", "--stdin", stdin=_lines(present), filters=True)


def skipped_files(git: Git) -> list[bytes] | None:
    """Return the files that the index marks as skipped and that are absent.

    `None` where a mark or a flag hides more: a file that is there, or one that is assumed to be unchanged.
    """
    marked = [(flag, path) for flag, path in flags(git) if flag != _PLAIN]
    skipped = [path for _, path in marked]
    if any(flag != _SKIPPED for flag, _ in marked) or not_absent(git.folder, skipped):
        return None
    return skipped


def may_hold_marks(index: Path) -> bool:
    """Say whether an index may mark files as skipped, by its version: git need not list the files of a whole tree."""
    with index.open("rb") as file:
        return file.read(len(_WITHOUT_MARKS)) != _WITHOUT_MARKS


def held(git: Git) -> tuple[str, ...] | None:
    """Return the files that a worktree with this index is meant to hold, `None` for all."""
    marks = list(flags(git))
    if not any(flag.upper() == _SKIPPED for flag, _ in marks):
        return None
    return tuple(path_text(path) for flag, path in marks if flag.upper() != _SKIPPED)


def flags(git: Git) -> Iterator[tuple[bytes, bytes]]:
    """Yield each entry of the index: git's letter for it (`git ls-files -v`) and its path."""
    return ((entry[:1], entry[2:]) for entry in git.run("ls-files", "-v", "-z").split(b"\0") if entry)


def not_absent(tree: Path, paths: Iterable[bytes]) -> list[bytes]:
    """Return the paths at which there is something, or above which something other than a folder stands.

    A link above a path counts, wherever it leads: git would take it for the end of the files below.
    """
    root = os.fsencode(tree)
    folders: dict[bytes, set[bytes] | None] = {b"": _names(root)}

    def names_in(folder: bytes) -> set[bytes] | None:
        """Return the names in a folder, `None` where something else stands in the way; what is absent has none."""
        if folder not in folders:
            steps = folder.split(b"/")
            for length in range(1, len(steps) + 1):
                place, name = b"/".join(steps[:length]), steps[length - 1]
                if place not in folders:
                    above = folders[b"/".join(steps[: length - 1])]
                    folders[place] = _names(root + b"/" + place) if above and name in above else above and set()
        return folders[folder]

    found = []
    for path in paths:
        above, _, name = path.rpartition(b"/")
        names = names_in(above)
        if names is None or name in names:
            found.append(path)
    return found


def _names(folder: bytes) -> set[bytes] | None:
    try:
        return set(os.listdir(folder)) if stat.S_ISDIR(os.lstat(folder).st_mode) else None  # noqa: PTH208
    except OSError:
        # A folder that we may not read hides what is in it.
        return None


def _lines(paths: Iterable[bytes]) -> bytes:
    return b"".join(path + b"\0" for path in paths)
