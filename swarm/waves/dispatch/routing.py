"""Routing of approved findings to the agents of an amend wave, and the check of their places at HEAD."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from swarm import errors
from swarm.clock import today
from swarm.git.refs import refs_below
from swarm.git.repository import Repository
from swarm.results.dispatch import Unrouted
from swarm.rules.domains import Domain
from swarm.rules.findings import OPEN_STATUSES, SEVERITY_RANK, Decision, EvidenceKind, Fate, Observation
from swarm.rules.known_findings import Known
from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import LENSES, Phase
from swarm.rules.ref_names import SNAPSHOTS
from swarm.rules.verification import BROKEN, DRIFTED, Inspection, verify_approved
from swarm.store import assignments, findings, fix_claims
from swarm.store.findings import Finding, Selection
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.dispatch.prompts import line_of
from swarm.waves.places import Place, places_at

MOST_NAMED = 20


class Routing(NamedTuple):
    """Findings of each domain with their present place, findings that no agent can fix, and drifted and broken ids."""

    by_domain: dict[str, list[Finding]]
    unrouted: tuple[Unrouted, ...]
    drifted: frozenset[str]
    broken: tuple[str, ...]

    @property
    def given(self) -> int:
        """The number of findings that an agent gets."""
        return sum(map(len, self.by_domain.values()))


def approved_under(conn: sqlite3.Connection, run: Run, phase: Phase) -> list[Finding]:
    """Return the approved findings of a phase's lens: what a wave of the phase is given."""
    wanted = Selection(statuses=(Decision.APPROVED.value,), lenses=(LENSES[phase].value,))
    return list(findings.select(conn, run.id, wanted))


def route(
    conn: sqlite3.Connection,
    run: Run,
    approved: Sequence[Finding],
    repository: Repository,
    domains: Sequence[Domain],
) -> Routing:
    """Give every approved finding to the domain that owns its file at HEAD."""
    rows = {finding.row_id for finding in approved}
    statuses = sorted({finding.status for finding in approved})
    known = [item.known for item in findings.known_findings(conn, run.id, today=today(), statuses=statuses)]
    # In a single pass for all findings: a git call for each of thousands would take minutes.
    places = places_at(repository.git, [item for item in known if item.row_id in rows], repository.head)
    uncommitted = _seen_in_snapshots(repository, known)
    owners = OwnershipMap(domains)
    by_name = {domain.name: domain for domain in domains}
    by_domain: dict[str, list[Finding]] = {domain.name: [] for domain in domains if domain.ownership.has_agent}
    unrouted: list[Unrouted] = []
    drifted: set[str] = set()
    broken: list[str] = []
    for finding in approved:
        place = places[finding.row_id]
        file = place.path or finding.file
        # By the present path: the file may have moved to another domain since the finding was seen.
        owner = owners.owner_of(file) if file else by_name.get(finding.domain)
        if owner is None:
            reason = "no domain owns its file" if file else f"its domain {finding.domain} is not on the map"
            unrouted.append(Unrouted(finding.finding_id, file, reason))
            continue
        if not owner.ownership.has_agent:
            reason = f"{owner.name} owns its file, and has no agent ({owner.ownership})"
            unrouted.append(Unrouted(finding.finding_id, file, reason))
            continue
        judged = classify_place(finding, place)
        # HEAD has another line there, which nobody reported: an agent would fix what is no defect.
        if judged == BROKEN or (judged == DRIFTED and finding.row_id in uncommitted):
            broken.append(finding.finding_id)
        elif judged == DRIFTED:
            drifted.add(finding.finding_id)
        # With the present place: the agent works on HEAD and not on the commit where the finding was seen.
        by_domain[owner.name].append(finding._replace(file=file, line=place.line or finding.line))
    return Routing(by_domain, tuple(unrouted), frozenset(drifted), tuple(broken))


def _seen_in_snapshots(repository: Repository, known: Sequence[Known]) -> frozenset[int]:
    """Return the rows of findings that were last seen in uncommitted files."""
    snapshots = set(refs_below(repository.git, SNAPSHOTS).values())
    return frozenset(item.row_id for item in known if item.anchor_commit in snapshots)


