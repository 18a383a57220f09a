"""Snapshots around a call: every byte below a folder, and the block on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import Answer


def everything_in(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, git's own too: the database, refs, worktrees, the work itself."""
    found = {}
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        if file.is_symlink():
            found[name] = str(file.readlink()).encode()
        elif file.is_file() and file.suffix != ".lock":
            found[name] = file.read_bytes()
        elif file.is_dir():
            found[name] = b"a folder"
    return found


@contextmanager
def nothing_changes(folder: Path) -> Iterator[None]:
    """Check that no byte below a folder changes."""
    before = everything_in(folder)
    yield
    after = everything_in(folder)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert changed == []


def block_of(answer: Answer) -> str:
    """Return the text on stderr beside the events."""
    return "\n".join(line for line in answer.err.splitlines() if not line.startswith("{"))
