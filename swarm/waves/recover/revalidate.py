"""`revalidate`: corrected outputs of blocked agents, judged by the same rules as in `collect`."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.git.repository import aside, repository_at
from swarm.results.collect import FindingCounts
from swarm.results.revalidate import Revalidated, RevalidateResult
from swarm.rules.states import AGENT_RUN, CAN_GO_ON, AgentRunStatus, WaveStatus, is_ended
from swarm.store import agent_runs, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves import run_facts
from swarm.waves.collect.observe import observe
from swarm.waves.collect.observed import Observed
from swarm.waves.collect.outputs import Intake
from swarm.waves.collect.ownership import keep_work
from swarm.waves.collect.record import commit, commit_evidence
from swarm.waves.launch import supervision
from swarm.waves.recover.recovery import hold_to_git_folder
from swarm.waves.trees.kept_view import as_at_dispatch
from swarm.waves.trees.worktrees import tidy
from swarm.workspace import Workspace

_NO_COUNTS: Final = FindingCounts(0, 0, 0, 0, 0)


def revalidate(
    store: Store, workspace: Workspace, run: Run, named: Mapping[str, Path], *, apply: bool, reason: str | None
) -> RevalidateResult:
    """Take corrected outputs, `named` by domain, of blocked agents of the run's newest wave.

    An agent with a valid output and a tree without violation is complete. When all agents are complete and the wave as
    a whole has no violation, a failed wave is collected; a wave in flight is left to `collect`. Where no output is
    named, `reason` answers for changes of the git folder and the checkout, which are accepted. Without `apply` nothing
    is written, and the result is the judgement. Raises WaveNotFound, CollectUnknownDomain, RecoveryNotApplicable,
    WaveGitFolderChanged, LaunchInProgress, and StateConflict when another command was first.
    """
    wave = waves.newest(store.conn, run.id)
    if wave is None:
        raise errors.WaveNotFound(run_id=run.id)
    agents = agent_runs.current(store.conn, wave.id)
    corrected = _corrected(run, wave, agents, named)
    is_open = wave.status in CAN_GO_ON
    if not is_open or not (corrected or wave.status is WaveStatus.FAILED):
        return _nothing_to_do(store, run, wave, agents)
    with supervision.only_supervisor(workspace, run, wave) if apply else nullcontext():
        if not apply:
            supervision.hold_to_no_supervisor(workspace, run, wave)
        supervision.hold_to_status(store.conn, wave)
        repository = repository_at(Path(run.local_path))
        in_flight = wave.status is WaveStatus.DISPATCHED
        # A reason that is given for an output is none for a planted hook.
        accepts = not in_flight and not corrected
        if not accepts:
            hold_to_git_folder(run, wave, repository)
        # A dry run writes its git objects aside: a pure read must not grow the repository.
        with nullcontext(repository) if apply else aside(repository) as place, as_at_dispatch(wave, place) as viewed:
            seen = observe(store.conn, workspace, wave, viewed, corrected, alone=in_flight, accepts=accepts)
        observed = seen._replace(intakes=tuple(_passed(taken) for taken in seen.intakes))
        # Where an output was named and none passed there is nothing to record: a second record of the same findings
        # would stand in the history of each of them.
        if apply and (any(taken.target for taken in observed.intakes) or accepts):
            # Before the transaction, as in collect: a row must not name a tree without a ref.
            keep_work(repository, wave, observed.intakes)
            # A wave in flight is still collected: its findings are recorded then, those of all agents together.
            (commit_evidence if in_flight else commit)(store, observed, reason or "")
            tidy(store.conn, run, repository)
    return _result(store, run, seen, corrected, reason if apply else None, applied=apply)


def _corrected(run: Run, wave: Wave, agents: Sequence[AgentRun], named: Mapping[str, Path]) -> dict[str, Path]:
    """Return the outputs of blocked agents; a complete agent needs no other output, so its output is left out."""
    by_domain = {agent.domain: agent for agent in agents}
    if strange := next((name for name in named if name not in by_domain), None):
        raise errors.CollectUnknownDomain(name=strange, number=wave.number, names=", ".join(by_domain))
    corrected = {}
    for name, path in named.items():
        status = by_domain[name].status
        if status in AGENT_RUN.blocked:
            corrected[name] = path
        elif status is not AgentRunStatus.COMPLETE:
            verb = "resume" if is_ended(status) else "collect"
            remedy = f"`swarm {verb} {run.id}` is for it"
            action = f"The output of {name} cannot be revalidated"
            raise errors.RecoveryNotApplicable(
                action=action, problem=f"its agent is {status}, and only a blocked one is", remedy=remedy
            )
    return corrected


def _passed(taken: Intake) -> Intake:
    """Return an intake that records nothing for a refused output: the agent keeps its state and its evidence."""
    if taken.target is None or taken.is_complete:
        return taken
    # A refused correction replaces nothing: the first output stays the evidence of why the agent is blocked.
    return taken._replace(target=None, body=None, claims=(), work=None)


def _nothing_to_do(store: Store, run: Run, wave: Wave, agents: Sequence[AgentRun]) -> RevalidateResult:
    return RevalidateResult(
        run.id,
        wave.id,
        wave.number,
        wave.phase,
        wave.status,
        applied=False,
        reason=None,
        agents=(),
        incomplete=tuple(agent.domain for agent in agents if agent.status is not AgentRunStatus.COMPLETE),
        wave_violations=(),
        findings=_NO_COUNTS,
        fixes=(),
        skipped_fixes=(),
        summary=f"Nothing to do: wave {wave.number} ({wave.phase}) is {wave.status}, and no output is to be corrected.",
        next_action=run_facts.next_action(store.conn, run.id),
    )


def _result(
    store: Store, run: Run, seen: Observed, corrected: Mapping[str, Path], reason: str | None, *, applied: bool
) -> RevalidateResult:
    wave = seen.wave
    judged = [taken for taken in seen.intakes if taken.agent.domain in corrected]
    after = {taken.agent.domain: taken.is_complete for taken in seen.intakes}
    current = agent_runs.current(store.conn, wave.id)
    incomplete = tuple(
        agent.domain for agent in current if not after.get(agent.domain, agent.status is AgentRunStatus.COMPLETE)
    )
    whole = seen.unattributed
    ends = wave.status is WaveStatus.FAILED and not incomplete and not seen.violations
    status = WaveStatus.COLLECTED if ends else wave.status
    passed = sum(taken.is_complete for taken in judged)
    judgement = f"{passed} of {len(judged)} outputs pass; the wave {'is' if applied else 'would be'} {status}"
    if whole:
        files = "1 file was" if len(whole) == 1 else f"{len(whole)} files were"
        judgement += f", as {files} touched by nobody known"
    has_counts = wave.status is WaveStatus.FAILED and wave.is_audit
    return RevalidateResult(
        run.id,
        wave.id,
        wave.number,
        wave.phase,
        status,
        applied=applied,
        reason=reason,
        agents=tuple(_agent(taken, seen) for taken in judged),
        incomplete=incomplete,
        wave_violations=whole,
        findings=FindingCounts(*seen.reconciled.counts) if has_counts else _NO_COUNTS,
        fixes=seen.fixes.shown,
        skipped_fixes=seen.fixes.skipped,
        summary=f"Wave {wave.number} ({wave.phase}): {judgement}.",
        next_action=_next(store, run, judged, corrected, is_done=applied or not (judged or ends)),
        accepted=seen.accepted,
    )


def _agent(taken: Intake, seen: Observed) -> Revalidated:
    return Revalidated(
        domain=taken.agent.domain,
        agent_run_id=taken.agent.id,
        was=taken.agent.status,
        status=taken.status if taken.is_complete else taken.agent.status,
        path=taken.path,
        findings_count=taken.reported if taken.is_complete else 0,
        errors=(*taken.problems, *seen.refused_of(taken)),
        violations=tuple(violation.file for violation in taken.violations),
        refused=taken.refused_count if taken.is_complete else 0,
    )


def _next(store: Store, run: Run, judged: Sequence[Intake], corrected: Mapping[str, Path], *, is_done: bool) -> str:
    if is_done or not all(taken.is_complete for taken in judged):
        return run_facts.next_action(store.conn, run.id)
    named = " ".join(f"--domain {shlex.quote(f'{name}:{path}')}" for name, path in corrected.items())
    return " ".join(filter(None, (f"swarm revalidate {run.id}", named, "--apply --reason '…'")))
