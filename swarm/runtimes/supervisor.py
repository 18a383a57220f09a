"""Running the processes of attempts: some at once, each in its own session, with a deadline and bounded logs."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from swarm.clock import now
from swarm.runtimes import processes
from swarm.runtimes.redaction import Redactor
from swarm.runtimes.runtime import Step, StepResult

CAPTURE_BYTES: Final = 50 * 1024 * 1024
LOG_BYTES: Final = 8 * 1024 * 1024
FRAGMENT_BYTES: Final = 1000
DRAIN_SECONDS: Final = 1.0
_CHUNK: Final = 64 * 1024


class Orders(NamedTuple):
    """What to run for one attempt. `spawned` is told the pid and its start before anything else happens.

    `mark` are the variables of `environment` that no other attempt has: by them a process is known that left its group.
    """

    steps: Sequence[Step]
    tree: Path
    folder: Path
    environment: Mapping[str, str]
    seconds: float
    spawned: Callable[[int, str, str], None]
    mark: Mapping[str, str] = {}


class Ran(NamedTuple):
    """How the processes of an attempt ended. Times are ISO-8601, the duration milliseconds."""

    results: tuple[StepResult, ...]
    failed: Step | None
    exit_code: int | None
    signal: int | None
    timed_out: bool
    spawned: str | None
    first_output: str | None
    last_progress: str | None
    duration_ms: int
    fragment: str
    not_started: str | None = None


async def run_queue(tasks: Sequence[Callable[[], Awaitable[None]]], *, at_once: int) -> None:
    """Run every task, at most `at_once` at a time. One that raises ends the others, and then is raised."""
    gate = asyncio.Semaphore(at_once)

    async def guarded(task: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await task()

    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(guarded(task))


async def run_steps(orders: Orders) -> Ran:
    """Run the steps of an attempt one after the other, until one fails or the deadline passes.

    However it ends, cancelled too, no process of its groups is left, nor one that left them and is known by its mark.
    """
    began = time.monotonic()
    # What is passed on for one step may be a secret as well.
    passed = {name: value for step in orders.steps for name, value in step.environment.items()}
    names = ("stdout", "stderr", *(step.log for step in orders.steps))
    watch = _Watch(orders.folder, names, Redactor({**orders.environment, **passed}))
    results: list[StepResult] = []
    failed, code, timed_out, not_started = None, None, False, None
    try:
        async with asyncio.timeout(orders.seconds):
            for step in orders.steps:
                result = await _run_step(step, orders, watch)
                results.append(result)
                code = result.exit_code
                if code not in step.accepts:
                    failed = step
                    break
    except TimeoutError:
        timed_out, code = True, watch.last_code
    except (OSError, ValueError) as error:
        not_started = str(error)
    finally:
        if orders.mark:
            processes.end_all_with(orders.mark)
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
        fragment=watch.fragment(),
        not_started=not_started,
    )


async def _run_step(step: Step, orders: Orders, watch: "_Watch") -> StepResult:
    captured = bytearray()
    async with _pipe() as (stdout, stdout_end), _pipe() as (stderr, stderr_end):
        process = await asyncio.create_subprocess_exec(
            *step.argv,
            cwd=orders.tree,
            env={**orders.environment, **step.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout_end,
            stderr=stderr_end,
            start_new_session=True,
        )
        readers = asyncio.gather(watch.copy(stdout, step.log, captured), watch.copy(stderr, "stderr", None))
        try:
            stdout_end.close()
            stderr_end.close()
            watch.began(process.pid)
            orders.spawned(process.pid, processes.start_of(process.pid) or "", watch.spawned or now())
            await process.wait()
            # What the leader left behind may hold the pipes open for ever.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(readers), DRAIN_SECONDS)
        finally:
            await _end(process)
            watch.last_code = process.returncode
            readers.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await readers
    return StepResult(step, process.returncode if process.returncode is not None else -1, bytes(captured))


@contextlib.asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, BinaryIO]]:
    """Make a pipe: the end that we read, and the end to give to a process.

    Not asyncio's own, as its `wait` waits for every process that holds such a pipe open, for ever if it must.
    """
    ours, theirs = os.pipe()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    with os.fdopen(theirs, "wb", 0) as end:
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", 0)
        )
        try:
            yield reader, end
        finally:
            transport.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        processes.signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), processes.TERM_SECONDS)
    processes.signal_group(process.pid, signal.SIGKILL)
    if process.returncode is None:
        await process.wait()


class _Watch:
    """The logs of one attempt, redacted and bounded, and the times of its progress."""

    def __init__(self, folder: Path, names: Iterable[str], redactor: Redactor) -> None:
        # All are opened before anything is spawned, which could put a link in a log's place.
        self._logs: dict[str, _Log] = {}
        try:
            for name in dict.fromkeys(names):
                self._logs[name] = _Log(folder / f"{name}.log", redactor)
        except OSError:
            self.close()
            raise
        self.last_code: int | None = None
        self.spawned: str | None = None
        self.first_output: str | None = None
        self.last_progress: str | None = None

    def began(self, pid: int) -> None:
        del pid
        moment = now()
        self.spawned = self.spawned or moment
        self.last_progress = moment

    async def copy(self, stream: asyncio.StreamReader | None, name: str, captured: bytearray | None) -> None:
        log = self._logs[name]
        while stream is not None and (chunk := await stream.read(_CHUNK)):
            self.last_progress = now()
            self.first_output = self.first_output or self.last_progress
            log.add(chunk)
            if captured is not None and len(captured) <= CAPTURE_BYTES:
                captured += chunk

    def fragment(self) -> str:
        """Return the end of stderr, else of stdout, in at most 1,000 bytes."""
        for name in ("stderr", "stdout"):
            if tail := self._logs[name].tail():
                return tail
        return ""

    def close(self) -> None:
        for log in self._logs.values():
            log.close()


class _Log:
    """One log file. Whole lines are cleaned of secrets before they are written, up to a bound."""

    def __init__(self, file: Path, redactor: Redactor) -> None:
        self._stream = file.open("ab")
        self._redactor = redactor
        self._pending = b""
        self._written = 0
        self._tail = ""

    def add(self, chunk: bytes) -> None:
        self._pending += chunk
        # A private key spans lines, so a little is held back; a line without end is cut.
        held = self._pending.rfind(b"\n", 0, max(0, len(self._pending) - _CHUNK))
        if held >= 0:
            self._write(self._pending[: held + 1])
            self._pending = self._pending[held + 1 :]
        elif len(self._pending) > 4 * _CHUNK:
            self._write(self._pending)
            self._pending = b""

    def tail(self) -> str:
        cut = self._tail.encode()[-FRAGMENT_BYTES:]
        return cut.decode("utf-8", "ignore").strip()

    def close(self) -> None:
        if self._stream.closed:
            return
        self._write(self._pending)
        self._pending = b""
        self._stream.close()

    def _write(self, raw: bytes) -> None:
        clean = self._redactor.clean(raw.decode("utf-8", "replace"))
        self._tail = (self._tail + clean)[-FRAGMENT_BYTES:]
        room = LOG_BYTES - self._written
        if room > 0:
            body = clean.encode()[:room]
            self._stream.write(body)
            self._stream.flush()
            self._written += len(body)
            if self._written >= LOG_BYTES:
                self._stream.write(b"\n[cut at 8 MiB]\n")
