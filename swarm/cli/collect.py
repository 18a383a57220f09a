"""`swarm collect`."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from swarm.cli.call import Call
from swarm.cli.options import bundles_option, outputs_named, outputs_option, repo_path_option, run_argument, verb
from swarm.results.collect import (
    STEERS,
    TOO_LARGE,
    UNFILTERED,
    UNTAKABLE,
    AgentCollected,
    CollectResult,
    ViolationShown,
)
from swarm.rules.domains import WHOLE_WAVE
from swarm.rules.phases import AMEND_PHASES, dispatched_phase
from swarm.rules.states import WaveStatus
from swarm.show import reviews, text
from swarm.show.escape import plain

_MOST_VIOLATIONS = 20
_MOST_NAMED = 5


@verb()
@run_argument
@outputs_option
@bundles_option
@repo_path_option
def command(
    call: Call, run: str | None, named: tuple[str, ...], bundles: tuple[str, ...], repo_path: Path | None
) -> None:
    """Collect the wave in flight of RUN: validate each output, enforce ownership, record the findings.

    The wave ends as `collected`, exit 0, or as `failed`, exit 1, when an agent is incomplete or touched a file
    that it does not own.
    """
    from swarm.waves.collect.collect import collect

    paths = outputs_named(named, call.folder, "collect")
    works = outputs_named(bundles, call.folder, "collect", "--bundle")
    with call.write() as store:
        selected = call.run_of_own_wave(store, call.run_in_place(store, run, repo_path), "launch")
        result = collect(store, call.workspace, selected, paths, works)
    failed = result.wave_status == WaveStatus.FAILED
    call.answer(result, lambda: _lines(result), int(failed))


def _lines(result: CollectResult) -> Iterator[str]:
    yield result.summary
    yield f"Open findings: {text.severities(result.by_severity)}"
    if result.refused:
        yield f"⚠ {text.refused(result.refused)}; the rest of each output was taken"
    yield ""
    is_amend = dispatched_phase(result.phase) in AMEND_PHASES
    counted = "verdicts" if result.review else "fixes" if is_amend else "findings"
    verdicts = Counter(review.domain for review in result.reviews)
    rows = [
        (agent.domain, agent.status, f"{_count(agent, verdicts, is_review=result.review, is_amend=is_amend):,}")
        for agent in result.agents
    ]
    yield from text.table(rows, ("agent", "status", counted))
    for agent in result.agents:
        yield from _problems(agent)
    for violation in result.violations[:_MOST_VIOLATIONS]:
        wrong = _problem(violation, is_amend=is_amend)
        yield f"⊘ {plain(violation.file)} was touched by {violation.agent_domain}; {wrong}"
        if violation.detail:
            yield f"  {plain(violation.detail)}"
    if len(result.violations) > _MOST_VIOLATIONS:
        yield f"⊘ … and {len(result.violations) - _MOST_VIOLATIONS:,} more"
    for note in result.notes[:_MOST_VIOLATIONS]:
        yield f"ℹ {plain(note)}"  # noqa: RUF001
    yield from _amended(result)
    yield from _reviewed(result)
    if result.ownership_probe_degraded:
        yield "ℹ Without --isolate nobody can tell who edited what in the shared checkout."  # noqa: RUF001
    if result.findings.recurred_while_closed:
        yield f"{text.counted(result.findings.recurred_while_closed, 'closed finding')} seen again; closed they stay."
    yield ""
    yield f"Wave status: {result.wave_status}"
    yield f"Next: {result.next_action}"


def _count(agent: AgentCollected, verdicts: Counter[str], *, is_review: bool, is_amend: bool) -> int:
    if is_review:
        return verdicts[agent.domain]
    return agent.fixes if is_amend else agent.findings_count


def _reviewed(result: CollectResult) -> Iterator[str]:
    for review in result.reviews[:_MOST_VIOLATIONS]:
        yield f"{reviews.MARKS[review.verdict]} {reviews.verdict_line(review)}"
    if len(result.reviews) > _MOST_VIOLATIONS:
        yield f"… and {len(result.reviews) - _MOST_VIOLATIONS:,} more verdicts"
    if result.unanswered:
        yield f"⚠ without a verdict: {_some(result.unanswered)}"


def _problems(agent: AgentCollected) -> Iterator[str]:
    for problem in agent.errors[:_MOST_VIOLATIONS]:
        yield f"⚠ {agent.domain}: {plain(problem.code)}: {plain(problem.message)} ({plain(problem.path)})"
    if len(agent.errors) > _MOST_VIOLATIONS:
        yield f"⚠ {agent.domain}: … and {len(agent.errors) - _MOST_VIOLATIONS:,} more"


def _problem(violation: ViolationShown, *, is_amend: bool) -> str:
    if violation.actual_owner == UNTAKABLE:
        return "git cannot take it"
    if violation.actual_owner == UNFILTERED:
        return "a filter (such as git-lfs) has to run on it: commit it in its worktree"
    if violation.actual_owner.startswith(TOO_LARGE):
        return f"{violation.actual_owner}; SWARM_LARGEST_FILE sets the limit"
    if violation.actual_owner == STEERS:
        return "it decides how work is proved, so it needs a lease"
    if is_amend or violation.agent_domain == WHOLE_WAVE:
        return f"it is {plain(violation.actual_owner)}'s"
    return "an audit edits nothing"


def _amended(result: CollectResult) -> Iterator[str]:
    for fix in result.fixes[:_MOST_VIOLATIONS]:
        proved = "not seen yet" if fix.verified_via == "unverifiable" else f"seen by {fix.verified_via}"
        yield f"✓ {fix.finding_id} claimed by {fix.domain}, {proved}: {plain(fix.evidence)}"
    if len(result.fixes) > _MOST_VIOLATIONS:
        yield f"✓ … and {len(result.fixes) - _MOST_VIOLATIONS:,} more claimed"
    for skip in result.skipped_fixes[:_MOST_VIOLATIONS]:
        yield f"⚠ {plain(skip.finding_id)} of {skip.domain} skipped ({skip.reason}): {plain(skip.told)}"
    if len(result.skipped_fixes) > _MOST_VIOLATIONS:
        yield f"⚠ … and {len(result.skipped_fixes) - _MOST_VIOLATIONS:,} more skipped"
    for request in result.requests[:_MOST_VIOLATIONS]:
        yield f"⚠ {request.domain} asks for {plain(request.file)}: {plain(request.reason)}"
    for agent in result.agents:
        yield from _edited(agent)


def _edited(agent: AgentCollected) -> Iterator[str]:
    if agent.divergence is not None:
        missing, extra = agent.divergence
        if missing:
            yield f"⚠ {agent.domain} did not report {text.counted(len(missing), 'file')}: {_some(missing)}"
        if extra:
            unseen = text.counted(len(extra), "file")
            yield f"⚠ {agent.domain} reported {unseen} that git does not show: {_some(extra)}"
    if agent.shared_edits:
        yield f"⚠ {agent.domain} edited shared files: {_some(agent.shared_edits)}"


def _some(paths: tuple[str, ...]) -> str:
    shown = ", ".join(map(plain, paths[:_MOST_NAMED]))
    return shown if len(paths) <= _MOST_NAMED else f"{shown}, … {len(paths) - _MOST_NAMED:,} more"
