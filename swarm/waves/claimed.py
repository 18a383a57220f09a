"""Which claimed fixes a commit proves."""

import sqlite3
from collections.abc import Sequence

from swarm.rules.classification import EvidenceKind
from swarm.rules.verification import VERIFIED, asked_again, verify_fixed
from swarm.store import claims, findings
from swarm.store.claims import FixClaim, Proved
from swarm.waves.fates import places_at
from swarm.waves.fixes import looked
from swarm.waves.proving import Bench
from swarm.waves.rescan import ask_again


def proved_at(
    conn: sqlite3.Connection, bench: Bench, commit: str, wave: int, domains: Sequence[str] | None
) -> list[Proved]:
    """Return the claimed findings that a commit shows to be mended. `domains` keeps the claims of some alone."""
    standing = [one for one in claims.standing(conn, bench.run.id) if domains is None or one.domain in domains]
    if not standing:
        return []
    rows = {one.finding: one for one in standing}
    known = {i.known.row_id: i for i in findings.known_findings(conn, bench.run.id) if i.known.row_id in rows}
    places = places_at(bench.repository.git, [item.known for item in known.values()], commit)
    judged = {row: verify_fixed(looked(places[row], cross_ref=cross_ref(one))) for row, one in rows.items()}
    doubtful = [
        (known[row], places[row])
        for row in rows
        if judged[row].classification != VERIFIED or places[row].line is not None
    ]
    answers = ask_again(bench, commit, doubtful)
    found = []
    for row in rows:
        evidence = EvidenceKind.ANCHOR if judged[row].verified_via == "anchor" else EvidenceKind.CONFIRMED
        seen = judged[row]
        if (answer := answers.get(row)) is not None:
            seen = asked_again(seen, is_silent=answer.is_silent, told=answer.told)
            if judged[row].classification != VERIFIED:
                evidence = EvidenceKind.ANALYZER_RESCAN
        if seen.classification == VERIFIED:
            found.append(Proved(row, evidence.value, seen.evidence, wave, commit))
    return found


def cross_ref(claim: FixClaim) -> str | None:
    """Return the other file that a fix names and that was seen to hold its change."""
    return claim.file if claim.verified_via == "cross_ref" else None
