"""Table `snapshots`: maps of domains, as waves froze them; equal maps of a run share a row."""

import sqlite3
from collections.abc import Sequence

from swarm import errors
from swarm.clock import now
from swarm.rules.domains import Domain
from swarm.rules.ownership import OwnershipMap
from swarm.store.domains import domains_from, map_document


def add(conn: sqlite3.Connection, run_id: str, domains: Sequence[Domain]) -> int:
    """Return the id of the snapshot of a map; a map that the run has not frozen before is written."""
    # Imported here: `status` imports this module and computes no digest.
    import hashlib

    document = map_document(domains)
    sha256 = hashlib.sha256(document.encode()).hexdigest()
    row = conn.execute("SELECT id FROM snapshots WHERE run_id = ? AND sha256 = ?", (run_id, sha256)).fetchone()
    if row is None:
        row = conn.execute(
            "INSERT INTO snapshots (run_id, sha256, map, created) VALUES (?, ?, ?, ?) RETURNING id",
            (run_id, sha256, document, now()),
        ).fetchone()
    return int(row[0])


def map_of(conn: sqlite3.Connection, snapshot_id: int) -> list[Domain]:
    """Return the map of a snapshot. Raises ControlPlaneRowRefused where there is none."""
    return domains_from(_snapshot(conn, snapshot_id)[0])


def digest_of(conn: sqlite3.Connection, snapshot_id: int) -> str:
    """Return the digest of the map of a snapshot. Raises ControlPlaneRowRefused where there is none."""
    return _snapshot(conn, snapshot_id)[1]


def _snapshot(conn: sqlite3.Connection, snapshot_id: int) -> tuple[str, str]:
    row = conn.execute("SELECT map, sha256 FROM snapshots WHERE id = ?", (snapshot_id,)).fetchone()
    if row is None:
        raise errors.ControlPlaneRowRefused(table="waves", column="snapshot_id", received=str(snapshot_id))
    return str(row[0]), str(row[1])


def owners_in(conn: sqlite3.Connection, snapshot_id: int) -> OwnershipMap:
    """Return who owns each file by the map of a snapshot."""
    return OwnershipMap(map_of(conn, snapshot_id))
