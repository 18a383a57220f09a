"""Which files an agent touched, as the files themselves show it: never from what the agent could have written.

The tree is compared with the wave's commit through a copy of the index that was taken when the tree was made,
and through the repository's own git folder; the tree's `.git`, its index and its flags are not believed.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git.diff import Change, changes, raw_changes
from swarm.git.names import path_text
from swarm.git.repository import filled_submodules
from swarm.git.runner import Git

_PLAIN: Final = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
_KINDS: Final = {"A": "create", "C": "create", "D": "delete", "R": "rename"}


class Touched(NamedTuple):
    """A file that differs from the wave's commit: its path and what was done to it."""

    path: str
    kind: str


def keep_index(git_dir: Path, target: Path) -> None:
    """Copy a new worktree's index, whose file times spare us reading every file later."""
    # With its time: git reads again what is not older than its index.
    shutil.copy2(git_dir / "index", target)


def touched_files(
    common_dir: Path, tree: Path, commit: str, kept_index: Path | None, branch: str | None
) -> list[Touched]:
    """Return what differs between a commit and a worktree: on its branch, in its files, and files that are new."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="swarm-index-") as folder:
        index = Path(folder) / "index"
        git = Git(tree, git_dir=common_dir, index=index)
        if kept_index is not None and kept_index.exists():
            shutil.copy2(kept_index, index)
        else:
            git.run("read-tree", commit)
        # The copy is a hint for speed alone: what it holds is compared with the commit as well.
        if git.run("diff-index", "--cached", "--raw", "-z", *_PLAIN, commit, "--"):
            index.unlink()
            git.run("read-tree", commit)
        # `diff-files` goes by the times of files; this compares the content of those whose times are others.
        git.run("update-index", "-q", "--really-refresh", expect=(0, 1), filters=True)
        _note(found, raw_changes(git.run("diff-files", "--raw", "-z", "--no-abbrev", *_PLAIN, filters=True)))
        new = git.run("ls-files", "--others", "--exclude-standard", "-z", filters=True)
        found |= {path_text(path): "create" for path in new.split(b"\0") if path}
        found |= dict.fromkeys(filled_submodules(git, tree, commit), "edit")
    if branch is not None:
        _note(found, _committed(Git(common_dir), commit, branch))
    return [Touched(path, kind) for path, kind in sorted(found.items())]


def _committed(git: Git, commit: str, branch: str) -> list[Change]:
    code, tip = git.answer("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}", expect=(0, 1, 128))
    return [] if code or tip.decode().strip() == commit else changes(git, commit, tip.decode().strip())


def _note(found: dict[str, str], seen: list[Change]) -> None:
    for change in seen:
        # A rename shows both paths, or a move would hide an edit.
        if change.old_path != change.new_path:
            found.setdefault(change.old_path, "rename")
        found.setdefault(change.new_path, _KINDS.get(change.letter, "edit"))
