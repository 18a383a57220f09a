"""Work trees as git takes them: a folder in which git would write into another folder is found before git writes.

`core.worktree` in the shared configuration holds for linked worktrees too once `extensions.worktreeConfig` is set
(git-config(1)): git in an agent's tree would then read and write the user's checkout, and in that of a submodule the
submodule's own git folder.
"""

import os
import shlex
from pathlib import Path

from swarm import errors
from swarm.git.runner import Git

_OWN_SETTINGS = "config.worktree"


def top_level(git: Git) -> Path:
    """Return the folder that git takes for the work tree. Raises GitError where git finds none."""
    shown = git.run("rev-parse", "--path-format=absolute", "--show-toplevel")
    return Path(os.path.realpath(os.fsdecode(shown.removesuffix(b"\n"))))


def is_own(tree: Path) -> bool:
    """Say whether git takes a folder itself for its work tree. Raises GitError."""
    return top_level(Git(tree)) == Path(os.path.realpath(tree))


def hold(tree: Path) -> None:
    """Raise WorkTreeElsewhere where git would write into another folder than the one it is run in."""
    if not is_own(tree):
        raise elsewhere(tree, top_level(Git(tree)))


def pin(tree: Path, admin: Path) -> None:
    """Make git take a new linked worktree for its own work tree, for the agent's git and for ours.

    A setting in the tree's own configuration wins over the shared one. Raises WorkTreeElsewhere, GitError.
    """
    if not is_own(tree):
        Git(tree).run("config", "--file", str(admin / _OWN_SETTINGS), "core.worktree", os.path.realpath(tree))
        hold(tree)


def elsewhere(folder: Path, found: Path) -> "errors.WorkTreeElsewhere":
    """Return the refusal of a folder for which git takes another work tree, with the command that corrects it."""
    scope = Git(folder).answer("config", "--show-scope", "core.worktree", expect=(0, 1, 128))[1]
    own = " --worktree" if scope.startswith(b"worktree\t") else ""
    place = shlex.quote(str(folder))
    remedy = f"git -C {place} config{own} core.worktree {place}"
    return errors.WorkTreeElsewhere(path=str(folder), found=str(found), remedy=remedy)


def missing(folder: Path) -> "errors.RepoNotGit":
    """Return the refusal of a folder in which git has no work tree."""
    code, answer = Git(folder).answer("rev-parse", "--is-bare-repository", expect=(0, 128))
    if code or answer.strip() != b"true":
        return errors.RepoNotGit(path=str(folder))
    place = folder.resolve()
    name = place.parent.name if place.name == ".git" else place.name.removesuffix(".git")
    return errors.RepoBare(path=str(folder), remedy=f"git clone {shlex.quote(str(place))} {shlex.quote(name)}-checkout")
