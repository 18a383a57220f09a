"""A thousand rounds of twelve worktrees: dispatched, and taken away again, without one failure.

A round is three commands: `dispatch --isolate`, `rewind --apply` of the wave, `clean --apply`. Then the same beside a
neighbour that does in the same repository what people do there: it adds and removes worktrees of its own, commits,
tags and packs. It holds git's locks for moments; a round then ends its wave by `collect`, as nobody could rewind a
branch that somebody else commits to.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from soak import stages
from soak.calls import Answer, environment, folder, tell, together
from soak.soundness import branches_of, trees_of, unsound
from soak.stages import AUDIT, Stage

ROUNDS = 1000
BESIDE = 100
DOMAINS = 12
# Twelve domains of the stage's eighteen numbered files and the rest.
MAP = [
    *((f"part{number}", f"*/*_{number}.*") for number in range(9)),
    ("top", "*.md"),
    ("make", "Makefile"),
    ("rest", "**"),
]

BY_REWIND = ("rewind {run} --apply --reason soak", "clean --apply --reason soak")
BY_COLLECT = ("collect", "clean --apply --reason soak")
KINDS = {
    "alone": ("alone", ROUNDS, BY_REWIND),
    "commits": ("beside a neighbour who commits", BESIDE, BY_COLLECT),
    "index": ("beside a neighbour who writes the index", BESIDE, BY_REWIND),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*KINDS, []], metavar="KIND", help=f"{', '.join(KINDS)}; else all")
    parser.add_argument("--count", type=int, help="rounds of each, in place of its own number")
    options, _ = parser.parse_known_args()
    held = []
    with folder() as made:
        stage = Stage(made)
        for kind in options.names or KINDS:
            what, count, away = KINDS[kind]
            stage.bring(mapped)
            with nullcontext() if kind == "alone" else neighbour(stage.root, kind) as report:
                held.append(rounds(stage, what, options.count or count, away, report))
    return int(not all(held))


def mapped(stage: Stage) -> None:
    stages.drafted(stage, MAP)
    stage.swarm("domains", "--freeze")


def rounds(stage: Stage, what: str, count: int, away: Sequence[str], report: Path | None = None) -> bool:
    """Go round so often, and tell the figure."""
    taken: list[float] = []
    failed: list[str] = []
    ends: Counter[str] = Counter()
    run, began = stage.run, time.perf_counter()
    for _ in range(count):
        start = time.perf_counter()
        answers = _one(stage, f"dispatch {AUDIT} --isolate")
        failed += _counted(stage, DOMAINS)
        for verb in away:
            answers += _one(stage, verb.format(run=run))
        failed += _counted(stage, 0)
        taken.append(time.perf_counter() - start)
        ends.update(f"{answer.argv[0]} {answer.code or answer.exit}" for answer in answers)
        failed += [str(answer) for answer in answers if answer.problem or not answer.is_done]
    failed += unsound(stage.root) if report is None else []
    taken.sort()
    facts = {"rounds": count, "trees": count * DOMAINS, "failures": len(failed), "ends": dict(sorted(ends.items()))}
    facts |= {"median": taken[len(taken) // 2], "slowest": taken[-1], "seconds": time.perf_counter() - began}
    if report is not None:
        facts["neighbour"] = report.read_text() if report.exists() else ""
    return tell("rounds", f"{DOMAINS} worktrees, {what}", holds=not failed, **facts, problems=failed[:3])


@contextmanager
def neighbour(root: Path, kind: str) -> Iterator[Path]:
    """Let somebody else work in the repository meanwhile; the file says how often they went round."""
    found = root.parent / "neighbour"
    script = Path(__file__).with_name("neighbour.py")
    process = subprocess.Popen([sys.executable, str(script), str(root), str(found), kind], env=environment(root.parent))
    try:
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _one(stage: Stage, verb: str) -> list[Answer]:
    return together(stage.root, [verb.split()])


def _counted(stage: Stage, wanted: int) -> Iterator[str]:
    trees, branches = trees_of(stage.root), branches_of(stage.root)
    there = [tree for tree in trees if tree.is_dir()]
    if (len(trees), len(there), len(branches)) != (wanted, wanted, wanted):
        yield f"{len(trees)} trees, {len(there)} of them there, {len(branches)} branches, and not {wanted}"


if __name__ == "__main__":
    sys.exit(main())
