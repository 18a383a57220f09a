"""`launch --on` over eight workers beside `launch` at as many jobs: time and processor an agent, and what grows how.

Both launch the same isolated wave. Agents that end at once show the cost of a launch alone; agents that work for two
seconds show what a user waits for. Then: the first moment of an agent, orders that wait, a coordinator that waits, and
results of 1, 30 and 100 MiB.

`python benchmarks/hosts.py [--agents 500] [--part NAME]`
"""

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from measure import PYTHON, SWARM, Sample, environment, folder, run, swarm, tell
from scenes import PHASE, map_of, repository

WORKERS = 8
AGENTS = 500
QUEUED = (100, 200, 400)
STARTS = 7
SIZES = (1, 30, 100)
IDLE_SECONDS = 20
# An agent notes when it began, works for a while, and leaves a file of some MiB. How long and how large stands in a file:
# other words of its command line would be another plan than the one that was dispatched.
AGENT = """
import json, os, pathlib, sys, time
place, domain = sys.argv[1], os.environ["SWARM_DOMAIN"]
seconds, mib = pathlib.Path(place + ".plays").read_text().split()
pathlib.Path(place, domain).write_text(str(time.time_ns()))
time.sleep(float(seconds))
if int(mib):
    with open(os.path.join(os.environ["SWARM_WORKTREE"], domain, "large.bin"), "wb") as file:
        for _ in range(int(mib)):
            file.write(os.urandom(1 << 20))
body = {"domain": domain, "stage": "A", "summary": "Looked.", "findings": []}
pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(body))
"""


