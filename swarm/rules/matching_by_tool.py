"""Matching of reports with known findings, each tool for itself: two tools may give one name to different defects."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from swarm.rules.analysis import tool_of
from swarm.rules.fingerprints import Report
from swarm.rules.known_findings import Known, Match, Travel
from swarm.rules.matching import match
from swarm.rules.standing_code import Standing

# Two tools may give one name to different defects of a line.
Key = tuple[str | None, str]


def key_of(report: Report) -> Key:
    """Return what equal reports of one tool have in common."""
    return tool_of(report.analyzer), report.fingerprint


def match_by_tool(
    findings: Iterable[tuple[str | None, Known]],
    heads: Iterable[Report],
    travels: Mapping[str, Travel],
    standing: Mapping[int, Standing] = {},
) -> tuple[list[Match], list[Known], list[Report]]:
    """Return what `match` returns, for known findings with their analyzer, `None` for those of agents.

    What agents report is compared with all that is left of every tool, and findings of agents with what tools report.
    """
    known: defaultdict[str | None, list[Known]] = defaultdict(list)
    reports: defaultdict[str | None, list[Report]] = defaultdict(list)
    for analyzer, item in findings:
        known[tool_of(analyzer)].append(item)
    for head in heads:
        reports[tool_of(head.analyzer)].append(head)
    matches: list[Match] = []
    silent: list[Known] = []
    fresh: list[Report] = []
    for tool in sorted({*known, *reports} - {None}, key=str):
        found, left, new = match(known.get(tool, ()), reports.get(tool, ()), travels, standing)
        matches += found
        silent += left
        fresh += new
    agents = {item.row_id for item in known.get(None, ())}
    found, left, new = match([*known.get(None, ()), *silent], reports.get(None, ()), travels, standing)
    matches += found
    found, silent, fresh = match([item for item in left if item.row_id in agents], fresh, travels, standing)
    matches += found
    return matches, [*silent, *(item for item in left if item.row_id not in agents)], [*new, *fresh]
