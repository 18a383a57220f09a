"""`dispatch --isolate` of twelve domains on 50,000 files, over the bare `git worktree add` calls one after the other.

The same with `--sparse`, and what it takes to look at its trees and remove them, beside whole ones. Then an audit of
a run with 100,000 known findings, beside the first audit of the same files.
"""

import shutil
import time
from pathlib import Path
from statistics import median

from measure import SWARM, folder, run, side_by_side, tell
from scenes import FINDINGS_A_FILE, PHASE, answered_wave, audited, map_of, plain_files, repository

from swarm.git import worktrees
from swarm.git.repository import repository_at
from swarm.git.worktrees import Tree

FILES = 50_000
DOMAINS = 12
REPEATS = 2
SPARSE = 3.0
KNOWN = 100_000
OVER_NONE = 0.5


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

        removals: dict[str, list[float]] = {"whole": [], "sparse": []}

        def dispatch(kind: str, *options: str) -> float:
            took = run(SWARM, "dispatch", run_id, PHASE, "--isolate", *options, cwd=root).seconds
            places = sorted((root / "swarms" / run_id / "worktrees").iterdir())
            removals[kind].append(removed(root, places))
            remove(root, places)
            shutil.rmtree(root / "swarms" / run_id)
            shutil.copyfile(kept, database)
            return took

        calls = {
            "bare": bare,
            "dispatch": lambda: dispatch("whole"),
            "sparse": lambda: dispatch("sparse", "--sparse"),
        }
        took = side_by_side(REPEATS, calls, warm=False)
    whole, sparse = median(removals["whole"]), median(removals["sparse"])
    what = f"{DOMAINS} domains, {FILES:,} files"
    bare_took = took["bare"]
    tell(
        "dispatch", f"--isolate, {what}", took["dispatch"], "s", floor=bare_took, goal=1.1 * bare_took, repeats=REPEATS
    )
    tell("dispatch", f"--isolate --sparse, {what}", took["sparse"], "s", floor=bare_took, goal=SPARSE, repeats=REPEATS)
    tell("dispatch", f"removal of the sparse trees, {what}", sparse, "s", floor=whole, goal=SPARSE, repeats=REPEATS)
    with folder() as made:
        told_known(made)


def told_known(made: Path) -> None:
    """Print the processor seconds of an audit's dispatch with known findings, and without any as its floor."""
    scene = audited(made, KNOWN // FINDINGS_A_FILE)
    answered_wave(scene)
    run(SWARM, "collect", cwd=scene.root)
    known = run(SWARM, "dispatch", scene.run_id, PHASE, "--isolate", cwd=scene.root)
    (made / "other").mkdir()
    other = audited(made / "other", KNOWN // FINDINGS_A_FILE)
    none = run(SWARM, "dispatch", other.run_id, PHASE, "--isolate", cwd=other.root)
    what = f"CPU of an audit with {KNOWN:,} known findings"
    tell("dispatch", what, known.cpu, "s", floor=none.cpu, goal=none.cpu + OVER_NONE, elapsed=known.seconds)


def removed(root: Path, places: list[Path]) -> float:
    """Remove worktrees that nobody touched as `swarm` does, after it has looked at them, and say how long it took."""
    found = repository_at(root)
    began = time.perf_counter()
    gone = [worktrees.remove(found.git, Tree(place, None), found.head) for place in places]
    seconds = time.perf_counter() - began
    if not all(gone):
        raise SystemExit("a tree that nobody touched was kept")
    return seconds


def remove(root: Path, places: list[Path]) -> None:
    """Remove worktrees with their branches, and let what was written reach the disk before the next turn."""
    if len(places) != DOMAINS:
        raise SystemExit(f"there are {len(places)} worktrees, not {DOMAINS}")
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
    run("git", "worktree", "prune", cwd=root)
    branches = run("git", "for-each-ref", "--format=%(refname)", "refs/heads", cwd=root, keep=True).out.decode().split()
    for branch in branches:
        if branch != "refs/heads/main":
            run("git", "update-ref", "-d", branch, cwd=root)
    run("sync", cwd=root)


if __name__ == "__main__":
    main()
