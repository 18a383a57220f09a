"""Table `fix_claims`: fixes that amend agents claim, with their outcome."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from swarm.store.ledger import Entry, append_all

_COLUMNS: Final = (
    "fix_claims.id, fix_claims.wave_id, waves.number, fix_claims.agent_run_id, agent_runs.domain, fix_claims.finding,"
    " findings.finding_id, fix_claims.description, fix_claims.file, fix_claims.verified_via, fix_claims.evidence,"
    " fix_claims.outcome"
)
_JOINED: Final = (
    "FROM fix_claims JOIN findings ON findings.id = fix_claims.finding"
    " JOIN agent_runs ON agent_runs.id = fix_claims.agent_run_id JOIN waves ON waves.id = fix_claims.wave_id"
)


class FixClaim(NamedTuple):
    """A fix that collect accepted as a claim, with the evidence in the agent's own tree.

    `finding` is a row of `findings`; `verified_via` is anchor, cross_ref or unverifiable, with one line of
    `evidence`; `outcome` is claimed until a commit proves it (fixed) or a later wave sees the finding (refuted).
    """

    id: int
    wave_id: int
    wave_number: int
    agent_run_id: int
    domain: str
    finding: int
    finding_id: str
    description: str
    file: str | None
    verified_via: str
    evidence: str
    outcome: str


class NewFixClaim(NamedTuple):
    """A claim of an agent, before collect records the row."""

    wave_id: int
    agent_run_id: int
    finding: int
    description: str
    file: str | None
    verified_via: str
    evidence: str


class Proved(NamedTuple):
    """A finding (row) that a commit shows as fixed, with the evidence, the wave and the commit."""

    finding: int
    evidence: str
    note: str
    wave: int
    commit: str


def still_claimed(conn: sqlite3.Connection, run_id: str, proved: Sequence[Proved]) -> list[Proved]:
    """Return the proofs whose claim is still open: a claim can be refuted after its commit was judged."""
    claimed = {claim.finding for claim in standing(conn, run_id)} if proved else set()
    return [proof for proof in proved if proof.finding in claimed]


def replace(conn: sqlite3.Connection, wave_id: int, claims: Iterable[NewFixClaim]) -> None:
    """Record the claims of a wave, in place of the open claims of an earlier collect."""
    # Settled claims stay: their outcome is in the ledger, and a second collect must not forget a proof.
    conn.execute("DELETE FROM fix_claims WHERE wave_id = ? AND outcome = 'claimed'", (wave_id,))
    conn.executemany(
        "INSERT INTO fix_claims (wave_id, agent_run_id, finding, description, file, verified_via, evidence, outcome)"
        # A conflict is a claim that an earlier collect recorded and a commit has settled since.
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'claimed') ON CONFLICT DO NOTHING",
        claims,
    )


def of_wave(conn: sqlite3.Connection, wave_id: int) -> list[FixClaim]:
    """Return the claims of a wave, oldest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} {_JOINED} WHERE fix_claims.wave_id = ? ORDER BY fix_claims.id",
        (wave_id,),
    )
    return list(map(FixClaim._make, rows))


def of_run(conn: sqlite3.Connection, run_id: str) -> list[FixClaim]:
    """Return every claim of a run, oldest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} {_JOINED} WHERE waves.run_id = ? ORDER BY fix_claims.id",
        (run_id,),
    )
    return list(map(FixClaim._make, rows))


def standing(conn: sqlite3.Connection, run_id: str) -> list[FixClaim]:
    """Return the newest claim of each finding of a run, where that claim is neither proved nor refuted."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} {_JOINED} WHERE waves.run_id = ? AND fix_claims.id IN"  # noqa: S608
        # Only the newest claim: an older claim was overtaken by the wave that gave the finding out again.
        " (SELECT max(id) FROM fix_claims GROUP BY finding) AND fix_claims.outcome = 'claimed' ORDER BY fix_claims.id",
        (run_id,),
    )
    return list(map(FixClaim._make, rows))


def of_finding(conn: sqlite3.Connection, finding: int) -> list[FixClaim]:
    """Return every claim about a finding, oldest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} {_JOINED} WHERE fix_claims.finding = ? ORDER BY fix_claims.id",
        (finding,),
    )
    return list(map(FixClaim._make, rows))


def of_domains(conn: sqlite3.Connection, wave_id: int, domains: Sequence[str]) -> list[int]:
    """Return the findings (rows) that the agents of some domains claim to have fixed in a wave."""
    return [claim.finding for claim in of_wave(conn, wave_id) if claim.domain in domains]


def settle(conn: sqlite3.Connection, findings: Iterable[int], outcome: str) -> None:
    """Settle the open claims about some findings as fixed or refuted."""
    # Filtered here rather than by an `IN` list: SQLite limits the number of parameters, and a wave of 100,000 findings
    # can exceed the limit.
    settled = set(findings)
    if not settled:
        return
    rows = conn.execute(
        "SELECT fix_claims.id, finding, waves.run_id, waves.id FROM fix_claims"
        " JOIN waves ON waves.id = fix_claims.wave_id WHERE outcome = 'claimed' ORDER BY fix_claims.id"
    )
    due = [(claim, run_id, wave_id) for claim, finding, run_id, wave_id in rows if finding in settled]
    conn.executemany("UPDATE fix_claims SET outcome = ? WHERE id = ?", ((outcome, claim) for claim, _, _ in due))
    append_all(
        conn,
        (
            Entry("claim_settled", f"claim:{claim}", run_id, wave_id, "claimed", outcome)
            for claim, run_id, wave_id in due
        ),
    )
