"""Table `attempts`: a row for each process of an agent run, written before the process is spawned."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from swarm.clock import now
from swarm.store import forms
from swarm.store.ledger import Entry, append

_COLUMNS: Final = (
    "id, agent_run_id, ordinal, parent_id, runtime, runtime_version, argv, host, supervisor_pid, pid, pid_start,"
    " isolation, isolation_reason, policy,"
    " created, spawned, first_output, last_progress, ended, duration_ms, exit_code, signal, exit_class,"
    " error_code, error_fragment, outcome, stall_reason, tree, session, cost_microusd, recovery, placed(record_path)"
)

# Begins the host of an attempt that was ordered on an engine; the rest is the engine's address.
ENGINE: Final = "engine "
_OF_RUN: Final = "agent_run_id IN (SELECT id FROM agent_runs WHERE wave_id IN (SELECT id FROM waves WHERE run_id = ?))"


class Attempt(NamedTuple):
    """A process launched for an agent run. Open while `outcome` is `None`."""

    id: int
    agent_run_id: int
    ordinal: int
    parent_id: int | None
    runtime: str
    runtime_version: str | None
    argv: tuple[str, ...]
    host: str
    supervisor_pid: int
    pid: int | None
    pid_start: str | None
    isolation: str
    isolation_reason: str | None
    policy: str | None
    created: str
    spawned: str | None
    first_output: str | None
    last_progress: str | None
    ended: str | None
    duration_ms: int | None
    exit_code: int | None
    signal: int | None
    exit_class: int | None
    error_code: str | None
    error_fragment: str | None
    outcome: str | None
    stall_reason: str | None
    tree: str | None
    session: dict[str, Any]
    cost_microusd: int | None
    recovery: dict[str, Any]
    record_path: str

    @property
    def engine(self) -> str | None:
        """The address of the engine on which the attempt was ordered, `None` for one of a machine."""
        return self.host.removeprefix(ENGINE) if self.host.startswith(ENGINE) else None

    @property
    def worker(self) -> str | None:
        """The worker that an attempt has ended on, `None` for one of this machine."""
        name = self.session.get("worker")
        return name if isinstance(name, str) else None


class NewAttempt(NamedTuple):
    """An attempt whose process is not spawned yet, and the sandbox that it will be spawned in."""

    agent_run_id: int
    ordinal: int
    parent_id: int | None
    recovery_reason: str | None
    runtime: str
    runtime_version: str | None
    argv: tuple[str, ...]
    prompt_sha256: str
    host: str
    supervisor_pid: int
    record_path: str
    isolation: str = "none"
    isolation_reason: str | None = None
    policy: str | None = None


class Ending(NamedTuple):
    """End of an attempt. Times are ISO-8601, the duration milliseconds, the fragment at most 1,000 bytes."""

    outcome: str
    exit_class: int
    exit_code: int | None = None
    signal: int | None = None
    error_code: str | None = None
    error_fragment: str | None = None
    spawned: str | None = None
    first_output: str | None = None
    last_progress: str | None = None
    duration_ms: int | None = None
    stall_reason: str | None = None


def add(conn: sqlite3.Connection, run_id: str, wave_id: int, attempt: NewAttempt) -> int:
    """Record an attempt before its process is spawned; `one_open_attempt_per_agent_run` refuses a second."""
    row = conn.execute(
        "INSERT INTO attempts (agent_run_id, ordinal, parent_id, recovery_reason, runtime, runtime_version, argv,"
        " prompt_sha256, host, supervisor_pid, record_path, isolation, isolation_reason, policy, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (*attempt[:6], json.dumps(attempt.argv), *attempt[7:], now()),
    ).fetchone()
    attempt_id = int(row[0])
    payload: dict[str, object] = {
        "agentRunId": attempt.agent_run_id,
        "runtime": attempt.runtime,
        "isolation": attempt.isolation,
    }
    append(conn, Entry("attempt_opened", f"attempt:{attempt_id}", run_id, wave_id, None, "open", payload=payload))
    return attempt_id


def record_process(conn: sqlite3.Connection, attempt_id: int, pid: int, pid_start: str, spawned: str) -> None:
    """Record the process of an attempt, so that another command finds the process after its supervisor died."""
    conn.execute(
        # The start time travels with the pid: a pid alone can belong to a later, foreign process.
        "UPDATE attempts SET pid = ?, pid_start = ?, spawned = ?, last_progress = ? WHERE id = ? AND outcome IS NULL",
        (pid, pid_start, spawned, spawned, attempt_id),
    )


def close(conn: sqlite3.Connection, run_id: str, wave_id: int, attempt_id: int, ending: Ending) -> bool:
    """Close an open attempt; say whether the attempt was open."""
    row = conn.execute(
        # `AND outcome IS NULL` lets a single process close the attempt: another command may have closed the attempt
        # already.
        "UPDATE attempts SET outcome = ?, exit_class = ?, exit_code = ?, signal = ?, error_code = ?,"
        # What `record_process` wrote wins: a closing command after a crash does not know these moments.
        " error_fragment = ?, spawned = coalesce(spawned, ?), first_output = ?,"
        " last_progress = coalesce(?, last_progress), duration_ms = ?, stall_reason = ?, ended = ?"
        " WHERE id = ? AND outcome IS NULL RETURNING id",
        (*ending, now(), attempt_id),
    ).fetchone()
    if row is None:
        return False
    from swarm.store import permissions

    permissions.end(conn, attempt_id)
    append(
        conn,
        Entry(
            kind="attempt_closed",
            subject=f"attempt:{attempt_id}",
            run_id=run_id,
            wave_id=wave_id,
            from_state="open",
            to_state=ending.outcome,
            reason=ending.error_code,
            payload={"exitCode": ending.exit_code, "exitClass": ending.exit_class},
        ),
    )
    return True


def seal_tree(conn: sqlite3.Connection, attempt_id: int, tree: str | None) -> None:
    """Record the tree object that an attempt left when it ended."""
    conn.execute("UPDATE attempts SET tree = ? WHERE id = ?", (tree, attempt_id))


def record_session(
    conn: sqlite3.Connection, attempt_id: int, session: Mapping[str, object], cost_microusd: int | None
) -> None:
    """Record what the agent of an attempt reported of its session, and its cost in millionths of a USD."""
    conn.execute(
        "UPDATE attempts SET session = ?, cost_microusd = ? WHERE id = ?",
        (json.dumps(session), cost_microusd, attempt_id),
    )


def spent_microusd(conn: sqlite3.Connection, run_id: str) -> int:
    """Return what the attempts of a run have cost, as far as their runtimes report it, in millionths of a USD."""
    query = f"SELECT coalesce(sum(cost_microusd), 0) FROM attempts WHERE {_OF_RUN}"  # noqa: S608
    return int(conn.execute(query, (run_id,)).fetchone()[0])


def spent_by(conn: sqlite3.Connection, agent_run_id: int) -> int:
    """Return what the attempts of an agent have cost, in millionths of a USD."""
    query = "SELECT coalesce(sum(cost_microusd), 0) FROM attempts WHERE agent_run_id = ?"
    return int(conn.execute(query, (agent_run_id,)).fetchone()[0])


def usual_microusd(conn: sqlite3.Connection, run_id: str, runtimes: Sequence[str]) -> int:
    """Return what an attempt of these runtimes has cost on average in a run, 0 where none was reported."""
    marks = ", ".join("?" * len(runtimes))
    query = (
        f"SELECT coalesce(avg(cost_microusd), 0) FROM attempts WHERE {_OF_RUN}"  # noqa: S608
        f" AND cost_microusd IS NOT NULL AND runtime IN ({marks})"
    )
    return int(conn.execute(query, (run_id, *runtimes)).fetchone()[0])


def record_recovery(conn: sqlite3.Connection, attempt_id: int, recovery: Mapping[str, object]) -> None:
    """Record how an attempt continues an earlier attempt, and which decisions it waited for when it ended."""
    conn.execute("UPDATE attempts SET recovery = ? WHERE id = ?", (json.dumps(recovery), attempt_id))


def of_wave(conn: sqlite3.Connection, wave_id: int) -> dict[int, list[Attempt]]:
    """Return the attempts of a wave by agent run, oldest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM attempts WHERE agent_run_id IN"  # noqa: S608
        " (SELECT id FROM agent_runs WHERE wave_id = ?) ORDER BY agent_run_id, ordinal",
        (wave_id,),
    )
    found: dict[int, list[Attempt]] = {}
    for attempt in map(_attempt, rows):
        found.setdefault(attempt.agent_run_id, []).append(attempt)
    return found


