"""Findings that are assigned to agent runs, as runtimes take them."""

import sqlite3

from swarm.clock import today
from swarm.git.repository import Repository
from swarm.rules.analysis import tool_of
from swarm.runtimes.runtime import Assigned
from swarm.store import assignments, findings
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
