"""The amend wave that an interrupted fix left, and that the next call goes on with."""

from swarm.rules.states import WaveStatus
from swarm.store import file_claims, merges, verifications, waves
from swarm.store.waves import Wave
from swarm.waves.dispatch import preconditions
from swarm.waves.dispatch.preconditions import refusals_reported
from swarm.waves.fix.ground import FixGround


def unfinished(ground: FixGround) -> Wave | None:
    """Return the amend wave that an interrupted fix left: in flight, not merged, or merged and not verified.

    Raises DispatchWaveInFlight for a wave in which others work: an audit, a review, or agents that no runtime launches.
    """
    conn, run = ground.conn, ground.run
    flying = waves.in_flight(conn, run.id)
    if flying is not None:
        if flying.is_audit or not flying.isolated or flying.runtime is None:
            with refusals_reported(None):
                preconditions.no_wave_in_flight(conn, run, flying.phase)
        return flying
    wave = waves.newest_amend(conn, run.id)
    if wave is None or not wave.isolated or wave.status is not WaveStatus.COLLECTED:
        return None
    newest = waves.newest_of_phase(conn, run.id)
    # Work that somebody left behind long ago is not what a fix of today goes on with.
    if newest is None or (newest.id != wave.id and wave.dispatch_sha != ground.repository.head):
        return None
    merged = merges.merges_of(conn, wave.id)
    if not merged:
        return wave if file_claims.has_changes(conn, wave.id) and not ground.request.anew else None
    # A commit that `verify` judged, and refused, is not judged again: its findings are given to another wave.
    judged = {known.commit_sha for known in verifications.verifications_of(conn, run.id) if known.purpose == "verify"}
    return None if merged[-1].commit_sha in judged else wave
