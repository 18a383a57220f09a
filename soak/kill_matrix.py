"""Every mutating verb, killed at each of its points: before and after each git call, each commit, each change of a file.

After each kill the same call again must come to the same end as a call that nobody broke off: tables, refs, worktrees
and files are compared, the ledger and the database checked, and nothing may be left lying about or running. Where a kill
leaves everything as an earlier one of the same scene did, the same call goes on from there in the same way, and the
verdict is that of the earlier kill (`--all`: also there it is called again).

`python soak/kill_matrix.py [--jobs N] [--scene NAME] [--point N] [--all]`
"""

import argparse
import multiprocessing
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak import calls, soundness, state
from soak.beginnings import Stage
from soak.scenes import SCENES, Scene

KILLED = -9
# What git does without a trace.
READING = {
    *("--version", "cat-file", "check-attr", "check-ignore", "check-ref-format", "diff", "diff-files", "diff-index"),
    *("diff-tree", "for-each-ref", "log", "ls-files", "ls-tree", "merge-base", "rev-list", "rev-parse", "show-ref"),
    *("status", "var"),
}


class Kill(NamedTuple):
    """One kill of one scene, and what was wrong afterwards."""

    scene: str
    point: int
    reached: bool
    wrong: tuple[str, ...]
    # Whether the kill left what an earlier one had left, whose verdict this is.
    is_as_before: bool = False


def points_of(stage: Stage, scene: Scene) -> list[str]:
    """Return the points that an unbroken call passes, and check that it ends well."""
    stage.begin(scene)
    log = stage.place / "points"
    if (answer := stage.run(scene, log=log)).exit != scene.exit:
        raise SystemExit(f"{scene.name}: {answer}")
    return log.read_text().splitlines()


Verdicts = dict[tuple[str, bool, str], tuple[str, ...]]


def kill(stage: Stage, scene: Scene, point: int, *, is_done: bool, known: Verdicts | None = None) -> Kill:
    """Kill a scene's call at a point, call again, and compare. `is_done` says that its last commit was behind it.

    `known` are verdicts by what a kill left; without it no verdict is taken over.
    """
    expected = stage.end_of(scene)
    stage.begin(scene)
    first = stage.run(scene, point)
    if first.exit == scene.exit:
        return Kill(scene.name, point, False, ())
    if first.exit != KILLED:
        return Kill(scene.name, point, True, (f"it ended before it was killed: {first}",))
    left = None if known is None else state.left_by_a_kill(stage.root)
    before = scene.name, is_done, left or ""
    if known and left and before in known:
        return Kill(scene.name, point, True, known[before], is_as_before=True)
    verdict = _verdict(stage, scene, expected, is_done=is_done)
    if known is not None and left:
        known[before] = verdict
    return Kill(scene.name, point, True, verdict)


def _verdict(stage: Stage, scene: Scene, expected: object, *, is_done: bool) -> tuple[str, ...]:
    """Call again, and return what is then wrong."""
    again = stage.run(scene)
    wrong = []
    if again.exit != scene.exit and not scene.was_done(again):
        wrong.append(f"the same call again: {again}")
    if not (scene.is_anew and is_done):
        found = state.differences(expected, state.state(stage.root, tries=scene.tries))
        added = f"/files/{scene.may_add}"
        wrong += [line for line in found if not (line.startswith(added) and ": None and then " in line)]
    wrong += soundness.unsound(stage.root) if scene.is_whole else soundness.unsound_tables(stage.root)
    return tuple(wrong)


_stages: dict[int, Stage] = {}
# Of this process: what is the same lies near, and a process gets points that are near each other.
_known: Verdicts = {}


def _mine(folder: Path) -> Stage:
    pid = os.getpid()
    if pid not in _stages:
        _stages[pid] = Stage(folder / str(pid))
    return _stages[pid]


def _work(folder: Path, every: bool, task: tuple[str, int, bool]) -> Kill:  # noqa: FBT001
    name, point, is_done = task
    scene = next(item for item in SCENES if item.name == name)
    return kill(_mine(folder), scene, point, is_done=is_done, known=None if every else _known)


def distinct(names: list[str]) -> list[int]:
    """Return the points at which the disk is not as it was at the point before: reading changes nothing."""
    found, changed, reading = [], True, False
    for number, name in enumerate(names, 1):
        if changed:
            found.append(number)
        if name.startswith("git."):
            reading = name.split(".")[1] in READING
        changed = name.startswith(("file.", "folder.")) or name == "commit.before"
        changed |= name == "process.start" and not reading
        if name.endswith(".after"):
            reading = False
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--scene", action="append")
    parser.add_argument("--all", action="store_true", help="also where the disk is as at another point")
    parser.add_argument("--point", type=int)
    asked, _ = parser.parse_known_args()
    chosen = [scene for scene in SCENES if not asked.scene or scene.name in asked.scene]
    began = time.monotonic()
    with calls.folder() as folder:
        first = Stage(folder / "first")
        only = {scene.name: scene.only for scene in chosen}
        points = {scene.name: points_of(first, scene) for scene in chosen}
        tasks = [
            (name, point, "commit.before" not in item[point - 1 :])
            for name, item in points.items()
            for point in (range(1, len(item) + 1) if asked.all else distinct(item))
            if asked.point in {None, point} and (asked.all or item[point - 1] in (only[name] or item))
        ]
        with multiprocessing.get_context("fork").Pool(asked.jobs) as pool:
            kills = []
            for item in pool.imap_unordered(partial(_work, folder, asked.all), tasks, chunksize=24):
                kills.append(item)
                for line in item.wrong:
                    name = points[item.scene][item.point - 1]
                    print(f"{item.scene}, point {item.point} ({name}): {line[:1500]}", file=sys.stderr, flush=True)
    for scene in chosen:
        own = [item for item in kills if item.scene == scene.name]
        calls.tell(
            "kill_matrix",
            scene.name,
            holds=not any(item.wrong for item in own),
            points=len(points[scene.name]),
            killed=sum(item.reached for item in own),
            same_end=sum(item.reached and not item.wrong for item in own),
            as_before=sum(item.is_as_before for item in own),
        )
    holds = not any(item.wrong for item in kills)
    calls.tell(
        "kill_matrix",
        "all",
        holds=holds,
        verbs=len(chosen),
        killed=sum(item.reached for item in kills),
        same_end=sum(item.reached and not item.wrong for item in kills),
        as_before=sum(item.is_as_before for item in kills),
        minutes=(time.monotonic() - began) / 60,
        # Again at the very end, where a log that was cut off still has it.
        wrong=[f"{item.scene}, point {item.point}: {line[:500]}" for item in kills for line in item.wrong][:5],
    )
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
