"""`show`: a finding with the code around its anchor, its sightings and its history."""

import sqlite3
from pathlib import Path

from swarm import errors
from swarm.git.repository import contents, files_at, repository_at
from swarm.git.runner import GitError
from swarm.results.show import ClaimShown, CodeLine, ShowResult, SightingShown
from swarm.rules.anchors import SourceText
from swarm.rules.findings import OPEN_STATUSES
from swarm.store import fix_claims, sightings
from swarm.store.findings import Finding
from swarm.store.fix_claims import FixClaim
from swarm.store.runs import Run
from swarm.store.sightings import Sighting
from swarm.waves.look.findings import digest_of
from swarm.waves.look.history import finding_history
from swarm.waves.selection import finding_named

AROUND = 3


def show(conn: sqlite3.Connection, run: Run, named: str) -> ShowResult:
    """Return a finding with its code, sightings, claims and events. Raises FindingNotFound."""
    finding = finding_named(conn, run, named)
    return ShowResult(
        run_id=run.id,
        finding=next(digest_of(conn, run, [finding])),
        severity_note=finding.severity_note,
        scope=finding.scope,
        anchor_commit=finding.anchor_commit,
        match=finding.match_note,
        misses=finding.misses,
        regressions=finding.regressions,
        code=code_around(run, finding),
        sightings=tuple(_sighting(*seen) for seen in sightings.sightings_of(conn, finding.row_id)),
        claims=tuple(_claim(claim) for claim in fix_claims.of_finding(conn, finding.row_id)),
        events=finding_history(conn, finding.row_id),
        next_action=_next_action(run, finding),
    )


def _next_action(run: Run, finding: Finding) -> str:
    if finding.status in OPEN_STATUSES and finding.fixable:
        return f"swarm fix {run.id} {finding.finding_id}"
    if finding.status in OPEN_STATUSES:
        return f"fix it, commit, and run `swarm audit {run.local_path}`"
    # A decision hides the observation, and only a reopen brings the finding back.
    if finding.status == finding.decision:
        return f"nothing; `swarm reopen {run.id} --ids {finding.finding_id} --reason … --evidence …` opens it again"
    return "nothing"


def code_around(run: Run, finding: Finding) -> tuple[CodeLine, ...]:
    """Return the lines around a finding's anchor, in the commit where it was last seen; empty where that is missing."""
    if finding.file is None or finding.line is None:
        return ()
    try:
        git = repository_at(Path(run.local_path)).git
        blob = next(file.blob for file in files_at(git, finding.anchor_commit) if file.path == finding.file)
        ((_, content),) = contents(git, [(finding.file, blob)])
    # The code is a help: a moved repository or a collected commit must not hide the finding.
    except (errors.SwarmError, GitError, StopIteration, ValueError):
        return ()
    lines = SourceText(finding.file, content).lines
    first, last = max(1, finding.line - AROUND), min(len(lines), finding.line + AROUND)
    return tuple(
        # Without the `\r`, which would move the terminal's cursor.
        CodeLine(number, lines[number - 1].rstrip("\r"), number == finding.line)
        for number in range(first, last + 1)
    )


def _claim(claim: FixClaim) -> ClaimShown:
    facts = (claim.description, claim.verified_via, claim.evidence, claim.outcome)
    return ClaimShown(claim.wave_number, claim.domain, *facts)


def _sighting(wave: int, domain: str, seen: Sighting) -> SightingShown:
    return SightingShown(
        wave=wave,
        domain=domain,
        reported_id=seen.reported_id,
        severity=seen.severity,
        category=seen.category,
        file=seen.file,
        line=seen.line,
        quote=seen.quote,
        description=seen.description,
        recommendation=seen.recommendation,
        matched_by=seen.matched_by,
        match=seen.match_note,
        tool=seen.tool,
    )
