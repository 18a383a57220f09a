"""Changes of the common git folder since a wave was dispatched."""

from swarm.git import sentinel, sentinel_changes
from swarm.git.repository import Repository
from swarm.git.sentinel_changes import Deviation
from swarm.store.waves import Wave


def changed_common(wave: Wave, repository: Repository) -> list[Deviation]:
    """Return the changes of the git folder that count against a wave: they could make git run a program, or lie."""
    return common_changes(wave, repository)[0]


def common_changes(wave: Wave, repository: Repository) -> tuple[list[Deviation], list[Deviation]]:
    """Return the changes that count against a wave, and the changes that are only worth a note."""
    now = sentinel.fingerprint_common(repository.common_dir, wave.run_id)
    return sentinel_changes.common_changes(wave.sentinel.common, now, repository.git)
