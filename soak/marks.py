"""Marks that people and agents leave in what they write, and where they are found: on the disk, or reached by git."""

import os
import re
import subprocess
from pathlib import Path

from soak.calls import environment, git
from soak.soundness import trees_of

MARK = re.compile(rb"mark-[0-9]+-[0-9]+")


class Marks:
    """The marks of one repository. What a blob holds is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blobs: dict[str, frozenset[bytes]] = {}
        self.ever: set[bytes] = set()

    def found(self) -> frozenset[bytes]:
        """Return the marks in the files of the checkout and the agents' trees, in their indexes, and in what refs reach."""
        there = self._in_files() | self._in_git()
        self.ever |= there
        return frozenset(there)

    def _in_files(self) -> set[bytes]:
        found: set[bytes] = set()
        for place in (self._root, *self._root.glob("swarms/*/worktrees")):
            for folder, folders, names in os.walk(place):
                folders[:] = [
                    name for name in folders if name != ".git" and Path(folder, name) != self._root / "swarms"
                ]
                for name in names:
                    found.update(MARK.findall(Path(folder, name).read_bytes()))
        return found

    def _in_git(self) -> set[bytes]:
        heads, ids = [], set()
        for place in (self._root, *(tree for tree in trees_of(self._root) if (tree / ".git").exists())):
            head = git(self._root, "-C", str(place), "rev-parse", "HEAD").strip()
            # A worktree that a killed git had begun stands nowhere yet.
            heads += [head] if head.strip("0") else []
            ids |= {line.split()[1] for line in git(self._root, "-C", str(place), "ls-files", "--stage").splitlines()}
        reached = git(self._root, "rev-list", "--objects", "--single-worktree", "--all", *heads)
        ids |= {line.split()[0] for line in reached.splitlines()}
        self._read([finding for finding in ids if finding not in self._blobs])
        return set().union(*(self._blobs[finding] for finding in ids))

    def _read(self, ids: list[str]) -> None:
        done = subprocess.run(
            ["git", "cat-file", "--batch", "--buffer"],
            cwd=self._root,
            env=environment(self._root.parent),
            input="".join(f"{finding}\n" for finding in ids).encode(),
            capture_output=True,
            check=True,
        )
        found, at = done.stdout, 0
        for finding in ids:
            end = found.index(b"\n", at)
            size = int(found[at:end].split()[2])
            self._blobs[finding] = frozenset(MARK.findall(found[end + 1 : end + 1 + size]))
            at = end + size + 2
