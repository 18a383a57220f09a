"""Recovery of an agent within a launch: whether it goes on after an attempt, and what the next attempt begins with."""

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from typing import Any

from swarm import stage_events
from swarm.clock import now, seconds_until
from swarm.documents import read_bounded
from swarm.files import write_whole
from swarm.git.runner import GitError
from swarm.rules.agent_events import AgentEvent, EventKind, Fault
from swarm.rules.phases import is_audit
from swarm.rules.recovery import (
    FINISH_PROMPT,
    FINISH_SECONDS,
    HANDED_ON,
    STRATEGY,
    Evidence,
    NextStep,
    Tried,
    Way,
    handoff,
    next_step,
)
from swarm.rules.stalls import Terms
from swarm.runtimes import notices
from swarm.runtimes.chain import Chosen
from swarm.runtimes.redaction import Redactor
from swarm.runtimes.runtime import Job, ProcessStep, asked_for_answer
from swarm.runtimes.supervisor import Ran
from swarm.store import permissions
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt, Ending
from swarm.waves.launch.decisions import record_actions, record_permission
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.trees.fresh_tree import Left, make_fresh


class Course:
    """The attempts of an agent in a launch: what was tried, and what is next."""

    def __init__(self, wave_launch: WaveLaunch, agent: AgentRun) -> None:
        self.launch = wave_launch
        self._next: Chosen | None = None
        self._agent = agent
        self._evidence = Evidence()
        self._session = ""
        self._fresh = 0
        self._has_finished = False
        self._left: Left | None = None
        self._original: str | None = None
        self._document: dict[str, Any] = {}
        self._step = NextStep(Way.FRESH)
        self._asking = set[str]()
        self.handoff = ""
        self.reason: str | None = None
        self._error: AgentEvent | None = None

    @property
    def goes_on(self) -> bool:
        """Whether another attempt follows."""
        return self._step.way is not Way.NONE

    @property
    def seconds(self) -> float:
        """The time limit of the present attempt."""
        return min(FINISH_SECONDS, self.launch.seconds) if self._is_finish else self.launch.seconds

    @property
    def used_up_quota(self) -> AgentEvent | None:
        """The error that ended the last attempt of the agent, where that was a quota that is used up."""
        is_quota = self._error is not None and self._error.fault is Fault.QUOTA
        return self._error if is_quota and not self.goes_on else None

    def with_handoff(self, job: Job) -> Job:
        """Return the job with a prompt of its own, which hands over what an earlier attempt left."""
        if not self.handoff:
            return job
        prompt = job.attempt_folder / "prompt.md"
        write_whole(prompt, read_bounded(job.prompt_path).decode("utf-8", "surrogateescape") + self.handoff)
        return job._replace(prompt_path=prompt)

    def heard(self, event: AgentEvent, attempt_id: int, terms: Terms) -> None:
        """Take an event of the present attempt."""
        self._evidence.saw(event)
        if event.kind is EventKind.PERMISSION:
            self._asking.add(event.call)
            record_permission(self.launch, attempt_id, event, terms)
        elif event.kind is EventKind.PERMISSION_ENDED and event.call in self._asking:
            # A request that was decided at once has no row.
            self._asking.discard(event.call)
            record_permission(self.launch, attempt_id, event, terms)

    def decided(self, attempt_id: int) -> dict[str, str]:
        """Return the replies that the present attempt does not have yet, by request."""
        return permissions.replies(self.launch.store.conn, attempt_id)

    def record_open_requests(self, conn: sqlite3.Connection, attempt_id: int) -> None:
        """Keep with the present attempt the decisions that it still waits for."""
        record_actions(conn, self.launch.wave, attempt_id)

    def steps(self, job: Job) -> Sequence[ProcessStep]:
        """Return the processes of the present attempt."""
        found = self._finish(job) if self._is_finish else None
        return [found] if found else self.launch.runtime.steps(job)

    def document(self, before: Sequence[Attempt]) -> dict[str, Any]:
        """Return how the present attempt goes on from those before it, as its row keeps it."""
        if not self.reason or not before:
            return {}
        chain = [attempt.id for attempt in before]
        return {
            "requestedAttemptId": chain[0],
            "attemptChain": chain,
            "recoveredFrom": chain[-1],
            "recoveryReason": self.reason,
            "originalStallReason": self._original,
            **self._document,
        }

    def terms(self, job: Job) -> Terms:
        """Return the terms on which the present attempt is watched."""
        return Terms(self.launch.config.stalls, is_audit(job.phase), str(job.tree), str(job.output_path))

    def ended(self, job: Job, ran: Ran, ending: Ending, left: Left | None) -> None:
        """Take the end of the present attempt, and decide whether another one follows."""
        was_finish = self._is_finish
        if not was_finish:
            self._fresh += 1
        stall = next((result.stall for result in ran.results if result.stall), None)
        said = next((result.said for result in reversed(ran.results) if result.said), None)
        self._session = (said and said.session_id) or self._session
        self._left = left
        error = self._error = stall.error if stall else said.error if said else None
        self._step = next_step(
            Tried(
                outcome=ending.outcome,
                reason=stall.reason.value if stall else None,
                fault=error.fault if error else None,
                fresh=self._fresh,
                can_finish=not self._has_finished and self._finish(job) is not None,
                is_finish=was_finish,
                resets_in=max(0.0, seconds_until(error.resets_at)) if error and error.resets_at else None,
            ),
            self.launch.config.attempts,
        )
        self._next = self._next_of_chain(error) if ending.outcome != "success" else None
        if self._next is not None:
            self._step = NextStep(Way.FRESH)
        # Without its own tree, or where git cannot save what is there, nothing is brought back, so nothing is redone.
        if self._step.way is Way.FRESH and left is None and self._agent.worktree_path is not None:
            self._step = NextStep(Way.NONE)
        self.reason = stall.reason.value if stall else ending.outcome
        self._original = self._original or ending.stall_reason
        self._prepare_document(stall.summary if stall else ending.error_fragment or "")
        if ending.outcome == "stalled" and not self.goes_on:
            run, domain = self.launch.run, self._agent.domain
            facts = {"runId": run.id, "domain": domain, "reason": self.reason, "next": f"swarm wait {run.id}"}
            notices.send(self.launch.config.on_attention, "stalled", **facts)

    def stop(self) -> None:
        """Let no attempt follow."""
        self._step = NextStep(Way.NONE)

    def _next_of_chain(self, error: AgentEvent | None) -> Chosen | None:
        """Return the next runtime of the agent's chain, where the provider of the present one fails."""
        own = self.launch.own
        if own is None or error is None or error.fault not in HANDED_ON or self._fresh >= self.launch.config.attempts:
            return None
        return own.after(self.launch.wave.phase)

    async def begin_next(self) -> None:
        """Wait as long as is due, and bring the tree of the agent back to the commit for a fresh attempt."""
        run, wave = self.launch.run, self.launch.wave
        stage_events.emit(
            "attempt_recovered",
            run_id=run.id,
            wave_id=wave.id,
            agent_run_id=self._agent.id,
            domain=self._agent.domain,
            way=self._step.way.value,
            reason=self.reason,
            pause_seconds=self._step.pause or None,
        )
        await asyncio.sleep(self._step.pause)
        self._evidence = Evidence()
        if self._step.way is Way.FRESH and self._left is not None:
            name = f"w{wave.number}-{self._agent.domain}-attempt"
            try:
                make_fresh(self.launch.repository, wave, self._left, name)
            except (GitError, OSError):
                # The tree is as the attempt left it: the next one would work on what nobody asked for.
                self._step = NextStep(Way.NONE)
        if self._next is not None and self.goes_on:
            self.launch = self.launch.of(self._next)
            self._session, self._has_finished = "", False

    def _prepare_document(self, summary: str) -> None:
        self.handoff, self._document = "", {}
        if self._step.way is Way.FINISH:
            self._has_finished = True
            facts = self.launch.runtime.agent
            self._document = {
                "softStallRescueStrategy": STRATEGY,
                "softStallRescueAgent": self.launch.runtime.name,
                "softStallRescueModel": facts.model if facts else None,
                "softStallRescueTools": [],
                "softStallRescueSubmittedAt": now(),
                "softStallRescueSourceReason": self.reason,
                "softStallRescueSourceSummary": summary,
            }
        elif self._step.way is Way.FRESH:
            clean = Redactor(os.environ).clean
            items = [clean(item) for item in self._evidence.capsule(f"{self.reason}: {summary}")]
            self.handoff = handoff(items)
            self._document = {"handoffCapsule": items}

    @property
    def _is_finish(self) -> bool:
        return self._step.way is Way.FINISH

    def _finish(self, job: Job) -> ProcessStep | None:
        return asked_for_answer(self.launch.runtime, job, self._session, FINISH_PROMPT)
