"""`status`: the state of a run, from the database and from the outputs on disk."""

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from swarm import locks
from swarm.clock import seconds_since
from swarm.results.status import (
    AgentSummary,
    Assessment,
    LastVerification,
    StatusAgent,
    StatusDomain,
    StatusFindings,
    StatusResult,
    StatusRun,
    StatusWave,
    StatusWaves,
    WaveCounts,
)
from swarm.rules import assessment
from swarm.rules.findings import OPEN_STATUSES, SEVERITIES
from swarm.rules.states import AGENT_RUN, CAN_GO_ON, AgentRunStatus, is_ended
from swarm.store import attempts, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.trust import Trust
from swarm.waves.clean import intents
from swarm.waves.dispatched_here import is_own
from swarm.waves.run_facts import RunState, run_state
from swarm.workspace import Workspace

if TYPE_CHECKING:
    from swarm.store.verifications import Verification


def status(conn: sqlite3.Connection, workspace: Workspace, run: Run, trust: Trust) -> StatusResult:
    """Return the state of a run. Its assessment agrees with the gates of `advance`."""
    found = run_state(conn, run)
    wave = found.wave
    ended = waves.newest_ended(conn, run.id)
    goes_on = wave is not None and wave.status in CAN_GO_ON
    is_asked = goes_on or found.facts.is_unmerged
    is_foreign = wave is not None and is_asked and not is_own(conn, workspace, wave, trust)
    facts = found.facts._replace(
        supervisor=_supervisor(workspace, run, wave), unfinished=_unfinished(conn, run), is_foreign=is_foreign
    )
    stopped = frozenset() if facts.supervisor or facts.engine or is_foreign else _interrupted(conn, found)
    return StatusResult(
        run=StatusRun(
            id=run.id,
            repo=run.repo,
            status=run.status,
            branch=run.branch,
            commit_sha=run.commit_sha,
            save_point_tag=run.save_point_tag,
            created=run.created,
            timeout_policy=run.timeout_seconds,
        ),
        domains=tuple(StatusDomain(d.name, d.ownership, run.map_frozen, d.description) for d in found.domains),
        waves=StatusWaves(waves.count(conn, run.id), _wave(wave, is_foreign=is_foreign) if wave else None),
        agents=_at_work(
            conn,
            wave if facts.supervisor or facts.engine else None,
            [_agent(agent, run, wave)._replace(interrupted=agent.domain in stopped) for agent in found.agents],
        ),
        agent_summary=_summary(found.agents),
        findings=_findings(facts.gates.findings, ended),
        violations=facts.gates.violations,
        last_verification=_verification(conn, found.verification, found.judged),
        assessment=Assessment(*assessment.assess(facts)),
        refused_items=ended.result.refused_items if ended is not None and ended.result else (),
        review=_wave(found.review, is_foreign=False) if found.review else None,
    )


def _supervisor(workspace: Workspace, run: Run, wave: Wave | None) -> str:
    # An ended wave has no supervisor, and its lock file need not be opened.
    if wave is None or wave.status not in CAN_GO_ON:
        return ""
    lock = workspace.launch_lock(run.id, wave.number)
    return f"process {locks.holder_of(lock).partition(' ')[0]}" if locks.is_held(lock) else ""


def _interrupted(conn: sqlite3.Connection, found: RunState) -> frozenset[str]:
    """Return the domains of running agents whose launch has ended, and whose process of this machine too."""
    answered = {agent.domain for agent in found.facts.agents if agent.has_answered}
    running = [one for one in found.agents if one.status is AgentRunStatus.RUNNING and one.domain not in answered]
    if found.wave is None or not running:
        return frozenset()
    from swarm.runtimes import processes

    by_agent = attempts.of_wave(conn, found.wave.id)
    newest = {one.domain: own[-1] for one in running if (own := by_agent.get(one.id))}
    return frozenset(
        domain
        for domain, last in newest.items()
        if last.host == processes.host() and (last.outcome or not processes.is_alive(last.pid, last.pid_start))
    )


