"""`launch --on`, killed after each commit and after each message that the engine kept, and called again.

An unbroken launch of an amend wave on a worker comes to an end: rows, refs, worktrees and files. After each kill the same
call must come to that end, and no order may be taken twice. The points are: an attempt opened, the base and a prompt
kept, an order kept, all ordered, an attempt closed, a result about to be acknowledged.

`python soak/coordinator_kills.py [--point NAME:N]`
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak import calls, soundness, state
from soak.beginnings import Stage
from soak.calls import environment, swarm, tell
from soak.scenes import SCENES

KILLED = -signal.SIGKILL
# A kill before a point is one after the point before it: nothing lasts of what is done between.
POINTS = ("commit.after", "engine.keep.after", "engine.acknowledge.before", "ordered")
SCENE = next(scene for scene in SCENES if scene.name == "launch, amend")
SETTINGS = "repo/swarms/swarm.toml"


class Hosts:
    """An engine of its own for each launch, as the orders of a wave that was brought back are known to an old one."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder
        self._rounds = 0

    @contextmanager
    def at_work(self) -> Iterator[tuple[str, Path]]:
        """Bring the wave back, and run an engine and a worker; yield its address and the worker's log."""
        self._stage.begin(SCENE)
        self._rounds += 1
        place = self._folder / f"worker{self._rounds}"
        place.mkdir()
        # Of the user, and not of the place that is brought back.
        os.environ["XDG_STATE_HOME"] = str(place / "state")
        url = swarm(self._stage.root, "engine", "up", "--listen", "127.0.0.1:0")["url"]
        swarm(self._stage.root, "engine", "invite", "one", "--tag", "played", "--output", str(place / "credentials"))
        (place / "swarm.toml").write_text((self._stage.place / SETTINGS).read_text())
        words = ("worker", "--credentials", str(place / "credentials"), "--cache", str(place / "cache"), "--slots", "3")
        with (place / "log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "swarm", *words],
                cwd=place,
                env={**environment(place), "SWARM_LOG": "on"},
                stdout=log,
                stderr=log,
            )
            try:
                yield url, place / "log"
            finally:
                # Not SIGINT, to which the jobs of a shell in the background are deaf.
                worker.terminate()
                worker.wait(60)
                swarm(self._stage.root, "engine", "down")

    def launch(self, url: str, **points: str) -> tuple[int, str]:
        """Launch on the engine, with failpoints; return how that ended, and what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "swarm", "launch", "--on", url, "--runtime", "played", "--format", "json"],
            cwd=self._stage.root,
            env={**environment(self._stage.place), **points},
            capture_output=True,
            text=True,
            check=False,
            timeout=calls.DEADLINE,
        )
        return done.returncode, done.stdout + done.stderr


def end_of(stage: Stage) -> object:
    return state.state(stage.root, tries=SCENE.tries)


def unbroken(stage: Stage, hosts: Hosts) -> tuple[object, list[str]]:
    """Return the end of a launch that nobody kills, and its points, each with how often it was passed before."""
    log = stage.place.with_name("points")
    with hosts.at_work() as (url, _):
        code, said = hosts.launch(url, SWARM_FAILPOINT_LOG=str(log))
        if code:
            raise SystemExit(f"the unbroken launch ended with {code}: {said}")
    passed: Counter[str] = Counter()
    points = []
    for name in log.read_text().splitlines():
        passed[name] += 1
        if name in POINTS:
            points.append(f"{name}:{passed[name]}")
    return end_of(stage), points


def kill(stage: Stage, hosts: Hosts, expected: object, point: str) -> list[str]:
    """Kill a launch at a point, call it again, and return what is then wrong."""
    with hosts.at_work() as (url, log):
        code, said = hosts.launch(url, SWARM_FAILPOINT=point)
        if code != KILLED:
            return [f"it ended with {code} before it was killed: {said}"]
        code, said = hosts.launch(url)
        wrong = [f"the same call again ended with {code}: {said}"] if code else []
    wrong += state.differences(expected, end_of(stage))
    taken = Counter(re.findall(r"order taken +order=(\S+)", log.read_text()))
    wrong += [f"order {order} was taken {times} times" for order, times in taken.items() if times > 1]
    return wrong + soundness.unsound(stage.root)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--point", help="a single one, such as engine.keep.after:3")
    options, _ = parser.parse_known_args()
    began, failed = time.monotonic(), 0
    with calls.folder() as folder:
        stage = Stage(folder / "first")
        hosts = Hosts(stage, folder)
        expected, points = unbroken(stage, hosts)
        points = [options.point] if options.point else points
        for point in points:
            wrong = kill(stage, hosts, expected, point)
            failed += bool(wrong)
            for line in wrong:
                print(f"{point}: {line[:1500]}", file=sys.stderr, flush=True)
    minutes = (time.monotonic() - began) / 60
    held = tell("coordinator_kills", "launch --on", holds=not failed, killed=len(points), wrong=failed, minutes=minutes)
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
