"""Plan of a fix: the findings that it takes, who owns them, which runtime fixes them, and what is left out."""

import sqlite3
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.git.repository import Repository
from swarm.rules.analysis import tool_of
from swarm.rules.decisions import Action
from swarm.rules.domains import Domain
from swarm.rules.findings import Decision, Observation
from swarm.rules.phases import AMEND_PHASES, LENSES, Phase
from swarm.runtimes import registry
from swarm.store import findings
from swarm.store.findings import Finding, Selection
from swarm.store.runs import Run
from swarm.waves.dispatch import preconditions
from swarm.waves.dispatch.routing import approved_under, hold_to_anchors, route
from swarm.waves.fix.ground import FixRequest
from swarm.waves.review.known import known_reviews
from swarm.waves.selection import finding_ids
from swarm.waves.triage.triage import Targets, due_and_settled

_NOT_AT_HEAD: Final = "its place is not at HEAD; commit it, or `swarm audit` looks again"
_REFUTED: Final = "a reviewer refutes it; named by its id, it is fixed all the same"


class WayOut(StrEnum):
    """Ways to get a finding fixed that nobody can fix, the nearest first."""

    AGENT = "agent"
    NAMED = "named"
    COMMITTED = "committed"
    MAP = "map"


class Candidate(NamedTuple):
    """A finding at its present place, with the domain and the runtime that fix it.

    `reason` says why nobody can, and `way` what helps.
    """

    finding: Finding
    domain: str | None
    runtime: str | None
    reason: str = ""
    way: WayOut = WayOut.AGENT


class Round(NamedTuple):
    """A wave of a fix: its phase, and the runtime of its agents."""

    phase: Phase
    runtime: str


class FixPlan(NamedTuple):
    """Findings that a fix takes and leaves out. `named` are the rows that the command names."""

    taken: tuple[Candidate, ...]
    left_out: tuple[Candidate, ...]
    named: frozenset[int]

    @property
    def rounds(self) -> list[Round]:
        """The waves in the order of the phases; the findings of a tool go to the tool, before those of agents."""
        every = {Round(phase_of(each.finding), each.runtime) for each in self.taken if each.runtime is not None}
        first = {each.runtime: number for number, each in reversed(list(enumerate(self.taken)))}
        return sorted(every, key=lambda one: (AMEND_PHASES.index(one.phase), first[one.runtime]))

    @property
    def to_approve(self) -> list[str]:
        """The ids of the taken findings that are not approved yet."""
        return [one.finding.finding_id for one in self.taken if one.finding.status != Decision.APPROVED]


class _PlanGround(NamedTuple):
    """Facts that the look-up of each finding's owner and runtime shares."""

    conn: sqlite3.Connection
    run: Run
    repository: Repository
    domains: Sequence[Domain]
    request: FixRequest
    config: Config


def plan_fix(
    conn: sqlite3.Connection, run: Run, repository: Repository, request: FixRequest, config: Config
) -> FixPlan:
    """Plan a fix, and write nothing.

    Raises what `triage` raises for the named findings, what the look-up of a runtime raises, DispatchNoDomains, and
    DispatchAnchorsBroken for an approved finding whose place is gone.
    """
    named, refuted = _named(conn, run, request)
    by_row = {finding.row_id: finding for phase in AMEND_PHASES for finding in approved_under(conn, run, phase)}
    by_row |= {finding.row_id: finding for finding in named}
    domains = preconditions.some_domains(conn, run, AMEND_PHASES[0]) if by_row else []
    ground = _PlanGround(conn, run, repository, domains, request, config)
    candidates = [
        candidate
        for phase in AMEND_PHASES
        for candidate in _candidates(ground, phase, [one for one in by_row.values() if phase_of(one) is phase])
    ]
    candidates += [Candidate(finding, None, None, _REFUTED, WayOut.NAMED) for finding in refuted]
    plan = FixPlan(
        taken=tuple(one for one in candidates if not one.reason),
        left_out=tuple(one for one in candidates if one.reason),
        named=frozenset(finding.row_id for finding in named),
    )
    for one in plan.rounds:
        # Before anything is approved: a wave whose runtime is missing could not be launched.
        registry.all_ready(one.runtime, config, one.phase)
    return plan


