"""Timeline: a lane for each wave, with agents, attempts as bars, proofs and merges."""

from collections.abc import Iterator
from typing import Final

from swarm.results.report import AgentLane, AttemptBar, ReportFacts, VerificationShown, WaveLane
from swarm.show.page.html import (
    AS_TEXT,
    DASH,
    chip,
    code,
    counted,
    duration,
    icon,
    moment,
    safe,
    seconds_between,
    sign_of,
    tone_of,
    verdict_word,
)

_OPEN_LANES: Final = 4
_MOST_TICKS: Final = 5
_TICKS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_LEAST_BAR: Final = 0.6  # In percent, so that the shortest attempt can be seen.
_SHORT: Final = 10
_MOST_FILES: Final = 20


def timeline(facts: ReportFacts) -> str:
    """Return the lanes, oldest first; the newest and the failed lanes are open."""
    if not facts.waves:
        return '<p class="empty">No wave has been dispatched yet.</p>'
    # Long runs have hundreds of waves; the page opens on the recent and the failed.
    newest = facts.waves[-_OPEN_LANES:]
    lanes = (
        part
        for wave in facts.waves
        for part in ("<li>", *_lane(wave, is_open=wave in newest or wave.status == "failed"), *_after(wave, facts))
    )
    return "\n".join(('<ol class="rail">', *lanes, "</ol>"))


def _lane(wave: WaveLane, *, is_open: bool) -> Iterator[str]:
    span = max(_ends(wave), default=0.0)
    yield f'<details class="lane {tone_of(wave.status)}"{" open" if is_open else ""}>'
    yield '<summary><span class="lane-head">'
    yield f'<span class="wave">Wave {wave.number}</span> <span class="phase">{safe(wave.phase)}</span>'
    yield f" {chip(wave.status)}</span>"
    yield f'<span class="facts">{_facts(wave)}</span></summary>'
    if wave.violations:
        yield f'<p class="alarm">{icon("⚠")} Touched outside every domain: {_files(wave.violations)}</p>'
    if wave.agents:
        yield '<ul class="agents">'
        for agent in wave.agents:
            yield from _agent(agent, wave, span)
        yield "</ul>"
        if span:
            yield _axis(span)
    yield "</details>"


def _facts(wave: WaveLane) -> str:
    facts = [moment(wave.dispatched) + (f" {DASH} {_end(wave)}" if wave.ended else " · in flight")]
    if wave.ended:
        facts.append(duration(seconds_between(wave.dispatched, wave.ended)))
    current = [agent for agent in wave.agents if not agent.redispatched]
    complete = sum(agent.status == "complete" for agent in current)
    facts.append(f"{complete} of {counted(len(current), 'agent')} complete")
    if wave.runtime:
        facts.append(safe(wave.runtime))
    if wave.counts:
        named = {"new": wave.counts.new, "recurring": wave.counts.recurring, "fixed": wave.counts.fixed}
        facts += [f"<b>{count:,}</b> {name}" for name, count in named.items() if count]
    return " · ".join(f"<span>{part}</span>" for part in facts)


def _end(wave: WaveLane) -> str:
    ended = wave.ended or ""
    if ended[:10] == wave.dispatched[:10]:
        return f'<time datetime="{safe(ended)}">{safe(ended[11:16])}</time>'
    return moment(ended)


def _ends(wave: WaveLane) -> Iterator[float]:
    yield seconds_between(wave.dispatched, wave.ended) if wave.ended else 0.0
    for agent in wave.agents:
        for attempt in agent.attempts:
            yield seconds_between(wave.dispatched, attempt.ended or attempt.began)


def _agent(agent: AgentLane, wave: WaveLane, span: float) -> Iterator[str]:
    found = "" if agent.findings is None else counted(agent.findings, "finding")
    again = ' <span class="chip quiet">dispatched again</span>' if agent.redispatched else ""
    yield f'<li><span class="domain">{safe(agent.domain)}</span>'
    yield f'<svg class="track" height="22" role="img" aria-label="{safe(_spoken(agent))}">'
    yield '<rect class="ground" width="100%" height="22" rx="4"/>'
    if span:
        yield from _bars(agent, wave, span)
    yield f'</svg><span class="how">{chip(agent.status)}{again} <span class="found">{found}</span></span>'
    if agent.violations:
        touched = counted(len(agent.violations), "file")
        text = f"Violation: touched {touched} it does not own: {_files(agent.violations)}"
        yield f'<p class="alarm">{icon("⚠")} {text}</p>'
    if agent.error:
        yield f'<p class="alarm">{icon("✕")} {safe(agent.error)}</p>'
    failed = [attempt for attempt in agent.attempts if attempt.problem]
    for attempt in failed:
        yield f'<p class="why">Attempt {attempt.ordinal}: {safe(attempt.problem or "")}</p>'
    yield "</li>"


