"""Assessment of a run: its state, its blockers, and a next command that works in that state."""

import re
import shlex
from collections.abc import Sequence
from typing import Final, NamedTuple

from swarm.rules import gates
from swarm.rules.findings import Decision
from swarm.rules.gates import Judgement, Verdict
from swarm.rules.phases import AMEND_PHASES, ENDED_RUN_STATUSES, LENSES, Phase, dispatched_phase
from swarm.rules.states import AGENT_RUN, CAN_BE_RESUMED, AgentRunStatus, WaveStatus

_WORKING: Final = (AgentRunStatus.PENDING, AgentRunStatus.DISPATCHED, AgentRunStatus.RUNNING)
_COMMAND: Final = re.compile(r"`(swarm [^`]+)`")
_APPROVED: Final = (Decision.APPROVED.value,)

# State of a run, its blockers, and the next command.
Assessed = tuple[str, tuple[str, ...], str]


class AgentFacts(NamedTuple):
    """An agent of the newest wave. `has_answered` holds where its output waits for collect."""

    domain: str
    status: str
    has_answered: bool
    error: str | None


class RunFacts(NamedTuple):
    """Facts that the assessment of a run rests on: those of the gates, and those that choose the next command.

    `is_unmerged` holds where the newest wave is a collected amend wave with worktrees whose changed files are merged
    nowhere; `is_apart` where its merge is on the integration branch alone, `is_unpublished` where the wave was promoted
    besides; `is_git_changed` where the git
    folder changed while the wave was in flight. `supervisor` names the process that works on the agents at present,
    `engine` is the address of an engine that has orders of the newest wave,
    `unfinished` the command of a rewind that has begun and not ended; each is `""` where there is none. `is_foreign`
    holds where commands may go on with the newest wave, and this user did not dispatch it on this machine.
    `is_reviewing` holds while a review is in flight; then `agents` are the reviewers, and the gates judge the wave
    before. `is_of_audit` holds where `swarm audit` made the run and was interrupted before it froze the map. `refused`
    is why the gate refused the merge of the unmerged work, and what helps. `checkout` is the place where `swarm audit`
    goes on with this run, `""` where a newer run is in its way.
    """

    run_id: str
    is_frozen: bool
    has_agents: bool
    is_isolated: bool
    agents: tuple[AgentFacts, ...]
    has_promotions: bool
    is_unmerged: bool
    is_unpublished: bool
    is_git_changed: bool
    gates: gates.GateFacts
    supervisor: str = ""
    unfinished: str = ""
    is_apart: bool = False
    is_foreign: bool = False
    is_reviewing: bool = False
    engine: str = ""
    checkout: str = ""
    is_of_audit: bool = False
    refused: tuple[str, ...] = ()


def assess(facts: RunFacts) -> Assessed:
    """Return the state's name, the blockers, and the next command."""
    # First: while a supervisor works, every other command on the wave would be refused.
    if facts.supervisor:
        return "IN PROGRESS", (f"{facts.supervisor} is at work on the wave",), f"swarm attempts {facts.run_id}"
    # Before the gates: a rewind that was broken off left git and the database at different states.
    if facts.unfinished:
        blocker = f"`{facts.unfinished}` was begun and is not finished; `swarm undo {facts.run_id}` takes it back"
        return "BLOCKED", (blocker,), f"{facts.unfinished} --apply --reason '…'"
    # Launch, collect, resume and merge would refuse the wave: their commands do not work yet.
    if facts.is_foreign:
        blocker = "this user did not dispatch the newest wave on this machine"
        return "BLOCKED", (blocker,), f"swarm trust --wave {facts.run_id}"
    state, blockers, action = assessed(facts, gates.evaluate(facts.gates))
    return state, (*blockers, *facts.refused), action


def assessed(facts: RunFacts, judgement: Judgement) -> Assessed:
    """Return the assessment that follows from a judgement of the gates: a state cannot differ from the verdict."""
    run = facts.run_id
    # A review holds back no promotion, and every dispatch.
    if facts.is_reviewing:
        return _in_flight(facts)
    match judgement.verdict:
        case Verdict.ADVANCE:
            return "READY TO ADVANCE", (), f"swarm advance {run}"
        case Verdict.AMEND:
            return "AMEND NEEDED", (judgement.reason,), _amend(facts, judgement)
        case Verdict.VERIFY:
            return "VERIFY REQUIRED", (judgement.reason,), _settle(facts)
        case Verdict.BLOCK:
            return _blocked(facts, judgement)


