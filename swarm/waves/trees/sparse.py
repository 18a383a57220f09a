"""Which files a sparse worktree holds: those that its domain owns, and those that it is declared to read."""

from collections.abc import Mapping, Sequence
from typing import Final

from swarm import errors
from swarm.config import Config
from swarm.rules.globs import regex_of
from swarm.rules.ownership import Domain, Ownership, OwnershipMap

# Beyond this share of the files a tree is whole: it would cost as much, and lack something.
LARGEST_SHARE: Final = 1 / 3


def sparse_files(
    config: Config, owned: Mapping[str, Sequence[str]], paths: Sequence[str]
) -> dict[str, tuple[str, ...] | None]:
    """Return the files of each domain's sparse tree, `None` where it shall be whole.

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
            regex_of(glob)
        except ValueError as error:
            problem = f"$.reads.{name}[{place}]: the glob '{errors.shortened(glob)}' is refused: {error}"
            raise errors.ConfigInvalid(path=str(config.source), problem=problem) from error
    return OwnershipMap([Domain(name, Ownership.OWNED, globs)]).divide(paths)[0][name] if globs else []
