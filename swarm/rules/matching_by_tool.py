"""Matching of reports with known findings, each tool for itself: two tools may give one name to different defects."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from swarm.rules.analysis import may_be_one, source_of
from swarm.rules.fingerprints import Report
from swarm.rules.known_findings import Known, Match, MatchedBy, Travel
from swarm.rules.matching import match
from swarm.rules.standing_code import Standing

# Two tools may give one name to different defects of a line.
Key = tuple[str | None, str]


def key_of(report: Report) -> Key:
    """Return what equal reports of one tool have in common."""
    # Without the property of a report: every report is asked.
    return source_of(report.analyzer, report.tool), report.fingerprint


def match_by_name(names: Mapping[str, Known], heads: Sequence[Report], note: str) -> tuple[list[Match], list[Report]]:
    """Return the matches of reports with the findings of the same fingerprint, and the other reports."""
    found = [
        Match(item, head, MatchedBy.FINGERPRINT, note)
        for head in heads
        if (item := names.get(head.fingerprint)) is not None and may_be_one(item.source, head.source)
    ]
    taken = {id(each.report) for each in found}
    return found, [head for head in heads if id(head) not in taken]


def match_by_tool(
    findings: Iterable[Known],
    heads: Iterable[Report],
    travels: Mapping[str, Travel],
    standing: Mapping[int, Standing] = {},
) -> tuple[list[Match], list[Known], list[Report]]:
    """Return what `match` returns; the known findings of a tool are compared with the reports of the same tool.

    What agents report is compared with all that is left of every tool, and findings of agents with what tools report.
    """
    known: defaultdict[str | None, list[Known]] = defaultdict(list)
    reports: defaultdict[str | None, list[Report]] = defaultdict(list)
    for item in findings:
        known[item.source].append(item)
    for head in heads:
        reports[head.source].append(head)
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
