"""Table of the analyzers that swarm knows, and of the kinds of files that they read: `analyzers.toml`."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import translate
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from swarm.config import MOST_BYTES
from swarm.installed import install_command
from swarm.rules.minified import MOST_LOOKED_AT, is_minified
from swarm.runtimes.report_fields import EditFields, Fields
from swarm.runtimes.severities import looked_up

OTHER: Final = "other"
FILE: Final = Path(__file__).with_name("analyzers.toml")
# Enough for `#!/usr/bin/env -S interpreter` and far less than a file.
_FIRST_LINE: Final = 200
_LONGEST_SUFFIX: Final = 16
# Its site leads from the code of a rule to the page of its name.
_RUFF_URLS: Final = {"": "https://docs.astral.sh/ruff/rules/{rule}/", "invalid-syntax": ""}


class Kind(NamedTuple):
    """A kind of files: patterns of names, of paths where they have a slash, and interpreters of a first line.

    `minified` is the name of the kind of those of its files that a minifier or a compiler wrote, empty where files of
    the kind are not distinguished.
    """

    name: str
    patterns: tuple[str, ...]
    shebangs: tuple[str, ...] = ()
    minified: str = ""


class AnalyzerRow(NamedTuple):
    """An analyzer of the table; the keys are explained in `analyzers.toml`."""

    name: str
    kinds: tuple[str, ...]
    install: str
    argv: tuple[str, ...]
    version: tuple[str, ...] = ("--version",)
    program: str = ""
    lists: tuple[str, ...] = ()
    listed: str = "(.+)"
    list_mark: str = ""
    with_config: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    bare_text: str = ""
    config: tuple[str, ...] = ()
    held: Mapping[str, Sequence[str]] = {}
    leads: str = ""
    accepts: tuple[int, ...] = (0,)
    quiet: tuple[int, ...] = ()
    blocked: tuple[int, ...] = ()
    comments: str = ""
    broken: tuple[str, ...] = ()
    includes: bool = False
    batch_bytes: int = 0
    done: str = ""
    skips: str = ""
    skipped: str = ""
    read: str = ""
    when: tuple[str, ...] = ()
    runs_code: bool = False
    offered: bool = False
    whole: bool = False
    local: tuple[str, ...] = ()
    report: Fields = Fields()
    edit: EditFields | None = None
    fix: tuple[str, ...] = ()
    fixable: tuple[str, ...] = ()
    levels: Mapping[str, str] = {}
    severities: Mapping[str, str] = {}
    in_tests: Mapping[str, str] = {}
    by_name: bool = False
    categories: Mapping[str, str] = {}
    urls: Mapping[str, str] = {}

    @property
    def command(self) -> str:
        """The program's name."""
        return self.program or self.name

    @property
    def has_fixer(self) -> bool:
        """Whether the analyzer can fix what it reports."""
        return self.edit is not None or bool(self.fix)


class Table(NamedTuple):
    """The kinds of files in the order in which a name is looked up, and the analyzers by name."""

    kinds: tuple[Kind, ...]
    rows: Mapping[str, AnalyzerRow]


@cache
def table() -> Table:
    """Return the table that ships with swarm."""
    from swarm.documents import parse_toml

    document = parse_toml(FILE.read_text(encoding="utf-8"))
    kinds = tuple(Kind(**_frozen(kind)) for kind in document["kinds"])
    return Table(kinds, {row["name"]: _row(row) for row in document["analyzers"]})


def _row(document: Mapping[str, Any]) -> AnalyzerRow:
    fields = _frozen(document)
    if package := fields.pop("package", None):
        fields["install"] = install_command(package)
    edit = EditFields(**document["edit"]) if "edit" in document else None
    return AnalyzerRow(**{**fields, "report": Fields(**_frozen(document["report"])), "edit": edit})


def _frozen(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}


