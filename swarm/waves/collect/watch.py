"""Files that no agent may touch while a wave is in flight, and files that no agent read."""

from collections.abc import Sequence
from pathlib import Path

from swarm.git import sentinel
from swarm.git.repository import Repository, TreeFile
from swarm.results.collect import ViolationShown
from swarm.rules.ownership import WHOLE_WAVE, OwnershipMap
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import Intake
from swarm.waves.trees import kept_index
from swarm.waves.trees.git_folder import changed_common


def watched(wave: Wave, repository: Repository) -> tuple[list[ViolationShown], bool]:
    """Compare the git folder and the primary checkout with their fingerprints of dispatch.

    Returns the violations, and whether git may be run in the worktrees: not after the git folder was changed.
    """
    kept = wave.sentinel
    if changed := changed_common(wave, repository):
        return [ViolationShown(f".git/{name}", WHOLE_WAVE, "coordinator") for name in changed], False
    if kept.primary is None:
        return [], True
    now = sentinel.fingerprint_primary(repository)
    dirt = sorted(path for path, state in now.items() if kept.primary.get(path) != state)
    return [ViolationShown(path, WHOLE_WAVE, "primary checkout") for path in dirt], True


def shared_tree_violations(
    repository: Repository, wave: Wave, folder: Path, owners: OwnershipMap
) -> list[ViolationShown]:
    """Return the files that were touched in the tree that a wave's analyzers share."""
    if wave.shared_tree is None or not Path(wave.shared_tree).is_dir():
        return []
    seen = kept_index.touched_in(repository, Path(wave.shared_tree), wave, folder, None)
    found = []
    for file in seen:
        owner = owners.owner_of(file.path)
        found.append(ViolationShown(file.path, WHOLE_WAVE, owner.name if owner else "unassigned"))
    return found


def unaudited(files: Sequence[TreeFile], owners: OwnershipMap, intakes: Sequence[Intake]) -> int:
    """Return how many files no agent read: files of no agent, and files that an analyzer skipped."""
    by_domain = {taken.agent.domain: taken for taken in intakes if taken.is_complete}
    owned, unowned = owners.divide([file.path for file in files])
    missed = len(unowned)
    for domain, paths in owned.items():
        taken = by_domain.get(domain)
        analysis = taken.agent.analysis if taken else None
        if taken is None:
            missed += len(paths)
        elif analysis is not None:
            missed += sum(not analysis.was_read(path) for path in paths)
    return missed
