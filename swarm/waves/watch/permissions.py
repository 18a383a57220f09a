"""`permissions`: the decisions that agents wait for, and the replies to them."""

import sqlite3

from swarm import errors
from swarm.results.permissions import PermissionShown, PermissionsResult
from swarm.rules.permissions import Reply
from swarm.store import agent_runs, attempts
from swarm.store import permissions as permission_table
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.watch.live import newest_wave


def permissions(conn: sqlite3.Connection, run: Run) -> PermissionsResult:
    """Return the requests of the newest wave's agents. Raises NoWaveToLaunch."""
    wave = newest_wave(conn, run)
    domains = {
        attempt.id: agent.domain
        for agent in agent_runs.current(conn, wave.id)
        for attempt in attempts.of_agent(conn, agent.id)
    }
    shown = tuple(
        PermissionShown(
            id=one.id,
            attempt_id=one.attempt_id,
            domain=domains.get(one.attempt_id, ""),
            request=one.request,
            kind=one.kind,
            target=one.target,
            tool=one.tool,
            relation=one.relation,
            recommended=one.recommended,
            asked=one.asked,
            reply=one.reply,
            replied=one.replied,
            is_open=one.is_open,
        )
        for one in permission_table.of_wave(conn, wave.id)
    )
    waiting = [one for one in shown if one.is_open]
    next_action = f"swarm wait {run.id}"
    if waiting:
        next_action = f"swarm permissions reply {waiting[0].id} {waiting[0].recommended}"
    return PermissionsResult(run.id, wave.id, wave.number, len(waiting), shown, next_action)


def reply(store: Store, run: Run, permission_id: int, answer: Reply) -> PermissionsResult:
    """Record the reply to a request; the launch hands it to the agent.

    Raises PermissionUnknown for a request of no attempt of the newest wave, and PermissionClosed.
    """
    wave = newest_wave(store.conn, run)
    found = [one for one in permission_table.of_wave(store.conn, wave.id) if one.id == permission_id]
    if not found:
        raise errors.PermissionUnknown(received=str(permission_id), number=wave.number, run_id=run.id)
    with store.mutation() as conn:
        if not permission_table.reply(conn, run.id, found[0], answer):
            raise errors.PermissionClosed(permission=permission_id, run_id=run.id)
    return permissions(store.conn, run)
