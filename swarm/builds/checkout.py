"""The user's checkout, as builds borrow from it: its installed programs, without those that git brought."""

import os
import re
from bisect import bisect_left
from pathlib import Path
from typing import Final, NamedTuple

from swarm.search_path import absolute_path
from swarm.workspace import in_agents_tree

_MODULES_PROGRAM: Final = re.compile(r"(?:^|/)node_modules(?:/\.bin(?:/[^/]+)?)?")


class Checkout(NamedTuple):
    """The checkout of a user. `tracked` are the paths that git tracks there or in the commit under proof, sorted.

    `installed` is the environment of Python that the set-up made in the tree, which goes before every other.
    """

    root: Path
    tracked: tuple[str, ...] = ()
    installed: Path | None = None

    def brings(self, place: Path) -> bool:
        """Say whether git brought a file, or anything in a folder, or whether the place lies in an agent's tree.

        Both the path and the place that its links lead to are judged: either can be a tracked file.
        """
        if place == self.installed:
            return False
        places = (Path(os.path.normpath(place)), place.resolve())
        return any(in_agents_tree(found) or self._tracks(found) for found in places)

    def after_setup(self, tree: Path) -> "Checkout":
        """Return the checkout for the steps after a set-up, which may have made a `.venv` that git does not track."""
        return self if self._has(".venv") else self._replace(installed=tree / ".venv")

    def path(self) -> str:
        """Return the absolute entries of PATH without those that git or an agent brought."""
        entries = absolute_path().split(os.pathsep)
        return os.pathsep.join(entry for entry in entries if not self.brings(Path(entry))) or os.defpath

    def node_programs(self) -> list[str]:
        """Return the tracked paths that npm takes for programs: entries of `.bin`, and links to such folders."""
        return [name for name in self.tracked if (found := _MODULES_PROGRAM.search(name)) and found.end() == len(name)]

    def _tracks(self, place: Path) -> bool:
        for root in (self.root, self.root.resolve()):
            if place.is_relative_to(root):
                return self._has(place.relative_to(root).as_posix())
        return False

    def _has(self, name: str) -> bool:
        # The root itself holds tracked files, and is a folder of the project, not an installed environment.
        if name == ".":
            return False
        # A tracked link or submodule brings everything below itself.
        above = [name, *(parent.as_posix() for parent in Path(name).parents)]
        if any(self._at(one) == one for one in above):
            return True
        return self._at(f"{name}/").startswith(f"{name}/")

    def _at(self, name: str) -> str:
        place = bisect_left(self.tracked, name)
        return self.tracked[place] if place < len(self.tracked) else ""