def known_to_audit(conn: sqlite3.Connection, run: Run, phase: Phase) -> Mapping[str, list[str]]:
    """Return, by domain, the lines of findings in the prompts of an audit: of the open ones under the phase's lens.

    A finding that was closed on a person's word is listed too: nobody has seen it fixed.
    """
    # The lens by SQLite, and all domains by one query: each query reads all findings of the run.
    selection = Selection(statuses=(*OPEN_STATUSES, Observation.FIXED), lenses=(LENSES[phase].value,))
    placed: defaultdict[str, list[tuple[int, str, int, int, str]]] = defaultdict(list)
    unproved = (None, EvidenceKind.OPERATOR.value)
    claimed = claimed_files(conn, run)
    for finding in findings.listed(conn, run.id, selection):
        row_id, finding_id, severity, _, _, _, evidence, file, number, _, _, domain = finding
        if evidence in unproved:
            line = line_of(finding, is_drifted=False, fix=claimed.get(finding_id))
            placed[domain].append((SEVERITY_RANK[severity], file, number, row_id, line))
    # Lines and not records are sorted: what a line is made of is at hand only when its row is read.
    return {domain: [line[-1] for line in sorted(own)] for domain, own in placed.items()}


def claimed_files(conn: sqlite3.Connection, run: Run) -> dict[str, str]:
    """Return, by id, the findings whose fix is claimed and not proved, with the file that the fix names, or `""`."""
    return {claim.finding_id: claim.file or "" for claim in fix_claims.standing(conn, run.id)}


def given_before(
    conn: sqlite3.Connection, run: Run, wave: Wave, repository: Repository
) -> tuple[dict[int, list[Finding]], frozenset[str]]:
    """Return, by agent run, the assigned findings of a wave with their place at its commit, and the drifted ids."""
    by_agent = assignments.assigned(conn, wave.id)
    rows = {row for own in by_agent.values() for row in own}
    known = [item.known for item in findings.known_findings(conn, run.id, today=today()) if item.known.row_id in rows]
    places = places_at(repository.git, known, wave.dispatch_sha)
    given: dict[int, list[Finding]] = {agent: [] for agent in by_agent}
    drifted: set[str] = set()
    # A single query over the findings in the order of prompts; a query for each row would lose the order.
    for finding in findings.select(conn, run.id, Selection()) if rows else ():
        if finding.row_id not in rows:
            continue
        place = places[finding.row_id]
        if classify_place(finding, place) == DRIFTED:
            drifted.add(finding.finding_id)
        here = finding._replace(file=place.path or finding.file, line=place.line or finding.line)
        for agent, own in by_agent.items():
            if finding.row_id in own:
                given[agent].append(here)
    return given, frozenset(drifted)


def classify_place(finding: Finding, place: Place) -> str:
    """Return the class of an approved finding's place: verified, drifted, broken or unverifiable."""
    # A finding without a line cannot drift or break while its file is there.
    if finding.line is None and place.fate is not Fate.FILE_REMOVED:
        return verify_approved(_seen(Fate.UNKNOWN), rewritten=False).classification
    return verify_approved(_seen(place.fate), rewritten=place.line is not None).classification


def _seen(fate: Fate) -> Inspection:
    return Inspection(fate, "", None, None, fix_is_there=False, same_content=False)


def routed(
    conn: sqlite3.Connection,
    run: Run,
    phase: Phase,
    repository: Repository,
    domains: Sequence[Domain],
    *,
    checks_anchors: bool,
) -> Routing:
    """Return the routing of an amend wave, in which somebody is given something.

    Raises DispatchAnchorsBroken, DispatchNothingApproved.
    """
    routing = route(conn, run, approved_under(conn, run, phase), repository, domains)
    # Before trees are made: an agent cannot fix a finding whose place no longer exists.
    if checks_anchors:
        hold_to_anchors(run, phase, routing)
    if not routing.given:
        named = ", ".join(f"{finding.finding_id} ({finding.reason})" for finding in routing.unrouted[:MOST_NAMED])
        problem = f"no agent owns what is approved: {named}"
        raise errors.DispatchNothingApproved(run_id=run.id, phase=phase, problem=problem)
    return routing


def hold_to_anchors(run: Run, phase: Phase, routing: Routing) -> None:
    """Raises DispatchAnchorsBroken for findings whose place no longer exists."""
    if routing.broken:
        more = "" if len(routing.broken) <= MOST_NAMED else f" and {len(routing.broken) - MOST_NAMED} more"
        shown = ", ".join(routing.broken[:MOST_NAMED]) + more
        raise errors.DispatchAnchorsBroken(
            run_id=run.id, phase=phase.value, findings=shown, count=len(routing.broken), first=routing.broken[0]
        )
