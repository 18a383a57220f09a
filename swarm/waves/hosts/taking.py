"""Results of workers taken in, a single one at a time, so that each attempt is closed once."""

import sqlite3
from pathlib import Path
from typing import Final

from swarm import errors, stage_events
from swarm.clock import now
from swarm.engine.messages import MOMENTS
from swarm.scratch import scratch_folder
from swarm.store import attempts, digests
from swarm.store.attempts import Ending
from swarm.waves.hosts.coordinator import UNCONFIRMED, Coordinator
from swarm.waves.hosts.judging import JudgedResult, RefusedResult, judged
from swarm.waves.hosts.orders import Ordered
from swarm.waves.hosts.received import Received
from swarm.waves.launch import attempt_files
from swarm.waves.launch.attempt_rows import close_attempt, emit_end
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.worker.aside import aside

# Work that was refused stays with the engine for a week, for a person to look at.
_REFUSED: Final = "BUNDLE_REFUSED"


async def take(coordinator: Coordinator, wave_launch: WaveLaunch, one: Ordered, end: Received | Ending) -> Ending:
    """Take in the end of an order, close its attempt, and return the ending that was recorded."""
    if isinstance(end, Ending):
        return await _recorded(coordinator, wave_launch, one, end, JudgedResult(end))
    with scratch_folder() as place:
        found = await _judged(coordinator, wave_launch, one, end, place)
    return await _recorded(coordinator, wave_launch, one, end, found)


async def _judged(
    coordinator: Coordinator, wave_launch: WaveLaunch, one: Ordered, end: Received, place: Path
) -> JudgedResult:
    """Judge a result. Raises EngineUnreachable: the engine keeps the result for the next call."""
    result = end.result
    ending = _by_own_clock(Ending(**result.ending), wave_launch, one)
    size = sum(kept.size for kept in result.objects.values())
    if size > coordinator.access.most_bytes:
        problem = f"its result has {size:,} bytes; max_result_mib allows {coordinator.access.most_bytes:,}"
        return JudgedResult(RefusedResult("RESULT_TOO_LARGE", problem).of(ending))
    try:
        files = await coordinator.fetch(end, place)
    except errors.ObjectCorrupt as error:
        return JudgedResult(RefusedResult(error.code, error.message).of(ending))
    wave = wave_launch.wave_now
    # Aside: meanwhile the engine must hear that the results behind this one are worked on.
    return await aside(lambda: judged(wave_launch, wave, one, result, ending, files))


async def _recorded(
    coordinator: Coordinator, wave_launch: WaveLaunch, one: Ordered, end: Received | Ending, found: JudgedResult
) -> Ending:
    """Close an attempt, and let the engine forget its order."""
    agent, attempt_id, folder, ending = one.agent, one.attempt, one.folder, found.ending
    attempt_files.write_events(folder, ending)
    with wave_launch.store.mutation() as conn:
        _record_used(conn, attempt_id, end if isinstance(end, Received) else None)
        close_attempt(conn, wave_launch, agent, attempt_id, ending, found.output)
        attempts.seal_tree(conn, attempt_id, found.tree)
        digests.seal_again(conn, wave_launch.run.id, wave_launch.wave.id)
    attempt_files.write(folder / attempt_files.NAME, wave_launch.store.conn, attempt_id)
    emit_end(wave_launch, agent, ending)
    if ending == UNCONFIRMED:
        stage_events.emit(
            "cancel_unconfirmed", run_id=wave_launch.run.id, domain=agent.domain, message=ending.error_fragment
        )
    # After the row: a coordinator that dies in between gets the result again.
    await coordinator.settle(one.order, end, keeps_objects=ending.error_code == _REFUSED)
    return ending


def _record_used(conn: sqlite3.Connection, attempt_id: int, received: Received | None) -> None:
    """Record the worker of an attempt, and what its agent used."""
    if received is not None:
        used = received.result.used or {"session": {}, "costMicrousd": None}
        session = {**used["session"], "worker": received.result.worker}
        attempts.record_session(conn, attempt_id, session, used["costMicrousd"])


def _by_own_clock(ending: Ending, wave_launch: WaveLaunch, one: Ordered) -> Ending:
    """Return an ending whose moments lie between its attempt's row and now: the clock of its worker may be off."""
    attempt = attempts.find(wave_launch.store.conn, one.attempt)
    end = now()
    begin = attempt.created if attempt else end
    moments = {name: moment for name in MOMENTS if (moment := getattr(ending, name)) is not None}
    return ending._replace(**{name: min(max(moment, begin), end) for name, moment in moments.items()})
