"""`merge`: the branches of an amend wave come together without a checkout, are proved, and published."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.config import Config
from swarm.git import checkouts as checkouts_of_git
from swarm.git import history, merging, refs
from swarm.git.merging import Identity
from swarm.git.repository import Repository, repository_at
from swarm.git.runner import Git
from swarm.results.merge import MergedDomain, MergeResult
from swarm.rules.phases import is_audit
from swarm.rules.states import WaveStatus
from swarm.store import agent_runs, fix_claims, observations, verifications, waves
from swarm.store import merges as merges_table
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.merges import NewMerge
from swarm.store.runs import Run
from swarm.store.verifications import NewVerification
from swarm.store.waves import Wave
from swarm.waves import run_facts
from swarm.waves.prove import build
from swarm.waves.prove.build import Bench
from swarm.waves.prove.merge_chain import Link, Scene, base_of, before_unrecorded, caught_up, links_of
from swarm.waves.prove.merge_gate import Proof, Wish, proved
from swarm.waves.prove.proved_fixes import proved_at
from swarm.waves.trees import worktrees
from swarm.waves.trees.integration import integration_branch, integration_of
from swarm.workspace import Workspace

_MERGEABLE: Final = (WaveStatus.COLLECTED, WaveStatus.VERIFIED, WaveStatus.ADVANCED)
_NO_WAVE: Final = "there is no isolated amend wave to merge"


def merge(store: Store, workspace: Workspace, run: Run, wish: Wish, config: Config) -> MergeResult:
    """Merge the newest amend wave of a run on top of its target, prove the result, and publish it.

    Publishes to `swarm/<run-hex>/integration`, or to the target. May be called again at any time: what is merged
    already is not merged twice, and who comes while another merges waits for its end. Raises MergeNotReady,
    MergeConflict, MergeGateFailed, PublishRaced, PublishTargetDirty.
    """
    if _mergeable(store.conn, run) is None:
        repository_at(Path(run.local_path))
        return _nothing(run, _NO_WAVE)
    with worktrees.merge_lock(workspace, run, "merge"):
        return _merged(store, workspace, run, wish, config)


def _merged(store: Store, workspace: Workspace, run: Run, wish: Wish, config: Config) -> MergeResult:
    repository = repository_at(Path(run.local_path))
    wave = _mergeable(store.conn, run)
    if wave is None:
        return _nothing(run, _NO_WAVE)
    agents = agent_runs.current(store.conn, wave.id)
    _hold_to_agents(wish, agents)
    target, tip = _target(repository, run, wish)
    integration = refs.tip_of(repository.git, integration_branch(run))
    scene = Scene(
        run=run,
        wave=wave,
        repository=repository,
        target=target,
        tip=tip,
        integration=integration,
        identity=_identity(wave, agents),
        dropped=wish.drop,
        publish=wish.publish,
    )
    links = tuple(link for link in links_of(store.conn, scene, agents) if link.agent.domain not in wish.drop)
    bench = Bench(repository, workspace, run, config, wish.adapter)
    with merging.objects_only(repository) as git:
        merges = merges_table.merges_of(store.conn, wave.id)
        recorded = {one.commit_sha for one in merges}
        _hold_to_integration(store.conn, git, scene, links, recorded)
        base = before_unrecorded(git, scene, base_of(git, scene), links, recorded)
        fresh = [link for link in links if not history.is_ancestor(git, link.commit, base)]
        # Merged by hand, or by a call that was killed before it could record that.
        arrived = [link for link in links if link not in fresh and not _is_in(git, link, recorded)]
        # Published by a call that was killed before it could record that, or by hand.
        is_told = tip not in recorded or any((one.ref, one.commit_sha) == (target, tip) for one in merges)
        is_published = not wish.publish or (base == tip and is_told)
        if not fresh and not arrived and is_published:
            what = "everything but what is dropped" if wish.drop else "everything"
            return _nothing(run, f"{what} is merged already", wave, wish.drop)
        holds_work = any(history.is_ancestor(git, commit, base) for commit in recorded)
        proof = proved(store.conn, git, scene, bench, base, fresh, wish, holds_work=holds_work)
    if not proof.links and not arrived and is_published:
        left = tuple(link.agent.domain for link in fresh)
        return _nothing(run, f"what is left breaks the build: {', '.join(left)}", wave, (*wish.drop, *left))
    ref = integration_branch(run)
    if target is not None and (wish.publish or proof.commit == tip):
        ref = target
    _publish(scene, ref, proof.commit)
    fixed = _record(store, scene, bench, ref, proof, wish, links, arrived)
    return _told(scene, ref, proof, wish, agents, links, fixed)


def _hold_to_integration(
    conn: sqlite3.Connection, git: Git, scene: Scene, links: Sequence[Link], recorded: Collection[str]
) -> None:
    """Raises IntegrationMoved, unless the branch is where a merge of ours left it, recorded or killed before that."""
    tip, ours = scene.integration, merges_table.merged_into(conn, scene.run.id, integration_branch(scene.run))
    if tip is None or tip in ours or history.is_ancestor(git, tip, scene.tip):
        return
    base = before_unrecorded(git, scene, tip, links, recorded)
    if base in ours or history.is_ancestor(git, base, scene.tip) or _is_caught_up(git, scene, base, ours):
        return
    integration_of(conn, scene.repository.git, scene.run)


def _is_caught_up(git: Git, scene: Scene, commit: str, ours: Collection[str]) -> bool:
    """Say whether a commit brings a merge of ours together with its target, exactly as we do that."""
    earlier, *others = history.parents_of(git, commit) or [commit]
    if len(others) != 1 or earlier not in ours or not history.is_ancestor(git, others[0], scene.tip):
        return False
    try:
        return caught_up(git, scene, earlier, others[0]) == commit
    except errors.MergeConflict:
        return False


def _hold_to_agents(wish: Wish, agents: Sequence[AgentRun]) -> None:
    names = [agent.domain for agent in agents]
    if strange := next((name for name in wish.drop if name not in names), None):
        problem = f"--drop: no agent of the wave is called '{errors.shortened(strange)}'; there are {', '.join(names)}"
        raise errors.CliUsage(problem=problem, command="swarm merge")


def _identity(wave: Wave, agents: Sequence[AgentRun]) -> Identity:
    """Return when the work ended: what a later verification or promotion does not move, as it does the wave's end."""
    return Identity(max((agent.ended for agent in agents if agent.ended is not None), default=wave.dispatched))


