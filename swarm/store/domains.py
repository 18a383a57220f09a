"""Table `domains`: the map of each run as it is now."""

import json
import sqlite3
from collections.abc import Sequence

from swarm import errors
from swarm.rules.domains import Domain, Ownership
from swarm.store import forms, ledger, runs
from swarm.store.ledger import Entry, append
from swarm.store.runs import Run


def domain_map(conn: sqlite3.Connection, run_id: str) -> list[Domain]:
    """Return the map of a run, in its order. Raises ControlPlaneRowRefused."""
    rows = conn.execute(
        "SELECT name, ownership, globs, description FROM domains WHERE run_id = ? ORDER BY position",
        (run_id,),
    )
    return [forms.made("domains", _domain, row) for row in rows]


def replace_map(conn: sqlite3.Connection, run_id: str, domains: Sequence[Domain], entry: Entry) -> None:
    """Write a whole map in its order, and in the ledger what changed."""
    # Rows are written anew: positions and unique names would collide while single rows move.
    conn.execute("DELETE FROM domains WHERE run_id = ?", (run_id,))
    conn.executemany(
        "INSERT INTO domains (run_id, position, name, ownership, globs, description) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (run_id, position, domain.name, domain.ownership, _json(domain.globs), domain.description)
            for position, domain in enumerate(domains, 1)
        ],
    )
    # The whole map goes into the event: `ledger replay` rebuilds the map from events alone.
    append(conn, entry._replace(payload={**(entry.payload or {}), "after": map_document(domains)}))


def map_document(domains: Sequence[Domain]) -> str:
    """Return the map as the JSON that snapshots hold: the same map gives the same bytes."""
    # Snapshots are found by the digest of this text, so key order and separators must never change.
    return _json([domain._asdict() for domain in domains])


def domains_from(document: str) -> list[Domain]:
    """Return a map from the JSON that snapshots hold. Raises ControlPlaneRowRefused."""
    return forms.made("snapshots", _domains, document)


def _domains(document: str) -> list[Domain]:
    return [
        Domain(item["name"], Ownership(item["ownership"]), tuple(item["globs"]), item["description"])
        for item in json.loads(document)
    ]


def _domain(row: tuple[str, str, str, str]) -> Domain:
    name, kind, globs, description = row
    return Domain(name, Ownership(kind), tuple(map(str, json.loads(globs))), description)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def freeze_within(conn: sqlite3.Connection, run: Run) -> None:
    """Freeze the map inside the caller's transaction. Raises DomainsEmpty."""
    if not domain_map(conn, run.id):
        raise errors.DomainsEmpty(run_id=run.id)
    # Freezing a frozen map is no change, and a change that did not happen gets no event.
    if runs.set_map_frozen(conn, run.id, frozen=True):
        ledger.append(conn, Entry("map_frozen", f"map:{run.id}", run.id, None, "draft", "frozen"))
