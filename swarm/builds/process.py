"""Running the one process of a step: a session of its own, a deadline, and nothing of its group left behind."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

from swarm.builds.log import Log
from swarm.runtimes.processes import signal_group

TERM_SECONDS: Final = 2.0
DRAIN_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.1
_CHUNK: Final = 64 * 1024


class Ended(NamedTuple):
    """How a process ended: its exit code, negative for a signal."""

    code: int
    timed_out: bool


def run_process(
    argv: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdout: Log, stderr: Log, seconds: float
) -> Ended:
    """Run a program to its end or its deadline; its group is then ended, whatever interrupts us.

    Raises OSError and ValueError when it cannot be started.
    """
    deadline = time.monotonic() + seconds
    with (
        subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process,
        selectors.DefaultSelector() as open_pipes,
    ):
        try:
            _listen(open_pipes, process.stdout, stdout)
            _listen(open_pipes, process.stderr, stderr)
            _copy(open_pipes, deadline, until=lambda: process.poll() is not None)
            timed_out = not _ends_by(process, deadline)
        finally:
            _end_group(process)
            # A process that left the group may hold the pipes open for ever.
            _copy(open_pipes, time.monotonic() + DRAIN_SECONDS, until=lambda: False)
    return Ended(process.returncode, timed_out)


def _listen(open_pipes: selectors.BaseSelector, pipe: IO[bytes] | None, log: Log) -> None:
    if pipe is not None:
        open_pipes.register(pipe, selectors.EVENT_READ, log)


def _copy(open_pipes: selectors.BaseSelector, deadline: float, *, until: Callable[[], bool]) -> None:
    """Copy what is printed to the logs, until every pipe is closed, the deadline passes, or `until` says so."""
    while open_pipes.get_map() and (left := deadline - time.monotonic()) > 0:
        for key, _ in open_pipes.select(min(left, _POLL_SECONDS)):
            if chunk := os.read(key.fd, _CHUNK):
                key.data.add(chunk)
            else:
                open_pipes.unregister(key.fileobj)
        if until():
            return


def _ends_by(process: subprocess.Popen[bytes], deadline: float) -> bool:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        if process.poll() is None:
            signal_group(process.pid, signal.SIGTERM)
            _ends_by(process, time.monotonic() + TERM_SECONDS)
    finally:
        # A second interrupt in the grace must not spare them, and what the leader started may outlive it.
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
