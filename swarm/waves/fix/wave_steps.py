"""The steps of an amend wave one after the other: launch, collect, merge, verify, each from where the wave stands."""

import sqlite3
from typing import NamedTuple

from swarm import errors, stage_events
from swarm.results.verify import VerifyResult
from swarm.rules.build_verdicts import UNTESTED
from swarm.rules.states import CAN_BE_RESUMED, WaveStatus
from swarm.store import agent_runs, assignments, file_claims, waves
from swarm.store.waves import Wave
from swarm.waves.collect.collect import collect
from swarm.waves.dispatch.dispatch import dispatch_isolated
from swarm.waves.dispatch.preconditions import refusals_reported
from swarm.waves.dispatch.wave_plan import DispatchRequest
from swarm.waves.fix.ground import FixGround
from swarm.waves.fix.plan import Round
from swarm.waves.launch.launch import launch_again
from swarm.waves.prove.merge import merge
from swarm.waves.prove.merge_gate import NO_WORSE, MergeOptions
from swarm.waves.prove.verify import VerifyOptions, verify
from swarm.waves.recover.resume import resume


class WaveEnd(NamedTuple):
    """The end of a wave's way through its steps.

    `stopped_at` is the step that said no, with its exit code and the next command. `proof` is the verification of the
    commit that its work was merged in.
    """

    wave: Wave
    proof: VerifyResult | None = None
    stopped_at: str | None = None
    exit_code: int = 0
    next_action: str = ""


def dispatched(ground: FixGround, one: Round) -> tuple[Wave, tuple[str, ...]]:
    """Dispatch an isolated wave over the approved findings of a phase, and return it with the warnings."""
    store, workspace, run, _, config = ground
    # On what an earlier wave merged: work on HEAD would run into it, also where that wave is not delivered.
    with refusals_reported(run.id):
        wanted = DispatchRequest(one.phase, runtime=one.runtime, on_merged=True)
        wave, result = dispatch_isolated(store, workspace, run, wanted, config)
    return wave, result.warnings


def take_through(ground: FixGround, wave: Wave) -> WaveEnd:
    """Take a wave through its steps, from where it stands to a verified commit; stop where a step says no.

    Raises what launch, collect, merge and verify raise.
    """
    try:
        return _taken_through(ground.now, wave)
    except errors.SwarmError as error:
        # The error says what is wrong, and not where the agents' work is.
        message = f"the work lies on {', '.join(work_branches(ground.conn, wave))}"
        if isinstance(error, errors.MergeGateFailed | errors.MergeConflict):
            message += f"; `swarm fix {ground.run.id} --anew` gives its findings to another wave"
        if isinstance(error, errors.MergeGateFailed) and error.verdict in UNTESTED:
            remedy = f"`swarm fix {ground.run.id} --accept no_tests --reason '…'` goes on without tests"
            message += f", and {remedy}"
            # The remedy of `merge` would leave the caller of `fix` with a merge that nobody verifies.
            error.remedy = error.fields["remedy"] = remedy
        elif isinstance(error, errors.MergeGateFailed):
            # The same for a target that was repaired; the other remedies decide about the merge alone.
            remedy = error.remedy.replace(f"then `swarm merge {ground.run.id}`", f"then `swarm fix {ground.run.id}`")
            error.remedy = error.fields["remedy"] = remedy
        stage_events.emit("fix_stopped", run_id=ground.run.id, wave_id=wave.id, code=error.code, message=message)
        raise


def work_branches(conn: sqlite3.Connection, wave: Wave) -> tuple[str, ...]:
    """Return the branches of those agents of a wave that were given a finding."""
    given = assignments.assigned(conn, wave.id)
    agents = agent_runs.current(conn, wave.id)
    return tuple(one.worktree_branch for one in agents if one.id in given and one.worktree_branch is not None)


def _taken_through(ground: FixGround, wave: Wave) -> WaveEnd:
    run = ground.run
    if wave.status is WaveStatus.DISPATCHED:
        stopped = _flown(ground, wave)
        if stopped is not None:
            return stopped
        wave = _again(ground, wave)
    if not file_claims.has_changes(ground.conn, wave.id):
        return WaveEnd(wave)
    accept, reason = ground.request.accept, ground.request.reason
    merging = MergeOptions(accept=accept, reason=reason)
    proving = VerifyOptions(accept=accept, reason=reason, keeps_builds=True)
    merged = merge(ground.store, ground.workspace, run, merging, ground.config)
    proof = verify(ground.store, ground.workspace, run, proving, ground.config)
    if proof.exit_code and merged.gate is not None and merged.gate.accepted == NO_WORSE:
        red = ", ".join(step.name for step in merged.gate.steps if not step.passed)
        worse = f"{red} is red without the fix, too: nothing is worse than before, and nothing is proved"
        proof = proof._replace(note="; ".join(filter(None, (worse, proof.note))))
    wave = _again(ground, wave)
    if proof.exit_code:
        # A build that is no pass is shown with its logs; what offends is listed with its evidence.
        again = "verify-fixed" if proof.claims.offending else "verify"
        return WaveEnd(wave, proof, "verify", proof.exit_code, f"swarm {again} {run.id}")
    return WaveEnd(wave, proof)


def _flown(ground: FixGround, wave: Wave) -> WaveEnd | None:
    """Launch and collect a wave in flight; return where it stopped, `None` where the wave is collected."""
    store, workspace, run, request, config = ground
    agents = agent_runs.current(store.conn, wave.id)
    if any(agent.status in CAN_BE_RESUMED for agent in agents):
        # A launch leaves failed agents to a decision, and calling `fix` again is that decision.
        resume(store, workspace, run, config, apply=True, reason="swarm fix was called again")
    limits = request.limits
    launched = launch_again(
        store, workspace, run, config, "fix", runtime=request.runtime, jobs=request.jobs, limits=limits
    )
    if launched.exit_class:
        return WaveEnd(_again(ground, wave), None, "launch", launched.exit_class, f"swarm fix {run.id}")
    collected = collect(store, workspace, run, {})
    stage_events.emit("wave_finished", run_id=run.id, wave_id=wave.id, status=collected.wave_status)
    if collected.wave_status != WaveStatus.COLLECTED:
        return WaveEnd(_again(ground, wave), None, "collect", 1, collected.next_action)
    return None


def _again(ground: FixGround, wave: Wave) -> Wave:
    """Return a wave as it is recorded now."""
    return waves.numbered(ground.conn, ground.run.id, wave.number) or wave
