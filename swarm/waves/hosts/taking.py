"""Results of workers taken in: nothing of them is believed, and each attempt is closed once."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from swarm import errors, stage_events
from swarm.clock import now
from swarm.documents import read_bounded
from swarm.engine.messages import MOMENTS
from swarm.files import write_whole
from swarm.git.runner import GitError
from swarm.runtimes import journal
from swarm.runtimes.supervisor import LOG_BYTES
from swarm.scratch import scratch_folder
from swarm.store import attempts, digests
from swarm.store.attempts import Ending
from swarm.waves.hosts.coordinator import UNCONFIRMED, Coordinator, Received
from swarm.waves.hosts.orders import Ordered
from swarm.waves.launch import attempt_files, seals
from swarm.waves.launch.attempt_rows import close_attempt, emit_end
from swarm.waves.launch.ending import cut
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.trees.bundles import take_attempt

_MOST_NAMED: Final = 5


async def take(coordinator: Coordinator, wave_launch: WaveLaunch, one: Ordered, end: Received | Ending) -> Ending:
    """Take in the end of an order, close its attempt, and return the ending that was recorded."""
    agent, attempt_id, folder = one.agent, one.attempt, one.folder
    received = end if isinstance(end, Received) else None
    ending = await _ending(coordinator, wave_launch, one, end) if isinstance(end, Received) else end
    sealed, tree = None, None
    if ending.outcome == "success":
        sealed = seals.sealed_output(Path(agent.output_path))
        tree = seals.sealed_tree(wave_launch.repository, wave_launch.workspace, wave_launch.wave_now, agent)
    attempt_files.write_events(folder, ending)
    with wave_launch.store.mutation() as conn:
        _record_used(conn, attempt_id, received)
        close_attempt(conn, wave_launch, agent, attempt_id, ending, sealed)
        attempts.seal_tree(conn, attempt_id, tree)
        digests.seal_again(conn, wave_launch.run.id, wave_launch.wave.id)
    attempt_files.write(folder / attempt_files.NAME, wave_launch.store.conn, attempt_id)
    emit_end(wave_launch, agent, ending)
    if ending == UNCONFIRMED:
        stage_events.emit(
            "cancel_unconfirmed", run_id=wave_launch.run.id, domain=agent.domain, message=ending.error_fragment
        )
    # After the row: a coordinator that dies in between gets the result again.
    await coordinator.settle(one.order, end)
    return ending


def _record_used(conn: sqlite3.Connection, attempt_id: int, received: Received | None) -> None:
    """Record the worker of an attempt, and what its agent used."""
    if received is not None:
        used = received.result.used or {"session": {}, "costMicrousd": None}
        session = {**used["session"], "worker": received.result.worker}
        attempts.record_session(conn, attempt_id, session, used["costMicrousd"])


async def _ending(coordinator: Coordinator, wave_launch: WaveLaunch, one: Ordered, received: Received) -> Ending:
    agent, folder = one.agent, one.folder
    result = received.result
    ending = _by_own_clock(Ending(**result.ending), wave_launch, one)
    ending = ending._replace(error_fragment=cut(ending.error_fragment) if ending.error_fragment else None)
    size = sum(kept.size for kept in result.objects.values())
    if size > coordinator.access.most_bytes:
        problem = f"its result has {size:,} bytes; max_result_mib allows {coordinator.access.most_bytes:,}"
        return ending._replace(**_invalid("RESULT_TOO_LARGE", problem))
    try:
        with scratch_folder() as place:
            files = await coordinator.fetch(received, place)
            _keep_logs(folder, files)
            if ending.outcome != "success":
                return ending
            if "answer" not in files or result.untaken:
                return ending._replace(**_invalid(*_untaken(result.untaken)))
            if work := files.get("work"):
                take_attempt(
                    wave_launch.workspace, wave_launch.wave_now, wave_launch.repository, agent, one.order, work
                )
            write_whole(Path(agent.output_path), read_bounded(files["answer"]))
    except errors.EngineUnreachable:
        # The engine keeps the result for the next call.
        raise
    except (errors.SwarmError, GitError) as error:
        typed = error.typed() if isinstance(error, GitError) else error
        return ending._replace(**_invalid(typed.code, typed.message))
    return ending


def _by_own_clock(ending: Ending, wave_launch: WaveLaunch, one: Ordered) -> Ending:
    """Return an ending whose moments lie between its attempt's row and now: the clock of its worker may be off."""
    attempt = attempts.find(wave_launch.store.conn, one.attempt)
    end = now()
    begin = attempt.created if attempt else end
    moments = {name: moment for name in MOMENTS if (moment := getattr(ending, name)) is not None}
    return ending._replace(**{name: min(max(moment, begin), end) for name, moment in moments.items()})


def _keep_logs(folder: Path, files: Mapping[str, Path]) -> None:
    """Put the logs of an attempt in their place, of each as much as an attempt on this machine keeps."""
    if not attempt_files.is_in_place_of_attempt(folder):
        return
    for name in ("stdout", "stderr"):
        write_whole(folder / f"{name}.log", _head(files[name], LOG_BYTES) if name in files else b"")
    # The whole journal in the place of what signs of life showed of it.
    if "events" in files:
        write_whole(folder / journal.NAME, _head(files["events"], journal.JOURNAL_BYTES))


def _head(file: Path, most: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(most)


def _untaken(named: Sequence[str]) -> tuple[str, str]:
    """Return code and problem of an end without an answer, or without all of the work."""
    if named:
        return "WORK_NOT_TAKEN", f"git could not take {', '.join(named[:_MOST_NAMED])} into its work"
    return "NO_OUTPUT", "it answered nothing"


def _invalid(code: str, problem: str) -> dict[str, Any]:
    return {"outcome": "invalid_output", "exit_class": 3, "error_code": code, "error_fragment": cut(problem)}
