"""Reports that are like a finding which nobody reported: the defect may have been rewritten instead of fixed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from swarm.rules.line_map import Hunk


class Suspect(NamedTuple):
    """A finding of an analyzer that was not reported again.

    `path` is the present path of its file and `added` are the lines there that have no predecessor. `hunk` is the
    change that took its line, `standing` the path and line where its code stands, each `None` where there is none.
    """

    row: int
    rule: str
    path: str
    scope: str
    description: str
    added: AbstractSet[int]
    hunk: Hunk | None
    standing: tuple[str, int] | None


class Reported(NamedTuple):
    """A report that is no known finding. `scope` is the definition around its line."""

    rule: str
    path: str
    line: int
    scope: str
    description: str


def like_reports(suspects: Iterable[Suspect], reports: Sequence[Reported]) -> dict[int, Reported]:
    """Return, by row, a report that is like the finding. Each report stands for one finding.

    So the counts balance: of three findings with two such reports, one can be fixed.
    """
    by_rule: defaultdict[str, list[Reported]] = defaultdict(list)
    for report in reports:
        by_rule[report.rule].append(report)
    waiting = [suspect for suspect in suspects if suspect.rule in by_rule]
    found: dict[int, Reported] = {}
    # The surest likeness first, for all findings, so that a weaker one takes no report from it.
    for is_like in (_at_place, _in_hunk, _in_scope):
        for suspect in waiting:
            rest = by_rule[suspect.rule]
            if suspect.row not in found and (match := next((r for r in rest if is_like(suspect, r)), None)):
                found[suspect.row] = match
                rest.remove(match)
    return found


def _at_place(suspect: Suspect, report: Reported) -> bool:
    return suspect.standing == (report.path, report.line)


def _in_hunk(suspect: Suspect, report: Reported) -> bool:
    hunk = suspect.hunk
    is_inside = hunk is not None and hunk.new_start <= report.line < hunk.new_start + hunk.new_count
    return is_inside and report.path == suspect.path


def _in_scope(suspect: Suspect, report: Reported) -> bool:
    # A line that stood there before is another defect, whatever made the analyzer report it now.
    if report.path != suspect.path or report.scope != suspect.scope or report.line not in suspect.added:
        return False
    # Outside of a definition every line has the same scope: there the message must be the same too.
    return bool(suspect.scope) or report.description == suspect.description
