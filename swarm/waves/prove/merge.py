"""Use case `merge`: combine the branches of an amend wave without a checkout, prove the result, and publish it."""

from pathlib import Path
from typing import Final

from swarm.config import Config
from swarm.git import checkouts, merging, refs
from swarm.git.repository import repository_at
from swarm.results.merge import MergeResult
from swarm.rules.ref_names import integration_branch
from swarm.store import agent_runs
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.prove.build import Prover
from swarm.waves.prove.merge_chain import MergeTask, links_of
from swarm.waves.prove.merge_gate import MergeOptions, proved
from swarm.waves.prove.merge_preconditions import hold_to_agents, hold_to_verification, mergeable, task_of
from swarm.waves.prove.merge_record import Merged, record_merge, refusal_kept
from swarm.waves.prove.merge_result import merge_result, nothing_merged
from swarm.waves.prove.merge_work import work_to_merge
from swarm.waves.trees import git_folder, worktrees
from swarm.workspace import Workspace

_NO_WAVE: Final = "there is no isolated amend wave to merge"


def merge(store: Store, workspace: Workspace, run: Run, options: MergeOptions, config: Config) -> MergeResult:
    """Merge the newest amend wave of a run on top of its target, prove the result, and publish it.

    Publishes to `swarm/<run-hex>/integration`, or to the target. May be called again at any time: merged work is not
    merged twice, and a second call waits for the end of the first. Raises MergeNotReady, MergeConflict,
    MergeGateFailed, PublishRaced, PublishTargetDirty, ConfigUntrusted.
    """
    config.hold_to_trusted("verify")
    if mergeable(store.conn, run) is None:
        repository_at(Path(run.local_path))
        return nothing_merged(run, _NO_WAVE)
    with worktrees.merge_lock(workspace, run, "merge"):
        return _merged(store, workspace, run, options, config)


def _merged(store: Store, workspace: Workspace, run: Run, options: MergeOptions, config: Config) -> MergeResult:
    repository = repository_at(Path(run.local_path))
    # Read again under the lock: the merge that held it may have changed the wave.
    wave = mergeable(store.conn, run)
    if wave is None:
        return nothing_merged(run, _NO_WAVE)
    agents = agent_runs.current(store.conn, wave.id)
    hold_to_agents(options, agents)
    task = task_of(run, wave, repository, agents, options)
    links = tuple(link for link in links_of(store.conn, task, agents) if link.agent.domain not in options.drop)
    prover = Prover(repository, workspace, run, config, options.adapter)
    # An agent may have written the attributes of a git folder that changed.
    trusted = not git_folder.changed_common(wave, repository)
    with merging.objects_only(repository, info_attributes=trusted) as git:
        work = work_to_merge(store.conn, git, task, links)
        task = task._replace(present=tuple(link for link in links if link not in work.fresh))
        if not work.fresh and not work.arrived and work.is_published:
            what = "everything but what is dropped" if options.drop else "everything"
            return nothing_merged(run, f"{what} is merged already", wave, options.drop)
        with refusal_kept(store, task):
            proof = proved(store, git, task, prover, work.base, work.fresh, options, holds_work=work.base_holds_work)
    if not proof.links and not work.arrived and work.is_published:
        left = tuple(link.agent.domain for link in work.fresh)
        return nothing_merged(run, f"what is left breaks the build: {', '.join(left)}", wave, (*options.drop, *left))
    ref = integration_branch(run.hex)
    if task.target is not None and (options.publish or proof.commit == task.tip):
        ref = task.target
    if ref == task.target:
        hold_to_verification(store.conn, repository.git, run, proof.commit)
    _publish(task, ref, proof.commit)
    merged = Merged(task, options, ref, proof, links, work.arrived)
    fixed = record_merge(store, prover, merged)
    return merge_result(merged, agents, fixed)


def _publish(task: MergeTask, ref: str, commit: str) -> None:
    """Move the branch, and a clean checkout of it. Raises PublishRaced, PublishTargetDirty."""
    git = task.repository.git
    old = task.tip if ref == task.target else task.integration
    if old == commit:
        return
    places = checkouts.checkouts_of(git, ref)
    if not places or old is None:
        refs.move_branch(git, ref, old, commit)
        return
    checkouts.forward_checkout(places[0], ref, old, commit)
