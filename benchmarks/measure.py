"""Measuring: commands as their user starts them, side by side with a floor in the same run, and one JSON line a figure."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

PYTHON = sys.executable
SWARM = str(Path(sys.executable).with_name("swarm"))


class Sample(NamedTuple):
    """Cost of a process: wall-clock seconds, its peak of resident memory in MiB, and its output.

    `cpu` are the seconds of a processor, user and system, that the process and its children used.
    """

    seconds: float
    mib: float
    out: bytes = b""
    cpu: float = 0.0

    @property
    def data(self) -> Any:
        return json.loads(self.out)["data"]


def environment() -> dict[str, str]:
    """Return our environment as a user's would be: byte code is cached, and nothing steers git, Python or swarm."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON", "SWARM_"))}
    person = {"GIT_AUTHOR_NAME": "A Person", "GIT_AUTHOR_EMAIL": "person@example.invalid"}
    person |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in person.items()}
    return {**kept, **person, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "SWARM_TRUST": "1"}


def run(
    *argv: str | Path, cwd: Path, expect: Sequence[int] = (0,), keep: bool = False, stdin: Iterable[bytes] = ()
) -> Sample:
    """Run one process to its end. `keep` keeps its stdout, which otherwise goes nowhere.

    A child's peak of memory begins with that of its parent, so a benchmark itself holds nothing large.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
        given.writelines(stdin)
        given.seek(0)
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in argv],
            cwd=cwd,
            env=environment(),
            stdin=given,
            stdout=out if keep else subprocess.DEVNULL,
            stderr=err,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in expect:
            err.seek(0)
            raise SystemExit(f"{argv} exited {process.returncode}: {err.read().decode('utf-8', 'replace')}")
        out.seek(0)
        # Kibibytes, but bytes on macOS.
        mib = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
        return Sample(seconds, mib, out.read(), usage.ru_utime + usage.ru_stime)


def swarm(*arguments: str | Path, cwd: Path, expect: Sequence[int] = (0,)) -> Any:
    """Run a verb and return the data of its document."""
    return run(SWARM, *arguments, "--format", "json", cwd=cwd, expect=expect, keep=True).data


def side_by_side(repeats: int, calls: dict[str, Callable[[], float]], *, warm: bool = True) -> dict[str, float]:
    """Return the median of each call, in its own unit, over rounds in which they take turns; one more to warm up.

    Every second round goes backward, so that what a call leaves behind does not always meet the same one.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + warm):
        for name in sorted(calls, key=list(calls).index, reverse=bool(turn % 2)):
            value = calls[name]()
            if turn >= warm:
                taken[name].append(value)
    return {name: median(values) for name, values in taken.items()}


def tell(
    bench: str, what: str, value: float, unit: str, *, goal: float, floor: float | None = None, **more: object
) -> None:
    """Print one figure. It holds where the value is at most the goal, which is in the same unit."""
    digits = 1 if unit in {"ms", "MiB"} else 3
    line = {
        "bench": bench,
        "what": what,
        "value": round(value, digits),
        "unit": unit,
        "floor": None if floor is None else round(floor, digits),
        "goal": round(goal, digits),
        "holds": value <= goal,
        **{name: round(fact, 3) if isinstance(fact, float) else fact for name, fact in more.items()},
    }
    print(json.dumps(line), flush=True)


@contextmanager
def folder() -> Iterator[Path]:
    """Make a temporary folder, and remove it with everything in it, also when we are told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    made = Path(tempfile.mkdtemp(prefix="swarm-bench-")).resolve()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
