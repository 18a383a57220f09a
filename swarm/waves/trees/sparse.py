"""Files of a sparse worktree: those that its domain owns, and those that the domain is declared to read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.git import sparse
from swarm.git.diff import changes
from swarm.git.repository import Repository, files_at
from swarm.git.runner import Git
from swarm.rules.domains import Domain, Ownership
from swarm.rules.globs import regex_of
from swarm.rules.ownership import OwnershipMap
from swarm.store.waves import Wave
from swarm.waves.trees import kept_index

# Above this share a tree gets all files: leaving out the rest would save almost nothing.
LARGEST_SHARE: Final = 1 / 3


def sparse_files(
    config: Config, owned: Mapping[str, Sequence[str]], paths: Sequence[str]
) -> dict[str, tuple[str, ...] | None]:
    """Return the files of each domain's sparse tree, `None` for a whole tree.

    `owned` are the files of each domain, `paths` those of the commit. Raises ConfigInvalid for a glob of
    `[reads]` that is refused.
    """
    found: dict[str, tuple[str, ...] | None] = {}
    for name, own in owned.items():
        files = set(own) | set(_read_by(name, config, paths))
        found[name] = None if len(files) > LARGEST_SHARE * len(paths) else tuple(sorted(files))
    return found


def _read_by(name: str, config: Config, paths: Sequence[str]) -> list[str]:
    globs = config.reads.get(name, ())
    for place, glob in enumerate(globs):
        try:
            # Checked here, where the refusal can name the place in `swarm.toml`.
            regex_of(glob)
        except ValueError as error:
            problem = f"$.reads.{name}[{place}]: the glob '{errors.shortened(glob)}' is refused: {error}"
            raise errors.ConfigInvalid(path=str(config.source), problem=problem) from error
    return OwnershipMap([Domain(name, Ownership.OWNED, globs)]).divide(paths)[0][name] if globs else []


class HeldUnknown(Exception):
    """The kept index of a tree is missing or was changed."""


class Origin(NamedTuple):
    """The wave that made a tree, and the folder in which indexes were kept."""

    repository: Repository
    wave: Wave
    folder: Path


def held_by(origin: Origin, name: str) -> tuple[str, ...] | None:
    """Return the files that a tree of this name was made with, `None` for a whole tree. Raises HeldUnknown."""
    index = kept_index.trusted_index(origin.wave, origin.folder, Path(name))
    if index is None or not index.is_file():
        raise HeldUnknown
    if not sparse.may_hold_marks(index):
        return None
    return sparse.held(Git(origin.repository.root, index=index))


def held_after(origin: Origin, name: str, commit: str) -> tuple[str, ...] | None:
    """Return the files of a tree at a later commit, changed files included; `None` also without a kept index."""
    git = origin.repository.git
    try:
        only = held_by(origin, name)
    except HeldUnknown:
        return None
    if only is None:
        return None
    # The agent may have created files, which its restored tree must show.
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
    """Return the files of a tree's successor.

    Where the kept index is lost and other trees of the wave are sparse, return the files that dispatch would give now.
    """
    try:
        return held_by(origin, name)
    except HeldUnknown:
        others = origin.wave.sentinel.indexes.keys() - {name}
        is_sparse = any(_is_sparse(origin, other) for other in sorted(others))
        return sparse_files(config, owned, paths)[domain] if is_sparse else None


def _is_sparse(origin: Origin, name: str) -> bool:
    try:
        return held_by(origin, name) is not None
    except HeldUnknown:
        return False
