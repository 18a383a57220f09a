"""`resume`: apply the timeout policy to the newest wave, and dispatch again what failed, timed out or never began."""

import sqlite3
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final, NamedTuple

from swarm.config import Config
from swarm.git.repository import repository_at
from swarm.results.collect import ViolationShown
from swarm.results.redispatch import Blocked, CompletedHash, Redispatched, RedispatchResult
from swarm.rules.assessment import revalidate_line
from swarm.rules.states import AGENT_RUN, CAN_GO_ON, AgentRunStatus, WaveStatus
from swarm.store import agent_runs, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves import run_facts
from swarm.waves.launch import supervision
from swarm.waves.recover.recovery import Recovery, hold_to_git_folder, unattributed
from swarm.waves.recover.redispatch import redispatch
from swarm.waves.recover.successors import SuccessorPlan, plan_successors
from swarm.waves.recover.timeouts import timed_out
from swarm.waves.trees import worktrees
from swarm.workspace import Workspace

TAIL: Final = (AgentRunStatus.FAILED, AgentRunStatus.TIMED_OUT, AgentRunStatus.PENDING)


class WaveAgents(NamedTuple):
    """Current agents of a wave by what `resume` and `redrive` do with them.

    `tail` is dispatched again; `late` are the agents of the tail that ran out of time; `unknown` have no known begin.
    """

    tail: tuple[AgentRun, ...]
    late: tuple[AgentRun, ...]
    unknown: tuple[AgentRun, ...]
    complete: tuple[AgentRun, ...]
    blocked: tuple[AgentRun, ...]


def resume(
    store: Store, workspace: Workspace, run: Run, config: Config, *, apply: bool, reason: str | None
) -> RedispatchResult:
    """Go on with the run's newest wave: its failed, timed-out and pending agents get a new row, prompt and tree.

    Without `apply` nothing is written. Raises LaunchInProgress while a process works on the wave's agents,
    WaveGitFolderChanged, IsolationError, and StateConflict when another command was first.
    """
    wave = waves.newest(store.conn, run.id)
    if wave is None or wave.status not in CAN_GO_ON:
        return nothing_to_do(store.conn, run, wave, WaveAgents((), (), (), (), ()))
    with supervision.only_supervisor(workspace, run, wave) if apply else nullcontext():
        if apply:
            supervision.close_dead_attempts(store, run, wave)
        else:
            supervision.hold_to_no_supervisor(workspace, run, wave)
        # Read again under the lock: another command may have ended the wave since it was read.
        supervision.hold_to_status(store.conn, wave)
        found = _wave_agents(store.conn, run, wave)
        if not found.tail:
            return nothing_to_do(store.conn, run, wave, found)
        recovery = Recovery(
            verb="resume",
            workspace=workspace,
            run=run,
            wave=wave,
            repository=repository_at(Path(run.local_path)),
            config=config,
            reason=reason,
        )
        return take_up(store, recovery, found, apply=apply)


def take_up(store: Store, recovery: Recovery, found: WaveAgents, *, apply: bool) -> RedispatchResult:
    """Dispatch the tail of a wave again, or return what that would do."""
    # Before the plan, which runs git in the agents' trees.
    hold_to_git_folder(recovery.run, recovery.wave, recovery.repository)
    if not apply:
        plan = plan_successors(store.conn, recovery, found.tail)
        return _result(recovery, found, plan, None, CompletedHash(plan.digest, None))
    with worktrees.worktree_lock(recovery.repository, recovery.verb):
        # Planned under the lock: a tree that the plan reuses must not change before its row is written.
        plan = plan_successors(store.conn, recovery, found.tail)
        ids, after = redispatch(store, recovery, plan, found.late)
    return _result(recovery, found, plan, ids, CompletedHash(plan.digest, after))


def _wave_agents(conn: sqlite3.Connection, run: Run, wave: Wave) -> WaveAgents:
    agents = agent_runs.current(conn, wave.id)
    late, unknown = timed_out(conn, run, wave, agents)
    return WaveAgents(
        tuple(agent for agent in agents if agent.status in TAIL or agent in late),
        tuple(late),
        tuple(unknown),
        of_status(agents, AgentRunStatus.COMPLETE),
        of_status(agents, *AGENT_RUN.blocked),
    )


