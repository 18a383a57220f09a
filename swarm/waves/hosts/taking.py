"""Results of workers taken in: nothing of them is believed, and each attempt is closed once."""

from pathlib import Path
from typing import Final

from swarm import errors
from swarm.files import write_whole
from swarm.git.runner import GitError
from swarm.scratch import scratch_folder
from swarm.store import attempts, digests
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Ending
from swarm.waves.hosts.coordinator import LOST_SECONDS, Coordinator, Received
from swarm.waves.launch import attempt_files, seals
from swarm.waves.launch.attempt_rows import attempt_folder, close_attempt, emit_end
from swarm.waves.launch.ending import cut
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.trees.bundles import take_attempt

_LOST: Final = Ending(
    "killed",
    3,
    error_code="WORKER_LOST",
    error_fragment=f"its worker showed no life for {LOST_SECONDS:.0f} s; the next `swarm launch` makes another attempt",
)


async def take(
    coordinator: Coordinator,
    wave_launch: WaveLaunch,
    agent: AgentRun,
    attempt_id: int,
    order: str,
    received: Received | None,
) -> None:
    """Take the result of an order, `None` for that of a lost worker, and close its attempt."""
    attempt = attempts.find(wave_launch.store.conn, attempt_id)
    folder = attempt_folder(agent, attempt.ordinal if attempt else 1)
    ending = _LOST if received is None else await _ending(coordinator, wave_launch, agent, folder, order, received)
    sealed, tree = None, None
    if ending.outcome == "success":
        sealed = seals.sealed_output(Path(agent.output_path))
        tree = seals.sealed_tree(wave_launch.repository, wave_launch.workspace, wave_launch.wave_now, agent)
    attempt_files.write_events(folder, ending)
    with wave_launch.store.mutation() as conn:
        close_attempt(conn, wave_launch, agent, attempt_id, ending, sealed)
        attempts.seal_tree(conn, attempt_id, tree)
        digests.seal_again(conn, wave_launch.run.id, wave_launch.wave.id)
    attempt_files.write(folder / attempt_files.NAME, wave_launch.store.conn, attempt_id)
    emit_end(wave_launch, agent, ending)
    # After the row: a coordinator that dies in between gets the result again.
    await coordinator.settle(received, order)


async def _ending(
    coordinator: Coordinator,
    wave_launch: WaveLaunch,
    agent: AgentRun,
    folder: Path,
    order: str,
    received: Received,
) -> Ending:
    result = received.result
    ending = Ending(**result.ending)
    ending = ending._replace(error_fragment=cut(ending.error_fragment) if ending.error_fragment else None)
    try:
        answer, work, stdout, stderr = [
            await coordinator.fetch(received, kept)
            for kept in (result.answer, result.work, result.stdout, result.stderr)
        ]
        if attempt_files.is_in_place_of_attempt(folder):
            write_whole(folder / "stdout.log", stdout or b"")
            write_whole(folder / "stderr.log", stderr or b"")
        if ending.outcome != "success":
            return ending
        if answer is None or result.untaken:
            named = ", ".join(result.untaken[:5])
            problem = f"git could not take {named} into its work" if named else "it answered nothing"
            code = "WORK_NOT_TAKEN" if named else "NO_OUTPUT"
            return ending._replace(outcome="invalid_output", exit_class=3, error_code=code, error_fragment=cut(problem))
        if work is not None:
            with scratch_folder() as place:
                (place / "bundle").write_bytes(work)
                take_attempt(
                    wave_launch.workspace, wave_launch.wave_now, wave_launch.repository, agent, order, place / "bundle"
                )
        write_whole(Path(agent.output_path), answer)
    except (errors.SwarmError, GitError) as error:
        typed = error.typed() if isinstance(error, GitError) else error
        return ending._replace(
            outcome="invalid_output", exit_class=3, error_code=typed.code, error_fragment=cut(typed.message)
        )
    return ending