def _is_in(git: Git, link: Link, commits: Iterable[str]) -> bool:
    return any(history.is_ancestor(git, link.commit, commit) for commit in commits)


def _mergeable(conn: sqlite3.Connection, run: Run) -> Wave | None:
    """Return the newest amend wave with worktrees. Raises MergeNotReady while it is in flight or failed."""
    newest = waves.newest(conn, run.id)
    if newest is not None and not is_audit(newest.phase) and newest.status not in _MERGEABLE:
        remedy = f"`{run_facts.next_action(conn, run.id)}` goes on with it; `swarm status {run.id}` tells more"
        raise errors.MergeNotReady(
            number=newest.number, phase=newest.phase, status=newest.status, remedy=remedy, run_id=run.id
        )
    found = waves.newest_amend(conn, run.id)
    return found if found is not None and found.isolated else None


def _target(repository: Repository, run: Run, wish: Wish) -> tuple[str | None, str]:
    target = run.branch if wish.target is None else wish.target
    if target is None:
        if wish.publish:
            problem = "--publish needs --target BRANCH: the run was made on a detached HEAD"
            raise errors.CliUsage(problem=problem, command="swarm merge")
        return None, repository.head
    tip = refs.tip_of(repository.git, target)
    if tip is None:
        problem = f"there is no branch '{errors.shortened(target)}' in {repository.root}"
        raise errors.CliUsage(problem=problem, command="swarm merge")
    return target, tip


def _publish(scene: Scene, ref: str, commit: str) -> None:
    """Move the branch, and its clean checkouts with it. Raises PublishRaced, PublishTargetDirty."""
    git = scene.repository.git
    old = scene.tip if ref == scene.target else scene.integration
    if old == commit:
        return
    checkouts = checkouts_of_git.checkouts_of(git, ref)
    if not checkouts or old is None:
        refs.move_branch(git, ref, old, commit)
        return
    checkouts_of_git.forward_checkout(checkouts[0], ref, old, commit)


