"""State of a run as text."""

from collections.abc import Callable, Iterator

from swarm.results.status import StatusResult
from swarm.rules.states import WaveStatus
from swarm.show import text
from swarm.show.escape import plain


def _agents(result: StatusResult) -> Iterator[str]:
    rows = [
        (
            a.domain,
            "interrupted" if a.interrupted else a.status + (" (stale)" if a.stale else ""),
            a.started or "",
            a.error or "",
        )
        for a in result.agents
    ]
    yield from text.table(rows, ("agent", "status", "started", "error"))
    for agent in result.agents:
        used = [f"{agent.tokens:,} tokens"] if agent.tokens is not None else []
        used += [f"{agent.cost_usd:.2f} USD"] if agent.cost_usd is not None else []
        place = [f"on {agent.worker}"] if agent.worker else []
        if said := ", ".join([*place, *([agent.doing] if agent.doing else []), *used]):
            yield f"  {plain(agent.domain)}: {plain(said)}"


def lines_of(result: StatusResult, agents: Callable[[StatusResult], Iterator[str]] = _agents) -> Iterator[str]:
    """Yield the lines of a status; `agents` yields those of the agents of its wave."""
    run, wave = result.run, result.waves.current
    yield f"Run {run.id} ({plain(run.repo)}, {plain(run.branch or 'detached HEAD')}): {run.status}"
    yield f"{result.assessment.state}"
    for blocker in result.assessment.blockers:
        yield f"⚠ {plain(blocker)}"
    yield ""
    frozen = "frozen" if result.domains and result.domains[0].frozen else "draft"
    yield f"Domains ({frozen}): {', '.join(f'{d.name} [{d.ownership}]' for d in result.domains) or 'none'}"
    if wave is None:
        yield "Waves: none"
    else:
        isolated = ", isolated" if wave.isolated else ""
        phase = f"{wave.phase}, a review" if wave.review else wave.phase
        yield f"Wave {wave.number} of {result.waves.total} ({phase}): {wave.status}{isolated}"
        yield from agents(result)
    if result.review is not None:
        again = (
            f"; `swarm resume {run.id}` asks its reviewers again" if result.review.status == WaveStatus.FAILED else ""
        )
        yield f"Wave {result.review.number} (a review): {result.review.status}{again}"
    found = result.findings
    yield ""
    yield f"Findings: {found.open:,} open of {found.total:,} ({text.severities(found.by_severity)})"
    if result.refused_items:
        yield f"⚠ {text.refused(len(result.refused_items))}, such as {plain(result.refused_items[0])}"
    if found.by_status:
        yield "  " + ", ".join(f"{count:,} {status}" for status, count in found.by_status.items())
    if (last := result.last_verification) is not None:
        passed = "passed" if last.passed else "not passed"
        held = "claim does not hold" if last.offending == 1 else "claims do not hold"
        offending = f", {last.offending:,} {held}" if last.offending else ""
        verdict = last.verdict if last.passed else f"build {last.verdict}{offending}"
        if last.passed and last.verdict == "fail":
            # A red build passes only where the target was as red, and the tests pass.
            verdict = "build fail, no worse than before"
        yield f"Verification {last.id} of {last.commit_sha[:12]} in {last.phase}: {passed} ({verdict})"
    if result.violations:
        yield f"Violations: {result.violations:,}"
    yield f"Next: {result.assessment.next_action}"
