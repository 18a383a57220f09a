"""A program that does nothing in each backend of the sandbox that works here, over the same bare: alone, and as the only
step of `swarm verify`.
"""

import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from measure import SWARM, folder, run, side_by_side, tell

from swarm.rules.sandbox_policy import Policy, Right
from swarm.runtimes import bubblewrap, landlock

REPEATS = 21
VERIFIED = 7
PROGRAM = "/bin/true"
ALLOWED = {"bwrap": 25, "landlock": 150}
ALLOWED_IN_VERIFY = {"bwrap": 100, "landlock": 400}
BARE = 'backend = "none"\nreason = "the floor"'
STEP = f'[[verify.steps]]\nname = "nothing"\nkind = "check"\nargv = ["{PROGRAM}"]\n'


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


def repository(place: Path, backend: str) -> Path:
    """Make a repository with a run, whose only step of a build does nothing."""
    place.mkdir()
    chosen = BARE if backend == "bare" else f'backend = "{backend}"'
    (place / "swarm.toml").write_text(f"[sandbox]\n{chosen}\n{STEP}")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "start"]):
        run("git", *words, cwd=place)
    run(SWARM, "init", ".", cwd=place)
    return place


def verified(place: Path) -> float:
    # Exit 1: a build without tests is no pass.
    return run(SWARM, "verify", cwd=place, expect=(1,)).seconds * 1000


def main() -> None:
    with folder() as made:
        plain = starts(made)
        took = side_by_side(REPEATS, {name: partial(milliseconds, argv) for name, argv in plain.items()})
        shown("start in", took, ALLOWED, REPEATS)
        calls: dict[str, Callable[[], float]] = {
            name: partial(verified, repository(made / name, name)) for name in plain
        }
        shown("verify with an empty step in", side_by_side(VERIFIED, calls), ALLOWED_IN_VERIFY, VERIFIED)


def shown(what: str, took: dict[str, float], allowed: dict[str, int], repeats: int) -> None:
    bare = took.pop("bare")
    for name, each in took.items():
        tell("sandbox", f"{what} {name}", each, "ms", floor=bare, goal=bare + allowed[name], repeats=repeats)


if __name__ == "__main__":
    main()
