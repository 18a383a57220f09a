"""Files that the sources of a tree include: a file that an analyzer cannot read blinds every source that includes it.

An analyzer names the included file alone, and a single time, whatever the number of the sources that include it.
"""

import codecs
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from swarm.documents import read_bounded
from swarm.rules.preprocessing import RAW_STRING
from swarm.runtimes.own_tree import RealPaths

# Comments are taken out and strings kept: a string can hold what looks like a comment, and would hide the lines behind.
# Every repetition is possessive: what does not end would cost the square, tried from each of its beginnings.
_PLAIN: Final = r"""(?P<kept>"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?)|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?"""
_COMMENT: Final = re.compile(_PLAIN, re.DOTALL)
_COMMENT_OR_RAW: Final = re.compile(f"{RAW_STRING}|{_PLAIN}", re.DOTALL)
_SPLICE: Final = re.compile(r"\\\n")
_LINE_END: Final = re.compile("\r\n?")
# A space for the patterns, and the end of the name of a file.
_NUL: Final = "\x1f"
_LONGEST_PATH: Final = 4096
_CONTROL: Final = {code: " " for code in range(ord(" ")) if chr(code) not in "\t\n\r"} | {0: _NUL}
_DIRECTIVE: Final = r"^[^\S\n]*+(?:#|%:|\?\?=)[^\S\n]*+"
# cppcheck takes a name in single quotes as well, and one that no quote ends.
_INCLUDE: Final = re.compile(
    rf"""{_DIRECTIVE}include\b[^\S\n]*+(?:"([^"\n]+)|'([^'\n]+)|<([^>\n]+)|([^\n]*))""", re.MULTILINE
)
_DEFINE: Final = re.compile(rf"{_DIRECTIVE}define\b([^\n]*)", re.MULTILINE)
# Only from the beginning of a word: tried from each of its characters, a long word would cost the square.
_FILE_NAME: Final = re.compile(r"(?<![\w+-])[\w+-]++(?:\.[\w+-]++)+")
_PATH: Final = re.compile(r"""(?<![^\s"'<>()/\\])[^\s"'<>()/\\]*+[/\\][^\s"'<>()]++""")


class _Read(NamedTuple):
    """Real paths that a file includes, whether a macro names an included file, and names and paths for macros."""

    targets: frozenset[str] = frozenset()
    has_macro: bool = False
    named: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()


class Included:
    """Files that sources include, directly and through other files, by their real paths: links can lead anywhere."""

    def __init__(self, tree: Path, sources: Iterable[str]) -> None:
        self._real = RealPaths(tree)
        self._sources = {self._real.of(source): source for source in sources}
        self._files: dict[str, _Read] = {}
        waiting = list(self._sources)
        while waiting:
            path = waiting.pop()
            if path not in self._files:
                self._files[path] = _read(path) if self._real.is_inside(path) else _Read()
                waiting += self._files[path].targets
        self._by: defaultdict[str, set[str]] = defaultdict(set)
        for path, read in self._files.items():
            for target in read.targets:
                self._by[target].add(path)

    def leading_outside(self) -> set[str]:
        """Return the sources that include a file outside of the tree: its text would be read, and could be shown."""
        outside = self._including(path for path in self._files if not self._real.is_inside(path))
        macros = [path for path, read in self._files.items() if read.has_macro]
        by_macro = self._including(macros)
        named = ((path, _file(path, name)) for path, read in self._files.items() for name in read.paths if by_macro)
        led = {path for path, file in named if file is not None and not self._real.is_inside(file)}
        return outside | (by_macro & self._including(led))

    def blinded(self, unread: Iterable[str]) -> set[str]:
        """Return the sources that include a file which the analyzer could not read; `unread` are names of the tree."""
        paths = {self._real.of(name) for name in unread}
        names = {os.path.basename(path) for path in paths}
        by_macro = self._including(path for path, read in self._files.items() if read.has_macro)
        by_name = self._including(path for path, read in self._files.items() if not names.isdisjoint(read.named))
        return self._including(paths) | (by_macro & by_name)

    def _including(self, paths: Iterable[str]) -> set[str]:
        waiting, seen = list(paths), set[str]()
        while waiting:
            path = waiting.pop()
            if path not in seen:
                seen.add(path)
                waiting += self._by.get(path, ())
        return {self._sources[path] for path in seen if path in self._sources}


def _read(path: str) -> _Read:
    from swarm import errors

    try:
        text = _text(read_bounded(Path(path)))
    except (errors.SwarmError, OSError):
        return _Read()
    spliced = _SPLICE.sub("", text)
    ways = (_COMMENT, _COMMENT_OR_RAW) if 'R"' in spliced else (_COMMENT,)
    plain = "\n".join(way.sub(lambda found: found["kept"] or " ", spliced) for way in ways)
    targets, macros = set[str](), []
    for double, single, system, macro in _INCLUDE.findall(plain):
        # Without folders of includes, a name in angle brackets is found only where it is absolute.
        if double or single or system.startswith("/"):
            targets |= {file} if (file := _file(path, double or single or system)) else set()
        elif macro:
            macros.append(macro)
    words = "\n".join((*macros, *_DEFINE.findall(plain)))
    names = frozenset(_FILE_NAME.findall(words))
    return _Read(frozenset(targets), bool(macros), names, frozenset(_PATH.findall(words)))


def _file(path: str, named: str) -> str | None:
    """Return the real path of a file that a source names, `None` where there is no such file."""
    name = named.partition(_NUL)[0].replace("\\", "/")
    # To look for each folder of a longer name would cost the square, and no system opens one.
    if len(name) > _LONGEST_PATH:
        return None
    real = os.path.realpath(os.path.join(os.path.dirname(path), name))
    return real if os.path.isfile(real) else None


def _text(body: bytes) -> str:
    """Return the text of a source as cppcheck reads it: byte order marks count, and a control character is a space."""
    is_wide = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = body.decode("utf-16", "replace") if is_wide else body.decode("utf-8-sig", "surrogateescape")
    return _LINE_END.sub("\n", text.translate(_CONTROL))
