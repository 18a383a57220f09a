"""Copies of folders, and the ways between them: nearly every test brings states back, so each system call counts."""

import os
import shutil
import stat
from pathlib import Path
from typing import Final, NamedTuple

_PERMISSIONS: Final = 0o7777
_MOST_AT_ONCE: Final = 1 << 24


class Way(NamedTuple):
    """The way from a state to another, by relative paths: what to remove, then what to copy, and folders to adjust."""

    removed: list[str]
    copied: list[str]
    folders: list[str]


def way_between(before: str, after: str, below: str = "") -> Way:
    """Return the way from a folder to another; a file of equal mode, size, time and content stays."""
    way = Way([], [], [])
    old, new = ({entry.name: entry for entry in os.scandir(folder)} for folder in (before, after))
    is_as_before = _facts_of(before) == _facts_of(after)
    for name in sorted(old.keys() | new.keys()):
        place = f"{below}{name}"
        if name not in new:
            way.removed.append(place)
        elif name not in old:
            way.copied.append(place)
        elif all(entry.is_dir(follow_symlinks=False) for entry in (old[name], new[name])):
            further = way_between(old[name].path, new[name].path, f"{place}/")
            for all_of, more in zip(way, further, strict=True):
                all_of.extend(more)
        elif not _is_equal(old[name], new[name]):
            way.removed.append(place)
            way.copied.append(place)
    if not is_as_before or any(f"{below}{name}" in {*way.removed, *way.copied} for name in old.keys() | new.keys()):
        way.folders.append(below)
    return way


def _facts_of(folder: str) -> tuple[int, int]:
    facts = os.stat(folder)
    return facts.st_mode, facts.st_mtime_ns


def _is_equal(one: "os.DirEntry[str]", other: "os.DirEntry[str]") -> bool:
    ours, theirs = (entry.stat(follow_symlinks=False) for entry in (one, other))
    if (ours.st_mode, ours.st_size, ours.st_mtime_ns) != (theirs.st_mode, theirs.st_size, theirs.st_mtime_ns):
        return False
    if one.is_symlink():
        return os.readlink(one.path) == os.readlink(other.path)
    return Path(one.path).read_bytes() == Path(other.path).read_bytes()


def walk(way: Way, copy: Path, place: Path) -> None:
    """Bring a place from the state before to the state of a copy."""
    for name in way.removed:
        target = f"{place}/{name}"
        if os.path.isdir(target) and not os.path.islink(target):
            shutil.rmtree(target)
        else:
            os.unlink(target)
    for name in way.copied:
        _copy_entry(f"{copy}/{name}", f"{place}/{name}")
    for name in way.folders:
        _adjust(f"{copy}/{name}", f"{place}/{name}")


def copied(source: Path, target: Path) -> None:
    """Copy a folder to a place where nothing is."""
    _copy_folder(os.fspath(source), os.fspath(target))


def _copy_folder(source: str, target: str) -> None:
    """Copy a folder with links, modes and times; `shutil.copytree` takes three times as long for small files."""
    os.makedirs(target)
    for name in os.listdir(source):
        _copy_entry(f"{source}/{name}", f"{target}/{name}")
    _adjust(source, target)


def _copy_entry(source: str, target: str) -> None:
    kind = os.lstat(source).st_mode
    if stat.S_ISLNK(kind):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISDIR(kind):
        _copy_folder(source, target)
    else:
        _copy_file(source, target)


def _adjust(source: str, target: str) -> None:
    """Give a folder the mode and the times of its copy."""
    facts = os.stat(source)
    os.chmod(target, facts.st_mode & _PERMISSIONS)
    os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _copy_file(source: str, target: str) -> None:
    given = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        facts = os.fstat(given)
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            while os.sendfile(made, given, None, _MOST_AT_ONCE):
                pass
            os.fchmod(made, facts.st_mode & _PERMISSIONS)
            os.utime(made, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        finally:
            os.close(made)
    finally:
        os.close(given)
