"""`trends`: findings that persist, open findings over time, and findings that come back after a fix."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from swarm.results.trends import Comeback, Recurrence, SeenIn, TrendsResult, WavePoint
from swarm.rules.findings import SEVERITY_RANK
from swarm.store import trends as trend_rows
from swarm.store.trends import Persistent, Point, Tally
from swarm.waves.look.burn_down import kept_counts


class _Defect(NamedTuple):
    """A defect over the runs: its findings, oldest run first, and how often it came back."""

    members: tuple[Persistent, ...]
    waves: int
    runs: int
    came_back: int

    @property
    def order(self) -> tuple[int, ...]:
        """Sort key: most waves first, then most comebacks, most runs, gravest severity."""
        newest = self.members[-1]
        return (-self.waves, -self.came_back, -self.runs, SEVERITY_RANK[newest.severity], newest.row_id)


def trends(conn: sqlite3.Connection, query: str, repo: str | None, limit: int) -> TrendsResult:
    """Answer a query over the runs of a repository, or over all runs."""
    runs = trend_rows.run_count(conn, repo)
    match query:
        case "history":
            total, history = _history(conn, repo, limit)
            return TrendsResult(query, repo, runs, total, history=history)
        case "recurrence":
            came_back = list(_across_runs(_groups(conn, repo)))
            rules, files = (_recurrence(trend_rows.tallies(conn, repo, by), came_back, by) for by in ("rule", "file"))
            total = max(len(rules), len(files))
            return TrendsResult(query, repo, runs, total, rules=tuple(rules[:limit]), files=tuple(files[:limit]))
        case _:
            groups = sorted(_groups(conn, repo), key=lambda group: group.order)
            shown = tuple(_comeback(conn, group) for group in groups[:limit])
            return TrendsResult(query, repo, runs, len(groups), recurring=shown)


def _groups(conn: sqlite3.Connection, repo: str | None) -> Iterator[_Defect]:
    """Yield the persistent findings; findings that share a fingerprint or an alias across runs are grouped."""
    leader: dict[int, int] = {}
    for left, right in trend_rows.links(conn, repo) if trend_rows.run_count(conn, repo) > 1 else ():
        first, second = sorted((_leader_of(leader, left), _leader_of(leader, right)))
        leader[second] = leader.setdefault(first, first)
    together: dict[int, list[Persistent]] = {}
    for found in trend_rows.persistent(conn, repo, set(leader)):
        together.setdefault(_leader_of(leader, found.row_id), []).append(found)
    for members in together.values():
        yield _group(members)


def _leader_of(leader: dict[int, int], row_id: int) -> int:
    while (above := leader.setdefault(row_id, row_id)) != row_id:
        # Each step halves the path (union-find): long chains of runs stay fast.
        leader[row_id] = leader[above]
        row_id = above
    return row_id


def _group(members: list[Persistent]) -> _Defect:
    return _Defect(
        tuple(members),
        sum(member.waves for member in members),
        len({member.run for member in members}),
        sum(member.regressions for member in members) + len(_returns(members)),
    )


def _returns(members: Iterable[Persistent]) -> list[Persistent]:
    """Return the findings of later runs whose predecessor had been fixed in the run before."""
    found: list[Persistent] = []
    before: Persistent | None = None
    # Members come oldest run first, so a neighbour in another run is the finding's predecessor.
    for member in members:
        if before is not None and before.run != member.run and before.is_fixed:
            found.append(member)
        before = member
    return found


def _across_runs(groups: Iterable[_Defect]) -> Iterator[Persistent]:
    for group in groups:
        yield from _returns(group.members)


def _comeback(conn: sqlite3.Connection, group: _Defect) -> Comeback:
    first, newest = (trend_rows.summary_of(conn, group.members[at].row_id) for at in (0, -1))
    return Comeback(
        finding_id=newest.finding_id,
        severity=newest.severity,
        rule=newest.rule,
        status=newest.status,
        repo=newest.repo,
        file=newest.file,
        line=newest.line,
        description=newest.description,
        runs=group.runs,
        waves=group.waves,
        came_back=group.came_back,
        first=SeenIn(first.run_id, first.first_wave),
        last=SeenIn(newest.run_id, newest.last_wave),
    )


def _history(conn: sqlite3.Connection, repo: str | None, limit: int) -> tuple[int, tuple[WavePoint, ...]]:
    points = trend_rows.points(conn, repo)
    newest = list(islice(points, limit))
    # The rest is only counted: nothing of it is decoded or kept.
    total = len(newest) + sum(1 for _ in points)
    regressed = {run_id: trend_rows.regressions_by_wave(conn, run_id) for run_id in {point.run_id for point in newest}}
    return total, tuple(_point(point, regressed[point.run_id]) for point in reversed(newest))


def _point(point: Point, regressed: Mapping[int, int]) -> WavePoint:
    return WavePoint(
        run_id=point.run_id,
        repo=point.repo,
        wave=point.number,
        phase=point.phase,
        status=point.status,
        dispatched=point.dispatched,
        ended=point.ended,
        open=kept_counts(point.result),
        new=point.result.new if point.result else 0,
        fixed=point.result.fixed if point.result else 0,
        regressed=regressed.get(point.wave_id, 0),
    )


def _recurrence(tallies: Iterable[Tally], across: Iterable[Persistent], by: str) -> list[Recurrence]:
    """Return the rules or files that came back at least once, most often first.

    A fix is a finding that is fixed today, or that a regression followed. A finding of an earlier run that came back
    in a later run is still fixed there, so that it is counted already.
    """
    further = Counter(found.rule if by == "rule" else found.file for found in across)
    found = []
    for tally in tallies:
        came_back = tally.regressions + further[tally.name]
        fixes = tally.fixed + tally.regressions
        if came_back:
            rate = round(came_back / fixes, 3) if fixes else 1.0
            found.append(Recurrence(tally.name, tally.findings, tally.open, fixes, came_back, min(rate, 1.0)))
    return sorted(found, key=lambda row: (-row.came_back, -row.rate, row.name))
