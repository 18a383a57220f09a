"""Start of a program that does nothing, in each backend of the sandbox that works here, over the same start bare."""

import subprocess
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from measure import folder, side_by_side, tell

from swarm.rules.sandbox_policy import Policy, Right
from swarm.runtimes import bubblewrap, landlock

REPEATS = 21
PROGRAM = "/bin/true"
ALLOWED = {"bwrap": 25, "landlock": 150}


def starts(made: Path) -> dict[str, Sequence[str]]:
    """Return the arguments of a start bare, and of a start by each backend that works here."""
    found: dict[str, Sequence[str]] = {"bare": [PROGRAM]}
    if bubblewrap.works() is None:
        found["bwrap"] = [*bubblewrap.command(Policy({"/var/tmp": Right.PRIVATE}), "/", {}), PROGRAM]
    if landlock.works() is None:
        found["landlock"] = [*landlock.command(Policy({}), str(made)), PROGRAM]
    return found


def milliseconds(argv: Sequence[str]) -> float:
    before = time.perf_counter()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return (time.perf_counter() - before) * 1000


def main() -> None:
    with folder() as made:
        took = side_by_side(REPEATS, {name: partial(milliseconds, argv) for name, argv in starts(made).items()})
    bare = took.pop("bare")
    for name, each in took.items():
        tell("sandbox", f"start in {name}", each, "ms", floor=bare, goal=bare + ALLOWED[name], repeats=REPEATS)


if __name__ == "__main__":
    main()