def of_agent(conn: sqlite3.Connection, agent_run_id: int) -> list[Attempt]:
    """Return the attempts of an agent run, oldest first."""
    query = f"SELECT {_COLUMNS} FROM attempts WHERE agent_run_id = ? ORDER BY ordinal"  # noqa: S608
    return [_attempt(row) for row in conn.execute(query, (agent_run_id,))]


def find(conn: sqlite3.Connection, attempt_id: int) -> Attempt | None:
    """Return an attempt by its id."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM attempts WHERE id = ?", (attempt_id,)).fetchone()  # noqa: S608
    return None if row is None else _attempt(row)


def wave_number_of(conn: sqlite3.Connection, run_id: str, attempt_id: int) -> int | None:
    """Return the number of the wave of a run that an attempt was made for."""
    query = (
        "SELECT waves.number FROM attempts JOIN agent_runs ON agent_runs.id = attempts.agent_run_id"
        " JOIN waves ON waves.id = agent_runs.wave_id WHERE attempts.id = ? AND waves.run_id = ?"
    )
    row = conn.execute(query, (attempt_id, run_id)).fetchone()
    return None if row is None else int(row[0])


def _attempt(row: tuple[Any, ...]) -> Attempt:
    attempt = Attempt._make(row)
    forms.hold("attempts", "tree", forms.COMMIT, attempt.tree)
    forms.hold_moments("attempts", created=attempt.created, spawned=attempt.spawned, ended=attempt.ended)
    forms.hold_places("attempts", record_path=attempt.record_path)
    return attempt._replace(
        argv=tuple(map(str, forms.decoded("attempts", "argv", str(attempt.argv), list))),
        session=forms.decoded("attempts", "session", str(attempt.session or "{}"), dict),
        recovery=forms.decoded("attempts", "recovery", str(attempt.recovery or "{}"), dict),
    )
