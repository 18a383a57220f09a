"""Shell scripts divided among processes of an analyzer that follows `source` into the files that it is given alone.

Every process that is given a script with all files that it may source, and with what these may source in turn, reports
the same of it. How shellcheck finds a file to source: its manual page, and https://www.shellcheck.net/wiki/SC1091.
"""

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

# A process with fewer scripts gains less than its start costs.
_LEAST: Final = 16
# A script costs the analyzer as much as so many bytes, beside its own.
_BYTES_OF_START: Final = 1000
# The most that all parts may cost together, of the cost of the scripts: where each script sources every other, a
# division would double the work.
_MOST: Final = 1.25
# Beyond, a file is data behind a script that unpacks it.
_MOST_READ: Final = 4 * 1024 * 1024
# Scripts that may source more paths are not divided.
_MOST_PATHS: Final = 20_000
# An expansion within the name of a file can go on behind its line.
_LINES_OF_NAME: Final = 4
# What every sourcing script has, with its quotes: most scripts need no other look.
_HINT: Final = re.compile(rb"""source|\.["'\\\s]""")
_QUOTES: Final = re.compile(r"""["'\\]""")
# `source` as a command or in a directive of a comment, and a dot as a command.
_SOURCING: Final = re.compile(r"(?:source\s*=?|(?<![^\s;&|(){}`!])\.(?=\s))(.*)")
_PATH: Final = re.compile(r"(\$?)([^\s;&|()<>{}$`]+)")
_QUOTED: Final = re.compile(r"""'([^']*)'|"(?:[^"]*[})`]|\$[^"/]*/)?([^"]*)\"""")
_ESCAPED: Final = re.compile(r"""(?:\\.|[^\s\\;&|()<>"'])+""")
_FOLDER: Final = re.compile(r"source-path\s*=\s*(\S+)")
_SCRIPT_FOLDER: Final = "SCRIPTDIR"


class _Script(NamedTuple):
    """The cost of a script, the paths that it may source, and the folders in which they are searched."""

    cost: int
    paths: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()


def parts_of(tree: Path, files: Sequence[str], config: str, most: int) -> list[tuple[str, ...]]:
    """Divide scripts into at most so many parts, each with all that its scripts may source.

    A script that those of several parts source is in each of them. `config` is the file of the analyzer's settings,
    which can name what every script may source.
    """
    count = min(most, len(files) // _LEAST)
    if count <= 1:
        return [tuple(files)]
    scripts = {file: _script(tree, file) for file in files}
    given = _given(tree, scripts, _script(tree, config) if config else _Script(0))
    # A script is analyzed again for each that sources it.
    costs = {file: sum(scripts[each].cost for each in own) for file, own in given.items()}
    while count > 1:
        parts = _balanced(given, costs, count)
        if sum(costs[file] for part in parts for file in part) <= _MOST * sum(costs.values()):
            return [tuple(file for file in files if file in part) for part in parts if part]
        count //= 2
    return [tuple(files)]


def _balanced(given: Mapping[str, set[str]], costs: Mapping[str, int], count: int) -> list[set[str]]:
    """Return parts of about equal cost, each with all that its scripts may source."""
    parts = [set[str]() for _ in range(count)]
    loads = [0] * count
    placed = set[str]()
    # A script costs more than those that it sources, and comes before them.
    for file in sorted(given, key=costs.__getitem__, reverse=True):
        if file not in placed:
            lightest = loads.index(min(loads))
            loads[lightest] += sum(costs[each] for each in given[file] - parts[lightest])
            parts[lightest] |= given[file]
            placed |= given[file]
    return parts


def _given(tree: Path, scripts: Mapping[str, _Script], common: _Script) -> dict[str, set[str]]:
    """Return each script with all that it may source, directly and through others."""
    paths = sum(len(script.paths | common.paths) for script in scripts.values())
    # The folders of a script hold in what it sources, too.
    folders = common.folders.union(*(script.folders for script in scripts.values()))
    if paths * (1 + len(folders)) > _MOST_PATHS:
        return {file: set(scripts) for file in scripts}
    if not paths:
        return {file: {file} for file in scripts}
    files = {_real(tree, file): file for file in scripts}
    sourced = {
        file: {files.get(_real(tree, place)) for place in _places(file, script.paths | common.paths, folders)} - {None}
        for file, script in scripts.items()
    }
    return {file: _reached(file, sourced) for file in scripts}


def _reached(file: str, sourced: Mapping[str, set[str | None]]) -> set[str]:
    waiting, seen = [file], {file}
    while waiting:
        new = {other for other in sourced[waiting.pop()] if other is not None} - seen
        seen |= new
        waiting += new
    return seen


def _script(tree: Path, file: str) -> _Script:
    body = _body(tree, file)
    cost = _BYTES_OF_START + len(body)
    if not _HINT.search(body):
        return _Script(cost)
    text = body.decode("utf-8", "surrogateescape")
    lines = text.replace("\\\n", "").split("\n")
    paths = set[str]()
    for number, line in enumerate(lines):
        if found := _SOURCING.search(_QUOTES.sub("", line)):
            name = found[1]
            is_open = name.count("(") > name.count(")") or name.count("`") % 2
            rest = lines[number + 1 : number + _LINES_OF_NAME] if is_open else []
            paths.update(_unquoted(name), *map(_quoted, (line, *rest)), *map(_unquoted, rest))
    return _Script(cost, frozenset(paths), frozenset(_FOLDER.findall(_QUOTES.sub("", text))))


def _unquoted(text: str) -> Iterator[str]:
    """Yield the paths in a text without blanks; an expansion at the beginning of a path stands for the root."""
    for dollar, path in _PATH.findall(_QUOTES.sub("", text)):
        yield path.partition("/")[2] if dollar else path


def _quoted(text: str) -> Iterator[str]:
    """Yield the paths of a text in quotes or with escapes, which can hold blanks."""
    for single, double in _QUOTED.findall(text):
        yield single or double
    for word in _ESCAPED.findall(text):
        path = _QUOTES.sub("", word)
        yield from (path, path.partition("/")[2])


def _places(file: str, paths: frozenset[str], folders: frozenset[str]) -> set[str]:
    """Return the paths from the root at which the files are searched that a script may source."""
    here = posixpath.dirname(file)

    def place(path: str) -> str:
        # An absolute path is searched below the root of the tree.
        return (here + path.removeprefix(_SCRIPT_FOLDER) if path.startswith(_SCRIPT_FOLDER) else path).lstrip("/")

    named = {place(path) for path in paths}
    return named | {posixpath.join(place(folder), path) for folder in folders for path in named}


def _real(tree: Path, path: str) -> str:
    # The file systems of some systems ignore case.
    return os.path.realpath(tree / path).lower()


def _body(tree: Path, file: str) -> bytes:
    try:
        # A plain call: a `Path` for each file takes as long as all the rest.
        with open(f"{tree}/{file}", "rb", buffering=0) as stream:  # noqa: PTH123
            return stream.read(_MOST_READ)
    except OSError:
        return b""
