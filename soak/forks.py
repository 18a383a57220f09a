"""One call of the command line in a forked process, which is killed at the point that was asked for.

A fork has everything imported: a matrix of kills spends its time on the work and not on starting interpreters.
"""

import os

# A name that no point has: it keeps all of them alive in what is imported below.
os.environ["SWARM_FAILPOINT"] = "nowhere"

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from soak.calls import Answer, call_here, import_all, read
from swarm import failpoints

Watch = Callable[[int], None]


def forked(root: Path, *words: str, point: int = 0, log: Path | None = None, watch: Watch | None = None) -> Answer:
    """Call a verb in a repository and return its answer; at `point`, where that is not 0, it is killed.

    `log` is a file for the names of the points that it passes. `watch` is called with the id of the process before the
    name of a point is written, while the process stands still: not where another of its threads would go on.
    """
    import_all()
    sys.stdout.flush()
    argv = [*words, "--format", "json"]
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stops = Stops()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            if watch is not None:
                stops.stop_at(str(log))
            arm = partial(failpoints.arm, "*" if point else "", point, str(log or ""))
            call_here(root, argv, (out.fileno(), err.fileno()), arm)
        stops.pass_on(pid, watch)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return Answer(tuple(argv), code, read(out), read(err), time.perf_counter() - began)


class Stops:
    """The points at which a forked process stands still until its parent has looked."""

    def __init__(self) -> None:
        self._stopped, self._stops = os.pipe()
        self._may_go, self._lets_go = os.pipe()

    def stop_at(self, log: str) -> None:
        """Stop this process wherever it is about to write to a log."""
        os.close(self._stopped)
        os.close(self._lets_go)

        def stop(event: str, arguments: tuple[object, ...]) -> None:
            if event == "open" and arguments[0] == log and threading.active_count() == 1:
                os.write(self._stops, b".")
                os.read(self._may_go, 1)

        sys.addaudithook(stop)

    def pass_on(self, pid: int, watch: Watch | None) -> None:
        """Call `watch` at each stop of a child, to its end."""
        os.close(self._stops)
        os.close(self._may_go)
        while watch is not None and os.read(self._stopped, 1):
            watch(pid)
            os.write(self._lets_go, b".")
        os.close(self._stopped)
        os.close(self._lets_go)