def _record(
    store: Store,
    scene: Scene,
    bench: Bench,
    ref: str,
    proof: Proof,
    wish: Wish,
    links: Sequence[Link],
    arrived: Sequence[Link],
) -> list[str]:
    run, wave = scene.run, scene.wave
    inside = _in(scene, proof.commit, links)
    is_new = ref == scene.target or not (proof.links or arrived)
    names = tuple(
        link.agent.domain
        for link in links
        if link in proof.links or link in arrived or (is_new and link.agent.domain in inside)
    )
    dropped = tuple(sorted({link.agent.domain for link in links} - _in(scene, proof.commit, links) | set(wish.drop)))
    # What an earlier merge brought together is proved by this commit as well.
    kept = [link.agent.domain for link in links if link.agent.domain not in dropped]
    found = proved_at(store.conn, bench, proof.commit, wave.number, domains=kept)
    with store.mutation() as conn:
        verification_id = None
        if proof.gate is not None:
            verification_id = verifications.add_verification(conn, _verification(scene, proof, wish)).id
        merges_table.add_merge(
            conn,
            run.id,
            NewMerge(
                wave_id=wave.id,
                ref=ref,
                base=proof.base,
                commit_sha=proof.commit,
                domains=names,
                dropped=dropped,
                verification_id=verification_id,
            ),
        )
        found = fix_claims.still_claimed(conn, run.id, found)
        observations.prove(conn, run.id, wave.id, found)
        # What was left out is mended by nobody: its claims stand in no later verification's way.
        fix_claims.settle(conn, fix_claims.of_domains(conn, wave.id, dropped), "refuted")
    by_row = {one.finding: one.finding_id for one in fix_claims.of_wave(store.conn, wave.id)}
    return sorted(by_row[one.finding] for one in found if one.finding in by_row)


def _in(scene: Scene, commit: str, links: Sequence[Link]) -> set[str]:
    git = scene.repository.git
    return {link.agent.domain for link in links if history.is_ancestor(git, link.commit, commit)}


def _verification(scene: Scene, proof: Proof, wish: Wish) -> NewVerification:
    if proof.gate is None or proof.build is None:
        raise AssertionError
    gate = proof.gate
    return NewVerification(
        run_id=scene.run.id,
        wave_id=scene.wave.id,
        phase=scene.run.status,
        purpose="merge",
        commit_sha=proof.commit,
        verdict=gate.verdict,
        adapter=gate.adapter,
        steps=build.kept_steps(proof.build),
        test_count=gate.test_count,
        claims=None,
        threshold=None,
        exit_code=0,
        accepted=gate.accepted,
        reason=wish.reason if gate.accepted else None,
    )


def _told(
    scene: Scene,
    ref: str,
    proof: Proof,
    wish: Wish,
    agents: Sequence[AgentRun],
    links: Sequence[Link],
    fixed: Sequence[str],
) -> MergeResult:
    run, wave = scene.run, scene.wave
    inside = _in(scene, proof.commit, links)
    by_domain = {link.agent.domain: link for link in links}
    fresh = {link.agent.domain for link in proof.links}
    domains = []
    for agent in agents:
        link = by_domain.get(agent.domain)
        if agent.domain in wish.drop or (link is not None and agent.domain not in inside):
            state = "dropped"
        elif link is None:
            state = "nothing"
        else:
            state = "merged" if agent.domain in fresh else "already"
        files = len(link.files) if link else 0
        domains.append(MergedDomain(agent.domain, agent.worktree_branch, link.commit if link else None, state, files))
    dropped = tuple(one.domain for one in domains if one.state == "dropped")
    count = sum(one.state == "merged" for one in domains)
    held = sum(one.state in {"merged", "already"} for one in domains)
    what = "merged" if count else "published"
    summary = f"Wave {wave.number} ({wave.phase}): {count or held} of {len(domains)} agents' work {what} at {ref}"
    return MergeResult(
        run_id=run.id,
        wave_id=wave.id,
        wave_number=wave.number,
        phase=wave.phase,
        ref=ref,
        base=proof.base,
        commit=proof.commit,
        published=ref == scene.target,
        domains=tuple(domains),
        dropped=dropped,
        gate=proof.gate,
        fixed=tuple(fixed),
        summary=summary,
        next_action=f"swarm verify {run.id}",
    )


def _nothing(run: Run, why: str, wave: Wave | None = None, dropped: tuple[str, ...] = ()) -> MergeResult:
    number, phase = (wave.number, wave.phase.value) if wave else (None, None)
    wave_id = wave.id if wave else None
    summary = f"Nothing to merge: {why}."
    status = f"swarm status {run.id}"
    return MergeResult(
        run_id=run.id,
        wave_id=wave_id,
        wave_number=number,
        phase=phase,
        ref=None,
        base=None,
        commit=None,
        published=False,
        domains=(),
        dropped=dropped,
        gate=None,
        fixed=(),
        summary=summary,
        next_action=status,
    )
