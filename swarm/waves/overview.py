"""`runs` and `status`: every run, and one at a glance. Only the database is read, and which outputs are there."""

import os
import sqlite3

from swarm.clock import seconds_since
from swarm.rules import assessment
from swarm.rules.assessment import AgentFacts, Facts
from swarm.rules.classification import OPEN_STATUSES, SEVERITIES
from swarm.rules.ownership import WHOLE_WAVE
from swarm.rules.states import AgentRunStatus, is_ended
from swarm.store import agent_runs, attempts, findings, runs, waves
from swarm.store import domains as domain_table
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.standing import (
    AgentSummary,
    Assessment,
    RunShown,
    StatusAgent,
    StatusDomain,
    StatusFindings,
    StatusResult,
    StatusRun,
    StatusWave,
    StatusWaves,
    WaveCounts,
)

_BLOCKED = (AgentRunStatus.INVALID_OUTPUT, AgentRunStatus.OWNERSHIP_VIOLATION)


def all_runs(conn: sqlite3.Connection) -> list[RunShown]:
    """Return every run, newest first."""
    return [
        RunShown(run.id, run.repo, run.status, run.branch, wave_count, finding_count, run.created)
        for run, wave_count, finding_count in runs.all_with_counts(conn)
    ]


def status(conn: sqlite3.Connection, run: Run) -> StatusResult:
    """Return how a run stands."""
    domains = domain_table.domain_map(conn, run.id)
    wave = waves.newest(conn, run.id)
    agents = agent_runs.current(conn, wave.id) if wave else []
    succeeded = _succeeded(conn, wave) if wave else set()
    counts = findings.counts_by(conn, run.id)
    found = _findings(counts, waves.newest_ended(conn, run.id))
    violations = _violations(wave) + agent_runs.violations_of_run(conn, run.id)
    facts = Facts(
        run.id,
        run.status,
        run.map_frozen,
        any(domain.ownership.has_agent for domain in domains),
        wave.phase if wave else None,
        wave.number if wave else 0,
        wave.status if wave else None,
        wave.isolated if wave else False,
        tuple(
            AgentFacts(a.domain, a.status, a.id in succeeded or os.path.lexists(a.output_path), a.error) for a in agents
        ),
        found.by_severity,
        violations,
    )
    return StatusResult(
        StatusRun(
            run.id,
            run.repo,
            run.status,
            run.branch,
            run.commit_sha,
            run.save_point_tag,
            run.created,
            run.timeout_seconds,
        ),
        tuple(StatusDomain(d.name, d.ownership, run.map_frozen, d.description) for d in domains),
        StatusWaves(waves.count(conn, run.id), _wave(wave) if wave else None),
        tuple(_agent(agent, run) for agent in agents),
        _summary(agents),
        found,
        violations,
        None,
        Assessment(*assessment.assess(facts)),
    )


def _succeeded(conn: sqlite3.Connection, wave: Wave) -> set[int]:
    return {
        agent_run_id
        for agent_run_id, own in attempts.of_wave(conn, wave.id).items()
        if any(attempt.outcome == "success" for attempt in own)
    }


def _wave(wave: Wave) -> StatusWave:
    return StatusWave(
        wave.id,
        wave.number,
        wave.phase,
        wave.status,
        wave.snapshot_id,
        wave.dispatch_sha,
        wave.isolated,
        wave.ownership_probe_degraded,
    )


def _agent(agent: AgentRun, run: Run) -> StatusAgent:
    works = not is_ended(agent.status) and agent.started is not None
    is_stale = works and seconds_since(agent.started or "") > run.timeout_seconds
    return StatusAgent(agent.domain, agent.status, agent.started, agent.ended, agent.error, is_stale)


def _summary(agents: list[AgentRun]) -> AgentSummary:
    return AgentSummary(
        len(agents),
        sum(agent.status is AgentRunStatus.COMPLETE for agent in agents),
        sum(not is_ended(agent.status) for agent in agents),
        sum(agent.status in _BLOCKED for agent in agents),
    )


def _violations(wave: Wave | None) -> int:
    import json

    return len([v for v in json.loads(wave.violations) if v["agent_domain"] == WHOLE_WAVE]) if wave else 0


def _findings(counts: dict[tuple[str, str], int], ended: Wave | None) -> StatusFindings:
    import json

    by_status: dict[str, int] = {}
    by_severity = dict.fromkeys(SEVERITIES, 0)
    for (state, severity), count in counts.items():
        by_status[state] = by_status.get(state, 0) + count
        if state in OPEN_STATUSES:
            by_severity[severity] += count
    this_wave = None
    if ended is not None and ended.result:
        kept = json.loads(ended.result)
        this_wave = WaveCounts(*(kept[name] for name in WaveCounts._fields))
    return StatusFindings(
        sum(counts.values()),
        by_severity,
        dict(sorted(by_status.items())),
        sum(by_severity.values()),
        this_wave,
    )
