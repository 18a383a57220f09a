"""Ground of a worker: the set-up of an attempt's worktree, and the bundle of the work in it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from swarm.clock import now
from swarm.engine.messages import WorkOrder
from swarm.engine.objects import MOST_BYTES
from swarm.git import merging, snapshot
from swarm.git.agent_work import touched_files, work_of
from swarm.git.apart import Apart, apart_in
from swarm.git.merging import Identity
from swarm.rules.phases import Phase, is_audit
from swarm.rules.ref_names import attempt_ref
from swarm.store.attempts import Ending
from swarm.waves.trees.set_up import NewTree, run_set_up
from swarm.waves.trees.tree_ground import made_of, too_many
from swarm.waves.worker.aside import aside
from swarm.waves.worker.bases import WorkPlace

# The longest names that there are fit into a message, also where each of their characters is escaped.
_MOST_UNTAKEN: Final = 6


class Brought(NamedTuple):
    """The work of an attempt as a bundle, `None` for none, and the files that git could not take into it.

    `size` is that of the bundle; one that no coordinator takes is not read.
    """

    bundle: bytes | None
    untaken: tuple[str, ...]
    size: int = 0


async def set_up(site: WorkPlace, new: NewTree) -> tuple[Ending | None, dict[str, str]]:
    """Set a worktree up by the worker's own configuration; return why that failed, and the files that it made."""
    if not new.config.worktrees.setup:
        return None, {}
    if (ending := await run_set_up(new, site.tree.path, ())) is not None:
        # The coordinator keeps the logs with those of the attempt.
        words = (ending.error_fragment or "").replace(str(new.logs), "its logs")
        return ending._replace(error_fragment=words), {}
    made = await aside(lambda: _made(site))
    return too_many(made), made


def _made(site: WorkPlace) -> dict[str, str]:
    common, tree = site.repository.common_dir, site.tree
    touched = touched_files(common, tree.path, site.commit, site.kept_index, tree.branch, apart=Apart(answers=True))
    return made_of(tree.path, touched)


def brought(site: WorkPlace, order: WorkOrder, made: Mapping[str, str]) -> Brought:
    """Return the work in a worktree, judged as the files lie there, as one commit on the base. Raises GitError.

    What the set-up made, and nobody changed since, is no work of the agent.
    """
    common, tree = site.repository.common_dir, site.tree
    apart = apart_in(tree.path, (), made, answers=True)
    # An agent of an audit is to change nothing, which a single look at its files confirms.
    if is_audit(Phase(order.phase)) and site.is_untouched(apart):
        return Brought(None, ())
    work = work_of(common, tree.path, site.commit, site.kept_index, tree.branch, apart=apart)
    untaken = tuple(dict.fromkeys((*work.untakable, *work.filtered, *work.large)))[:_MOST_UNTAKEN]
    if not work.touched or untaken:
        return Brought(None, untaken)
    git = site.repository.git
    message = f"Work of {order.domain} on another machine\n"
    commit = merging.commit_tree(git, work.tree, [site.commit], message, Identity(now()))
    file = site.workspace.folder / "work.bundle"
    size = snapshot.write_bundle(git, site.commit, commit, attempt_ref(order.id), file)
    return Brought(file.read_bytes() if size <= MOST_BYTES else None, (), size)
