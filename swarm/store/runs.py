"""Table `runs`: the swarms of this control plane."""

import sqlite3
from pathlib import PurePath
from typing import Final, NamedTuple

from swarm.store import forms
from swarm.store.ledger import Entry, append, events_of

_COLUMNS: Final = (
    "id, repo, local_path, commit_sha, branch, save_point_tag, status, timeout_seconds, map_frozen, created"
)


class Run(NamedTuple):
    """A swarm over a repository. `local_path` is resolved; `status` is the phase."""

    id: str
    repo: str
    local_path: str
    commit_sha: str
    branch: str | None
    save_point_tag: str
    status: str
    timeout_seconds: int
    map_frozen: bool
    created: str

    @property
    def hex(self) -> str:
        """The last part of the id, which names the branches of the run."""
        return self.id.rpartition("-")[2]

    @property
    def is_over(self) -> bool:
        """Whether the run is complete or aborted: no wave is dispatched in it again."""
        return self.status in {"complete", "aborted"}


class RunCounts(NamedTuple):
    """A run with the number of its waves and of its findings."""

    run: Run
    waves: int
    findings: int


def add(conn: sqlite3.Connection, run: Run, maker: str = "init") -> None:
    """Record a new run; `maker` is the verb that makes it."""
    conn.execute(
        f"INSERT INTO runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        run,
    )
    payload: dict[str, object] = {"commit": run.commit_sha, "timeout": f"{run.timeout_seconds}s", "by": maker}
    append(conn, Entry("run_created", f"run:{run.id}", run.id, None, None, run.status, payload=payload))


def maker(conn: sqlite3.Connection, run_id: str) -> str | None:
    """Return the verb that made a run, `None` where its event does not name the verb."""
    made = next((event for event in events_of(conn, f"run:{run_id}") if event.kind == "run_created"), None)
    return None if made is None or "by" not in made.facts else str(made.facts["by"])


def find(conn: sqlite3.Connection, run_id: str) -> Run | None:
    """Return the run of exactly this id."""
    return _run_where(conn, "WHERE id = ?", run_id)


def newest(conn: sqlite3.Connection) -> Run | None:
    """Return the run that was added last."""
    # By insertion, not by id: the epoch in an id has seconds, and two runs can begin in the same second.
    return _run_where(conn, "ORDER BY seq DESC LIMIT 1")


def newest_around(conn: sqlite3.Connection, folder: PurePath) -> Run | None:
    """Return the newest run whose repository holds a folder; of nested repositories, the innermost."""
    paths = [str(folder), *map(str, folder.parents)]
    # Equality with the folder and each folder above: in LIKE, `_` in a path would match any letter.
    marks = ", ".join("?" * len(paths))
    return _run_where(conn, f"WHERE local_path IN ({marks}) ORDER BY length(local_path) DESC, seq DESC LIMIT 1", *paths)


def open_at(conn: sqlite3.Connection, place: str) -> Run | None:
    """Return the newest run of the checkout at a path that is neither complete nor aborted."""
    return _run_where(
        conn, "WHERE local_path = ? AND status NOT IN ('complete', 'aborted') ORDER BY seq DESC LIMIT 1", place
    )


def every(conn: sqlite3.Connection) -> list[Run]:
    """Return every run, newest first."""
    return [_run(row) for row in conn.execute(f"SELECT {_COLUMNS} FROM runs ORDER BY seq DESC")]  # noqa: S608


def beginning_with(conn: sqlite3.Connection, prefix: str) -> list[Run]:
    """Return the runs whose id, or whose hex, begins with a prefix, newest first."""
    # Compared here: in LIKE, `_` and `%` of the user's word would match any letter.
    return [run for run in every(conn) if run.id.startswith(prefix) or run.hex.startswith(prefix)]


def all_with_counts(conn: sqlite3.Connection) -> list[RunCounts]:
    """Return every run, newest first."""
    cursor = conn.execute(
        f"SELECT {_COLUMNS}, (SELECT count(*) FROM waves WHERE run_id = runs.id),"  # noqa: S608
        " (SELECT count(*) FROM findings WHERE run_id = runs.id) FROM runs ORDER BY seq DESC"
    )
    return [RunCounts(_run(row[:-2]), row[-2], row[-1]) for row in cursor]


def set_map_frozen(conn: sqlite3.Connection, run_id: str, *, frozen: bool) -> bool:
    """Freeze or unfreeze the map of a run; say whether the state changed."""
    changed = conn.execute(
        # The comparison makes freezing idempotent, and tells two processes apart that freeze at once.
        "UPDATE runs SET map_frozen = ? WHERE id = ? AND map_frozen <> ? RETURNING id",
        (frozen, run_id, frozen),
    )
    return changed.fetchone() is not None


def set_status(conn: sqlite3.Connection, run_id: str, source: str, target: str) -> bool:
    """Set the phase of a run that is still in `source`; say whether the phase was set.

    To be called by `transitions`, which writes the ledger.
    """
    row = conn.execute(
        # The expected phase is part of the WHERE: of two promotions, the second matches no row.
        "UPDATE runs SET status = ? WHERE id = ? AND status = ? RETURNING id",
        (target, run_id, source),
    ).fetchone()
    return row is not None


def set_timeout(conn: sqlite3.Connection, run: Run, seconds: int) -> None:
    """Change the timeout policy of a run."""
    # Another process may have changed the timeout since the run was read.
    now = find(conn, run.id) or run
    if now.timeout_seconds == seconds:
        return
    conn.execute("UPDATE runs SET timeout_seconds = ? WHERE id = ?", (seconds, run.id))
    before, after = f"{now.timeout_seconds}s", f"{seconds}s"
    append(conn, Entry("run_timeout_set", f"run:{run.id}", run.id, None, before, after))


def _run_where(conn: sqlite3.Connection, rest: str, *values: str) -> Run | None:
    row = conn.execute(f"SELECT {_COLUMNS} FROM runs {rest}", values).fetchone()  # noqa: S608
    return None if row is None else _run(row)


def _run(row: tuple[object, ...]) -> Run:
    run = Run._make(row)
    forms.hold("runs", "id", forms.RUN_ID, run.id)
    forms.hold("runs", "commit_sha", forms.COMMIT, run.commit_sha)
    forms.hold("runs", "branch", forms.BRANCH, run.branch)
    forms.hold("runs", "save_point_tag", forms.SAVE_POINT, run.save_point_tag)
    return run._replace(map_frozen=bool(run.map_frozen))
