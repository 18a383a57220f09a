"""A place where tests of the command line begin: what many of them make alike is made there once, and brought back.

The control plane and git name their files by whole paths, so that all of these tests work in the same folder.
"""

import hashlib
import os
import shutil
import signal
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from swarm.runtimes import sandbox
from tests.copies import Way, copied, walk, way_between

# What pytest sets anew for each test.
_OF_PYTEST: Final = {"PYTEST_CURRENT_TEST"}
# Every call of the command line through the fixture has an id of its own.
_SET_BY_EACH_CALL: Final = {"correlation_id"}
_STAT: Final = struct.Struct(">6I")
_ENTRY_BYTES: Final = 62
_LONG_NAME: Final = 0xFFF
_DIGEST_BYTES: Final = 20
_PATIENCE_SECONDS: Final = 10.0


class Copy(NamedTuple):
    """A copy of the place, what its maker returned, and the entries of each git index whose files were unchanged."""

    folder: Path
    made: Any
    unchanged: dict[Path, list[tuple[int, str]]]


class Kept:
    """The folder that tests work in one after the other, and copies of the states in which they begin."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "place"
        self._folder = folder / "kept"
        self._copies: dict[object, Copy] = {}
        self._ways: dict[tuple[Path, Path], Way] = {}

    def clear(self) -> Path:
        """Return the place, empty, with no process left in it."""
        end_processes_in(self.place)
        if self.place.exists():
            shutil.rmtree(self.place)
        self.place.mkdir(parents=True)
        return self.place

    def bring(self, state: object, make: Callable[[], Any], stands: object = None) -> Any:
        """Return what `make` returns, and what it makes of the place: really the first time, then from the copy.

        `stands` is the state that the place is in, unchanged, where the caller knows that.
        """
        if state not in self._copies:
            made = make()
            folder = self._folder / str(len(self._copies))
            copied(self.place, folder)
            self._copies[state] = Copy(folder, made, {index: _unchanged(index) for index in _indexes(self.place)})
            return made
        copy = self._copies[state]
        if (before := self._copies.get(stands)) is not None:
            # Most states differ from the state before them by a few files.
            walk(self._way(before.folder, copy.folder), copy.folder, self.place)
        else:
            shutil.rmtree(self.place)
            copied(copy.folder, self.place)
        try:
            Path.cwd()
        except FileNotFoundError:
            # A call that made an earlier state has left this process in a folder that was removed.
            os.chdir(self.place)
        for index, entries in copy.unchanged.items():
            _renew(index, entries)
        return copy.made

    def _way(self, before: Path, after: Path) -> Way:
        if (before, after) not in self._ways:
            self._ways[before, after] = way_between(os.fspath(before), os.fspath(after))
        return self._ways[before, after]


class Stage:
    """The place of one test. A state is brought back where nothing but states was brought before it, else made anew."""

    def __init__(self, kept: Kept, place: Path, monkeypatch: pytest.MonkeyPatch | None = None) -> None:
        self._kept = kept
        self._place = place
        self._patches = monkeypatch
        self._has_begun = False
        # A fixture may have put files there already: a copy without them would take them away.
        self._state: tuple[object, ...] = contents(place)
        self._stands = fingerprint(place)
        self._brought: object = None

    def begin(self, make: Callable[[], Any]) -> None:
        """Bring the repository that `make` makes in the place; tests that have another repository make all anew."""
        self._has_begun = self._place == self._kept.place
        self.bring("repo", make)

    def bring(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` returns, and bring the place into the state that it makes.

        `name` tells the states of one function apart.
        """
        if not self._has_begun or self._is_patched() or fingerprint(self._place) != self._stands:
            return make()
        where = make.__code__.co_filename, make.__code__.co_firstlineno
        before, self._state = self._state, (*self._state, name, where)

        def made_here() -> Any:
            # The maker may bring states of its own: what it makes begins where it was called.
            made = make()
            self._state = (*before, name, where)
            return made

        key = self._key()
        made = self._kept.bring(key, made_here, self._brought)
        self._brought = key
        self._stands = fingerprint(self._place)
        return made

    def _key(self) -> object:
        """Return what a copy of the present state is kept by."""
        environment = frozenset(item for item in os.environ.items() if item[0] not in _OF_PYTEST)
        backends = tuple((works.__module__, works.__qualname__) for works in sandbox.BACKENDS.values())
        return self._state, environment, backends

    def _is_patched(self) -> bool:
        """Whether the test has changed the code under test: a state that was made without the change is another."""
        if self._patches is None:
            return False
        # Private names of pytest, which has no public list of what a test has patched; a version without them fails here.
        known = (os.environ, sandbox.BACKENDS)
        is_set = any(name not in _SET_BY_EACH_CALL for _, name, _ in self._patches._setattr)
        return is_set or not all(any(table is item for item in known) for table, _, _ in self._patches._setitem)


