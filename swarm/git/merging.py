"""Merging branches without a checkout: trees are merged as objects, and refs moved by compare-and-swap."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from swarm.git.path_text import path_text
from swarm.git.repository import Repository
from swarm.git.runner import Git
from swarm.scratch import scratch_folder

NAME: Final = "swarm"
EMAIL: Final = "swarm@localhost"
_SHA256_DIGITS: Final = 64
_CONFIG: Final = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
_CONFIG_SHA256: Final = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tobjectformat = sha256\n"


class Conflict(Exception):
    """Two commits cannot be merged; `files` are those that both changed."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self.files = files
        super().__init__(", ".join(files))


class Identity(NamedTuple):
    """Author of swarm's own commits, at a given moment in ISO-8601 UTC.

    The clock is not read here, so that the same merge is the same commit.
    """

    moment: str

    def environment(self) -> dict[str, str]:
        """Return what git reads author, committer and time from."""
        date = f"{self.moment[:19]}+0000"
        return {
            "GIT_AUTHOR_NAME": NAME,
            "GIT_AUTHOR_EMAIL": EMAIL,
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": NAME,
            "GIT_COMMITTER_EMAIL": EMAIL,
            "GIT_COMMITTER_DATE": date,
        }


@contextmanager
def objects_only(repository: Repository) -> Iterator[Git]:
    """Give git with the objects of a repository and without its refs, attributes, configuration and grafts.

    No merge driver can run, no graft bends history, and the result of a merge does not depend on the machine.
    """
    with scratch_folder() as folder:
        empty, bare = folder / "tree", folder / "git"
        empty.mkdir()
        (bare / "refs").mkdir(parents=True)
        (bare / "objects").symlink_to(repository.common_dir / "objects")
        if (repository.common_dir / "shallow").is_file():
            (bare / "shallow").symlink_to(repository.common_dir / "shallow")
        (bare / "HEAD").write_text("ref: refs/heads/none\n")
        (bare / "config").write_text(_CONFIG_SHA256 if len(repository.head) == _SHA256_DIGITS else _CONFIG)
        yield Git(empty, git_dir=bare, index=folder / "index")


def merged(git: Git, ours: str, theirs: str) -> str:
    """Return the tree that two commits merge into. Raises Conflict, GitError (git's floor is 2.38)."""
    code, told = git.answer(
        "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs, expect=(0, 1)
    )
    tree, *rest = told.split(b"\0")
    if code == 0:
        return tree.decode()
    raise Conflict(tuple(path_text(path) for path in rest if path))


def commit_tree(git: Git, tree: str, parents: Sequence[str], message: str, identity: Identity) -> str:
    """Make a commit of a tree and return it."""
    named = [part for parent in parents for part in ("-p", parent)]
    made = git.run("commit-tree", *named, "-F", "-", tree, stdin=message.encode(), environment=identity.environment())
    return made.decode().strip()