def _unfinished(conn: sqlite3.Connection, run: Run) -> str:
    if not intents.is_rewinding(conn, run.id):
        return ""
    # Git is called only here: an unfinished rewind is rare, and `status` must be quick.
    from swarm.waves.clean.unfinished_rewind import unfinished_rewind

    return unfinished_rewind(conn, run)


def _wave(wave: Wave, *, is_foreign: bool) -> StatusWave:
    return StatusWave(
        id=wave.id,
        number=wave.number,
        phase=wave.phase,
        status=wave.status,
        snapshot_id=wave.snapshot_id,
        dispatch_sha=wave.dispatch_sha,
        isolated=wave.isolated,
        ownership_probe_degraded=wave.ownership_probe_degraded,
        from_elsewhere=is_foreign,
        review=wave.is_review,
    )


def _agent(agent: AgentRun, run: Run, wave: Wave | None) -> StatusAgent:
    # An agent that waits for its launch has no age.
    works = not is_ended(agent.status) and agent.started is not None
    is_stale = works and seconds_since(agent.started or "") > run.timeout_seconds
    wrong = wave.result.output_errors.get(agent.domain, ()) if wave is not None and wave.result else ()
    errors = tuple(map(str, wrong)) if agent.status is AgentRunStatus.INVALID_OUTPUT else ()
    return StatusAgent(agent.domain, agent.status, agent.started, agent.ended, agent.error, is_stale, errors=errors)


def _at_work(conn: sqlite3.Connection, wave: Wave | None, agents: list[StatusAgent]) -> tuple[StatusAgent, ...]:
    """Return the agents, those of a wave that is launched with what they do and use now."""
    if wave is None:
        return tuple(agents)
    # Journals are read only while a launch runs, and `status` must be quick.
    from swarm.waves.watch.live import live_agents

    live = {each.domain: each for each in live_agents(conn, wave)}
    return tuple(
        agent._replace(
            doing="queued" if each.state == "queued" else each.doing,
            tokens=each.tokens,
            cost_usd=each.cost_usd,
            worker=each.worker,
        )
        if (each := live.get(agent.domain))
        else agent
        for agent in agents
    )


def _summary(agents: list[AgentRun]) -> AgentSummary:
    return AgentSummary(
        len(agents),
        sum(agent.status is AgentRunStatus.COMPLETE for agent in agents),
        sum(not is_ended(agent.status) for agent in agents),
        sum(agent.status in AGENT_RUN.blocked for agent in agents),
    )


def _verification(
    conn: sqlite3.Connection, made: "Verification | None", newest: Wave | None
) -> LastVerification | None:
    if made is None:
        return None
    number = None
    if made.wave_id is not None:
        # The newest wave is at hand; only an older wave costs a query.
        is_newest = newest is not None and newest.id == made.wave_id
        number = newest.number if newest is not None and is_newest else waves.number_of(conn, made.wave_id)
    return LastVerification(
        id=made.id,
        verdict=made.verdict,
        passed=made.passed,
        commit_sha=made.commit_sha,
        phase=made.phase,
        wave_number=number,
        test_count=made.test_count,
        offending=made.claims.offending if made.claims else None,
        created=made.created,
    )


def _findings(counts: Mapping[tuple[str, str, str], int], ended: Wave | None) -> StatusFindings:
    by_status: dict[str, int] = {}
    by_severity = dict.fromkeys(SEVERITIES, 0)
    for (state, severity, _), count in counts.items():
        by_status[state] = by_status.get(state, 0) + count
        # Severities count open findings alone, as the gates do.
        if state in OPEN_STATUSES:
            by_severity[severity] += count
    this_wave = None
    if ended is not None and ended.result:
        this_wave = WaveCounts(*(getattr(ended.result, name) for name in WaveCounts._fields))
    return StatusFindings(
        sum(counts.values()),
        by_severity,
        dict(sorted(by_status.items())),
        sum(by_severity.values()),
        this_wave,
    )
