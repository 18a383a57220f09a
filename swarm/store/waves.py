"""Table `waves`: the dispatches of phases."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.clock import now
from swarm.rules import phases
from swarm.rules.lessons.section import AdviceSection
from swarm.rules.phases import Phase
from swarm.rules.states import WaveStatus
from swarm.store import forms, wave_documents
from swarm.store.ledger import Entry, append
from swarm.store.wave_documents import Sentinel, Violation, WaveResult

# Larger numbers make the driver raise OverflowError instead of finding no row.
_BEYOND_SQLITE: Final = 2**63
_COLUMNS: Final = (
    "id, run_id, number, phase, status, snapshot_id, dispatch_sha, isolated, placed(shared_tree), runtime,"
    " runtime_version, runtime_config, sentinel, ownership_probe_degraded, violations, result, dispatched, ended,"
    " review, advice, uncommitted"
)


class Wave(NamedTuple):
    """A dispatch of a phase, or a review of its findings. `result` is `None` while the wave is in flight."""

    id: int
    run_id: str
    number: int
    phase: Phase
    status: WaveStatus
    snapshot_id: int
    dispatch_sha: str
    isolated: bool
    shared_tree: str | None
    runtime: str | None
    runtime_version: str | None
    runtime_config: str | None
    sentinel_document: str
    ownership_probe_degraded: bool
    violations: tuple[Violation, ...]
    result: WaveResult | None
    dispatched: str
    ended: str | None
    is_review: bool = False
    advice: AdviceSection = AdviceSection()
    # A commit of the files of a checkout as they were, which no branch holds.
    is_of_uncommitted: bool = False

    @property
    def sentinel(self) -> Sentinel:
        """Fingerprints taken at dispatch, decoded at each call: they are large, and few verbs read them."""
        return forms.made("waves", wave_documents.sentinel_from, self.sentinel_document)

    @property
    def is_audit(self) -> bool:
        """Whether the agents of the wave look at code, and edit nothing."""
        return phases.is_audit(self.phase)

    @property
    def kind(self) -> str:
        """The kind of output of the wave's agents: audit, feature, amend or review."""
        return phases.kind_of(self.phase, is_review=self.is_review)

    def with_sentinel(self, sentinel: Sentinel) -> "Wave":
        """Return the wave as other fingerprints would have it."""
        return self._replace(sentinel_document=wave_documents.sentinel_text(sentinel))


class NewWave(NamedTuple):
    """A planned wave, before dispatch records the row."""

    run_id: str
    number: int
    phase: Phase
    snapshot_id: int
    dispatch_sha: str
    isolated: bool
    shared_tree: str | None
    runtime: str | None
    runtime_version: str | None
    runtime_config: str | None
    sentinel: Sentinel
    is_review: bool = False
    advice: AdviceSection = AdviceSection()
    is_of_uncommitted: bool = False
    plan_sha256: str | None = None


def next_number(conn: sqlite3.Connection, run_id: str) -> int:
    """Return the number of the run's next wave."""
    row = conn.execute("SELECT coalesce(max(number), 0) + 1 FROM waves WHERE run_id = ?", (run_id,)).fetchone()
    return int(row[0])


def add(conn: sqlite3.Connection, wave: NewWave) -> int:
    """Record a dispatched wave; `one_open_wave_per_run` refuses a second open wave. Returns the id."""
    sentinel, advice = wave_documents.sentinel_text(wave.sentinel), wave_documents.advice_text(wave.advice)
    (wave_id,) = conn.execute(
        "INSERT INTO waves (run_id, number, phase, snapshot_id, dispatch_sha, isolated, shared_tree, runtime,"
        " runtime_version, runtime_config, sentinel, review, advice, uncommitted, status, dispatched)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'dispatched', ?) RETURNING id",
        (*wave[:-5], sentinel, wave.is_review, advice, wave.is_of_uncommitted, now()),
    ).fetchone()
    # By its digest: the id of a snapshot means nothing outside of this file.
    (frozen,) = conn.execute("SELECT sha256 FROM snapshots WHERE id = ?", (wave.snapshot_id,)).fetchone()
    payload: dict[str, object] = {
        "number": wave.number,
        "phase": wave.phase,
        "commit": wave.dispatch_sha,
        "map": frozen,
        # Only where it holds: the events of audits stay as older builds wrote them.
        **({"review": True} if wave.is_review else {}),
        **({"uncommitted": True} if wave.is_of_uncommitted else {}),
        **({"advice": list(wave.advice.ids), "adviceSha256": wave.advice.sha256} if wave.advice.items else {}),
        **({"planLock": wave.plan_sha256} if wave.plan_sha256 else {}),
    }
    entry = Entry("wave_dispatched", f"wave:{wave_id}", wave.run_id, wave_id, None, "dispatched", payload=payload)
    append(conn, entry)
    return int(wave_id)


