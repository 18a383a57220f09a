"""Find the claimed fixes that a commit proves."""

import sqlite3
from collections.abc import Mapping, Sequence

from swarm.clock import today
from swarm.rules.findings import EvidenceKind
from swarm.rules.verification import VERIFIED, asked_again, verify_fixed
from swarm.store import findings, fix_claims
from swarm.store.fix_claims import Proved
from swarm.waves.places import inspection_of, places_at
from swarm.waves.prove.build import Prover
from swarm.waves.prove.rescan import Answer, ask_again, census_of


def proved_at(
    conn: sqlite3.Connection,
    prover: Prover,
    commit: str,
    wave: int,
    *,
    domains: Sequence[str] | None = None,
    answers: Mapping[int, Answer] | None = None,
) -> list[Proved]:
    """Return the claimed findings that a commit shows to be fixed.

    `domains` limits the claims to those of some domains; `answers` are answers of analyzers on this commit.
    """
    standing = [
        claim for claim in fix_claims.standing(conn, prover.run.id) if domains is None or claim.domain in domains
    ]
    if not standing:
        return []
    rows = {claim.finding for claim in standing}
    every = findings.known_findings(conn, prover.run.id, today=today())
    known = {item.known.row_id: item for item in every if item.known.row_id in rows}
    places = places_at(prover.repository.git, [item.known for item in known.values()], commit)
    judged = {row: verify_fixed(inspection_of(places[row])) for row in known}
    known_answers = answers or {}
    open_still = ((known[row], places[row]) for row in known if row not in known_answers)
    known_answers = {**known_answers, **ask_again(prover, commit, open_still, census_of(every))}
    found = []
    for row, seen in judged.items():
        evidence, now = EvidenceKind.ANCHOR, seen
        if (answer := known_answers.get(row)) is not None:
            now = asked_again(seen, answer.verdict, answer.evidence, is_claim=True)
            if seen.classification != VERIFIED:
                evidence = EvidenceKind.ANALYZER_RESCAN
        if now.classification == VERIFIED:
            found.append(Proved(row, evidence.value, now.evidence, wave, commit))
    return found
