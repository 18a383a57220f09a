"""Run a child process: in a session of its own, within a deadline, and without leaving its group behind."""

import asyncio
import contextlib
import functools
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeVar

from swarm import interruption
from swarm.runtimes.processes import end_descendants, signal_group

DRAIN_SECONDS: Final = 1.0
_CHUNK: Final = 64 * 1024

Sink = Callable[[bytes], None]
_Result = TypeVar("_Result")


class Child(NamedTuple):
    """A program to start, by its arguments.

    `grace` are the seconds between TERM and KILL at its deadline, `memory` the most bytes of data of each process.
    """

    argv: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    grace: float
    memory: int | None = None


class Ended(NamedTuple):
    """The end of a process: its exit code, negative for a signal, and whether its deadline had passed."""

    code: int
    timed_out: bool


class Hold:
    """Hold on a running process: what is written to its stdin, and the wish that it ends.

    Nothing waits for a process that does not read: what is written to it is kept until it does, or ends.
    """

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._input: asyncio.WriteTransport | None = None
        self._is_closed = False
        self._wish: asyncio.Future[float] | None = None

    def write(self, data: bytes) -> None:
        """Write to the stdin of the process."""
        if self._input is None:
            self._waiting.append(data)
        elif data and not self._input.is_closing():
            self._input.write(data)

    def close_input(self) -> None:
        """Close the stdin of the process once everything is written."""
        self._is_closed = True
        if self._input is not None and not self._input.is_closing():
            self._input.close()

    def end(self, grace: float = 0.0) -> None:
        """End the process after so many seconds, unless it ends by itself before."""
        if self._wish is not None and not self._wish.done():
            self._wish.set_result(grace)

    @contextlib.asynccontextmanager
    async def given(self) -> AsyncIterator[BinaryIO]:
        """Give the end of a pipe that becomes the stdin of the process."""
        theirs, ours = os.pipe()
        loop = asyncio.get_running_loop()
        self._wish = loop.create_future()
        with os.fdopen(theirs, "rb", 0) as end:
            transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(ours, "wb", 0))
            self._input = transport
            for data in self._waiting:
                transport.write(data)
            if self._is_closed:
                transport.close()
            try:
                yield end
            finally:
                # A pipe that is closed already must not be aborted; bytes that nobody reads keep it from closing.
                if not transport.is_closing() or transport.get_write_buffer_size():
                    transport.abort()

    async def wished(self) -> float:
        """Return the grace of the wish that the process ends, once there is one."""
        return await self._wish if self._wish is not None else await asyncio.Future()


def _bounded(memory: int) -> Callable[[], None]:
    """Return what bounds the memory of a process, and of those that it starts, before its program begins."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = memory if most == resource.RLIM_INFINITY else min(memory, most)
    return functools.partial(resource.setrlimit, resource.RLIMIT_DATA, (limit, limit))


def _ignore(pid: int) -> None:
    del pid


async def run_child(
    child: Child,
    *,
    stdout: Sink,
    stderr: Sink,
    seconds: float,
    spawned: Callable[[int], None] = _ignore,
    hold: Hold | None = None,
) -> Ended:
    """Run a program to its end or its deadline, and end its group, also when this call is cancelled.

    `stdout` and `stderr` receive the output in chunks; `spawned` receives the process id before the first of them.
    Without a `hold` the program has no input. Raises OSError and ValueError when the program cannot be started, or a
    sink fails.
    """
    async with _pipe() as (out, out_end), _pipe() as (err, err_end), _input(hold) as stdin:
        process = await asyncio.create_subprocess_exec(
            *child.argv,
            cwd=child.folder,
            env=child.environment,
            stdin=stdin,
            stdout=out_end,
            stderr=err_end,
            start_new_session=True,
            preexec_fn=_bounded(child.memory) if child.memory is not None else None,
        )
        readers = asyncio.gather(_copy(out, stdout), _copy(err, stderr))
        try:
            out_end.close()
            err_end.close()
            spawned(process.pid)
            if not isinstance(stdin, int):
                stdin.close()
            timed_out = not await _ends_within(process, readers, hold or Hold(), seconds)
        finally:
            try:
                await _end_group(process, child.grace)
                # A process that left the group may hold the pipes open for ever.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(readers, DRAIN_SECONDS)
            finally:
                readers.cancel()
    return Ended(process.returncode if process.returncode is not None else -1, timed_out)


def finish(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine in an event loop; Ctrl-C and SIGTERM cancel it, and raise KeyboardInterrupt when it has ended.

    Of a group of errors the first is raised.
    """

    async def cancellable() -> _Result:
        this = asyncio.current_task()
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            for number in (signal.SIGINT, signal.SIGTERM):
                if this is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    asyncio.get_running_loop().add_signal_handler(number, this.cancel)
        return await work

    try:
        # The loop resets its signal handlers to the defaults when it closes.
        with interruption.kept():
            return asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except BaseExceptionGroup as group:
        # The error door shows a single error, and the first is the cause of the others' end.
        raise group.exceptions[0] from None


async def _ends_within(
    process: asyncio.subprocess.Process, readers: asyncio.Future[Any], hold: Hold, seconds: float
) -> bool:
    exited, wished = asyncio.ensure_future(process.wait()), asyncio.ensure_future(hold.wished())
    try:
        async with asyncio.timeout(seconds):
            await asyncio.wait({exited, readers, wished}, return_when=asyncio.FIRST_COMPLETED)
            if readers.done():
                # Both streams are closed early, or a sink failed: then nobody reads, and the process would block.
                readers.result()
            if not exited.done():
                await asyncio.wait({exited, wished}, return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                await asyncio.wait({exited}, timeout=wished.result())
    except TimeoutError:
        return False
    finally:
        exited.cancel()
        wished.cancel()
    return True


@contextlib.asynccontextmanager
async def _input(hold: Hold | None) -> AsyncIterator[BinaryIO | int]:
    if hold is None:
        yield asyncio.subprocess.DEVNULL
        return
    async with hold.given() as end:
        yield end


@contextlib.asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, BinaryIO]]:
    """Make a pipe: the end that we read, and the end to give to a process.

    Not asyncio's own: with those, `wait` returns only when every process that inherited the pipe has closed it.
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


async def _copy(stream: asyncio.StreamReader, sink: Sink) -> None:
    while chunk := await stream.read(_CHUNK):
        sink(chunk)


async def _end_group(process: asyncio.subprocess.Process, grace: float) -> None:
    try:
        if process.returncode is None:
            signal_group(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace)
    finally:
        if process.returncode is None:
            end_descendants(process.pid)
        # A second interrupt during the grace must not spare the group, and children may outlive their leader.
        signal_group(process.pid, signal.SIGKILL)
        if process.returncode is None:
            await process.wait()
