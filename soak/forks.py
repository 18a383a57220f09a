"""One call of the command line in a forked process, which is killed at the point that was asked for.

A fork has everything imported: a matrix of kills spends its time on the work and not on starting interpreters.
"""

import os

# A name that no point has: it keeps all of them alive in what is imported below.
os.environ["SWARM_FAILPOINT"] = "nowhere"

import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from soak.calls import Answer, call_here, import_all, read
from swarm import failpoints


def forked(root: Path, *words: str, point: int = 0, log: Path | None = None) -> Answer:
    """Call a verb in a repository and return its answer; at `point`, where that is not 0, it is killed.

    `log` is a file for the names of the points that it passes.
    """
    import_all()
    sys.stdout.flush()
    argv = [*words, "--format", "json"]
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            arm = partial(failpoints.arm, "*" if point else "", point, str(log or ""))
            call_here(root, argv, (out.fileno(), err.fileno()), arm)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return Answer(tuple(argv), code, read(out), read(err), time.perf_counter() - began)