def newest(conn: sqlite3.Connection, run_id: str) -> Wave | None:
    """Return the run's latest wave."""
    return _wave_where(conn, "run_id = ? ORDER BY number DESC LIMIT 1", run_id)


def newest_of_phase(conn: sqlite3.Connection, run_id: str) -> Wave | None:
    """Return the run's latest wave that is no review; the gates judge the phase by it."""
    return _wave_where(conn, "run_id = ? AND NOT review ORDER BY number DESC LIMIT 1", run_id)


def in_flight(conn: sqlite3.Connection, run_id: str) -> Wave | None:
    """Return the run's wave that is dispatched and not collected."""
    return _wave_where(conn, "run_id = ? AND status = 'dispatched'", run_id)


def every_in_flight(conn: sqlite3.Connection) -> list[Wave]:
    """Return the waves in flight of all runs, in the order of their runs."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM waves WHERE status = 'dispatched' ORDER BY run_id")  # noqa: S608
    return list(map(_wave, rows))


def newest_ended(conn: sqlite3.Connection, run_id: str) -> Wave | None:
    """Return the run's latest wave that is no longer in flight, and no review."""
    return _wave_where(
        conn,
        "run_id = ? AND NOT review AND status NOT IN ('dispatched', 'aborted_for_rewind') ORDER BY number DESC LIMIT 1",
        run_id,
    )


