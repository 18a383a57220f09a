"""`report`: the page of a run, made from a single state of the control plane."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from swarm.files import refuse_target, write_stream
from swarm.results.collect import FindingCounts
from swarm.results.findings import FindingShown
from swarm.results.report import AgentLane, AttemptBar, ReportFacts, ReportResult, WaveLane
from swarm.results.status import Assessment
from swarm.rules.assessment import assess
from swarm.rules.domains import WHOLE_WAVE
from swarm.rules.findings import OPEN_STATUSES
from swarm.store import agent_runs, attempts, findings, ledger, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt
from swarm.store.connection import Store
from swarm.store.findings import Selection
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.look import report_proofs
from swarm.waves.look.burn_down import burn_down, severity_counts
from swarm.waves.look.receipt import promotions_shown
from swarm.waves.review.shown import findings_shown
from swarm.waves.run_facts import run_state

Page = Callable[[ReportFacts, Iterator[FindingShown]], Iterable[str]]


def report(store: Store, run: Run, file: Path, page: Page) -> ReportResult:
    """Write the page of a run; an existing file is replaced.

    `page` renders the facts. Raises OutputNotWritable where the folder is missing, or the file is not a regular file or
    is the control plane.
    """
    refuse_target(file, store.path)
    # A snapshot: a wave collected in between would make the counts contradict the list.
    with store.snapshot() as conn:
        shown = facts(conn, run)
        # Streamed: a page of 100,000 findings never lies in memory as a whole.
        size = write_stream(file, page(shown, listed(conn, run)))
    return ReportResult(run.id, str(file), size, len(shown.waves), shown.total)


def listed(conn: sqlite3.Connection, run: Run) -> Iterator[FindingShown]:
    """Return all findings of a run, gravest first."""
    return findings_shown(conn, run, findings.select(conn, run.id, Selection()))


def facts(conn: sqlite3.Connection, run: Run) -> ReportFacts:
    """Return everything that the page of a run shows, except the findings."""
    every = waves.all_of(conn, run.id)
    numbers = {wave.id: wave.number for wave in every}
    counts = findings.counts_by(conn, run.id)
    by_status: Counter[str] = Counter()
    for (state, _), count in counts.items():
        by_status[state] += count
    present = severity_counts(
        (severity, count) for (state, severity), count in counts.items() if state in OPEN_STATUSES
    )
    assessment = Assessment(*assess(run_state(conn, run).facts))
    newest = ledger.newest_of(conn, run.id)
    return ReportFacts(
        run_id=run.id,
        repo=run.repo,
        branch=run.branch,
        commit=run.commit_sha,
        save_point_tag=run.save_point_tag,
        phase=run.status,
        created=run.created,
        state=assessment.state,
        blockers=assessment.blockers,
        total=sum(counts.values()),
        open=present,
        by_status=dict(sorted(by_status.items())),
        coverage=report_proofs.coverage(conn, every),
        waves=tuple(_lane(conn, wave) for wave in every),
        burn_down=burn_down(conn, run, every, present),
        promotions=promotions_shown(conn, run.id),
        verifications=report_proofs.verifications(conn, run.id, numbers),
        merges=report_proofs.merges(conn, every),
        leases=report_proofs.leases(conn, run.id),
        ledger_seq=newest.seq if newest else 0,
        ledger_hash=newest.hash if newest else ledger.GENESIS,
        ledger_ts=newest.ts if newest else run.created,
    )


def _lane(conn: sqlite3.Connection, wave: Wave) -> WaveLane:
    agents = agent_runs.all_of(conn, wave.id)
    # Later rows overwrite earlier ones, so the newest agent run of each domain remains.
    newest = {agent.domain: agent.id for agent in agents}
    launched = attempts.of_wave(conn, wave.id)
    touched: dict[str, list[str]] = {}
    for violation in wave.violations:
        touched.setdefault(violation.agent_domain, []).append(violation.file)
    named = FindingCounts._fields
    return WaveLane(
        number=wave.number,
        phase=f"{wave.phase}, a review" if wave.is_review else wave.phase,
        status=wave.status,
        runtime=wave.runtime,
        commit=wave.dispatch_sha,
        dispatched=wave.dispatched,
        ended=wave.ended,
        counts=FindingCounts(*(getattr(wave.result, name) for name in named)) if wave.result else None,
        agents=tuple(
            _agent(agent, launched.get(agent.id, []), touched if newest[agent.domain] == agent.id else {}, newest)
            for agent in agents
        ),
        violations=tuple(touched.get(WHOLE_WAVE, ())),
    )


def _agent(
    agent: AgentRun, launched: Iterable[Attempt], touched: Mapping[str, list[str]], newest: Mapping[str, int]
) -> AgentLane:
    return AgentLane(
        domain=agent.domain,
        status=agent.status,
        redispatched=newest[agent.domain] != agent.id,
        files=agent.files,
        findings=agent.findings,
        error=agent.error,
        began=agent.started,
        ended=agent.ended,
        attempts=tuple(map(_bar, launched)),
        violations=tuple(touched.get(agent.domain, ())),
    )


def _bar(attempt: Attempt) -> AttemptBar:
    problems = (attempt.stall_reason, attempt.error_code, attempt.error_fragment)
    return AttemptBar(
        ordinal=attempt.ordinal,
        runtime=attempt.runtime,
        outcome=attempt.outcome,
        began=attempt.spawned or attempt.created,
        ended=attempt.ended,
        duration_ms=attempt.duration_ms,
        exit_code=attempt.exit_code,
        problem=": ".join(part for part in problems if part) or None,
    )
