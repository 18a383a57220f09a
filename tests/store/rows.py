"""Rows for tests: a run, a wave, an agent run, findings; written through the modules that own their tables."""

import sqlite3

from swarm.rules.anchors import Anchor, Anchored
from swarm.rules.domains import Domain, Ownership
from swarm.rules.fingerprints import Report
from swarm.rules.phases import Phase
from swarm.store import agent_runs, domains, observations, runs, snapshots, waves
from swarm.store.agent_runs import AgentRun, NewAgentRun
from swarm.store.ledger import Entry
from swarm.store.observations import NewFinding
from swarm.store.runs import Run
from swarm.store.sightings import Sighting
from swarm.store.verifications import NewVerification
from swarm.store.wave_documents import Sentinel
from swarm.store.waves import NewWave, Wave

RUN = "swarm-1700000000-0123abcd"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
MAP = [Domain("code", Ownership.OWNED, ("src/**",)), Domain("rest", Ownership.OWNED, ("**",))]


def add_run(conn: sqlite3.Connection, run_id: str = RUN) -> Run:
    run = Run(
        run_id,
        "project",
        "/srv/project",
        COMMIT,
        "main",
        run_id.replace("swarm", "swarm-save"),
        "initializing",
        1800,
        False,
        "2026-01-02T03:04:05.678Z",
    )
    runs.add(conn, run)
    domains.replace_map(conn, run_id, MAP, Entry("map_drafted", f"run:{run_id}", run_id))
    return run


def add_wave(conn: sqlite3.Connection, run_id: str = RUN) -> Wave:
    snapshot = snapshots.add(conn, run_id, MAP)
    number = waves.next_number(conn, run_id)
    waves.add(
        conn,
        NewWave(
            run_id, number, Phase.HEALTH_AUDIT_A, snapshot, COMMIT, True, None, None, None, None, Sentinel({}, None, {})
        ),
    )
    wave = waves.newest(conn, run_id)
    assert wave is not None
    return wave


def add_agent(conn: sqlite3.Connection, wave: Wave, domain: str = "code") -> AgentRun:
    folder = f"/srv/swarms/{wave.run_id}/wave-{wave.number}"
    new = NewAgentRun(domain, 3, f"{folder}/{domain}.md", "0" * 64, f"{folder}/{domain}/output.json", None, None)
    added = agent_runs.add(conn, wave.run_id, wave.id, new)
    return next(agent for agent in agent_runs.current(conn, wave.id) if agent.id == added)


def verification(wave: Wave, verdict: str = "pass") -> NewVerification:
    code = int(verdict != "pass")
    return NewVerification(wave.run_id, wave.id, wave.phase, "verify", COMMIT, verdict, "python", (), 3, None, 0, code)


def new_finding(number: int, run_id: str = RUN) -> NewFinding:
    anchor = Anchor(
        path=f"src/file_{number % 97}.py",
        line=number,
        scope="load",
        text="import os",
        text_hash="0" * 16,
        occurrence=1,
        occurrences=1,
        context_hash="0" * 16,
        anchored=Anchored.QUOTE,
    )
    report = Report(
        reported_id="1",
        severity=("CRITICAL", "HIGH", "MEDIUM", "LOW")[number % 4],
        category="bug",
        rule_id="F401",
        description="`os` imported but unused",
        recommendation=None,
        symbol=None,
        column=1,
        domain="code",
        agent_run_id=1,
        anchor=anchor,
        ordinal=1,
    )
    return NewFinding(
        run_id=run_id,
        finding_id=f"F-{number:08x}",
        fingerprint=f"{number:024x}",
        lens="A",
        report=report,
        anchor_commit=COMMIT,
        analyzer="ruff 1",
        wave=1,
        sightings=1,
    )


def add_finding(conn: sqlite3.Connection, number: int, run_id: str = RUN) -> int:
    (row,) = observations.add_all(conn, [new_finding(number, run_id)])
    return row


def sighting(finding: int, wave: Wave, agent: AgentRun) -> Sighting:
    return Sighting(
        finding,
        wave.id,
        agent.id,
        "1",
        "HIGH",
        "bug",
        "src/file_1.py",
        1,
        "import os",
        "`os` imported but unused",
        None,
        "new",
        None,
    )
