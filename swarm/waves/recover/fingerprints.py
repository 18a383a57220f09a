"""Fingerprints of a wave whose agents are dispatched again."""

from collections.abc import Mapping, Sequence

from swarm.git import sentinel
from swarm.git.worktrees import Tree
from swarm.store.wave_documents import Provided, Sentinel
from swarm.waves.recover.recovery import Recovery
from swarm.waves.trees import kept_index
from swarm.waves.trees.kept_view import as_at_dispatch


def fingerprints_again(recovery: Recovery, made: Sequence[Tree], provided: Mapping[str, Provided]) -> Sentinel:
    """Take the fingerprints again, but keep the indexes of trees that this call does not make.

    A kept index is the state that a tree began with: taken now, it would hide the edits of an agent that failed.
    """
    kept = recovery.wave.sentinel
    # Taken now: the new trees have changed the git folder, which is no violation.
    common = sentinel.fingerprint_common(recovery.repository.common_dir, recovery.run.id)
    primary = None
    if kept.primary is not None:
        with as_at_dispatch(recovery.wave, recovery.repository) as repository:
            primary = sentinel.fingerprint_primary(repository)
    indexes = kept.indexes | kept_index.kept_digests(made, recovery.folder)
    every = {**kept.provided, **provided}
    return kept._replace(common=common, primary=primary, indexes=indexes, provided=every)
