"""Sixteen processes at once on one control plane and one repository: every acknowledged write is there, exactly once.

Each works through a random row of verbs on a few runs; reading ones, deciding ones, and again and again the command
that `status` calls the next. What an answer says that it wrote is remembered, and looked for in the file at the end; what
was refused has left nothing. A refusal is fine where another process was first, and only with a code that says so.
"""

import argparse
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from soak import stages
from soak.acknowledged import Written, acknowledged
from soak.actors import Actor
from soak.calls import Answer, call, folder, tell
from soak.soundness import rows, unsound
from soak.stages import Stage

SECONDS = 300.0
PROCESSES = 16
RUNS = 3
# Codes for a process that was not the first, or that came before the others had got far enough.
EXPECTED = frozenset(
    {
        "COLLECT_NO_WAVE",
        "DISPATCH_DOMAINS_NOT_FROZEN",
        "DISPATCH_NOTHING_APPROVED",
        "DISPATCH_WAVE_IN_FLIGHT",
        "DOMAINS_FROZEN",
        "DOMAINS_WAVE_UNFINISHED",
        "DOMAIN_EXISTS",
        "LAUNCH_IN_PROGRESS",
        "LAUNCH_NO_WAVE",
        "LEASE_NOT_APPLICABLE",
        "MERGE_NOT_READY",
        "PROOF_DISTURBED",
        "RECOVERY_NOT_APPLICABLE",
        "STATE_CONFLICT",
        "TRIAGE_NOT_APPLICABLE",
        "WAVE_NOT_FOUND",
    }
)
# Each row of these is one acknowledged verb.
COUNTED = {"waves": "dispatch", "merges": "merge", "promotions": "advance"}
READING = frozenset(
    {"status", "findings", "show", "history", "runs", "events", "ledger", "report", "receipt", "trends"}
)


class Toll:
    """Counts over all processes; threads add to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls = 0
        self.written: list[Written] = []
        self.refused: list[str] = []
        self.codes: Counter[str] = Counter()
        self.verbs: Counter[str] = Counter()
        # By wave: how often it was collected, and how often at most its findings were taken in anew.
        self.collects: Counter[int] = Counter()
        self.anew: Counter[int] = Counter()
        self.waits: list[float] = []
        self.problems: list[str] = []

    def take(self, answer: Answer, token: str) -> None:
        """Note one answer: what it says it wrote, or why it did not."""
        written = acknowledged(answer, token)
        with self._lock:
            self.calls += 1
            if answer.problem:
                self.problems.append(f"{answer.problem}: {answer}")
            elif not answer.is_done:
                self.codes[str(answer.code)] += 1
                if answer.code not in EXPECTED:
                    self.problems.append(str(answer))
            if not answer.is_done and token in answer.argv:
                self.refused.append(token)
            if written:
                self.verbs[answer.argv[0]] += 1
            if answer.is_done and answer.argv[0] == "collect":
                self.collects[answer.data["waveId"]] += 1
            if answer.is_done and answer.argv[0] == "revalidate":
                self.anew[answer.data["waveId"]] += 1
            if answer.argv[0] not in READING:
                self.waits.append(answer.seconds)
            self.written += written


class Before(NamedTuple):
    """The state before the processes began: rows of some tables, and the last event."""

    rows: dict[str, int]
    event: int

    @classmethod
    def of(cls, root: Path) -> "Before":
        counts = {table: rows(root, f"SELECT count(*) FROM {table}")[0][0] for table in COUNTED}
        return cls(counts, rows(root, "SELECT max(seq) FROM events")[0][0])


def unequal(root: Path, toll: Toll, before: Before) -> list[str]:
    """Return where the file and what was acknowledged part, in either direction."""
    found = [
        f"{item.what} {item.values}: {count} times there, and not {item.count}"
        for item in toll.written
        if (count := len(rows(root, item.query, *item.values))) != item.count
    ]
    found += [
        f"{token} was refused, and is in the ledger"
        for token in toll.refused
        if rows(root, "SELECT 1 FROM events WHERE reason = ?", token)
    ]
    ends = "SELECT wave_id FROM events WHERE seq > ? AND kind IN ('findings_recorded', 'fixes_recorded')"
    recorded = Counter(wave for (wave,) in rows(root, ends, before.event))
    if toll.collects - recorded or recorded - toll.collects - toll.anew:
        found.append(f"waves were collected {recorded}, and acknowledged {toll.collects} and {toll.anew}")
    for table, what in COUNTED.items():
        shown, there = toll.verbs[what], rows(root, f"SELECT count(*) FROM {table}")[0][0] - before.rows[table]
        if shown != there:
            found.append(f"{there} {table}, and {shown} were acknowledged")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options, _ = parser.parse_known_args()
    with folder() as made:
        stage, toll = Stage(made), Toll()
        stage.bring(runs)
        before, began = Before.of(stage.root), time.perf_counter()
        work(stage.root, toll, options.seed, options.processes, began + options.seconds)
        lost = unequal(stage.root, toll, before)
        wrong = [*lost, *unsound(stage.root), *toll.problems]
    waits = sorted(toll.waits) or [0.0]
    return 1 - tell(
        "concurrency",
        f"{options.processes} processes, mixed verbs",
        holds=not wrong,
        seed=options.seed,
        processes=options.processes,
        calls=toll.calls,
        acknowledged=len(toll.written),
        by_verb=dict(sorted(toll.verbs.items())),
        lost=len(lost),
        refused=dict(sorted(toll.codes.items())),
        p50=waits[len(waits) // 2],
        p99=waits[len(waits) * 99 // 100],
        slowest=waits[-1],
        seconds=time.perf_counter() - began,
        problems=wrong[:10],
    )


def runs(stage: Stage) -> None:
    """Make a run whose amend wave can be merged, and others that begin."""
    stages.amended(stage)
    for _ in range(RUNS - 1):
        stage.swarm("init", ".", "--new", "--domains-from", str(stage.root.parent / "domains.json"))
        stage.swarm("domains", "--freeze")


def work(root: Path, toll: Toll, seed: int, processes: int, end: float) -> None:
    """Let so many work at once until the end; who has begun something then ends it."""
    known = [str(run) for (run,) in rows(root, "SELECT id FROM runs")]

    def one(number: int) -> None:
        def called(token: str, *words: str) -> Answer:
            answer = call(root, *words)
            toll.take(answer, token)
            return answer

        actor = Actor(root, random.Random(f"{seed}/{number}"), str(number), known, called)
        while time.perf_counter() < end:
            actor.act()

    with ThreadPoolExecutor(processes) as pool:
        for done in [pool.submit(one, number) for number in range(processes)]:
            done.result()


if __name__ == "__main__":
    sys.exit(main())
