"""Analysis of a wave by an analyzer: the files that the analyzer read, and the rules that were on."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, Final, NamedTuple

# In place of a list of rules, for a tool that cannot list them: all rules of its version and its configuration.
EVERY_RULE: Final = "*"


class Analysis(NamedTuple):
    """Files that an analyzer read, and the rules that were on in each folder.

    `read` are all files that the analyzer read, `None` for those of `also_read` and every file with one of `suffixes`
    that is not in `unread`.
    `roots` are the rules that were on, by folder (`./folder`, `./.`, or `""` for everywhere);
    `silenced` are the rules that comments turn off, by file; `uniform` are the folders of `roots` whose rules are the
    same for every path; `unreadable` are files of `unread` that the analyzer tried to read and could not; `unended`
    are those of them that it crashed at or had no time for, `through` those that include an unreadable file, by it.
    """

    roots: Mapping[str, frozenset[str]]
    suffixes: tuple[str, ...]
    read: frozenset[str] | None
    unread: frozenset[str]
    silenced: Mapping[str, frozenset[str]]
    uniform: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    also_read: frozenset[str] = frozenset()
    unended: frozenset[str] = frozenset()
    through: Mapping[str, frozenset[str]] = {}

    def rules_at(self, path: str | None) -> frozenset[str]:
        """Return the rules that were on for a file: those of the nearest folder that has a configuration."""
        return self.roots.get(self._root_of(path), frozenset())

    def is_uniform(self, path: str | None) -> bool:
        """Say whether the configuration of a file has no settings for some paths alone."""
        return self._root_of(path) in self.uniform

    def _root_of(self, path: str | None) -> str:
        # The longest folder first: a nested configuration replaces the configuration of the folder above.
        folders = [f"./{path}".rsplit("/", depth)[0] for depth in range(1, (path or "").count("/") + 2)]
        return next((folder for folder in [*folders, "./."] if folder in self.roots), "")

    def was_read(self, path: str | None) -> bool:
        """Say whether the analyzer read a file."""
        if path is None:
            return False
        # A list of all files that were read is the surer fact; suffixes only say which files the analyzer would take.
        if self.read is not None:
            return path in self.read
        return path in self.also_read or (path.endswith(self.suffixes) and path not in self.unread)


def analysis_from(document: Mapping[str, Any]) -> Analysis:
    """Return an analysis from the JSON values that a runtime gives; an empty document means that nothing was read."""
    return Analysis(
        roots={root["root"]: frozenset(root["rules"]) for root in document.get("roots", ())},
        suffixes=tuple(document.get("suffixes", ())),
        read=frozenset(document["read"]) if "read" in document else None,
        unread=frozenset(document.get("unread", ())),
        silenced={path: frozenset(rules) for path, rules in document.get("silenced", {}).items()},
        uniform=frozenset(root["root"] for root in document.get("roots", ()) if root.get("uniform")),
        unreadable=frozenset(document.get("unreadable", ())),
        also_read=frozenset(document.get("also_read", ())),
        unended=frozenset(document.get("unended", ())),
        through={file: frozenset(sources) for file, sources in document.get("through", {}).items()},
    )


def analyzer_name(name: str, version: str | None, config_hash: str) -> str:
    """Return what an analyzer's silence is measured by: its name, version and configuration."""
    return " ".join(filter(None, (name, version, f"config {config_hash}")))


def tool_of(analyzer: str | None) -> str | None:
    """Return the tool of an analyzer with version and configuration; `None` for the finding of an agent."""
    return None if analyzer is None else analyzer.partition(" ")[0]


@lru_cache(maxsize=256)
def source_of(analyzer: str | None, tool: str | None) -> str | None:
    """Return what two reports of one tool have in common: an analyzer that was launched, or a tool's own name.

    `Semgrep OSS` of a handed-in report is the `semgrep` that was launched in another wave; `None` stands for agents.
    """
    if analyzer is None and tool is None:
        return None
    return (analyzer or tool or "").partition(" ")[0].casefold()


def may_be_one(ours: str | None, theirs: str | None) -> bool:
    """Say whether findings of two sources can be the same finding: agents see what every tool sees."""
    return ours is None or theirs is None or ours == theirs


@lru_cache(maxsize=64)
def _last_parts(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name.rpartition("/")[2] for name in names)


def is_named(rule: str, names: frozenset[str]) -> bool:
    """Say whether a comment names a rule; it may leave out the plugin of `eslint/no-eval`."""
    return EVERY_RULE in names or rule.rpartition("/")[2] in _last_parts(names)


def was_on(rule: str, rules: AbstractSet[str]) -> bool:
    """Say whether a rule is among the rules that were on."""
    # SARIF's ids are hierarchical: a tool that lists the rule `a` reports its parts as `a/b`.
    while rule and rule not in rules:
        rule = rule.rpartition("/")[0]
    return bool(rule) or EVERY_RULE in rules
