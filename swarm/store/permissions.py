"""Table `permissions`: decisions that agents waited for, and the answers."""

import sqlite3
from typing import Final, NamedTuple

from swarm.clock import now
from swarm.store.ledger import Entry, append

_COLUMNS: Final = "id, attempt_id, request, kind, target, tool, relation, recommended, asked, reply, replied, ended"


class RequestedPermission(NamedTuple):
    """A request of an agent: its id in the agent's words, what it is about, and what we would answer."""

    request: str
    kind: str
    target: str
    tool: str
    relation: str
    recommended: str


class Permission(NamedTuple):
    """A request of an attempt. It is open while it has neither a reply nor an end."""

    id: int
    attempt_id: int
    request: str
    kind: str
    target: str
    tool: str
    relation: str
    recommended: str
    asked: str
    reply: str | None
    replied: str | None
    ended: str | None

    @property
    def is_open(self) -> bool:
        """Whether the agent waits for the decision."""
        return self.reply is None and self.ended is None


def record(conn: sqlite3.Connection, attempt_id: int, asked: RequestedPermission) -> None:
    """Record a request; a request of the same id is the same request."""
    conn.execute(
        "INSERT INTO permissions (attempt_id, request, kind, target, tool, relation, recommended, asked)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (attempt_id, *asked, now()),
    )


def end(conn: sqlite3.Connection, attempt_id: int, request: str | None = None) -> None:
    """Record that an agent waits no more for a request, or for any: the attempt has ended."""
    conn.execute(
        "UPDATE permissions SET ended = ? WHERE attempt_id = ? AND ended IS NULL AND (? IS NULL OR request = ?)",
        (now(), attempt_id, request, request),
    )


def reply(conn: sqlite3.Connection, run_id: str, permission: Permission, answer: str) -> bool:
    """Record the answer to an open request; say whether it was open."""
    row = conn.execute(
        "UPDATE permissions SET reply = ?, replied = ? WHERE id = ? AND reply IS NULL AND ended IS NULL RETURNING id",
        (answer, now(), permission.id),
    ).fetchone()
    if row is None:
        return False
    payload: dict[str, object] = {"permission": permission.id, "request": permission.request, "reply": answer}
    append(conn, Entry("permission_replied", f"attempt:{permission.attempt_id}", run_id, payload=payload))
    return True


def replies(conn: sqlite3.Connection, attempt_id: int) -> dict[str, str]:
    """Return the answers that an agent has not taken yet, by request."""
    rows = conn.execute(
        "SELECT request, reply FROM permissions WHERE attempt_id = ? AND reply IS NOT NULL AND ended IS NULL"
        " ORDER BY id",
        (attempt_id,),
    )
    return dict(rows.fetchall())


def of_wave(conn: sqlite3.Connection, wave_id: int) -> list[Permission]:
    """Return the requests of a wave's attempts, oldest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM permissions WHERE attempt_id IN (SELECT attempts.id FROM attempts JOIN agent_runs"  # noqa: S608
        " ON agent_runs.id = attempts.agent_run_id WHERE agent_runs.wave_id = ?) ORDER BY id",
        (wave_id,),
    )
    return list(map(Permission._make, rows))
