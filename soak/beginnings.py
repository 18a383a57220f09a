"""A place in which scenes are played again and again: their beginnings are made once, kept, and brought back."""

import shutil
from pathlib import Path

from soak import scenes, state
from soak.calls import Answer
from soak.forks import Watch, forked
from soak.processes import await_watchdogs
from soak.scenes import SCENES, Scene
from tests.copies import copied


class Stage:
    """A place of its own for one worker, in which every scene's beginning is made once and brought back."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "place"
        self.root = self.place / "repo"
        self._kept = folder / "kept"
        self._kept.mkdir(parents=True)
        self._ends: dict[str, object] = {}
        self._words: dict[str, tuple[str, ...]] = {}

    def begin(self, scene: Scene) -> None:
        """Bring the place to where a scene begins."""
        if not (self._kept / f"before {scene.name}").exists():
            self._make(scene)
        self._bring(f"before {scene.name}")

    def end_of(self, scene: Scene) -> object:
        """Return what an unbroken call comes to."""
        if scene.name not in self._ends:
            self.begin(scene)
            self.run(scene)
            self._ends[scene.name] = state.state(self.root, tries=scene.tries)
            self._keep(f"after {scene.name}")
        return self._ends[scene.name]

    def run(self, scene: Scene, point: int = 0, log: Path | None = None, watch: Watch | None = None) -> Answer:
        """Call the scene's verb in a process of its own, killed at a point where one is given."""
        if scene.name not in self._words:
            self._words[scene.name] = scenes.named(self.root, scene.words)
        return forked(self.root, *self._words[scene.name], point=point, log=log, watch=watch)

    def _make(self, scene: Scene) -> None:
        if scene.after is None:
            shutil.rmtree(self.place, ignore_errors=True)
            self.root.mkdir(parents=True)
            scenes.make(self.root)
        else:
            before = next(item for item in SCENES if item.name == scene.after)
            if not (self._kept / f"after {before.name}").exists():
                self.end_of(before)
            self._bring(f"after {before.name}")
        scene.by_hand(self.root)
        self._keep(f"before {scene.name}")

    def _keep(self, name: str) -> None:
        copied(self.place, self._kept / name)

    def _bring(self, name: str) -> None:
        await_watchdogs()
        shutil.rmtree(self.place, ignore_errors=True)
        copied(self._kept / name, self.place)
