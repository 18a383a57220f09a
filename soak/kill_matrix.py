"""Every mutating verb, killed at its points: before and after each git call, each commit, each change of a file.

After each kill the same call again must come to the same end as a call that nobody broke off: tables, refs, worktrees
and files are compared, the ledger and the database checked, and nothing may be left lying about or running. An unbroken
call stands still at its points: where it would leave everything as at an earlier point, the same call goes on from there
in the same way, and the verdict is that of the kill at the earlier point (`--all`: also there it is killed). Where
threads or children are at work, what is left is known after the kill alone.

`python soak/kill_matrix.py [--jobs N] [--scene NAME] [--point N] [--all]`
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak import calls, soundness, state
from soak.beginnings import Stage
from soak.points import Kill, Point, Task, distinct, killed_at, tasks_of, way_of
from soak.remains import Seen, left_by_a_kill
from soak.scenes import SCENES, Scene

KILLED = -9


def points_of(stage: Stage, scene: Scene, *, every: bool = False) -> list[Point]:
    """Return the points that an unbroken call passes, and check that it ends well. For `every`, nothing is looked at."""
    stage.begin(scene)
    log = stage.place.with_name("points")
    log.unlink(missing_ok=True)
    log.touch()
    lefts: dict[int, str | None] = {}
    seen: Seen = {}

    def look(pid: int) -> None:
        names = log.read_text().splitlines()
        number = len(names) + 1
        if distinct([*names, "unknown"])[-1] == number:
            lefts[number] = left_by_a_kill(stage.root, {}, alive=pid, seen=seen)

    watch = None if every or scene.only else look
    if (answer := stage.run(scene, log=log, watch=watch)).exit != scene.exit:
        raise SystemExit(f"{scene.name}: {answer}")
    names = log.read_text().splitlines()
    return [
        Point(name, way_of(names[:number]), "commit.before" not in names[number - 1 :], lefts.get(number))
        for number, name in enumerate(names, 1)
    ]


Verdicts = dict[tuple[str, bool, str], tuple[str, ...]]


def kill(stage: Stage, scene: Scene, task: Task, known: Verdicts | None = None) -> Kill:
    """Kill a scene's call at a point, call again, and compare.

    `known` are verdicts by what a kill left; without it no verdict is taken over.
    """
    expected = stage.end_of(scene)
    stage.begin(scene)
    log = stage.place.with_name("points")
    log.unlink(missing_ok=True)
    first = stage.run(scene, task.number, log=log)
    made = Kill(scene.name, task.number, first.exit != scene.exit, ())
    if not made.reached:
        return made._replace(is_elsewhere=True)
    if first.exit != KILLED:
        return made._replace(wrong=(f"it ended before it was killed: {first}",))
    made = made._replace(is_elsewhere=way_of(log.read_text().splitlines()) != task.point.way)
    left = None if known is None else left_by_a_kill(stage.root, state.names_of(stage.root))
    before = scene.name, task.point.is_done, left or ""
    if known and left and before in known:
        return made._replace(wrong=known[before], is_as_before=True)
    verdict = _verdict(stage, scene, expected, is_done=task.point.is_done)
    if known is not None and left:
        known[before] = verdict
    return made._replace(wrong=verdict)


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


def _passed(folder: Path, every: bool, name: str) -> tuple[str, list[Point]]:  # noqa: FBT001
    return name, points_of(_mine(folder), _scene(name), every=every)


def _work(folder: Path, every: bool, task: Task) -> Kill:  # noqa: FBT001
    # A point whose remains are known is the first that leaves them.
    known = None if every or task.point.left else _known
    return kill(_mine(folder), _scene(task.scene), task, known)


def _scene(name: str) -> Scene:
    return next(item for item in SCENES if item.name == name)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--scene", action="append")
    parser.add_argument("--all", action="store_true", help="also where the disk is as at another point")
    parser.add_argument("--point", type=int)
    asked, _ = parser.parse_known_args()
    chosen = [scene for scene in SCENES if not asked.scene or scene.name in asked.scene]
    began = time.monotonic()
    calls.import_all()
    with calls.folder() as folder, multiprocessing.get_context("fork").Pool(asked.jobs) as pool:
        # Each worker makes the beginnings of scenes in a place of its own: here it makes those that it needs, too.
        passed = partial(_passed, folder, asked.all or asked.point is not None)
        points = dict(pool.imap_unordered(passed, [scene.name for scene in chosen]))
        tasks: dict[Task, list[Task]] = {}
        for scene in chosen:
            own = tasks_of(scene, points[scene.name], every=asked.all)
            tasks |= {task: later for task, later in own.items() if asked.point in {None, task.number}}
        kills = killed_at(pool, partial(_work, folder, asked.all), tasks)
    places = Counter(name for task, later in tasks.items() for name in [task.scene] * (1 + len(later)))
    for scene in chosen:
        own = [item for item in kills if item.scene == scene.name]
        calls.tell("kill_matrix", scene.name, **_counts(own, len(points[scene.name]), places[scene.name]))
    calls.tell(
        "kill_matrix",
        "all",
        verbs=len(chosen),
        **_counts(kills, sum(len(item) for item in points.values()), places.total()),
        minutes=(time.monotonic() - began) / 60,
        # Again at the very end, where a log that was cut off still has it.
        wrong=[f"{item.scene}, point {item.point}: {line[:500]}" for item in kills for line in item.wrong][:5],
    )
    return int(any(item.wrong for item in kills))


def _counts(kills: list[Kill], points: int, places: int) -> dict[str, Any]:
    """Return how many points were passed, between how many the place changes, and how the kills ended.

    `as_before` counts the points whose verdict is that of another kill, which left or would have left the same.
    """
    return {
        "holds": not any(item.wrong for item in kills),
        "points": points,
        "places": places,
        "killed": sum(item.reached for item in kills),
        "same_end": sum(item.reached and not item.wrong for item in kills),
        "as_before": places - len(kills) + sum(item.is_as_before for item in kills),
    }


if __name__ == "__main__":
    sys.exit(main())
