"""Run the processes of attempts: several at once, each attempt within a deadline, its output in bounded logs."""

import asyncio
import functools
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final, NamedTuple

from swarm.clock import now
from swarm.rules.agent_events import AgentEvent
from swarm.rules.stalls import Terms
from swarm.runtimes import processes
from swarm.runtimes.child import Child, finish, run_child
from swarm.runtimes.conversation import Conversation
from swarm.runtimes.journal import Journal
from swarm.runtimes.lifeline import lifeline
from swarm.runtimes.output_log import OutputLog
from swarm.runtimes.redaction import Redactor
from swarm.runtimes.runtime import CAPTURE_BYTES, SHARE_OF_MORTALS, ProcessStep, StepResult
from swarm.runtimes.sandbox import UNENCLOSED, Enclosure
from swarm.runtimes.talk import Talk

# More than the bound shows that it was passed.
_SLACK: Final = 64 * 1024
LOG_BYTES: Final = 8 * 1024 * 1024
FRAGMENT_BYTES: Final = 1000


def _ignore(event: AgentEvent) -> None:
    del event


class Orders(NamedTuple):
    """The processes of one attempt, and where they run. `seconds` bound all of them together.

    `spawned` receives the process id, the process's own start, and the time, before its output is read. `mark` holds
    variables of `environment` that no other attempt has: they identify a process that left its group. `heard` receives
    each event of an agent's stream, and `terms` bound its idle time. `decided` returns the decisions about requests for
    permission that the agent does not have yet, by request; it is asked while the agent waits. `secrets` are masked in
    the logs, beside those of the environment. `grace` are the seconds between TERM and KILL, by default ten.
    """

    steps: Sequence[ProcessStep]
    tree: Path
    folder: Path
    environment: Mapping[str, str]
    seconds: float
    spawned: Callable[[int, str, str], None]
    mark: Mapping[str, str] = {}
    enclosure: Enclosure = UNENCLOSED
    terms: Terms = Terms()
    heard: Callable[[AgentEvent], None] = _ignore
    secrets: Collection[str] = ()
    decided: Callable[[], Mapping[str, str]] = dict
    grace: float | None = None


class Ran(NamedTuple):
    """The end of an attempt's processes. Times are ISO-8601, the duration is in milliseconds."""

    results: tuple[StepResult, ...]
    failed: ProcessStep | None
    exit_code: int | None
    signal: int | None
    timed_out: bool
    spawned: str | None
    first_output: str | None
    last_progress: str | None
    duration_ms: int
    fragment: str
    not_started: str | None = None


def run_all(tasks: Sequence[Callable[[], Awaitable[None]]], at_once: int) -> None:
    """Run tasks in the foreground, `at_once` of them at a time. Raises KeyboardInterrupt after a signal ended them."""
    if tasks:
        finish(run_queue(tasks, at_once=at_once))


