"""Table of the analyzers that swarm knows, and of the kinds of files: `analyzers.toml`."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from swarm.config import MOST_BYTES
from swarm.installed import install_command
from swarm.runtimes.report_fields import EditFields, Fields
from swarm.runtimes.severities import looked_up

FILE: Final = Path(__file__).with_name("analyzers.toml")
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
    sources: bool = False
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
