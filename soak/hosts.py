"""A wave on four workers, each a host of its own, while workers, server, coordinator and links are broken at random.

TLS is on, packets are lost, and every agent does real work in git. Agents of attempts that were lost are ordered again
by the next `launch --on`, until all have succeeded. Then no attempt may have been run twice or be open, each must have
been closed once, and the work of every agent must be in what is merged.

`python soak/hosts.py [--kills 50] [--agents 40] [--seed N]`
"""

import argparse
import os
import random
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak import calls, nets
from soak.calls import call, git, tell
from soak.soundness import rows, unsound
from soak.teams import HOSTS, SLOTS, Team, end

# How often each thing is broken, in proportion; the kills are what is counted.
SHARES = {"worker killed": 45, "coordinator killed": 25, "server killed": 15, "link cut": 9, "worker stopped": 6}
KILLS = ("worker killed", "coordinator killed", "server killed")
BETWEEN = (0.5, 4.0)
# For less and for more than the time after which attempts of a silent worker are lost.
PAUSES = (5.0, 15.0, 60.0)
MOST_SECONDS = 1500.0


class Breaker:
    """Breaks things at random moments, and heals after a while what can be healed."""

    def __init__(self, team: Team, dice: random.Random, kills: int) -> None:
        share = sum(SHARES[name] for name in KILLS)
        self._left = [name for name, part in SHARES.items() for _ in range(max(1, round(part * kills / share)))]
        dice.shuffle(self._left)
        self.team = team
        self.coordinator = team.launch()
        self.done: Counter[str] = Counter()
        self.launches = 1
        self._dice = dice
        self._next = time.monotonic()
        self._due: list[tuple[float, str, Callable[[], None]]] = []
        self._still: set[str] = set()

    def play(self, end_of_time: float) -> bool:
        """Break things and launch again until all agents have succeeded; return whether they have in time."""
        while time.monotonic() < end_of_time:
            self.step()
            if self.coordinator.process.poll() is not None:
                # What is still to be broken meets a wave at work: a wave that is done is no more launched.
                if not self.team.waits_for_launch():
                    return True
                self.coordinator.output.close()
                self.coordinator = self.team.launch()
                self.launches += 1
            time.sleep(0.05)
        end(self.coordinator)
        return False

    def step(self) -> None:
        """Heal what is due, start again what has ended, and break the next thing when its time has come."""
        moment = time.monotonic()
        for item in [item for item in self._due if item[0] <= moment]:
            self._due.remove(item)
            item[2]()
            self._still.discard(item[1])
        for host, worker in self.team.workers.items():
            if worker.process.poll() is not None:
                self.team.workers[host] = self.team.worker(host)
        if self._left and moment >= self._next:
            self._next = moment + self._dice.uniform(*BETWEEN)
            self._break(self._left.pop())

    def heal(self) -> None:
        for _, _, healing in self._due:
            healing()

    def _break(self, what: str) -> None:
        whole = [host for host in HOSTS if host not in self._still]
        if what in {"link cut", "worker stopped"} and (
            len(whole) == 1 or (self.team.network.why_not and what[0] == "l")
        ):
            return
        host = self._dice.choice(whole)
        process = self.team.workers[host].process
        match what:
            case "worker killed":
                process.kill()
                process.wait()
            case "coordinator killed":
                if self.coordinator.process.poll() is None:
                    end(self.coordinator)
            case "server killed":
                with suppress(ProcessLookupError):
                    os.kill(self.team.server(), signal.SIGKILL)
                self._later(self._dice.uniform(0.0, 3.0), "server", self.team.up)
            case "link cut":
                self.team.network.cut(host)
                self._later(self._dice.choice(PAUSES), host, lambda: self.team.network.heal(host))
            case "worker stopped":
                process.send_signal(signal.SIGSTOP)
                self._later(self._dice.choice(PAUSES), host, lambda: process.send_signal(signal.SIGCONT))
        self.done[what] += 1

    def _later(self, seconds: float, host: str, healing: Callable[[], None]) -> None:
        self._still.add(host)
        self._due.append((time.monotonic() + seconds, host, healing))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--agents", type=int, default=40)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options, _ = parser.parse_known_args()
    why_not = nets.enter()
    network = nets.Network(HOSTS, why_not)
    print(f"seed {options.seed}", file=sys.stderr, flush=True)
    with calls.folder() as folder:
        began = time.monotonic()
        team = Team(folder, network, options.agents)
        breaker = Breaker(team, random.Random(options.seed), options.kills)
        try:
            in_time = breaker.play(began + MOST_SECONDS)
        finally:
            breaker.heal()
            team.end()
        wrong = [*([] if in_time else [f"not done in {MOST_SECONDS:.0f} s"]), *verdict(team)]
        for line in wrong:
            print(line[:1500], file=sys.stderr, flush=True)
        outcomes = {
            f"{outcome} {code or ''}".strip(): count
            for outcome, code, count in rows(
                team.root, "SELECT outcome, error_code, count(*) FROM attempts GROUP BY 1, 2 ORDER BY 3 DESC"
            )
        }
        held = tell(
            "hosts",
            f"{options.agents} agents, {len(HOSTS)} workers of {SLOTS} slots",
            holds=not wrong,
            seed=options.seed,
            kills=sum(breaker.done[name] for name in KILLS),
            broken=dict(breaker.done),
            attempts=outcomes,
            run_twice=len(list((folder / "twice").iterdir())),
            results_refused=team.refused(),
            calls_of_launch=breaker.launches,
            namespaces=network.why_not or "a host each",
            loss=network.why_no_loss or f"{nets.LOSS} %",
            minutes=(time.monotonic() - began) / 60,
        )
    return int(not held)


def verdict(team: Team) -> list[str]:
    """Return what is wrong after the story: attempts run twice, open or closed twice, work that is not merged."""
    wrong = [f"run twice: {file.name}" for file in (team.folder / "twice").iterdir()]
    query = "SELECT id FROM attempts WHERE outcome IS NULL"
    wrong += [f"attempt {number} is open" for (number,) in rows(team.root, query)]
    query = (
        "SELECT id, (SELECT count(*) FROM events WHERE kind = 'attempt_closed' AND subject = 'attempt:' || attempts.id)"
        " AS closings FROM attempts WHERE closings != 1"
    )
    wrong += [f"attempt {number} was closed {times} times" for number, times in rows(team.root, query)]
    wrong += [f"{team.open_agents()} agents have not succeeded"] if team.open_agents() else []
    for words in (("collect",), ("merge",)):
        answer = call(team.root, *words)
        wrong += [] if answer.is_done else [str(answer)]
    head = git(team.root, "for-each-ref", "--format=%(objectname)", "refs/heads/swarm/*/integration").split()
    for domain in team.domains:
        text = git(team.root, "show", f"{head[0]}:{domain}/part.py") if head else ""
        wrong += [] if "seen=None" in text else [f"the work of {domain} is lost"]
    return [*wrong, *unsound(team.root)]


if __name__ == "__main__":
    sys.exit(main())