def _blocked(facts: RunFacts, judgement: Judgement) -> Assessed:
    run, status = facts.run_id, facts.gates.run_status
    if status in ENDED_RUN_STATUSES:
        return "COMPLETE", (), f"swarm findings {run}"
    if status in gates.WAVELESS:
        return "BLOCKED", (judgement.reason,), _past(facts, judgement)
    wave = gates.judged_wave(facts.gates)
    if wave is None:
        return _between_waves(facts)
    match wave.status:
        case WaveStatus.DISPATCHED:
            return _in_flight(facts)
        case WaveStatus.FAILED:
            return _failed(facts, judgement, wave.phase)
        case _:
            return _ended(facts, judgement, wave)


def _in_flight(facts: RunFacts) -> Assessed:
    run = facts.run_id
    if facts.engine:
        return "IN PROGRESS", (f"the engine {facts.engine} has its orders",), f"swarm launch {run} --on {facts.engine}"
    # An agent with an output counts as done even while its row says running: collect reads the file.
    waiting = [a.domain for a in facts.agents if a.status in _WORKING and not a.has_answered]
    if waiting:
        return "IN PROGRESS", (f"no output yet: {', '.join(waiting)}",), f"swarm launch {run}"
    if any(agent.status in CAN_BE_RESUMED for agent in facts.agents):
        # Collect would fail the wave now; resume gives the failed agents another attempt first.
        return "IN PROGRESS", _incomplete(facts, CAN_BE_RESUMED), f"swarm resume {run}"
    return "READY TO COLLECT", (), f"swarm collect {run}"


def _between_waves(facts: RunFacts) -> Assessed:
    run, wave = facts.run_id, facts.gates.wave
    was_promoted = facts.has_promotions and wave is not None
    state = "READY TO DISPATCH" if was_promoted else "NO WAVE"
    if was_promoted and facts.is_unpublished:
        return state, (), f"swarm merge {run} --publish"
    # Agents before the freeze: a frozen map cannot be edited.
    if not facts.has_agents:
        return state, ("no domain has an agent",), f"swarm domains {run} --add rest --globs '[\"**\"]'"
    if not facts.is_frozen:
        if facts.is_of_audit and facts.checkout:
            blocker = "the audit that made the run was interrupted before its wave"
            return state, (blocker,), f"swarm audit {shlex.quote(facts.checkout)}"
        return state, ("the map is a draft",), f"swarm domains {run} --freeze"
    phase = dispatched_phase(facts.gates.run_status) or Phase.HEALTH_AUDIT_A
    return state, (), _dispatch(facts, phase, isolate=True)


def _failed(facts: RunFacts, judgement: Judgement, phase: Phase) -> Assessed:
    blockers = list(_incomplete(facts, tuple(AgentRunStatus)))
    blockers += [gate.reason for gate in judgement.failed if gate.name == gates.GateName.NO_VIOLATIONS]
    # A blocked agent needs a person; a failed agent only needs another try.
    state = "BLOCKED" if any(agent.status in AGENT_RUN.blocked for agent in facts.agents) else "WAVE FAILED"
    return state, tuple(blockers), _recovery(facts) or _dispatch(facts, phase, isolate=facts.is_isolated)


def _incomplete(facts: RunFacts, statuses: Sequence[AgentRunStatus]) -> tuple[str, ...]:
    return tuple(
        f"{agent.domain} is {agent.status}: {agent.error or 'no reason kept'}"
        for agent in facts.agents
        if agent.status in statuses and agent.status != AgentRunStatus.COMPLETE
    )