def first_audit_of(conn: sqlite3.Connection, run_id: str, commit: str) -> int | None:
    """Return the number of the run's first audit wave of a commit, under any lens."""
    row = conn.execute(
        # Every audit phase, and no other, has the word in its name.
        "SELECT min(number) FROM waves WHERE run_id = ? AND dispatch_sha = ? AND phase LIKE '%audit%'"
        # A review reports nothing, so its silence is no audit.
        " AND NOT review",
        (run_id, commit),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def newest_amend(conn: sqlite3.Connection, run_id: str) -> Wave | None:
    """Return the run's latest amend wave that was collected and not aborted by a rewind."""
    return _wave_where(
        conn,
        # Stage D and features do not follow the pattern of the health phases.
        "run_id = ? AND (phase LIKE '%-amend-%' OR phase IN ('stage-d-amend', 'feature-execute'))"
        " AND status IN ('collected', 'verified', 'advanced') ORDER BY number DESC LIMIT 1",
        run_id,
    )


def numbered(conn: sqlite3.Connection, run_id: str, number: int) -> Wave | None:
    """Return the run's wave of this number."""
    if number >= _BEYOND_SQLITE:
        return None
    return _wave_where(conn, "run_id = ? AND number = ?", run_id, number)


def all_of(conn: sqlite3.Connection, run_id: str) -> list[Wave]:
    """Return every wave of a run, oldest first."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM waves WHERE run_id = ? ORDER BY number", (run_id,))  # noqa: S608
    return list(map(_wave, rows))


def number_of(conn: sqlite3.Connection, wave_id: int) -> int:
    """Return the number of a wave in its run. Raises ControlPlaneRowRefused where there is no such wave."""
    row = conn.execute("SELECT number FROM waves WHERE id = ?", (wave_id,)).fetchone()
    if row is None:
        raise errors.ControlPlaneRowRefused(table="waves", column="id", received=str(wave_id))
    return int(row[0])


def count(conn: sqlite3.Connection, run_id: str) -> int:
    """Return how many waves a run has."""
    return int(conn.execute("SELECT count(*) FROM waves WHERE run_id = ?", (run_id,)).fetchone()[0])


def set_status(conn: sqlite3.Connection, wave: Wave, target: WaveStatus, ended: str | None) -> bool:
    """Set the status of a wave that still has the status of `wave`; say whether the status was set.

    To be called by `transitions`, which holds the step to the law and writes the ledger.
    """
    row = conn.execute(
        # The expected status is part of the WHERE: of two processes, the second matches no row.
        "UPDATE waves SET status = ?, ended = ? WHERE id = ? AND status = ? RETURNING id",
        (target, ended, wave.id, wave.status),
    ).fetchone()
    return row is not None


def record_runtime(conn: sqlite3.Connection, wave_id: int, runtime: str, version: str | None, config: str) -> None:
    """Record the runtime of a launch, its version and the hash of its configuration."""
    conn.execute(
        "UPDATE waves SET runtime = ?, runtime_version = ?, runtime_config = ? WHERE id = ?",
        (runtime, version, config, wave_id),
    )


def record_shared_tree(conn: sqlite3.Connection, wave_id: int, path: str) -> None:
    """Record the path of the detached tree that the wave's analyzers share."""
    conn.execute("UPDATE waves SET shared_tree = ? WHERE id = ?", (path, wave_id))


def left_shared_trees(conn: sqlite3.Connection, run_id: str) -> list[tuple[str, str]]:
    """Return the shared trees of a run's waves that ended without a violation, each with its commit."""
    rows = conn.execute(
        "SELECT placed(shared_tree), dispatch_sha FROM waves WHERE run_id = ? AND shared_tree IS NOT NULL"
        # A tree of a wave with a violation is evidence, and stays.
        " AND status <> 'dispatched' AND violations = '[]' ORDER BY number DESC",
        (run_id,),
    )
    return [(path, commit) for path, commit in rows]


def trees_in_use(conn: sqlite3.Connection, run_id: str) -> set[str]:
    """Return the trees of a run that an agent run has, and the shared tree of a wave in flight."""
    rows = conn.execute(
        "SELECT placed(worktree_path) FROM agent_runs JOIN waves ON waves.id = wave_id"
        # `IS NOT` instead of `<>`: most waves have no shared tree, and a comparison with NULL is never true.
        " WHERE run_id = ?1 AND worktree_path IS NOT NULL AND worktree_path IS NOT shared_tree"
        " UNION SELECT placed(shared_tree) FROM waves"
        " WHERE run_id = ?1 AND shared_tree IS NOT NULL AND status = 'dispatched'",
        (run_id,),
    )
    return {path for (path,) in rows}


def record_sentinel(conn: sqlite3.Connection, wave_id: int, sentinel: Sentinel) -> None:
    """Record new fingerprints of things that must not change while the agents of a wave work."""
    document = wave_documents.sentinel_text(sentinel)
    conn.execute("UPDATE waves SET sentinel = ? WHERE id = ?", (document, wave_id))


def record_probe(conn: sqlite3.Connection, wave_id: int, *, degraded: bool, violations: Sequence[Violation]) -> None:
    """Record the violations that the sentinel and the ownership probe found."""
    conn.execute(
        "UPDATE waves SET ownership_probe_degraded = ?, violations = ? WHERE id = ?",
        (degraded, wave_documents.violations_text(violations), wave_id),
    )


def record_result(conn: sqlite3.Connection, wave_id: int, result: WaveResult) -> None:
    """Record the counts with which a wave ended."""
    conn.execute("UPDATE waves SET result = ? WHERE id = ?", (wave_documents.result_text(result), wave_id))


def _wave_where(conn: sqlite3.Connection, where: str, *values: object) -> Wave | None:
    row = conn.execute(f"SELECT {_COLUMNS} FROM waves WHERE {where}", values).fetchone()  # noqa: S608
    return None if row is None else _wave(row)


def _wave(row: tuple[object, ...]) -> Wave:
    return forms.made("waves", _record, row)


def _record(row: tuple[object, ...]) -> Wave:
    columns: dict[str, Any] = dict(zip(Wave._fields, row, strict=True))
    forms.hold("waves", "run_id", forms.RUN_ID, columns["run_id"])
    forms.hold("waves", "dispatch_sha", forms.COMMIT, columns["dispatch_sha"])
    forms.hold_moments("waves", dispatched=columns["dispatched"], ended=columns["ended"])
    forms.hold_places("waves", shared_tree=columns["shared_tree"])
    # The sentinel stays text: it can have megabytes, and few verbs read its fingerprints.
    return Wave._make(row)._replace(
        phase=Phase(columns["phase"]),
        status=WaveStatus(columns["status"]),
        isolated=bool(columns["isolated"]),
        is_review=bool(columns["is_review"]),
        is_of_uncommitted=bool(columns["is_of_uncommitted"]),
        ownership_probe_degraded=bool(columns["ownership_probe_degraded"]),
        violations=wave_documents.violations_from(columns["violations"]),
        result=wave_documents.result_from(columns["result"]),
        advice=wave_documents.advice_from(columns["advice"]),
    )