def phase_of(finding: Finding) -> Phase:
    """Return the amend phase whose waves fix a finding."""
    return next(phase for phase in AMEND_PHASES if LENSES[phase] == finding.lens)


def _named(conn: sqlite3.Connection, run: Run, request: FixRequest) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that the command names, and those that its filters leave out because they are refuted."""
    if request.targets is None:
        return [], []
    targets, every = request.targets, list(findings.select(conn, run.id, Selection()))
    if targets.ids:
        # Without the fixed ones, which the call that was interrupted may have fixed.
        fixed = {finding.finding_id for finding in every if finding.observation == Observation.FIXED}
        ids = tuple(one for one in finding_ids(conn, run, targets.ids) if one not in fixed)
        if not ids:
            return [], []
        targets = targets._replace(ids=ids)
    known = known_reviews(conn, run.id)
    due, settled, refuted = due_and_settled(conn, run, Action.APPROVE, targets, request.grounds, known)
    rows = {item.row_id for item in (*due, *settled)}
    # Filters choose among undecided findings; those that are approved already are meant as well.
    meant = [
        finding for finding in every if finding.row_id in rows or (not targets.ids and _is_meant(finding, targets))
    ]
    left_out = frozenset(refuted)
    return meant, [finding for finding in every if finding.finding_id in left_out]


def _is_meant(finding: Finding, targets: Targets) -> bool:
    in_rules = not targets.rules or (finding.rule_id or finding.category) in targets.rules
    in_severities = not targets.severities or finding.severity in targets.severities
    return finding.status == Decision.APPROVED and in_rules and in_severities


def _candidates(ground: _PlanGround, phase: Phase, chosen: Sequence[Finding]) -> list[Candidate]:
    """Return the findings of a phase with who fixes each of them."""
    if not chosen:
        return []
    routing = route(ground.conn, ground.run, chosen, ground.repository, ground.domains)
    by_id = {finding.finding_id: finding for finding in chosen}
    broken = set(routing.broken)
    approved = tuple(one for one in routing.broken if by_id[one].status == Decision.APPROVED)
    # The dispatch would refuse these, after the others were approved.
    hold_to_anchors(ground.run, phase, routing._replace(broken=approved))
    found = [Candidate(by_id[out.finding_id], None, None, out.reason, WayOut.MAP) for out in routing.unrouted]
    for domain, own in routing.by_domain.items():
        for finding in own:
            runtime, reason = _runtime_for(finding, phase, ground.request, ground.config)
            candidate = Candidate(finding, domain, runtime, reason)
            if finding.finding_id in broken:
                candidate = Candidate(finding, domain, None, _NOT_AT_HEAD, WayOut.COMMITTED)
            found.append(candidate)
    return found


def _runtime_for(finding: Finding, phase: Phase, request: FixRequest, config: Config) -> tuple[str | None, str]:
    """Return the runtime that fixes a finding: the named one, else the tool that reports it, else the default agent.

    Without one, return why nobody can.
    """
    if request.runtime is not None:
        return request.runtime, ""
    tool, agent = tool_of(finding.analyzer), config.default_runtime
    if tool is not None and finding.fixable and _fixes(tool, phase, config):
        return tool, ""
    if agent is not None and not all(registry.runtime_named(name, config).is_analyzer for name in agent.split(",")):
        return agent, ""
    if tool is None:
        return None, "an agent reported it, and no agent is named"
    if finding.fixable:
        return None, f"{tool} offers a fix that swarm cannot apply, and no agent is named"
    kind = "safe fix" if tool == registry.DEFAULT and not config.ruff_unsafe_fixes else "fix"
    return None, f"{tool} has no {kind} for it, and no agent is named"


def _fixes(tool: str, phase: Phase, config: Config) -> bool:
    try:
        return registry.runtime_named(tool, config).supports(phase)
    except errors.SwarmError:
        # A tool of an earlier configuration, or one that nobody trusts now.
        return False
