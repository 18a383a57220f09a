"""Findings of an audit that are new against its baseline."""

import sqlite3
from collections.abc import Iterable, Sequence

from swarm.clock import today
from swarm.git.history import is_ancestor
from swarm.git.repository import Repository
from swarm.results.audit import AuditResult, BaselineShown
from swarm.results.findings import FindingShown
from swarm.rules.findings import Observation
from swarm.rules.fingerprints import Report, fingerprint_of
from swarm.rules.known_findings import Known
from swarm.rules.matching_by_tool import match_by_tool
from swarm.store import findings, waves
from swarm.store.findings import KnownFinding
from swarm.store.waves import Wave
from swarm.waves.audit.baseline_name import Baseline
from swarm.waves.moved_lines import journeys


def compared(
    conn: sqlite3.Connection,
    repository: Repository,
    wave: Wave,
    result: AuditResult,
    baseline: Baseline,
    known: Sequence[Known],
) -> AuditResult:
    """Return the result of an audit with its findings that are new against a baseline."""
    listed = result.digest.findings
    new = new_against(conn, repository, wave, known)
    # A run or a file holds what every tool knew; only a look at a commit is that of this wave's analyzer alone.
    if baseline.known is None and baseline.commit is not None:
        asked = [finding for finding in listed if finding.finding_id in new]
        new -= outside_of_look(conn, repository, wave, baseline.commit, asked)
    return result._replace(
        baseline=BaselineShown(
            kind=baseline.kind,
            name=baseline.name,
            commit=baseline.commit,
            nothing_known=False,
            findings=len(known),
            run_id=baseline.run_id,
            wave=baseline.wave,
            also=baseline.also,
        ),
        new_since_baseline=tuple(finding.finding_id for finding in listed if finding.finding_id in new),
    )


def new_against(conn: sqlite3.Connection, repository: Repository, wave: Wave, known: Sequence[Known]) -> frozenset[str]:
    """Return the ids of the findings that are not fixed and that a baseline does not hold.

    Both sides are matched as reports of a wave are with known findings, so that what moved is not new. All findings of
    the run take part, also those that a filter hides: else a hidden finding's match would be given to another.
    """
    every = findings.known_findings(conn, wave.run_id, today=today())
    present = [item for item in every if item.observation != Observation.FIXED]
    travels = {c: journey.travel for c, journey in journeys(repository.git, known, wave.dispatch_sha).items()}
    _, _, fresh = match_by_tool(known, [_report(at, item) for at, item in enumerate(present)], travels)
    return frozenset(present[report.agent_run_id].finding_id for report in fresh)


def outside_of_look(
    conn: sqlite3.Connection, repository: Repository, wave: Wave, commit: str, listed: Iterable[FindingShown]
) -> frozenset[str]:
    """Return the ids of the findings that the wave did not see, and that were first seen before or in a commit.

    An audit of the baseline by this wave's analyzer alone says nothing about the findings of other lenses and tools.
    """
    commits = {wave.number: wave.dispatch_sha for wave in waves.all_of(conn, wave.run_id)}
    others = [f for f in listed if f.last_seen_wave != wave.number]
    old = {first: is_ancestor(repository.git, commits[first], commit) for first in {f.first_seen_wave for f in others}}
    return frozenset(f.finding_id for f in others if old[f.first_seen_wave])


def _report(at: int, item: KnownFinding) -> Report:
    known = item.known
    report = Report(
        reported_id=item.finding_id,
        severity=item.severity,
        category=known.rule,
        rule_id=known.rule if known.has_rule_id else None,
        description=known.description,
        recommendation=None,
        symbol=None,
        column=0,
        domain=item.domain,
        # The position, which distinguishes the match.
        agent_run_id=at,
        anchor=known.anchor,
        analyzer=item.analyzer,
        tool=item.tool,
        ordinal=known.ordinal,
    )
    # Made anew from the present place: a finding keeps the fingerprint of the place where it was first seen.
    return report._replace(fingerprint=fingerprint_of(report))
