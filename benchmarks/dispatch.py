"""`dispatch --isolate` of twelve domains on 50,000 files, over the bare `git worktree add` calls one after the other."""

import shutil
from pathlib import Path

from measure import SWARM, folder, run, side_by_side, tell
from scenes import PHASE, map_of, plain_files, repository

FILES = 50_000
DOMAINS = 12
REPEATS = 2


def main() -> None:
    with folder() as made:
        root = repository(made, plain_files(FILES))
        run_id = map_of(
            root, [(f"part{number}", f"*/*{number}/**") for number in range(DOMAINS - 1)] + [("rest", "**")]
        )
        database = root / "swarms" / "control-plane.db"
        kept = made / "kept.db"
        shutil.copyfile(database, kept)

        def bare() -> float:
            places = [made / "bare" / f"tree{number}" for number in range(DOMAINS)]
            took = sum(
                run("git", "worktree", "add", "-q", "--no-track", "-b", place.name, place, "main", cwd=root).seconds
                for place in places
            )
            remove(root, places)
            return took

        def dispatch() -> float:
            took = run(SWARM, "dispatch", run_id, PHASE, "--isolate", cwd=root).seconds
            remove(root, sorted((root / "swarms" / run_id / "worktrees").iterdir()))
            shutil.rmtree(root / "swarms" / run_id)
            shutil.copyfile(kept, database)
            return took

        took = side_by_side(REPEATS, {"bare": bare, "dispatch": dispatch}, warm=False)
    what = f"--isolate, {DOMAINS} domains, {FILES:,} files"
    tell("dispatch", what, took["dispatch"], "s", floor=took["bare"], goal=1.1 * took["bare"], repeats=REPEATS)


def remove(root: Path, places: list[Path]) -> None:
    """Remove worktrees with their branches, and let what was written reach the disk before the next turn."""
    if len(places) != DOMAINS:
        raise SystemExit(f"there are {len(places)} worktrees, not {DOMAINS}")
    for place in places:
        shutil.rmtree(place)
    run("git", "worktree", "prune", cwd=root)
    branches = run("git", "for-each-ref", "--format=%(refname)", "refs/heads", cwd=root, keep=True).out.decode().split()
    for branch in branches:
        if branch != "refs/heads/main":
            run("git", "update-ref", "-d", branch, cwd=root)
    run("sync", cwd=root)


if __name__ == "__main__":
    main()
