"""Preconditions of a dispatch: a function for each rule, each with its own error."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from swarm import errors, stage_events
from swarm.rules.domains import Domain
from swarm.rules.phases import AMEND_PHASES, DISPATCHED_PHASES, LENSES, Phase, dispatched_phase, is_audit
from swarm.rules.states import WaveStatus
from swarm.store import domains, findings, waves
from swarm.store.runs import Run


def lawful_phase(text: str, run_id: str | None) -> Phase:
    """Return the phase of this name. Raises DispatchInvalidPhase."""
    phase = dispatched_phase(text)
    if phase is None:
        raise errors.DispatchInvalidPhase(run_id=run_id, phase=text, phases=", ".join(DISPATCHED_PHASES))
    return phase


def some_domains(conn: sqlite3.Connection, run: Run, phase: Phase) -> list[Domain]:
    """Return the run's map. Raises DispatchNoDomains."""
    found = domains.domain_map(conn, run.id)
    if not found:
        raise errors.DispatchNoDomains(run_id=run.id, phase=phase)
    return found


def frozen_map(run: Run, phase: Phase, *, auto_freeze: bool) -> None:
    """Raises DispatchDomainsNotFrozen for a draft map, unless the dispatch freezes the map."""
    if not run.map_frozen and not auto_freeze:
        raise errors.DispatchDomainsNotFrozen(run_id=run.id, phase=phase)


def some_agents(run: Run, phase: Phase, found: list[Domain]) -> list[Domain]:
    """Return the domains that have an agent. Raises DispatchNoAgentDomains."""
    bearing = [domain for domain in found if domain.ownership.has_agent]
    if not bearing:
        raise errors.DispatchNoAgentDomains(run_id=run.id, phase=phase)
    return bearing


def no_wave_in_flight(conn: sqlite3.Connection, run: Run, phase: Phase) -> None:
    """Raises DispatchWaveInFlight; a failed wave does not block."""
    wave = waves.in_flight(conn, run.id)
    if wave is not None:
        raise errors.DispatchWaveInFlight(
            run_id=run.id, phase=phase, number=wave.number, wave_phase=wave.phase, wave_id=wave.id
        )


def something_approved(conn: sqlite3.Connection, run: Run, phase: Phase) -> None:
    """Raises DispatchNothingApproved for an amend phase without an approved finding of its lens."""
    if is_audit(phase):
        return
    approved = findings.approved_by_lens(conn, run.id)
    if not approved.get(LENSES[phase], 0):
        # An approval under another lens is the usual mistake, so the hint names the phases that would work.
        others = ", ".join(other for other in AMEND_PHASES if approved.get(LENSES[other]))
        elsewhere = f"; there is something for {others}" if others else ""
        problem = f"no open finding under its lens is approved{elsewhere}"
        raise errors.DispatchNothingApproved(run_id=run.id, phase=phase, problem=problem)


def whole_wave(conn: sqlite3.Connection, run: Run, phase: Phase) -> None:
    """Raises DispatchReviewTooEarly where the wave before is failed: only the newest wave can be recovered."""
    wave = waves.newest_of_phase(conn, run.id)
    if wave is not None and wave.status is WaveStatus.FAILED:
        raise errors.DispatchReviewTooEarly(run_id=run.id, phase=phase, number=wave.number, wave_phase=wave.phase)


@contextmanager
def refusals_reported(asked: str | None) -> Iterator[None]:
    """Emit a refused dispatch as an event before the error is raised further; `asked` is the run as it was named."""
    try:
        yield
    except errors.DispatchPreconditionError as error:
        stage_events.emit(
            "dispatch_precondition_failed", code=error.code, message=error.message, run_id=asked, phase=error.phase
        )
        raise
