"""Which files the worktree of an agent was made with, for a tree that takes its place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm.config import Config
from swarm.git import sparse
from swarm.git.diff import changes
from swarm.git.repository import Repository, files_at
from swarm.git.runner import Git
from swarm.git.sentinel import Sentinel
from swarm.store.waves import Wave
from swarm.waves.collect import outputs
from swarm.waves.trees.sparse import sparse_files


class HeldUnknown(Exception):
    """The index that was kept of a tree is gone, or is not what was kept."""


class Origin(NamedTuple):
    """The wave that made a tree, and the folder in which indexes were kept."""

    repository: Repository
    wave: Wave
    folder: Path


def held_by(origin: Origin, name: str) -> tuple[str, ...] | None:
    """Return the files that a tree of this name was made with, `None` for all of them. Raises HeldUnknown."""
    index = outputs.trusted_index(origin.wave, origin.folder, Path(name))
    if index is None or not index.is_file():
        raise HeldUnknown
    return sparse.held(Git(origin.repository.root, index=index))


def held_after(origin: Origin, name: str, commit: str) -> tuple[str, ...] | None:
    """Return the same at a later commit, with what that changed; `None` also where nobody knows."""
    git = origin.repository.git
    try:
        only = held_by(origin, name)
    except HeldUnknown:
        return None
    if only is None:
        return None
    moved = {change.new_path for change in changes(git, origin.wave.dispatch_sha, commit)}
    return tuple(sorted({*only, *moved} & {file.path for file in files_at(git, commit)}))


def held_again(
    origin: Origin,
    name: str,
    domain: str,
    config: Config,
    owned: Mapping[str, Sequence[str]],
    paths: Sequence[str],
) -> tuple[str, ...] | None:
    """Return the same for a tree that takes its place.

    Where nobody knows any more, and other trees show that the wave is sparse, it is what dispatch would give it now.
    """
    try:
        return held_by(origin, name)
    except HeldUnknown:
        others = Sentinel.read(origin.wave.sentinel).indexes.keys() - {name}
        is_sparse = any(_is_sparse(origin, other) for other in sorted(others))
        return sparse_files(config, owned, paths)[domain] if is_sparse else None


def _is_sparse(origin: Origin, name: str) -> bool:
    try:
        return held_by(origin, name) is not None
    except HeldUnknown:
        return False