def _recovery(facts: RunFacts) -> str | None:
    """Return the command that recovers a failed wave, `None` where only another wave helps."""
    wave, statuses = facts.gates.wave, {agent.status for agent in facts.agents}
    # A changed git folder fails every recovery too: git must not run in those trees.
    if wave is None or facts.is_git_changed or statuses <= {AgentRunStatus.COMPLETE}:
        return None
    # Resume first: `resume` redispatches the failed agents and names the blocked agents with their commands.
    if not statuses <= {AgentRunStatus.COMPLETE, *AGENT_RUN.blocked}:
        return f"swarm resume {facts.run_id}"
    # A corrected output does not undo an edit in a foreign file, so the agent runs anew.
    if AgentRunStatus.OWNERSHIP_VIOLATION in statuses:
        return f"swarm redrive {wave.number} {facts.run_id}"
    blocked = [agent.domain for agent in facts.agents if agent.status == AgentRunStatus.INVALID_OUTPUT]
    return revalidate_line(facts.run_id, blocked)


def revalidate_line(run_id: str, domains: Sequence[str]) -> str:
    """Return the command that takes corrected outputs of blocked agents."""
    named = " ".join(f"--domain {domain}:<corrected-output.json>" for domain in domains)
    return f"swarm revalidate {run_id} {named} --apply --reason '…'"


def _ended(facts: RunFacts, judgement: Judgement, wave: gates.WaveFacts) -> Assessed:
    # Only `swarm audit` looks at uncommitted files, with every analyzer that fits them; a launch has a single runtime.
    if wave.is_of_uncommitted and not wave.incomplete and facts.checkout:
        lens = "" if wave.phase is Phase.HEALTH_AUDIT_A else f" --phase {wave.phase}"
        return "INCOMPLETE", (judgement.reason,), f"swarm audit {shlex.quote(facts.checkout)}{lens}"
    if wave.incomplete or wave.is_of_uncommitted:
        again = _dispatch(facts, wave.phase, isolate=facts.is_isolated)
        return "INCOMPLETE", (judgement.reason,), again
    # A new wave would not remove a violation of the run: only an override passes that gate.
    if not judgement.can_be_overridden or facts.gates.violations:
        return "BLOCKED", (judgement.reason,), _past(facts, judgement)
    return "BLOCKED", (judgement.reason,), _dispatch(facts, wave.phase, isolate=facts.is_isolated)


def _past(facts: RunFacts, judgement: Judgement) -> str:
    """Return the way past gates that another wave would not change; the agents' work is merged and verified first."""
    if judgement.can_be_overridden:
        return f"swarm advance {facts.run_id} --override --reason '…'"
    return _settle(facts)


def _settle(facts: RunFacts) -> str:
    """Return the command that leads past a verification: a second one would answer the same about the same claims."""
    proof = facts.gates.proof
    if proof is None or not proof.fails_by_claims or facts.is_unmerged:
        return _prove(facts)
    if facts.is_apart and proof.offending:
        # Audits look at HEAD, which lacks this merge, and a merge whose verification failed is not published. The
        # findings stay open: the audit that follows asks about each, and its gate counts them.
        return f"swarm verify {facts.run_id} --threshold {proof.offending}"
    # An audit asks who found them: its prompts list every finding that is open, claimed or closed on a word.
    return _dispatch(facts, gates.audit_phase(gates.amend_phase(facts.gates)), isolate=True)


def _prove(facts: RunFacts) -> str:
    # To merge once more would be refused once more: what helps stands in the remedy, as does its command.
    if facts.is_unmerged and facts.refused and (named := _COMMAND.search(facts.refused[-1])):
        return named[1]
    return f"swarm {'merge' if facts.is_unmerged else 'verify'} {facts.run_id}"


def _amend(facts: RunFacts, judgement: Judgement) -> str:
    phase = judgement.next_phase
    # Dispatch needs approved findings, and only the grave ones hold the gate.
    if phase is not None and gates.grave(facts.gates, LENSES[phase], _APPROVED):
        return _dispatch(facts, phase, isolate=True)
    return f"swarm approve {facts.run_id} --all --severity {','.join(gates.GRAVE)}"


def _dispatch(facts: RunFacts, phase: Phase, *, isolate: bool) -> str:
    if phase in AMEND_PHASES and not gates.approved(facts.gates, LENSES[phase]):
        # An amend wave needs approved findings; where none is left, the next audit shows what remains.
        phase, isolate = gates.audit_phase(phase), True
    freeze = "" if facts.is_frozen else " --auto-freeze"
    return f"swarm dispatch {facts.run_id} {phase}{' --isolate' if isolate else ''}{freeze}"
