"""Read files of an untrusted tree: regular files of bounded size, never through a link."""

import configparser
import json
import os
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from swarm.documents import parse_toml

MOST_BYTES: Final = 256 * 1024
MOST_ENTRIES: Final = 20_000
_PASSED_OVER: Final = {"node_modules", "venv", "env", "target", "build", "dist", "vendor", "__pycache__", "swarms"}


def read_text(tree: Path, name: str) -> str | None:
    """Return the text of a file, `None` where the file is absent, large, a link, or not UTF-8."""
    try:
        handle = os.open(tree / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        is_regular = stat.S_ISREG(os.fstat(handle).st_mode)
        body = os.read(handle, MOST_BYTES + 1) if is_regular else None
    except OSError:
        body = None
    finally:
        os.close(handle)
    try:
        return body.decode("utf-8-sig") if body is not None and len(body) <= MOST_BYTES else None
    except UnicodeDecodeError:
        return None


def read_toml(tree: Path, name: str) -> dict[str, Any]:
    """Return a TOML file as a table, an empty one where it cannot be read."""
    try:
        return parse_toml(read_text(tree, name) or "")
    except ValueError:
        return {}


def read_json(tree: Path, name: str) -> dict[str, Any]:
    """Return the object of a JSON file, an empty one where it cannot be read."""
    try:
        document = json.loads(read_text(tree, name) or "{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def read_ini(tree: Path, name: str) -> dict[str, dict[str, str]]:
    """Return the sections of an ini file, none where it cannot be read."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(read_text(tree, name) or "")
    except configparser.Error:
        return {}
    return {section: {key: value or "" for key, value in parser.items(section)} for section in parser.sections()}


def table(document: dict[str, Any], *keys: str) -> dict[str, Any] | None:
    """Return the table at a path of keys, `None` where there is none."""
    found: Any = document
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def is_file(tree: Path, name: str) -> bool:
    """Say whether the tree has a regular file of that name, which is not a link."""
    try:
        return stat.S_ISREG((tree / name).lstat().st_mode)
    except (OSError, ValueError):
        return False


def is_folder(tree: Path, name: str) -> bool:
    """Say whether a name leads to a folder of the tree, and no link out of it."""
    try:
        place = (tree / name).resolve()
        return place.is_dir() and place.is_relative_to(tree.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def names_below(tree: Path, folder: str = "") -> Iterator[str]:
    """Yield the files of a tree, nearest first, as slashed paths; installed and built files are passed over."""
    waiting = deque([folder])
    seen = 0
    while waiting:
        place = waiting.popleft()
        try:
            with os.scandir(tree / place) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if seen > MOST_ENTRIES:
                return
            name = f"{place}/{entry.name}" if place else entry.name
            if entry.is_file(follow_symlinks=False):
                yield name
            elif entry.is_dir(follow_symlinks=False) and not _is_passed_over(entry.name):
                waiting.append(name)


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name in _PASSED_OVER
