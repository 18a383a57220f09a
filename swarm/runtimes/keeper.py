"""Keep a program and every process that it leaves: this file is run by a Python of its own, beside the program.

A process that forks twice, begins a session and clears its environment has no trace of who started it. On Linux the
keeper takes over such orphans (PR_SET_CHILD_SUBREAPER, prctl(2)), and kills them when the program has ended.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from pathlib import Path

_SET_CHILD_SUBREAPER = 36
# The deadline of the keeper's caller ends the group: the program hears it, and the keeper stays for the orphans.
_FOR_THE_PROGRAM = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# A process of another user cannot be killed, and must not hold the attempt open.
_SECONDS = 5.0
_CANNOT_START = 126


def main(arguments: list[str]) -> int:
    """Run a program to its end, kill what it left, and return its exit code, negative for a signal."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    kept = {number: signal.signal(number, signal.SIG_IGN) for number in _FOR_THE_PROGRAM}
    program = os.fork()
    if program == 0:
        # Python ignores these for itself, and a program would inherit that.
        kept |= dict.fromkeys((signal.SIGPIPE, signal.SIGXFSZ), signal.SIG_DFL)
        for number, handler in kept.items():
            signal.signal(number, handler)
        try:
            os.execve(arguments[0], arguments, _environment())  # noqa: S606
        except OSError as error:
            os.write(2, f"{arguments[0]}: {error.strerror}\n".encode())
            os._exit(_CANNOT_START)
    # The pipes belong to the program alone: its readers wait until all ends are closed.
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123
        for stream in (0, 1, 2):
            os.dup2(nothing.fileno(), stream)
    code = _ended(program)
    _kill_orphans()
    return code


def _environment() -> dict[bytes, bytes]:
    """Return the variables that this process was started with: in a C locale Python adds one of its own."""
    try:
        lines = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return dict(os.environb)
    return {name: value for name, found, value in (line.partition(b"=") for line in lines) if found}


def _ended(program: int) -> int:
    """Wait for the program, and for orphans that end before it."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == program:
            return os.waitstatus_to_exitcode(status)


def _kill_orphans() -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        # Children of a killed process become children of the keeper, so none is left in the end.
        for pid in _children():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        try:
            # All that ended, before /proc is read again.
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _children() -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == os.getpid():
            found.append(int(folder.name))
    return found


def _end_as(code: int) -> None:
    """End as the program ended: whoever waits must see the signal."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    _end_as(main(sys.argv[1:]))