def contents(place: Path) -> tuple[tuple[str, bytes], ...]:
    """Return the names below a folder, with what the files hold."""
    found = sorted(place.rglob("*"))
    return tuple((str(path.relative_to(place)), path.read_bytes() if path.is_file() else b"") for path in found)


def fingerprint(place: Path) -> list[tuple[object, ...]]:
    """Return what tells whether anything below a folder has changed."""
    found: list[tuple[object, ...]] = []
    for folder, _, names in os.walk(place):
        for path in (folder, *(f"{folder}/{name}" for name in names)):
            facts = os.lstat(path)
            found.append((path, facts.st_mode, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))
    return found


def end_processes_in(place: Path) -> None:
    """Kill the processes that work below a folder, and wait for their end: the next test has the same folder."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while left := [pid for pid in _processes() if _works_in(pid, place)]:
        for pid in left:
            _kill(pid)
        assert time.monotonic() < until, f"processes {left} do not end, in {place}"
        time.sleep(0.002)


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _works_in(pid: int, place: Path) -> bool:
    # By `os`, not by Path, which costs each test 8 ms: a machine runs hundreds of processes.
    try:
        folder = os.readlink(f"/proc/{pid}/cwd")
        if not f"{folder.removesuffix(' (deleted)')}/".startswith(f"{place}/") or pid == os.getpid():
            return False
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _indexes(place: Path) -> Iterator[Path]:
    """Yield every index of the repository of a place and of its worktrees."""
    git = place / "repo/.git"
    yield from (index for index in (git / "index", *git.glob("worktrees/*/index")) if index.is_file())


def _tree_of(index: Path) -> Path:
    pointer = index.with_name("gitdir")
    return Path(pointer.read_text().strip()).parent if pointer.exists() else index.parent.parent


def _unchanged(index: Path) -> list[tuple[int, str]]:
    """Return position and path of the entries whose files are, by their times and numbers, those that git has seen."""
    data, tree = index.read_bytes(), _tree_of(index)
    return [(at, path) for at, path in _entries(data) if data[at : at + _STAT.size] == _stat_of(tree / path)]


def _renew(index: Path, entries: list[tuple[int, str]]) -> None:
    """Write times and numbers of the copied files into the entries of an index: a copy is as little changed."""
    facts, data, tree = index.stat(), bytearray(index.read_bytes()), _tree_of(index)
    for at, path in entries:
        data[at : at + _STAT.size] = _stat_of(tree / path)
    data[-_DIGEST_BYTES:] = hashlib.sha1(data[:-_DIGEST_BYTES]).digest()
    index.write_bytes(data)
    # git compares the time of a file with that of the index.
    os.utime(index, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _entries(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield position and path of the entries of an index of version 2, by gitformat-index(5)."""
    signature, version, count = struct.unpack_from(">4sII", data)
    if signature != b"DIRC" or version != 2 or hashlib.sha1(data[:-_DIGEST_BYTES]).digest() != data[-_DIGEST_BYTES:]:
        return
    at = 12
    for _ in range(count):
        (flags,) = struct.unpack_from(">H", data, at + _ENTRY_BYTES - 2)
        end = data.index(b"\0", at + _ENTRY_BYTES) if flags & _LONG_NAME == _LONG_NAME else None
        path = data[at + _ENTRY_BYTES : end or at + _ENTRY_BYTES + (flags & _LONG_NAME)]
        yield at, os.fsdecode(path)
        at += (_ENTRY_BYTES + len(path)) // 8 * 8 + 8


def _stat_of(file: Path) -> bytes:
    try:
        facts = os.lstat(file)
    except OSError:
        return b""
    moments = [part for moment in (facts.st_ctime_ns, facts.st_mtime_ns) for part in divmod(moment, 10**9)]
    return _STAT.pack(*moments, facts.st_dev & 0xFFFFFFFF, facts.st_ino & 0xFFFFFFFF)
