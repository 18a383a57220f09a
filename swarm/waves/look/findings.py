"""`findings`: the digest of a run, filtered, with the domains that were not checked."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from swarm import errors
from swarm.results.findings import Broken, FindingShown, FindingsResult, SeverityCounts
from swarm.rules.decisions import CLOSED
from swarm.rules.findings import OPEN_STATUSES, SEVERITIES, SEVERITY_RANK, STATUSES
from swarm.rules.globs import regex_of
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import agent_runs, finding_names, waves
from swarm.store import findings as finding_table
from swarm.store.agent_runs import AgentRun
from swarm.store.findings import Finding, Selection
from swarm.store.runs import Run
from swarm.store.wave_documents import WaveResult
from swarm.store.waves import Wave
from swarm.waves.look.new_findings import before_first_audit
from swarm.waves.review.known import KnownReviews, known_reviews
from swarm.waves.review.shown import finding_shown

EVERY_STATUS: Final = "all"
OPEN: Final = "open"
_MAGIC: Final = frozenset("*?[]{}()!+@\\")
_MOST_NAMED: Final = 10
_EVERYTHING: Final = r"[\s\S]*"


class Filters(NamedTuple):
    """Filters of a digest. Empty means all, and for `statuses` the open ones. `lines` keeps findings in these lines."""

    statuses: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    wave: int | None = None
    limit: int | None = None
    group_by: str | None = None
    lines: dict[str, list[range]] | None = None


def findings(conn: sqlite3.Connection, run: Run, filters: Filters) -> FindingsResult:
    """Return the findings that the filters keep; counts include those beyond the limit. Raises WaveNotFound."""
    wave = _wave(conn, run, filters.wave)
    counts: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    before = before_first_audit(conn, wave)
    known = known_reviews(conn, run.id)
    new = 0
    fixable: Counter[str] = Counter()
    shown: list[FindingShown] = []
    is_summed = filters.limit == 0 and not (filters.paths or filters.lines or filters.group_by or before.came_back)
    if is_summed:
        # By SQLite: a look at each of 100,000 findings would double the time of a list.
        chosen = _selection(conn, run, filters)
        for severity, rule, count, fresh, both in finding_table.counted(conn, run.id, chosen, before.number):
            counts[severity] += count
            new += fresh
            fixable[rule] += both
    for finding in () if is_summed else selected(conn, run, filters):
        # Counted before the limit, which shortens the list and not the sums.
        counts[finding.severity] += 1
        is_new = before.is_new(finding)
        if is_new:
            new += 1
            fixable.update([finding.rule_id or finding.category] if finding.fixable else [])
        if filters.group_by:
            groups[_group(finding, filters.group_by, known)] += 1
        if filters.limit is None or len(shown) < filters.limit:
            shown.append(finding_shown(finding, known, is_new=is_new))
    broken = _broken(conn, wave)
    total = sum(counts.values())
    ended = wave.result or WaveResult()
    # Dropped declarations stand for those of waves of versions that did not count refused items.
    refused = max(ended.refused, len(ended.dropped))
    # What was refused may have been a finding: the wave is not clean.
    state = "pipeline_broken" if broken else "findings" if total or refused else "clean"
    return FindingsResult(
        run_id=run.id,
        wave_number=wave.number,
        state=state,
        counts=SeverityCounts(*(counts[severity] for severity in SEVERITIES)),
        total=total,
        unaudited=ended.unaudited,
        broken=broken,
        fixed=ended.fixed,
        suppressed=_suppressed(conn, run),
        groups=dict(groups.most_common()) if filters.group_by else None,
        findings=tuple(shown),
        refused=refused,
        refused_items=ended.refused_items or ended.dropped,
        new=new,
        fixable=fixable.total(),
        fixable_rules=tuple(rule for rule, count in fixable.most_common() if count),
    )


def selected(conn: sqlite3.Connection, run: Run, filters: Filters) -> Iterator[Finding]:
    """Yield the findings that the filters keep, gravest first, as they are read."""
    found = finding_table.select(conn, run.id, _selection(conn, run, filters))
    return filter(_keeps(filters), found) if filters.paths or filters.lines is not None else found


def shown_findings(conn: sqlite3.Connection, run: Run, filters: Filters) -> Iterator[FindingShown]:
    """Yield the findings that the filters keep, up to their limit, as records of the document."""
    # A generator: a query sorts at once, and a caller may never read its rows.
    yield from digest_of(conn, run, islice(selected(conn, run, filters), filters.limit), filters.wave)


def digest_of(
    conn: sqlite3.Connection, run: Run, found: Iterable[Finding], number: int | None = None
) -> Iterator[FindingShown]:
    """Yield findings as records of the digest of a wave, by default the newest that ended."""
    before = before_first_audit(conn, _wave(conn, run, number))
    known = known_reviews(conn, run.id)
    for finding in found:
        yield finding_shown(finding, known, is_new=before.is_new(finding))


def _selection(conn: sqlite3.Connection, run: Run, filters: Filters) -> Selection:
    wave_id = None
    if filters.wave is not None:
        wave_id = _wave(conn, run, filters.wave).id
    statuses: tuple[str, ...] = filters.statuses or (OPEN,)
    if EVERY_STATUS in statuses:
        statuses = STATUSES
    if OPEN in statuses:
        statuses = (*OPEN_STATUSES, *(status for status in statuses if status != OPEN))
    return Selection(statuses, filters.severities, filters.domains, filters.rules, wave_id)


def fixed_in(conn: sqlite3.Connection, run: Run, wave: Wave, filters: Filters) -> tuple[FindingShown, ...]:
    """Return the findings that a wave fixed, of those that the filters keep.

    The filter of lines does not apply: a fixed finding has no line any more.
    """
    fixed_ids = finding_names.fixed_in_wave(conn, run.id, wave.number)
    every = findings(conn, run, filters._replace(statuses=("fixed",), lines=None))
    return tuple(finding for finding in every.findings if finding.finding_id in fixed_ids)


def path_filter(filters: Filters) -> Callable[[str], bool]:
    """Return whether the filters keep a path. Raises DomainsInvalidGlob."""
    patterns = [re.compile(_pattern(glob)) for glob in filters.paths]
    return lambda path: not patterns or any(pattern.fullmatch(path) for pattern in patterns)


def _keeps(filters: Filters) -> Callable[[Finding], bool]:
    keeps_path = path_filter(filters)

    def keeps(finding: Finding) -> bool:
        if not keeps_path(finding.file or ""):
            return False
        if filters.lines is None:
            return True
        spans = filters.lines.get(finding.file or "", ())
        # A finding about the end of a file has the number of the empty line after the last line.
        at_end = finding.line is not None and not finding.quote
        return any(
            finding.line is None or finding.line in span or (at_end and finding.line - 1 in span) for span in spans
        )

    return keeps


def _pattern(glob: str) -> str:
    folder = glob.removeprefix("./").rstrip("/")
    if glob and folder in {"", "."}:
        return _EVERYTHING
    # A folder stands for all that is below it, as in other tools.
    named = f"{re.escape(folder)}(?:/{_EVERYTHING})?"
    if folder and not _MAGIC.intersection(folder):
        return named
    try:
        # Frameworks call folders `[slug]` and `(group)`: what a digest shows is found when it is typed again.
        return f"{named}|{regex_of(glob.removeprefix('./'))}"
    except ValueError as error:
        raise errors.DomainsInvalidGlob(received=glob, problem=str(error)) from error


def _wave(conn: sqlite3.Connection, run: Run, number: int | None) -> Wave:
    # A wave in flight has no results yet, and its predecessor is still the state of the run.
    wave = waves.newest_ended(conn, run.id) if number is None else waves.numbered(conn, run.id, number)
    if wave is None:
        raise errors.WaveNotFound(run_id=run.id, number=number)
    return wave


def _broken(conn: sqlite3.Connection, wave: Wave) -> tuple[Broken, ...]:
    agents = agent_runs.current(conn, wave.id)
    found = [
        Broken(agent.domain, agent.error or _why(agent))
        for agent in agents
        if agent.status is not AgentRunStatus.COMPLETE
    ]
    # All agents may be complete and the wave still failed, by a file touched outside of the worktrees.
    if not found and wave.status is WaveStatus.FAILED:
        found = [Broken(violation.agent_domain, f"{violation.file} was touched") for violation in wave.violations]
    return tuple(found)


def _why(agent: AgentRun) -> str:
    return f"its agent is {agent.status}"


def _suppressed(conn: sqlite3.Connection, run: Run) -> int:
    return sum(count for (status, _), count in finding_table.counts_by(conn, run.id).items() if status in CLOSED)


def _group(finding: Finding, by: str, known: KnownReviews) -> str:
    match by:
        case "cause":
            return _cause(known.group(finding.finding_id))
        case "file":
            return finding.file or "(no file)"
        case "rule":
            return finding.rule_id or finding.category
        case _:
            return finding.severity


def _cause(members: Sequence[str]) -> str:
    """Return a name for a group of findings: their ids; of many, the first."""
    more = f", … {len(members) - _MOST_NAMED:,} more" if len(members) > _MOST_NAMED else ""
    return ", ".join(members[:_MOST_NAMED]) + more if members else "(no shared cause)"


def exit_code(result: FindingsResult, fail_on: str | None) -> int:
    """Return 2 for an incomplete audit, 1 for findings that fail the gate, else 0."""
    # Before the findings: a gate must not turn green because an agent saw nothing.
    if result.state == "pipeline_broken":
        return 2
    # A refused report may have been the gravest: what was not taken is no proof of absence.
    if fail_on is None or result.refused:
        return int(result.total > 0 or result.refused > 0)
    # By the sums: they count what the limit leaves out too.
    if fail_on == "new":
        return int(result.new > 0)
    return int(any(result.counts[: SEVERITY_RANK[fail_on] + 1]))