def _bars(agent: AgentLane, wave: WaveLane, span: float) -> Iterator[str]:
    for attempt in agent.attempts:
        begin = seconds_between(wave.dispatched, attempt.began) / span * 100
        # An attempt that still runs reaches to the right edge.
        until = seconds_between(wave.dispatched, attempt.ended) / span * 100 if attempt.ended else 100.0
        # Clocks of several machines can disagree, so a bar is kept inside its lane.
        size = min(max(until - begin, _LEAST_BAR), 100.0)
        begin = min(begin, 100.0 - size)
        tone = tone_of(attempt.outcome) if attempt.outcome else "quiet"
        yield f"<g><title>{safe(_attempt(attempt))}</title>"
        yield f'<rect class="attempt {tone}" x="{begin:.3f}%" y="3" width="{size:.3f}%" height="16" rx="3"/>'
        if size > _SHORT / 2:
            sign = sign_of(attempt.outcome) if attempt.outcome else "▶" + AS_TEXT
            label = f"{sign} {attempt.ordinal}" if size > _SHORT else sign
            yield f'<text class="{tone}" x="{begin + size / 2:.3f}%" y="15.5" text-anchor="middle">{label}</text>'
        yield "</g>"
    if not agent.attempts and agent.ended:
        # An agent outside of `launch` has no attempts: only its end was observed.
        size = max(seconds_between(wave.dispatched, agent.ended) / span * 100, _LEAST_BAR)
        yield f'<g><title>worked outside of `launch`</title><rect class="attempt outside" y="3" width="{size:.3f}%"'
        yield ' height="16" rx="3"/></g>'


def _spoken(agent: AgentLane) -> str:
    if not agent.attempts:
        return f"{agent.domain}: no attempt was launched"
    return f"{agent.domain}: " + "; ".join(map(_attempt, agent.attempts))


def _attempt(attempt: AttemptBar) -> str:
    took = f", {duration(attempt.duration_ms / 1000)}" if attempt.duration_ms is not None else ""
    exited = f", exit {attempt.exit_code}" if attempt.exit_code else ""
    how = (attempt.outcome or "running").replace("_", " ")
    return f"attempt {attempt.ordinal}, {attempt.runtime}: {how}{took}{exited}"


def _axis(span: float) -> str:
    # Round steps of time; beyond the last the step is whatever gives few enough marks.
    step = next((size for size in _TICKS if span / size <= _MOST_TICKS), span / _MOST_TICKS)
    marks = [tick * step for tick in range(int(span / step) + 1)]
    parts = ['<svg class="axis" height="20" aria-hidden="true">']
    for mark in marks:
        at = mark / span * 100
        anchor = "start" if not mark else "end" if at > 100 - _SHORT else "middle"
        parts.append(f'<line x1="{at:.3f}%" x2="{at:.3f}%" y1="0" y2="4"/>')
        parts.append(f'<text x="{at:.3f}%" y="16" text-anchor="{anchor}">{duration(mark)}</text>')
    return "".join((*parts, "</svg>"))


def _files(names: tuple[str, ...]) -> str:
    shown = ", ".join(map(code, names[:_MOST_FILES]))
    return shown + (f" and {len(names) - _MOST_FILES:,} more" if len(names) > _MOST_FILES else "")


def _verified(made: VerificationShown) -> str:
    word = chip(verdict_word(made.verdict, passed=made.passed))
    return f"{word} {safe(made.purpose)} of {code(made.commit[:10])}{_tests(made.test_count)}"


def _after(wave: WaveLane, facts: ReportFacts) -> Iterator[str]:
    """Yield the events after the end of a wave, ordered by time, and close its item."""
    milestones = [
        *((v.created, _verified(v)) for v in facts.verifications if v.wave == wave.number),
        *(
            (m.created, f"{icon('⇒')} merged {counted(len(m.domains), 'domain')} into {code(m.ref)}")
            for m in facts.merges
            if m.wave == wave.number
        ),
        *(
            (
                p.created,
                f"{icon('▲')} promoted {code(p.from_phase)} → {code(p.to_phase)}{_overridden(len(p.overrides))}",
            )
            for p in facts.promotions
            if p.wave_number == wave.number
        ),
    ]
    if milestones:
        yield '<ul class="milestones">'
        for stamp, text in sorted(milestones):
            yield f"<li>{text} <span class='when'>{moment(stamp)}</span></li>"
        yield "</ul>"
    yield "</li>"


def _tests(count: int | None) -> str:
    return "" if count is None else f", {counted(count, 'test')}"


def _overridden(count: int) -> str:
    return f" · {icon('⚠')} {counted(count, 'gate')} overridden" if count else ""
