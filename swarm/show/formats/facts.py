"""Facts that a report needs beside its findings, and the words of findings that all reports share."""

from collections.abc import Callable
from typing import NamedTuple

from swarm.results.findings import Broken, FindingShown

# The root of the repository: stands for a finding without a file where no file of the root is known.
_ROOT = "."


class FormatFacts(NamedTuple):
    """Number of listed findings, agents that did not complete, a file of the root, and the page of a rule of a tool.

    `root_file` is asked for only where a finding has no file: the answer needs a look into the repository.
    """

    listed: int
    broken: tuple[Broken, ...]
    root_file: Callable[[], str | None]
    url_of: Callable[[str, str], str | None] = lambda _tool, _rule: None


def rule_of(finding: FindingShown) -> str:
    """Return the rule of a finding, of an agent's finding its category."""
    return finding.rule_id or finding.category


def file_of(finding: FindingShown, facts: FormatFacts) -> str:
    """Return the file of a finding: these formats have no place for a finding of the whole repository."""
    return finding.file or facts.root_file() or _ROOT


def line_of(finding: FindingShown) -> int:
    """Return the line of a finding; the first line stands for the whole file."""
    return (finding.line if finding.file else None) or 1


def column_of(finding: FindingShown) -> int | None:
    """Return the column of a finding, from 1 and in characters, where its line is known."""
    return finding.column if finding.file and finding.line else None
