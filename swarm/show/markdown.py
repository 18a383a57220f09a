"""Digest as GitHub-flavoured markdown; agents' text is escaped."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final

from swarm.results.audit import AuditResult
from swarm.results.findings import FindingShown, FindingsResult
from swarm.show import text
from swarm.show.audit import baseline
from swarm.show.digest import known_state, new_state
from swarm.show.escape import code_span, markdown
from swarm.show.reviews import objection, state_with_review

_MOST_ROWS: Final = 500
_MOST_NAMED: Final = 10


def digest_lines(
    result: FindingsResult,
    title: str,
    findings: Iterable[FindingShown],
    *,
    limit: int | None = None,
    of_all: int | None = None,
) -> Iterator[str]:
    """Yield a digest as markdown: counts, a table for each severity, and the domains that were not checked.

    `findings` are listed gravest first, at most `limit` of them; `of_all` is the number of findings without filters.
    """
    yield f"# {markdown(title)}"
    yield ""
    yield text.totals(result, of_all)
    if result.groups is not None:
        yield ""
        yield from _rows(("Group", "Findings"), ([markdown(name), f"{n}"] for name, n in result.groups.items()))
    # Findings come as a stream, so the size of each table follows from the counts and not from the list.
    left = result.total if limit is None else min(limit, result.total)
    hidden = result.total - left
    for severity, own in groupby(findings, key=lambda finding: finding.severity):
        count = min(left, getattr(result.counts, severity))
        left -= count
        yield ""
        yield f"## {text.SEVERITY_ICONS[severity]} {severity} ({count})"
        yield ""
        yield from _rows(("Where", "What", "Rule", "Status", "Id"), (_row(each, each.status) for each in own))
    if hidden > 0:
        yield ""
        yield f"… and {hidden:,} more."
    if result.suppressed:
        yield ""
        yield f"{text.counted(result.suppressed, 'finding')} suppressed."
    if result.broken or result.unaudited:
        yield ""
        yield "## Not looked at"
        yield ""
        for broken in result.broken:
            yield f"- {markdown(broken.domain)}: {markdown(broken.error)}"
        if result.unaudited:
            yield f"- {text.counted(result.unaudited, 'tracked file')} no agent looked at"


def audit_lines(result: AuditResult, coverage: Iterable[str]) -> Iterator[str]:
    """Yield an audit as markdown, as the summary of a CI job shows it: new findings first, known ones folded.

    `coverage` are lines on who looked at what.
    """
    new_ids = frozenset(result.new_since_baseline)
    new = [finding for finding in result.digest.findings if finding.finding_id in new_ids]
    known = [finding for finding in result.digest.findings if finding.finding_id not in new_ids]
    yield f"# {text.counted(len(new), 'new finding')}, {len(known):,} known"
    yield ""
    seen = result.worktree
    edits = f" and {text.counted(len(seen.edited_files), 'edited file')}" if seen and seen.edited_files else ""
    commit = seen.head if seen else result.commit
    yield markdown(f"Commit {commit[:12]}{edits}, compared with {baseline(result.baseline)}.")
    yield from _listed(new, new_state)
    if known:
        yield ""
        yield f"<details><summary>{text.counted(len(known), 'known finding')}</summary>"
        yield from _listed(known, known_state)
        yield ""
        yield "</details>"
    yield ""
    yield "## Coverage"
    yield ""
    yield from (f"- {markdown(line.strip())}" for line in coverage)
    yield from (
        f"- ⊘ {markdown(broken.domain)} was not looked at: {markdown(broken.error)}" for broken in result.digest.broken
    )
    for violation in result.violations[:_MOST_NAMED]:
        where = f"{violation.file} ({violation.actual_owner})"
        yield f"- ⊘ violation: {markdown(where)} was touched by {markdown(violation.agent_domain)}"
    yield from (f"- ⊘ reported and refused: {markdown(item)}" for item in result.refused_items[:_MOST_NAMED])


def _listed(findings: list[FindingShown], state: Callable[[FindingShown], str]) -> Iterator[str]:
    if not findings:
        return
    yield ""
    # A summary of GitHub holds 1 MiB, and one that is too long is not shown at all.
    rows = ([finding.severity, *_row(finding, state(finding))] for finding in findings[:_MOST_ROWS])
    yield from _rows(("Severity", "Where", "What", "Rule", "Status", "Id"), rows)
    if (hidden := len(findings) - _MOST_ROWS) > 0:
        yield ""
        yield f"… and {hidden:,} more."


def _row(finding: FindingShown, state: str) -> list[str]:
    where = finding.file or "(no file)"
    line = f":{finding.line}" if finding.file and finding.line else ""
    reason = f" ({finding.reason})" if finding.reason and finding.status != "new" else ""
    notes = [note for note in (text.decision(finding), objection(finding)) if note]
    return [
        code_span(where + line),
        markdown(finding.description),
        code_span(finding.rule_id or finding.category),
        "; ".join(map(markdown, (state_with_review(finding, state) + reason, *notes))),
        finding.finding_id,
    ]


def _rows(head: tuple[str, ...], rows: Iterable[list[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
