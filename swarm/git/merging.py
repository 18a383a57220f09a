"""Merging branches without a checkout: trees are merged as objects, and refs moved by compare-and-swap."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from swarm.git.conflicts import conflict_of
from swarm.git.objects_folder import make_objects_folder
from swarm.git.path_text import path_bytes
from swarm.git.repository import LINK_MODE, Repository, files_at
from swarm.git.runner import Git
from swarm.git.user_view import UserView, user_view
from swarm.scratch import scratch_folder

NAME: Final = "swarm"
EMAIL: Final = "swarm@localhost"
_FORGED: Final = frozenset({"", ".", "..", ".git"})


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
def objects_only(repository: Repository, *, info_attributes: bool = True) -> Iterator[Git]:
    """Give git with the objects of a repository, and with nothing else of it: refs are not seen either.

    Of the user's settings only attributes are seen: the user's own file, and with `info_attributes` the repository's
    `info/attributes`. No graft bends history, and no merge driver is run.
    """
    view = user_view(repository.root)
    with scratch_folder() as folder:
        empty = folder / "tree"
        empty.mkdir()
        drivers = "".join(map(_refusing_driver, view.merge_drivers))
        bare = make_objects_folder(folder / "git", repository.common_dir / "objects", repository.head, drivers)
        if (repository.common_dir / "shallow").is_file():
            (bare / "shallow").symlink_to(repository.common_dir / "shallow")
        attributes = repository.common_dir / "info" / "attributes"
        if info_attributes and attributes.is_file():
            (bare / "info").mkdir()
            (bare / "info" / "attributes").symlink_to(attributes)
        own = tuple(setting for setting in view.settings if setting[0] == "core.attributesfile")
        yield Git(empty, git_dir=bare, index=folder / "index", view=UserView(settings=own))


def _refusing_driver(name: str) -> str:
    """Return a setting by which a file of a driver conflicts, where git would run the driver."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'[merge "{quoted}"]\n\tdriver = exit 1\n'


def with_attributes(git: Git, commit: str) -> Git:
    """Return git with objects alone that sees the `.gitattributes` of a commit, in a work tree with nothing else."""
    tree = git.folder / commit
    if not tree.exists():
        tree.mkdir()
        for file in files_at(git, commit):
            # git reads no attributes through a link. A forged tree may name a place outside of the folder.
            *folders, name = file.path.split("/")
            if name == ".gitattributes" and file.mode != LINK_MODE and not _FORGED.intersection(folders):
                place = tree / os.fsdecode(path_bytes(file.path))
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(git.run("cat-file", "blob", file.blob))
    return Git(tree, git_dir=git.folder.parent / "git", index=git.folder.parent / "index", view=git.view)


def merged(git: Git, ours: str, theirs: str) -> str:
    """Return the tree that two commits merge into. Raises Conflict, GitError (git's floor is 2.38)."""
    code, answer = git.answer(
        "merge-tree", "--write-tree", "-z", "--messages", ours, theirs, expect=(0, 1), filters=True
    )
    if code == 0:
        return answer.partition(b"\0")[0].decode()
    raise conflict_of(git, answer, ours, theirs)


def commit_tree(git: Git, tree: str, parents: Sequence[str], message: str, identity: Identity) -> str:
    """Make a commit of a tree and return it."""
    named = [part for parent in parents for part in ("-p", parent)]
    made = git.run("commit-tree", *named, "-F", "-", tree, stdin=message.encode(), environment=identity.environment())
    return made.decode().strip()
