"""A process of git that answers once, and whose end is seen at once."""

import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


class GitProcess(subprocess.Popen[bytes]):
    """A child that is waited for by its descriptor, where the system has descriptors of processes."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. With a time-out the standard library naps between looks, for a whole millisecond and more.

        A call of git takes about as long, and a verb makes dozens of calls.
        """
        if sys.platform == "linux" and timeout is not None and self.returncode is None:
            with suppress(OSError):
                _wait_for_end(self.pid, timeout)
        return super().wait(timeout)


def _wait_for_end(pid: int, seconds: float) -> None:
    handle = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(max(0.0, seconds) * 1000)
    finally:
        os.close(handle)


def completed(
    argv: Sequence[str | bytes],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    stdin: bytes | None = None,
    restore_signals: bool = True,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, and kill it where that does not come. Raises OSError and TimeoutExpired."""
    with GitProcess(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        restore_signals=restore_signals,
        pass_fds=pass_fds,
    ) as process:
        try:
            out, words = process.communicate(stdin, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, words)
