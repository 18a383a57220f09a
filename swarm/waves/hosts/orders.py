"""Orders of a launch on other machines: what each says, and the attempt that is recorded before it is sent."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm.documents import read_bounded
from swarm.engine.messages import WorkOrder, nonce_of
from swarm.engine.objects import KeptObject
from swarm.files import make_folder
from swarm.runtimes.sandbox import UNENCLOSED
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt, Ending
from swarm.waves.hosts.coordinator import Coordinator
from swarm.waves.launch import seals
from swarm.waves.launch.attempt_rows import Plan, attempt_folder, close_attempt, open_attempt
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.launch.supervision import ENGINE
from swarm.waves.worker.work import WORKTREE

# The backend of an attempt on another machine: the sandbox is that worker's, by its own configuration.
_OF_WORKER: Final = "worker"
_FORGED: Final = Ending(
    "policy_rejected",
    2,
    error_code="MANIFEST_LOCK_MISMATCH",
    error_fragment="its prompt was changed after dispatch, so it was not ordered; `swarm resume` writes a new prompt",
)


class Ordered(NamedTuple):
    """An attempt that is open on an engine: its agent, its row, and the id of its order."""

    agent: AgentRun
    attempt: int
    order: str


def host_of(coordinator_url: str) -> str:
    """Return the host of attempts on an engine, by which their rows are known."""
    return f"{ENGINE}{coordinator_url}"


def order_id(wave_launch: WaveLaunch, attempt: int) -> str:
    """Return the id of the order of an attempt."""
    return f"{wave_launch.run.hex}-{attempt}"


async def ordered(
    coordinator: Coordinator,
    wave_launch: WaveLaunch,
    agent: AgentRun,
    before: Sequence[Attempt],
    base: KeptObject,
    runtime: str,
) -> Ordered | None:
    """Record an attempt, and order it; an attempt whose prompt was changed since dispatch ends here.

    Raises EngineRefused, EngineUnreachable.
    """
    make_folder(attempt_folder(agent, len(before) + 1))
    plan = Plan(runtime, None, (), UNENCLOSED._replace(backend=_OF_WORKER), host=host_of(coordinator.url))
    if seals.other_prompt(agent) is not None:
        with wave_launch.store.mutation() as conn:
            close_attempt(conn, wave_launch, agent, open_attempt(conn, wave_launch, agent, before, plan), _FORGED, None)
        return None
    text = read_bounded(Path(agent.prompt_path)).decode("utf-8", "surrogateescape")
    # The paths of this machine say nothing on another, and are nobody's business there.
    for place in filter(None, (agent.worktree_path, str(wave_launch.repository.root))):
        text = text.replace(place, WORKTREE)
    prompt = await coordinator.keep(text.encode("utf-8", "replace"))
    with wave_launch.store.mutation() as conn:
        attempt = open_attempt(conn, wave_launch, agent, before, plan)
    order = order_id(wave_launch, attempt)
    coordinator.expect(order)
    await coordinator.send(
        WorkOrder(
            id=order,
            nonce=nonce_of(coordinator.seed, order),
            run=wave_launch.run.id,
            wave=wave_launch.wave.number,
            domain=agent.domain,
            phase=wave_launch.wave.phase.value,
            review=wave_launch.wave.is_review,
            commit=wave_launch.wave.dispatch_sha,
            base=base,
            prompt=prompt,
            runtime=runtime,
            seconds=wave_launch.seconds,
        )
    )
    return Ordered(agent, attempt, order)
