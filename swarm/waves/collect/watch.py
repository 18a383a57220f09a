"""What nobody may have touched while a wave was in flight, and what nobody looked at."""

from collections.abc import Sequence
from pathlib import Path

from swarm.git import sentinel
from swarm.git.repository import Repository, TreeFile
from swarm.results.collect import ViolationShown
from swarm.rules.ownership import WHOLE_WAVE, OwnershipMap
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import Intake
from swarm.waves.trees import kept_index
from swarm.waves.trees.git_folder import changed_common


def watched(run: Run, wave: Wave, repository: Repository) -> tuple[list[ViolationShown], bool]:
    """Compare what must not change with its fingerprints; a changed git folder forbids git in the trees."""
    kept = wave.sentinel
    if changed := changed_common(run, wave, repository):
        return [ViolationShown(f".git/{name}", WHOLE_WAVE, "coordinator") for name in changed], False
    if kept.primary is None:
        return [], True
    now = sentinel.fingerprint_primary(repository)
    dirt = sorted(path for path, state in now.items() if kept.primary.get(path) != state)
    return [ViolationShown(path, WHOLE_WAVE, "primary checkout") for path in dirt], True


def shared_tree_violations(
    repository: Repository, wave: Wave, folder: Path, owners: OwnershipMap
) -> list[ViolationShown]:
    """Return what was touched in the tree that a wave's analyzers share."""
    if wave.shared_tree is None or not Path(wave.shared_tree).is_dir():
        return []
    seen = kept_index.touched_in(repository, Path(wave.shared_tree), wave, folder, None)
    found = []
    for file in seen:
        owner = owners.owner_of(file.path)
        found.append(ViolationShown(file.path, WHOLE_WAVE, owner.name if owner else "unassigned"))
    return found


def unaudited(files: Sequence[TreeFile], owners: OwnershipMap, intakes: Sequence[Intake]) -> int:
    """Return how many files no agent looked at: without an agent, or out of what an analyzer reads."""
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
