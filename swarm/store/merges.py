"""Table `merges`: the merges of waves, with their domains and commits."""

import json
import sqlite3
from typing import Any, Final, NamedTuple

from swarm.clock import now
from swarm.store import forms
from swarm.store.ledger import Entry, append


class NewMerge(NamedTuple):
    """A merge, before the row is recorded."""

    wave_id: int
    ref: str
    base: str
    commit_sha: str
    domains: tuple[str, ...]
    dropped: tuple[str, ...]
    verification_id: int | None


class Merge(NamedTuple):
    """Branches of a wave, published together at a ref."""

    id: int
    wave_id: int
    ref: str
    base: str
    commit_sha: str
    domains: tuple[str, ...]
    dropped: tuple[str, ...]
    verification_id: int | None
    created: str


def add_merge(conn: sqlite3.Connection, run_id: str, new: NewMerge) -> None:
    """Record a merge; a merge that is recorded already changes nothing."""
    row = conn.execute(
        "INSERT INTO merges (wave_id, ref, base, commit_sha, domains, dropped, verification_id, created)"
        # A merge that was killed after publishing is repeated, and then records the commit that the ref already has.
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (*new[:4], json.dumps(new.domains), json.dumps(new.dropped), new.verification_id, now()),
    ).fetchone()
    # No event for a repetition, or the same merge would stand twice in the ledger.
    if row is not None:
        payload: dict[str, object] = {
            "ref": new.ref,
            "base": new.base,
            "domains": list(new.domains),
            "dropped": list(new.dropped),
        }
        subject = f"wave:{new.wave_id}"
        append(conn, Entry("merged", subject, run_id, new.wave_id, None, new.commit_sha, payload=payload))


def merges_of(conn: sqlite3.Connection, wave_id: int) -> list[Merge]:
    """Return the merges of a wave, oldest first."""
    rows = conn.execute(f"SELECT {_MERGE} FROM merges WHERE wave_id = ? ORDER BY id", (wave_id,))  # noqa: S608
    return [_merge(row) for row in rows]


def merged_into(conn: sqlite3.Connection, run_id: str, ref: str) -> list[str]:
    """Return the commits that merges of a run left at a branch, oldest first."""
    rows = conn.execute(
        "SELECT commit_sha FROM merges JOIN waves ON waves.id = wave_id WHERE run_id = ? AND ref = ?"
        " ORDER BY merges.id",
        (run_id, ref),
    )
    return [commit for (commit,) in rows]


def _merge(row: tuple[Any, ...]) -> Merge:
    merge = Merge._make(row)
    forms.hold("merges", "ref", forms.BRANCH, merge.ref)
    forms.hold("merges", "base", forms.COMMIT, merge.base)
    forms.hold("merges", "commit_sha", forms.COMMIT, merge.commit_sha)
    domains = forms.decoded("merges", "domains", str(merge.domains), list)
    dropped = forms.decoded("merges", "dropped", str(merge.dropped), list)
    return merge._replace(domains=tuple(map(str, domains)), dropped=tuple(map(str, dropped)))


_MERGE: Final = "id, wave_id, ref, base, commit_sha, domains, dropped, verification_id, created"
