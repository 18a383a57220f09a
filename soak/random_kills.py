"""A whole story, from the freezing of the map to the undo of a rewind, whose calls are killed at random moments and repeated.

Half of the kills end the process alone, half its process group: then a git that writes just then dies as well. At the
end of each story everything must be as in a story that nobody broke off.

`python soak/random_kills.py [--kills 500] [--jobs N] [--seed N]`
"""

import argparse
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak import calls, scenes, soundness, state
from soak.beginnings import Stage
from soak.calls import Answer, read
from soak.processes import left_running
from soak.scenes import SCENES, Scene

STORY = (
    *("freeze", "dispatch", "launch", "collect", "grant", "approve", "dispatch, amend", "launch, amend"),
    *(
        "collect, amend",
        "merge",
        "publish what was merged",
        "verify",
        "look again",
        "advance",
        "report",
        "clean",
        "undo, of clean",
    ),
    *("rewind", "undo, of rewind"),
)
# A call is killed at most so many times before it is let go to its end.
TIMES = 4
MOST_SHOWN = 10
LOCKED = ("GIT_FAILED", "GIT_LOCKED")


class Story(NamedTuple):
    """Result of one story."""

    kills: int
    groups: int
    late: int
    helped: int
    wrong: tuple[str, ...]


class Storyteller:
    """Plays one story, with its own dice and in its own place."""

    def __init__(self, stage: Stage, seconds: dict[str, float], dice: random.Random) -> None:
        self._stage = stage
        self._seconds = seconds
        self._dice = dice
        self._kills = self._groups = self._late = self._helped = 0
        self._wrong: list[str] = []

    def tell(self, expected: object) -> Story:
        """Play the story to its end, and compare."""
        self._stage.begin(_scene(STORY[0]))
        for name in STORY:
            self._play(_scene(name))
            if self._wrong:
                break
        if not self._wrong:
            self._wrong += state.differences(expected, state.state(self._stage.root, tries=False))
            self._wrong += soundness.unsound(self._stage.root)
        return Story(self._kills, self._groups, self._late, self._helped, tuple(self._wrong))

    def _play(self, scene: Scene) -> None:
        root = self._stage.root
        if scene.name != STORY[0]:
            scene.by_hand(root)
        words = scenes.named(root, scene.words)
        for _ in range(self._dice.randint(1, TIMES)):
            group = self._dice.random() < 0.5
            moment = self._dice.uniform(0.05, self._seconds[scene.name] * 1.1)
            if not broken_off(root, words, moment, group=group):
                self._late += 1
                break
            self._kills += 1
            self._groups += group
            if self._dice.random() < 0.3:
                self._wrong += soundness.unsound_tables(root, "ledger replay --check")
        answer = called(root, words)
        if answer.code in LOCKED:
            # What the hint says: look whether a git still works there, then let the lock go.
            answer, helped = helped_by_hand(root, words, answer)
            self._helped += helped
        if answer.exit != scene.exit and not scene.was_done(answer):
            self._wrong.append(f"{scene.name}: {answer}")


def helped_by_hand(root: Path, words: tuple[str, ...], answer: Answer) -> tuple[Answer, bool]:
    """Do what the hint of a call says that met a lock of git, and call it again; say whether a lock had to go."""
    called(root, ("doctor", "--fix", "--apply", "--reason", "a git was killed"))
    locks = [file for file in (root / ".git").rglob("*.lock") if str(file) in answer.out]
    for lock in locks:
        lock.unlink(missing_ok=True)
    return called(root, words), bool(locks)


def broken_off(root: Path, words: tuple[str, ...], seconds: float, *, group: bool) -> bool:
    """Call a verb and kill it after some seconds; say whether it was there to be killed."""
    process = _start(root, words, None)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    code = process.wait()
    await_git(root)
    return code == -signal.SIGKILL


def called(root: Path, words: tuple[str, ...]) -> Answer:
    """Call a verb and let it come to its end."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        code = _start(root, words, output.fileno()).wait(calls.DEADLINE)
        return Answer(words, code, read(output), "", time.perf_counter() - began)


def _start(root: Path, words: tuple[str, ...], output: int | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "swarm", *words, "--format", "json"],
        cwd=root,
        env=calls.environment(root.parent),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if output is None else output,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def await_git(root: Path) -> None:
    # A git whose parent was killed comes to its end by itself; a user is not faster than that.
    while any(" git " in f" {line} " for line in left_running(root)):
        time.sleep(0.01)


def _scene(name: str) -> Scene:
    return next(scene for scene in SCENES if scene.name == name)


def unbroken(stage: Stage) -> tuple[object, dict[str, float]]:
    """Play the story without a kill; return what it comes to, and what each call takes."""
    stage.begin(_scene(STORY[0]))
    seconds = {}
    for name in STORY:
        scene = _scene(name)
        if name != STORY[0]:
            scene.by_hand(stage.root)
        answer = called(stage.root, scenes.named(stage.root, scene.words))
        if answer.exit != scene.exit:
            raise SystemExit(f"{name}: {answer}")
        seconds[name] = answer.seconds
    return state.state(stage.root, tries=False), seconds


def tell_stories(folder: Path, kills: int, seed: int) -> list[Story]:
    """Tell stories until so many calls were killed, in a process of its own."""
    stage = Stage(folder / str(os.getpid()))
    expected, seconds = unbroken(stage)
    dice = random.Random(seed)
    stories: list[Story] = []
    while sum(item.kills for item in stories) < kills:
        stories.append(Storyteller(stage, seconds, dice).tell(expected))
        for line in stories[-1].wrong[:MOST_SHOWN]:
            print(f"seed {seed}, story {len(stories)}: {line[:1500]}", file=sys.stderr, flush=True)
    return stories


def _work(folder: Path, kills: int, seed: int) -> list[Story]:
    return tell_stories(folder, kills, seed)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    asked, _ = parser.parse_known_args()
    began = time.monotonic()
    each = -(-asked.kills // asked.jobs)
    with calls.folder() as folder, multiprocessing.get_context("fork").Pool(asked.jobs) as pool:
        seeds = range(asked.seed, asked.seed + asked.jobs)
        stories = [item for own in pool.map(partial(_work, folder, each), seeds) for item in own]
    facts: dict[str, Any] = {
        "kills": sum(story.kills for story in stories),
        "of_groups": sum(story.groups for story in stories),
        "ended_before": sum(story.late for story in stories),
        "locks_removed_by_hand": sum(story.helped for story in stories),
        "stories": len(stories),
        "same_end": sum(not story.wrong for story in stories),
        "minutes": (time.monotonic() - began) / 60,
    }
    return int(not calls.tell("random_kills", "all", holds=facts["stories"] == facts["same_end"], **facts))


if __name__ == "__main__":
    sys.exit(main())
