"""Findings that are assigned to agent runs, as runtimes take them."""

import sqlite3
from collections.abc import Mapping, Sequence

from swarm.clock import today
from swarm.git.repository import Repository
from swarm.rules.analysis import tool_of
from swarm.rules.steering import steers
from swarm.runtimes.runtime import Assigned
from swarm.store import agent_runs, assignments, findings, leases
from swarm.store.findings import Selection
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.places import places_at


def assigned_to(conn: sqlite3.Connection, run: Run, wave: Wave, repository: Repository) -> dict[int, list[Assigned]]:
    """Return, by agent run, the findings to fix of an amend wave, with their place in the agents' trees."""
    by_agent = assignments.assigned(conn, wave.id)
    rows = {row for own in by_agent.values() for row in own}
    if not rows:
        return {}
    known = {i.known.row_id: i for i in findings.known_findings(conn, run.id, today=today()) if i.known.row_id in rows}
    places = places_at(repository.git, [item.known for item in known.values()], wave.dispatch_sha)
    found = {f.row_id: f for f in findings.select(conn, run.id, Selection()) if f.row_id in rows}
    return {
        agent: [
            Assigned(
                finding_id=found[row].finding_id,
                rule_id=found[row].rule_id,
                file=places[row].path,
                line=places[row].line,
                description=found[row].description,
                # The first of its rule on its line has the ordinal 0.
                ordinal=known[row].known.ordinal + 1,
                is_measured=known[row].analyzer is not None,
                tool=tool_of(known[row].analyzer),
            )
            for row in own
        ]
        for agent, own in by_agent.items()
    }


def tools_assigned(conn: sqlite3.Connection, run: Run, wave: Wave) -> list[str]:
    """Return the analyzers that reported the findings of an amend wave, in the order of their names."""
    rows = {row for own in assignments.assigned(conn, wave.id).values() for row in own}
    found = {
        tool_of(finding.analyzer) for finding in findings.select(conn, run.id, Selection()) if finding.row_id in rows
    }
    return sorted(tool for tool in found if tool is not None)


def held_back(
    conn: sqlite3.Connection, run: Run, wave: Wave, assigned: Mapping[int, Sequence[Assigned]]
) -> dict[int, list[Assigned]]:
    """Return, by agent run, the findings in files that no analyzer may fix without a lease.

    Such a file decides how work is proved: an edit of it fails the whole wave.
    """
    leased = leases.granted(conn, run.id, wave.number)
    domains = {agent.id: agent.domain for agent in agent_runs.current(conn, wave.id)}
    return {
        agent: [
            each for each in own if each.file and steers(each.file) and each.file not in leased.get(domains[agent], ())
        ]
        for agent, own in assigned.items()
    }
