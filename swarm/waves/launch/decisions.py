"""Decisions that an agent waits for: recorded as it asks, and kept with its attempt where nobody made them."""

import sqlite3

from swarm import stage_events
from swarm.rules.agent_events import AgentEvent, EventKind, cut
from swarm.rules.permissions import judged
from swarm.rules.stalls import Terms
from swarm.runtimes import notices
from swarm.store import attempts, permissions
from swarm.store.permissions import RequestedPermission
from swarm.store.waves import Wave
from swarm.waves.launch.ground import WaveLaunch


def record_permission(wave_launch: WaveLaunch, attempt_id: int, event: AgentEvent, terms: Terms) -> None:
    """Record that an agent asks for permission, or waits for it no more."""
    with wave_launch.store.mutation() as conn:
        if event.kind is EventKind.PERMISSION_ENDED:
            permissions.end(conn, attempt_id, event.call)
            return
        found = judged(event, terms.tree, is_read_only=terms.is_read_only)
        asked = RequestedPermission(
            request=event.call or "unnamed",
            kind="edit" if event.is_write else "read" if event.is_read else "run",
            target=cut(event.target),
            tool=cut(f"{event.name} {event.text}".strip()),
            relation=found.relation,
            recommended=found.recommended,
        )
        permissions.record(conn, attempt_id, asked)
    run, wave = wave_launch.run, wave_launch.wave
    facts = {"attemptId": attempt_id, "target": asked.target, "tool": asked.tool, "recommended": asked.recommended}
    argv = wave_launch.config.on_attention
    notices.send(argv, "permission", runId=run.id, **facts, next=f"swarm permissions list {run.id}")
    stage_events.emit("permission_asked", run_id=run.id, wave_id=wave.id, attempt=attempt_id, **asked._asdict())


def record_actions(conn: sqlite3.Connection, wave: Wave, attempt_id: int) -> None:
    """Keep with an attempt the decisions that it waited for when it ended."""
    attempt = attempts.find(conn, attempt_id)
    waited = [one for one in permissions.of_wave(conn, wave.id) if one.attempt_id == attempt_id and one.is_open]
    actions = [
        {
            "requestId": one.request,
            "type": one.kind,
            "target": one.target,
            "toolCall": one.tool,
            "recommendedReply": one.recommended,
            "workspaceRelation": one.relation,
        }
        for one in waited
    ]
    if attempt is not None and actions:
        attempts.record_recovery(conn, attempt_id, {**attempt.recovery, "permissionActions": actions})
