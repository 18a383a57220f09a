"""Points of the kill matrix: those at which a call is killed, and those that have the verdict of another point."""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.pool import Pool
from typing import NamedTuple

from soak.scenes import Scene

# What git does without a trace.
READING = {
    *("--version", "cat-file", "check-attr", "check-ignore", "check-ref-format", "diff", "diff-files", "diff-index"),
    *("diff-tree", "for-each-ref", "log", "ls-files", "ls-tree", "merge-base", "rev-list", "rev-parse", "show-ref"),
    *("status", "var"),
}


# Points that a worker takes at once: few enough that no worker is idle for long at the end.
_CHUNK = 12


class Kill(NamedTuple):
    """One kill of one scene, and what was wrong afterwards."""

    scene: str
    point: int
    reached: bool
    wrong: tuple[str, ...]
    # Whether the kill left what an earlier one had left, whose verdict this is.
    is_as_before: bool = False
    # Whether the call had not passed the same points as the unbroken one: its threads have run in another order.
    is_elsewhere: bool = False


class Point(NamedTuple):
    """One point of a scene: the points up to it, and whether the last commit of the call is behind it."""

    name: str
    way: str
    is_done: bool
    # A digest of the place, `None` where it is not known, or where it is as at the point before.
    left: str | None = None


class Task(NamedTuple):
    """A point at which a scene is killed."""

    scene: str
    number: int
    point: Point


def way_of(names: Sequence[str]) -> str:
    """Return a digest of the names of the points that a call has passed."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


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


def tasks_of(scene: Scene, points: list[Point], *, every: bool = False) -> dict[Task, list[Task]]:
    """Return the points at which a scene is killed, each with the later ones at which the place is as there."""
    tasks: dict[Task, list[Task]] = {}
    first: dict[tuple[bool, str], Task] = {}
    for number in range(1, len(points) + 1) if every else distinct([point.name for point in points]):
        point = points[number - 1]
        if not every and point.name not in (scene.only or {point.name}):
            continue
        task = Task(scene.name, number, point)
        if point.left and not every and (before := first.setdefault((point.is_done, point.left), task)) != task:
            # Should it be killed after all, nothing is known of what it leaves.
            tasks[before].append(task._replace(point=point._replace(left=None)))
        else:
            tasks[task] = []
    return tasks


def killed_at(pool: Pool, work: Callable[[Task], Kill], tasks: Mapping[Task, list[Task]]) -> list[Kill]:
    """Kill at the points by `work`, and, where a call was elsewhere than the unbroken one, at those that it stood for."""
    kills: list[Kill] = []
    stands_for = {(task.scene, task.number): later for task, later in tasks.items()}
    begun = list(tasks)
    while begun:
        further: list[Task] = []
        names = {(task.scene, task.number): task.point.name for task in begun}
        for item in pool.imap_unordered(work, begun, chunksize=_CHUNK):
            kills.append(item)
            place = item.scene, item.point
            if item.is_elsewhere:
                further += stands_for.pop(place, [])
            for line in item.wrong:
                print(f"{item.scene}, point {item.point} ({names[place]}): {line[:1500]}", file=sys.stderr, flush=True)
        begun = further
    return kills
