"""run-export.json: a run as files that need no control plane to be read."""

import sqlite3

from swarm.results.persist import ExportedFinding, RunExport
from swarm.store import findings, ledger, verifications, waves
from swarm.store.findings import Finding, Selection
from swarm.store.runs import Run
from swarm.waves.look.receipt import promotions_shown, receipt, verification_shown


def run_export(conn: sqlite3.Connection, run: Run) -> RunExport:
    """Return the export of a run; the same state gives the same document."""
    last = ledger.newest_of(conn, run.id)
    return RunExport(
        schema="swarm.run-export/v1",
        run_id=run.id,
        repo=run.repo,
        commit_sha=run.commit_sha,
        branch=run.branch,
        status=run.status,
        created=run.created,
        waves=tuple(receipt(conn, run, wave) for wave in waves.all_of(conn, run.id)),
        verifications=tuple(map(verification_shown, verifications.verifications_of(conn, run.id))),
        promotions=promotions_shown(conn, run.id),
        findings=tuple(map(_finding, findings.select(conn, run.id, Selection()))),
        ledger_seq=None if last is None else last.seq,
        ledger_hash=None if last is None else last.hash,
    )


def _finding(found: Finding) -> ExportedFinding:
    return ExportedFinding(
        finding_id=found.finding_id,
        fingerprint=found.fingerprint,
        severity=found.severity,
        category=found.category,
        rule_id=found.rule_id,
        status=found.status,
        file=found.file,
        line=found.line,
        symbol=found.symbol,
        quote=found.quote,
        description=found.description,
        recommendation=found.recommendation,
        domain=found.domain,
        first_seen_wave=found.first_wave,
        last_seen_wave=found.last_wave,
    )
