"""Changes of the common git folder since dispatch."""

from swarm.git import sentinel
from swarm.git.repository import Repository
from swarm.store.waves import Wave


def changed_common(wave: Wave, repository: Repository) -> list[str]:
    """Return what was changed in the git folder since dispatch by anyone but us."""
    common = sentinel.fingerprint_common(repository.common_dir, wave.run_id)
    return sentinel.differences(wave.sentinel.common, common)