class Scene(NamedTuple):
    """A wave in flight with worktrees, kept so that it can be launched again, and an engine."""

    made: Path
    root: Path
    run_id: str

    @property
    def begun(self) -> Path:
        return self.made / "begun"

    def again(self) -> None:
        """Bring the wave back to where it was dispatched."""
        for place in (self.root, self.begun):
            shutil.rmtree(place)
        shutil.copytree(self.made / "kept", self.root, symlinks=True)
        self.begun.mkdir()

    def plays(self, seconds: float = 0.0, mib: int = 0) -> None:
        """Let agents work for some seconds and leave a file of some MiB, here and on the workers."""
        self.begun.with_name("begun.plays").write_text(f"{seconds} {mib}")

    def configure(self) -> None:
        """Write the settings of the repository and of the workers, which name the same agent."""
        words = [PYTHON, str(self.made / "agent.py"), str(self.begun)]
        text = (
            f'[runtimes.played]\nkind = "command"\nargv = {json.dumps(words)}\n'
            '[sandbox]\nbackend = "none"\nreason = "agents note when they began"\n'
        )
        (self.made / "elsewhere").mkdir()
        for place in (self.root / "swarms", self.made / "elsewhere"):
            (place / "swarm.toml").write_text(text)

    def local(self, jobs: int = WORKERS) -> Sample:
        return run(SWARM, "launch", "--runtime", "played", "--jobs", str(jobs), cwd=self.root)

    def words(self, url: str) -> list[str]:
        """Return the words of a launch on an engine."""
        return [SWARM, "launch", "--runtime", "played", "--on", url]

    def on(self, url: str) -> Sample:
        return run(*self.words(url), cwd=self.root)

    @contextmanager
    def engine(self) -> Iterator[str]:
        """Run a new engine: an old one would know the orders of the wave that was brought back."""
        shutil.rmtree(self.made / "state", ignore_errors=True)
        shutil.rmtree(self.made / "elsewhere/credentials", ignore_errors=True)
        url = swarm("engine", "up", "--listen", "127.0.0.1:0", cwd=self.made)["url"]
        swarm("engine", "invite", "none", "--tag", "played", "--output", self.made / "state/none", cwd=self.made)
        try:
            yield str(url)
        finally:
            swarm("engine", "down", cwd=self.made)

    @contextmanager
    def workers(self, count: int = WORKERS) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Run workers of one slot each, as hosts would."""
        place = self.made / "elsewhere"
        (place / "credentials").mkdir()
        started = []
        for number in range(count):
            file = place / "credentials" / f"w{number}"
            swarm("engine", "invite", f"w{number}", "--tag", "played", "--output", file, cwd=place)
            words = [SWARM, "worker", "--credentials", str(file), "--cache", str(place / f"cache{number}")]
            started.append(
                subprocess.Popen(
                    words, cwd=place, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
        # Workers that wait, as they do most of the time: their start is no part of a wave.
        while sum(tag["free"] for tag in swarm("engine", "status", cwd=place)["tags"]) < count:
            time.sleep(0.2)
        try:
            yield started
        finally:
            for process in started:
                process.send_signal(signal.SIGINT)
            for process in started:
                process.wait()


@contextmanager
def scene(agents: int, *, again: bool = True) -> Iterator[Scene]:
    """Dispatch a wave of so many agents, each with a tree of its own file alone; `again` keeps it to be brought back."""
    with folder() as made:
        os.environ["XDG_STATE_HOME"] = str(made / "state")
        names = [f"d{number}" for number in range(agents)]
        root = repository(made, ((f"{name}/file.py", b"pass\n") for name in names))
        (made / "agent.py").write_text(AGENT)
        (made / "begun").mkdir()
        run_id = map_of(root, [(name, f"{name}/**") for name in names])
        found = Scene(made, root, run_id)
        found.configure()
        found.plays()
        swarm("dispatch", run_id, PHASE, "--isolate", "--sparse", "--runtime", "played", cwd=root)
        if again:
            shutil.copytree(root, made / "kept", symlinks=True)
        yield found


def cpu_of(pid: int) -> float:
    """Return the seconds of a processor that a process and its ended children used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def peak_of(pid: int, what: str = "VmHWM") -> float:
    """Return the peak of a process's memory, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(what)), 0) / 1024


def beside(agents: int) -> None:
    """Launch the same wave here and on workers, in turns."""
    with scene(agents) as found:
        for seconds in (0.0, 2.0):
            found.plays(seconds)
            found.again()
            local = found.local()
            found.again()
            with found.engine() as url, found.workers() as workers:
                server = json.loads((found.made / "state/swarm/engine/server.json").read_text())["pid"]
                before, before_server = sum(cpu_of(worker.pid) for worker in workers), cpu_of(server)
                on = found.on(url)
                cpu = sum(cpu_of(worker.pid) for worker in workers) - before
                cpu_server = cpu_of(server) - before_server
                mib = max(peak_of(worker.pid) for worker in workers), peak_of(server), peak_of(server, "VmRSS")
            what = f"{agents} agents of {seconds:.0f} s, {WORKERS} workers, over {WORKERS} jobs"
            more = {
                "cpu_coordinator_ms": on.cpu * 1000 / agents,
                "cpu_worker_ms": cpu * 1000 / agents,
                "cpu_server_ms": cpu_server * 1000 / agents,
                "cpu_over_local": (on.cpu + cpu + cpu_server) / local.cpu,
                "cpu_local_ms": local.cpu * 1000 / agents,
                **dict(zip(("mib_worker", "mib_server", "mib_server_afterwards"), mib, strict=True)),
            }
            tell("hosts", what, on.seconds, "s", floor=local.seconds, goal=local.seconds * 1.5, **more)


def first_moments() -> None:
    """Measure how long after the call an agent begins, of a wave with one."""
    taken: dict[str, list[float]] = {"local": [], "on": []}

    def taking(name: str, launch: Callable[[], Sample]) -> None:
        found.again()
        moment = time.time_ns()
        launch()
        taken[name].append((int((found.begun / "d0").read_text()) - moment) / 1e6)

    with scene(1) as found:
        for _ in range(STARTS):
            taking("local", found.local)
            with found.engine() as url, found.workers(1):
                taking("on", partial(found.on, url))
    local, on = (sorted(values)[STARTS // 2] for values in taken.values())
    tell("hosts", "the first moment of an agent", on, "ms", floor=local, goal=local + 150, repeats=STARTS)


def queued() -> None:
    """Measure how long it takes to order more and more agents, and what a coordinator costs that only waits."""
    taken = {}
    for count in QUEUED:
        with scene(count, again=False) as found, found.engine() as url:
            began = time.perf_counter()
            killed = {**environment(), "SWARM_FAILPOINT": "ordered"}
            subprocess.run(found.words(url), cwd=found.root, env=killed, check=False, stderr=subprocess.DEVNULL)
            taken[count] = time.perf_counter() - began
            if count == QUEUED[-1]:
                idle(found, url)
    first, last = QUEUED[0], QUEUED[-1]
    exponent = math.log(taken[last] / taken[first]) / math.log(last / first)
    each = {f"ms_an_order_of_{count}": seconds * 1000 / count for count, seconds in taken.items()}
    tell("hosts", f"exponent of orders, {first} to {last}", exponent, "", goal=1.1, **each)


def idle(found: Scene, url: str) -> None:
    """Attach to orders that nobody takes, and wait."""
    process = subprocess.Popen(
        found.words(url), cwd=found.root, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(10)
    before = cpu_of(process.pid)
    time.sleep(IDLE_SECONDS)
    share = (cpu_of(process.pid) - before) / IDLE_SECONDS * 100
    process.send_signal(signal.SIGINT)
    process.wait()
    tell("hosts", f"a core, of a coordinator that waits for {QUEUED[-1]} orders", share, "%", goal=1.0)


def results() -> None:
    """Measure the peak of a coordinator that takes in a result of some MiB."""
    with scene(1) as found:
        for mib in SIZES:
            found.plays(mib=mib)
            found.again()
            with found.engine() as url, found.workers(1):
                mine, with_git = peaks_of(found.words(url), found.root)
            what = f"peak of a coordinator, a result of {mib} MiB"
            tell("hosts", what, mine, "MiB", goal=60.0, with_its_git=with_git)


def peaks_of(words: list[str], cwd: Path) -> tuple[float, float]:
    """Return the peak of a process alone, and that of the process or a git of its own, in MiB."""
    process = subprocess.Popen(words, cwd=cwd, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0.0
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        # Nothing is left of the memory of a process that is about to be waited for.
        peak = peak_of(process.pid) or peak
        time.sleep(0.02)
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        raise SystemExit(f"{words} exited {process.returncode}")
    return peak, usage.ru_maxrss / 1024


def main(words: list[str]) -> None:
    parts = {
        "first": first_moments,
        "results": results,
        "beside": lambda: beside(options.agents),
        "queued": queued,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=AGENTS, help="of the wave that is launched here and on workers")
    parser.add_argument("--part", choices=parts, action="append", help="one part of the benchmark; by default all")
    # Options of `run.py` go to every script.
    options, _ = parser.parse_known_args(words)
    for name, part in parts.items():
        if name in (options.part or parts):
            part()


if __name__ == "__main__":
    main(sys.argv[1:])