async def run_queue(tasks: Sequence[Callable[[], Awaitable[None]]], *, at_once: int) -> None:
    """Run every task, at most `at_once` at a time. An exception of a task ends the others and is raised."""
    gate = asyncio.Semaphore(at_once)

    async def guarded(task: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await task()

    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(guarded(task))


async def run_steps(orders: Orders) -> Ran:
    """Run the steps of an attempt, row by row, until one fails or the deadline passes.

    However the attempt ends, also when this call is cancelled, its process groups are ended, and so are processes that
    left their group and still carry its mark.
    """
    began = time.monotonic()
    # A variable of one step may hold a secret, too.
    added = {name: value for step in orders.steps for name, value in step.environment.items()}
    names = ("stdout", "stderr", *(step.log for step in orders.steps))
    converses = any(step.conversation for step in orders.steps)
    watch = _Watch(orders.folder, names, Redactor({**orders.environment, **added}, orders.secrets), converses=converses)
    results: list[StepResult] = []
    failed, code, timed_out, not_started = None, None, False, None
    try:
        try:
            waiting = deque(orders.steps)
            while waiting:
                for step, result, is_late in await _run_row(_next_row(waiting, results), orders, watch, began):
                    results.append(result)
                    if result.has_died:
                        # At last: a file that takes for ever costs no other file its turn.
                        waiting.extend(step.instead(result) if step.instead else ())
                        continue
                    code, timed_out = result.exit_code, is_late
                    if is_late or code not in step.accepts:
                        failed = None if is_late else step
                        waiting.clear()
                        break
        except (OSError, ValueError) as error:
            not_started = str(error)
        finally:
            if orders.mark:
                processes.end_all_with(orders.mark)
            watch.finish()
        fragment = watch.fragment()
    finally:
        watch.close()
    return Ran(
        results=tuple(results),
        failed=failed,
        exit_code=code,
        signal=-code if code is not None and code < 0 else None,
        timed_out=timed_out,
        spawned=watch.spawned,
        first_output=watch.first_output,
        last_progress=watch.last_progress,
        duration_ms=int((time.monotonic() - began) * 1000),
        fragment=fragment,
        not_started=not_started,
    )


def _seconds_of(step: ProcessStep, orders: Orders, began: float) -> float:
    """Return how long a step may run. An attempt began at a time of the monotonic clock."""
    gone = time.monotonic() - began
    if step.most is None:
        return orders.seconds - gone
    return min(orders.seconds * SHARE_OF_MORTALS - gone, step.most.seconds)


def _next_row(waiting: deque[ProcessStep], results: Sequence[StepResult]) -> list[ProcessStep]:
    """Take the next step, and those behind it that run beside it; none that is not wanted."""
    row = [waiting.popleft()]
    while row[0].beside and waiting and waiting[0].beside:
        row.append(waiting.popleft())
    return [step for step in row if step.before is None or step.before(tuple(results))]


async def _run_row(
    row: Sequence[ProcessStep], orders: Orders, watch: "_Watch", began: float
) -> list[tuple[ProcessStep, StepResult, bool]]:
    """Run steps side by side, as many as there are cores. Return each with its end, and whether that came too late."""
    ended: dict[int, tuple[ProcessStep, StepResult, bool]] = {}

    async def run(at: int, step: ProcessStep) -> None:
        result, is_late = await _run_step(step, orders, watch, _seconds_of(step, orders, began))
        if step.most and is_late:
            # Also one that ended by itself at the wish that it ends.
            result, is_late = result._replace(exit_code=min(result.exit_code, -signal.SIGTERM)), False
        ended[at] = step, result, is_late

    try:
        await run_queue([functools.partial(run, *each) for each in enumerate(row)], at_once=os.cpu_count() or 1)
    except BaseExceptionGroup as errors:
        # The first is the cause of the others' end.
        raise errors.exceptions[0] from None
    return [ended[at] for at in range(len(row))]


async def _run_step(step: ProcessStep, orders: Orders, watch: "_Watch", seconds: float) -> tuple[StepResult, bool]:
    if step.most and seconds <= 0:
        return StepResult(step, -signal.SIGTERM, b""), True
    captured = bytearray()

    talk = _talk(step.conversation, orders, watch) if step.conversation else None

    def output(chunk: bytes) -> None:
        watch.record(step.log, chunk)
        if talk:
            talk.take(chunk)
        captured.extend(chunk)
        # An answer is printed last, so the beginning of a flood is dropped.
        if len(captured) > CAPTURE_BYTES + _SLACK:
            del captured[: -CAPTURE_BYTES - _SLACK]

    def spawned(pid: int) -> None:
        moment, start = watch.began(), processes.start_of(pid) or ""
        led(pid, start)
        orders.spawned(pid, start, moment)

    def errors(chunk: bytes) -> None:
        watch.record("stderr", chunk)
        if talk:
            talk.take_logged(chunk)

    variables = {**orders.environment, **step.environment}
    with lifeline(orders.mark) as led, orders.enclosure.start(step.argv, orders.tree, variables) as start:
        memory = step.most.memory if step.most else None
        program = Child(start.argv, orders.tree, start.environment, orders.grace or processes.TERM_SECONDS, memory)
        async with talk.watched() if talk else nullcontext() as hold:
            ended = await run_child(program, stdout=output, stderr=errors, seconds=seconds, spawned=spawned, hold=hold)
    code = orders.enclosure.code_of(ended.code)
    if talk is None:
        return StepResult(step, code, bytes(captured)), ended.timed_out
    code = talk.end(code, timed_out=ended.timed_out)
    return StepResult(step, code, bytes(captured), talk.said(), talk.stall), ended.timed_out


def _talk(conversation: Conversation, orders: Orders, watch: "_Watch") -> Talk:
    return Talk(conversation, orders.terms, watch.heard_by(orders.heard), orders.decided)


class _Watch:
    """The logs of one attempt, and the times of its progress."""

    def __init__(self, folder: Path, names: Iterable[str], redactor: Redactor, *, converses: bool) -> None:
        # All are opened before a process is spawned that could put a link in a log's place.
        self._logs: dict[str, OutputLog] = {}
        self._journal: Journal | None = None
        try:
            for name in dict.fromkeys(names):
                self._logs[name] = OutputLog(folder / f"{name}.log", redactor, bound=LOG_BYTES)
            if converses:
                self._journal = Journal(folder, redactor)
        except OSError:
            self.close()
            raise
        self.spawned: str | None = None
        self.first_output: str | None = None
        self.last_progress: str | None = None

    def began(self) -> str:
        """Record that a process has started; return when the first of the attempt did."""
        self.last_progress = now()
        self.spawned = self.spawned or self.last_progress
        if self._journal:
            self._journal.add({"ts": self.last_progress, "event": "spawned"})
        return self.spawned

    def heard_by(self, listener: Callable[[AgentEvent], None]) -> Callable[[AgentEvent], None]:
        """Return what takes the events of an agent: the journal first, then a listener."""

        def heard(event: AgentEvent) -> None:
            if self._journal:
                self._journal.add({"ts": now(), **event.document()})
            listener(event)

        return heard

    def record(self, name: str, chunk: bytes) -> None:
        """Append output to a log, which counts as progress."""
        self.last_progress = now()
        self.first_output = self.first_output or self.last_progress
        self._logs[name].add(chunk)

    def fragment(self) -> str:
        """Return the end of stderr, else of stdout, in at most 1,000 bytes."""
        return self._logs["stderr"].end(FRAGMENT_BYTES) or self._logs["stdout"].end(FRAGMENT_BYTES)

    def finish(self) -> None:
        """Write what the logs still hold back."""
        for log in self._logs.values():
            log.finish()

    def close(self) -> None:
        """Close the logs."""
        for log in self._logs.values():
            log.close()
        if self._journal:
            self._journal.close()