def of_status(agents: Sequence[AgentRun], *wanted: str) -> tuple[AgentRun, ...]:
    """Return the agents in any of some states."""
    return tuple(agent for agent in agents if agent.status in wanted)


def nothing_to_do(conn: sqlite3.Connection, run: Run, wave: Wave | None, found: WaveAgents) -> RedispatchResult:
    """Return the result where no agent can be dispatched again; blocked agents are named."""
    blocked = _blocked(run, found)
    state = f"wave {wave.number} ({wave.phase}) is {wave.status}" if wave else "the run has no wave yet"
    named = ", ".join(agent.domain for agent in found.blocked)
    only_helped = f"; only a corrected output helps {named}" if blocked else ""
    return RedispatchResult(
        run.id,
        wave.id if wave else None,
        wave.number if wave else None,
        wave.phase if wave else None,
        wave.status if wave else None,
        applied=False,
        reason=None,
        timed_out=(),
        timeout_skipped=tuple(agent.domain for agent in found.unknown),
        redispatched=(),
        complete=tuple(agent.domain for agent in found.complete),
        blocked=blocked,
        forgotten=(),
        completed_hash=None,
        summary=f"Nothing to do: {state}, and no agent of it can be dispatched again{only_helped}.",
        next_action=run_facts.next_action(conn, run.id),
    )


def _blocked(run: Run, found: WaveAgents) -> tuple[Blocked, ...]:
    return tuple(
        Blocked(agent.domain, agent.id, agent.status, agent.error, revalidate_line(run.id, [agent.domain]))
        for agent in found.blocked
    )


def _result(
    recovery: Recovery, found: WaveAgents, plan: SuccessorPlan, ids: Sequence[int] | None, digest: CompletedHash
) -> RedispatchResult:
    run, wave = recovery.run, recovery.wave
    late = {agent.id for agent in found.late}
    redispatched = tuple(
        Redispatched(
            domain=new.before.domain,
            was=AgentRunStatus.TIMED_OUT if new.before.id in late else new.before.status,
            before=new.before.id,
            agent_run_id=ids[at] if ids else None,
            prompt_path=str(new.agent.prompt_path),
            output_path=str(new.agent.answer_path),
            worktree_path=str(new.agent.tree.path) if new.agent.tree else None,
            worktree_branch=new.agent.tree.branch if new.agent.tree else None,
            reused=new.agent.tree is not None and not new.makes_tree,
            left_behind=new.left_behind,
        )
        for at, new in enumerate(plan.successors)
    )
    # A blocked agent that redrive dispatches again needs no corrected output.
    tail = {agent.id for agent in found.tail}
    blocked = _blocked(run, found._replace(blocked=tuple(a for a in found.blocked if a.id not in tail)))
    verb = "dispatched again" if ids else "to be dispatched again"
    verb_and_wave = f"redrive {wave.number}" if recovery.verb == "redrive" else recovery.verb
    again = f"swarm {verb_and_wave} {run.id} --apply --reason '…'"
    return RedispatchResult(
        run.id,
        wave.id,
        wave.number,
        wave.phase,
        WaveStatus.DISPATCHED if ids else wave.status,
        applied=ids is not None,
        reason=recovery.reason,
        timed_out=tuple(agent.domain for agent in found.late),
        timeout_skipped=tuple(agent.domain for agent in found.unknown),
        redispatched=redispatched,
        complete=tuple(agent.domain for agent in found.complete),
        blocked=blocked,
        forgotten=tuple(ViolationShown(*violation) for violation in unattributed(wave)),
        completed_hash=digest,
        summary=f"Wave {wave.number} ({wave.phase}): {_agents(len(redispatched))} {verb}.",
        next_action=f"swarm launch {run.id}" if ids else again,
    )


def _agents(count: int) -> str:
    return "1 agent" if count == 1 else f"{count} agents"