@cache
def _patterns(kind: Kind) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the pattern of base names and the pattern of whole paths of a kind."""
    names = "|".join(translate(pattern) for pattern in kind.patterns if "/" not in pattern)
    paths = "|".join(translate(pattern) for pattern in kind.patterns if "/" in pattern)
    return re.compile(names or r"(?!)"), re.compile(paths or r"(?!)")


# Each analyzer of the table asks for the kind of every file.
@lru_cache(maxsize=1 << 17)
def kind_by_name(path: str) -> Kind | None:
    """Return the kind of a file by its name; `None` where the name says nothing."""
    name = path.rpartition("/")[2]
    # A workflow is YAML as well: the patterns of paths say more than those of names.
    for at in (1, 0):
        for kind in table().kinds:
            if _patterns(kind)[at].match(path if at else name):
                return kind
    return None


def kind_of(path: str, tree: Path | None = None) -> str:
    """Return the kind of a file: by its name, else by its first line in a tree; else its suffix, else "other".

    Minified files are a kind of their own where a tree is given.
    """
    found = kind_by_name(path)
    if found is not None:
        return found.minified if tree and found.minified and _is_minified(tree / path) else found.name
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    if dot and stem and suffix:
        return f".{suffix[:_LONGEST_SUFFIX]}"
    return (tree and _kind_by_shebang(tree / path)) or OTHER


def kinds_of(paths: Iterable[str], tree: Path | None = None) -> dict[str, int]:
    """Count files by kind, the most frequent kind first."""
    counts = Counter(kind_of(path, tree) for path in paths)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def of_kinds(paths: Iterable[str], kinds: Sequence[str], tree: Path) -> list[str]:
    """Return the files of some kinds in a tree."""
    return [path for path in paths if kind_of(path, tree) in kinds]


def read_by(row: AnalyzerRow, paths: Iterable[str], tree: Path) -> list[str]:
    """Return the files of a tree that an analyzer reads."""
    if not row.by_name:
        return of_kinds(paths, row.kinds, tree)
    return [path for path in paths if (kind := kind_by_name(path)) is not None and kind.name in row.kinds]


def is_configured(row: AnalyzerRow, tree: Path, paths: Collection[str]) -> bool:
    """Say whether a repository configures an analyzer; one that needs no configuration is never asked."""
    from swarm.documents import read_named

    for marker in row.when:
        name, _, text = marker.partition(":")
        if name in paths:
            try:
                if not text or text in read_named(tree / name, MOST_BYTES):
                    return True
            except (OSError, ValueError):
                continue
    return False


def rows_for(kinds: Iterable[str]) -> list[AnalyzerRow]:
    """Return the analyzers that read files of some kinds."""
    wanted = set(kinds)
    return [row for row in table().rows.values() if not wanted.isdisjoint(row.kinds)]


def rule_url(tool: str, rule: str) -> str | None:
    """Return the page that explains a rule of an analyzer, `None` where none is known."""
    urls = _RUFF_URLS if tool == "ruff" else table().rows[tool].urls if tool in table().rows else {}
    found = looked_up(rule, urls)
    return found.replace("{rule}", quote(rule)) if found else None


def tool_of_rule(rule: str) -> str | None:
    """Return the analyzer whose rules have names of this form, such as `SC2086`; `None` where no form is known."""
    for row in table().rows.values():
        if any(prefix and re.fullmatch(rf"{prefix}\d+", rule, re.ASCII) for prefix in row.urls):
            return row.name
    return None


def rule_of_table(word: str) -> tuple[str, str] | None:
    """Return the analyzer and the name of a rule that the table gives a severity, with or without its plugin."""
    folded = word.casefold()
    for row in table().rows.values():
        for rule in row.severities:
            if folded in {rule.casefold(), rule.casefold().rpartition("/")[2]} and folded:
                return row.name, rule
    return None


def _is_minified(file: Path) -> bool:
    text = _beginning(file, MOST_LOOKED_AT)
    return text is not None and is_minified(text)


def _beginning(file: Path, size: int) -> bytes | None:
    """Return the first bytes of a regular file, `None` where it is none or cannot be read."""
    import os
    import stat

    try:
        # No link is followed and nothing blocks: the tree is a stranger's.
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return os.read(handle, size) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(handle)


def _kind_by_shebang(file: Path) -> str | None:
    first = _beginning(file, _FIRST_LINE) or b""
    if not first.startswith(b"#!"):
        return None
    words = first[2:].split(b"\n")[0].decode("utf-8", "replace").split()
    named = [word.rpartition("/")[2] for word in words if not word.startswith("-")]
    if named[:1] == ["env"]:
        # `env NAME=value interpreter` sets a variable first.
        named = [word for word in named[1:] if "=" not in word]
    interpreter = named[0] if named else ""
    # `python3.12` is a Python.
    names = {interpreter, interpreter.rstrip("0123456789.")}
    return next((kind.name for kind in table().kinds if not names.isdisjoint(kind.shebangs)), None)
