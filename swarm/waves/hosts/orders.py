"""Orders of a launch on other machines: what each says, and the attempt that is recorded before it is sent."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm.documents import read_bounded
from swarm.engine.messages import WorkOrder, nonce_of
from swarm.engine.objects import KeptObject
from swarm.files import make_folder
from swarm.git.repository import files_at
from swarm.rules.file_marks import marks_of
from swarm.runtimes.sandbox import UNENCLOSED
from swarm.store import attempts
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import ENGINE, Attempt, Ending
from swarm.waves.hosts.coordinator import Coordinator
from swarm.waves.launch import seals
from swarm.waves.launch.attempt_rows import Plan, attempt_folder, close_attempt, open_attempt
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.trees.sparse import HeldUnknown, Origin, held_by
from swarm.waves.worker.ready_tree import WORKTREE

# The backend of an attempt on another machine: the sandbox is that worker's, by its own configuration.
_OF_WORKER: Final = "worker"
_FORGED: Final = Ending(
    "policy_rejected",
    2,
    error_code="MANIFEST_LOCK_MISMATCH",
    error_fragment="its prompt was changed after dispatch, so it was not ordered; `swarm resume` writes a new prompt",
)


class Ordered(NamedTuple):
    """An attempt that is open on an engine: its agent, its row, the id of its order, and its folder."""

    agent: AgentRun
    attempt: int
    order: str
    folder: Path


def host_of(coordinator_url: str) -> str:
    """Return the host of attempts on an engine, by which their rows are known."""
    return f"{ENGINE}{coordinator_url}"


def order_id(wave_launch: WaveLaunch, attempt: Attempt) -> str:
    """Return the id of the order of an attempt, in which the moment of its row keeps it from ever being another's.

    A control plane that was restored from a backup gives the same numbers to other attempts: a late result of the first
    would count for the second, and a kept cancellation would end it.
    """
    return f"{wave_launch.run.hex}-{attempt.id}-{''.join(filter(str.isdigit, attempt.created))}"


def opened(
    wave_launch: WaveLaunch, url: str, agent: AgentRun, before: Sequence[Attempt], runtime: str
) -> Ordered | None:
    """Record an attempt before it is ordered; one that may not begin ends here.

    That is an attempt whose prompt was changed since dispatch, and one for which nothing is left to spend.
    """
    folder = attempt_folder(agent, len(before) + 1)
    make_folder(folder)
    lost = before[-1].error_code if before else None
    plan = Plan(
        runtime,
        None,
        (),
        UNENCLOSED._replace(backend=_OF_WORKER),
        recovery_reason=lost,
        recovery=_recovery(before) if lost else {},
        host=host_of(url),
    )
    refusal = wave_launch.gate.cost_refusal(agent.id, None)
    if seals.other_prompt(agent) is not None:
        refusal = _FORGED
    with wave_launch.store.mutation() as conn:
        number = open_attempt(conn, wave_launch, agent, before, plan)
        if refusal is not None:
            close_attempt(conn, wave_launch, agent, number, refusal, None)
        attempt = attempts.find(conn, number)
    return ordered(wave_launch, agent, attempt) if attempt is not None and refusal is None else None


def ordered(wave_launch: WaveLaunch, agent: AgentRun, attempt: Attempt) -> Ordered:
    """Return an attempt that is open on an engine."""
    return Ordered(agent, attempt.id, order_id(wave_launch, attempt), attempt_folder(agent, attempt.ordinal))


def _recovery(before: Sequence[Attempt]) -> dict[str, object]:
    """Return how an attempt goes on from those before it, as its row keeps it."""
    chain = [attempt.id for attempt in before]
    return {
        "requestedAttemptId": chain[0],
        "attemptChain": chain,
        "recoveredFrom": chain[-1],
        "recoveryReason": before[-1].error_code,
        "originalStallReason": None,
    }


def files_of(wave_launch: WaveLaunch, agent: AgentRun) -> str | None:
    """Return the marks of the files that the worktree of an agent was made with, `None` for all of the commit's.

    A list that is lost, or too long for an order, gives the agent all files, which costs time and nothing else.
    """
    origin = Origin(wave_launch.repository, wave_launch.wave, wave_launch.folder)
    try:
        only = held_by(origin, Path(agent.worktree_path or "").name)
    except HeldUnknown:
        return None
    if only is None:
        return None
    files = files_at(wave_launch.repository.git, wave_launch.wave.dispatch_sha)
    return marks_of([file.path for file in files], frozenset(only))


async def order_of(
    coordinator: Coordinator,
    wave_launch: WaveLaunch,
    one: Ordered,
    base: KeptObject,
    runtime: str,
    plan: dict[str, Any] | None,
) -> WorkOrder:
    """Return the order of an open attempt, whose prompt the engine keeps then. Raises EngineUnreachable."""
    agent = one.agent
    text = read_bounded(Path(agent.prompt_path)).decode("utf-8", "surrogateescape")
    # The paths of this machine say nothing on another, and are nobody's business there.
    for place in filter(None, (agent.worktree_path, str(wave_launch.repository.root))):
        text = text.replace(place, WORKTREE)
    return WorkOrder(
        id=one.order,
        nonce=nonce_of(coordinator.seed, one.order),
        run=wave_launch.run.id,
        wave=wave_launch.wave.number,
        domain=agent.domain,
        phase=wave_launch.wave.phase.value,
        review=wave_launch.wave.is_review,
        commit=wave_launch.wave.dispatch_sha,
        base=base,
        prompt=await coordinator.keep(text.encode("utf-8", "replace")),
        runtime=runtime,
        seconds=wave_launch.seconds,
        plan=plan,
        lease_seconds=coordinator.access.lease_seconds,
        files=files_of(wave_launch, agent),
    )
