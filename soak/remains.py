"""What a call that is killed leaves, as a digest: from equal ones the same call goes on in the same way."""

import hashlib
import json
import os
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from soak.processes import left_running
from soak.state import NAMED_ALONE, plain, renamed, tables

# What is of chance: scratch folders, files that are written aside, objects that git begins, times of its logs.
OF_CHANCE = re.compile(
    r"(?<=swarm-scratch-)[0-9a-z_]{8}|(?<=/tmp_obj_)\w+|(?<=[./])[0-9]+-[0-9a-f]{8}(?=\.tmp)"
    r"|(?<=proof-)[0-9]+(?=-)|(?<=/tmp)[0-9a-z_]{8}\b"
    # The time of a line in a log of git.
    r"|(?<=> )[0-9]{10}(?= [+-][0-9]{4}\b)"
)
_INDEX = b"DIRC"
# Of an entry in an index of git, by gitformat-index(5): what follows the times, after them the owner and the size.
_MODE, _NAME, _FLAGS, _PATH = slice(24, 28), 40, 60, 62
_IS_EXTENDED = 0x4000
# What was shown of a file, by what `lstat` says of it.
Seen = dict[tuple[object, ...], str]


def left_by_a_kill(root: Path, names: Mapping[str, str], *, alive: int = 0, seen: Seen | None = None) -> str | None:
    """Return a digest of all that a killed call left in the place of a repository.

    It holds the tables, the entries of each index, and name, mode and content of every file; of objects, whose names
    are of chance, the number; of logs and locks the size. `names` has what stands for runs and commits. `None` while a
    process apart from `alive` works there: what that will leave is not known. `seen` remembers files between calls for
    one run of a command.
    """
    if left_running(root.parent, apart_from=alive):
        return None
    seen = {} if seen is None else seen
    shown, objects = [], 0
    for entry in _below(os.fspath(root.parent)):
        if entry.path.startswith(f"{root}/.git/objects/"):
            objects += 1
            continue
        facts = entry.stat(follow_symlinks=False)
        key = entry.path, *facts[:2], facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns
        if key not in seen:
            name = renamed(entry.path, names)
            # A folder has a size, which depends on what it held before.
            size = facts.st_size if entry.is_file(follow_symlinks=False) else 0
            content = OF_CHANCE.sub("<of chance>", _content(root, entry, names))
            said = f"{OF_CHANCE.sub('<of chance>', str(plain(name)))} {facts.st_mode:o} {size} {content}"
            seen[key] = hashlib.sha256(said.encode()).hexdigest()
        shown.append(seen[key])
    return hashlib.sha256(json.dumps([sorted(shown), objects]).encode()).hexdigest()


def _below(folder: str) -> Iterator["os.DirEntry[str]"]:
    for entry in os.scandir(folder):
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path)


def _content(root: Path, entry: "os.DirEntry[str]", names: Mapping[str, str]) -> str:
    """Return what a file holds, without times and with other names for runs and commits."""
    file = Path(entry.path)
    if entry.is_symlink():
        return renamed(str(file.readlink()), names)
    if entry.is_dir():
        return ""
    if file == root / "swarms" / "control-plane.db" and file.stat().st_size:
        return renamed(json.dumps(tables(file, tries=True), sort_keys=True), names)
    if (content := file.read_bytes()).startswith(_INDEX):
        return "\n".join(_entries(content))
    if entry.name.endswith(NAMED_ALONE) or entry.name.startswith("control-plane.db"):
        return ""
    return str(plain(renamed(content.decode("utf-8", "replace"), names)))


def _entries(index: bytes) -> Iterator[str]:
    """Yield mode, object, flags and path of the entries of an index, without what `lstat` says of their files."""
    _, version, count = struct.unpack_from(">4sII", index)
    if version not in {2, 3}:
        yield index.hex()
        return
    at = 12
    for _ in range(count):
        (flags,) = struct.unpack_from(">H", index, at + _FLAGS)
        end = index.index(b"\0", at + _PATH + (2 if flags & _IS_EXTENDED else 0))
        entry = index[at:end]
        yield (entry[_MODE] + entry[_NAME:]).hex()
        at += (end - at) // 8 * 8 + 8
