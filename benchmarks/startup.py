"""Cost of a small verb over the interpreter and the libraries that it needs."""

from functools import partial

from measure import PYTHON, SWARM, folder, run, side_by_side, tell
from scenes import audited

REPEATS = 41


def main() -> None:
    with folder() as empty, folder() as made:
        scene = audited(made, 10)
        calls = {
            "click": [PYTHON, "-c", "import click"],
            "both": [PYTHON, "-c", "import click, sqlite3"],
            "help": [SWARM, "--help"],
            "runs": [SWARM, "runs"],
            "status": [SWARM, "status"],
        }
        places = dict.fromkeys(calls, empty) | {"status": scene.root}

        def milliseconds(name: str) -> float:
            return run(*calls[name], cwd=places[name]).seconds * 1000

        took = side_by_side(REPEATS, {name: partial(milliseconds, name) for name in calls})
    for what, name, floor, allowed in (
        ("`swarm --help`", "help", took["click"], 15),
        ("`swarm runs` of an empty workspace", "runs", took["both"], 20),
        ("`swarm status` of a small run", "status", took["both"], 20),
    ):
        tell("startup", what, took[name], "ms", floor=floor, goal=floor + allowed, repeats=REPEATS)


if __name__ == "__main__":
    main()
