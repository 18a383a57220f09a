"""`init` on 25,000 and on 100,000 files, over `git status` and `git ls-files` there."""

from measure import SWARM, folder, run, side_by_side, tell
from scenes import plain_files, repository

SIZES = (25_000, 100_000)
REPEATS = 5


def main() -> None:
    took = {count: measured(count) for count in SIZES}
    git = took[SIZES[1]]["git"]
    tell("init", f"{SIZES[1]:,} files", took[SIZES[1]]["init"], "s", floor=git, goal=3 * git, repeats=REPEATS)
    small, large = (took[count]["init"] for count in SIZES)
    linear = small * SIZES[1] / SIZES[0]
    tell("init", f"{SIZES[1]:,} files against {SIZES[0]:,}", large, "s", floor=linear, goal=1.25 * linear)


def measured(count: int) -> dict[str, float]:
    """Return the seconds of git and of `init` in a repository of so many files."""
    with folder() as made:
        root = repository(made, plain_files(count))
        database = made / "workspace" / "control-plane.db"
        return side_by_side(
            REPEATS,
            {
                "git": lambda: run("git", "status", cwd=root).seconds + run("git", "ls-files", cwd=root).seconds,
                "init": lambda: run(SWARM, "--db", database, "init", "--new", cwd=root).seconds,
            },
        )


if __name__ == "__main__":
    main()
