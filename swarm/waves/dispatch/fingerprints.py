"""Fingerprints of a new wave: the git folder, the checkout and the indexes as its agents begin with them."""

from swarm.git import sentinel
from swarm.git.repository import Repository
from swarm.store.wave_documents import Sentinel
from swarm.waves.dispatch.wave_plan import WavePlan
from swarm.waves.trees import kept_index, kept_view


def fingerprints_of(plan: WavePlan, repository: Repository) -> Sentinel:
    """Take the fingerprints of a wave whose worktrees were just made."""
    common = sentinel.fingerprint_common(repository.common_dir, plan.run.id)
    # A trusted analyzer writes nothing, so a person may edit the checkout while the wave is in flight.
    is_trusted = bool(plan.ready) and all(each.runtime.is_trusted for each in plan.ready)
    is_watched = plan.request.isolate and not is_trusted
    primary = sentinel.fingerprint_primary(repository) if is_watched else None
    indexes = kept_index.kept_digests([tree for _, tree in plan.trees], plan.folder)
    branch = repository.branch if is_watched else None
    return Sentinel(common, primary, indexes, branch, kept_view.view_to_keep(repository), str(repository.root))
