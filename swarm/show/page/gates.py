"""Promotions with their gates, verifications with their steps, merges and leases, as HTML."""

from collections.abc import Iterator

from swarm.results.advance import PromotionShown
from swarm.results.report import MergeShown, ReportFacts, VerificationShown, WaveLease
from swarm.results.verify import StepShown
from swarm.show.page.html import chip, code, counted, duration, icon, moment, safe, verdict_word


def gates(facts: ReportFacts) -> str:
    """Return every promotion, verification, merge and lease, or a sentence where there is none."""
    parts = [
        *_group("Promotions", map(_promotion, facts.promotions)),
        *_group("Verifications", map(_verification, facts.verifications)),
        *_group("Merges", map(_merge, facts.merges)),
        *_leases(facts.leases),
    ]
    return "\n".join(parts) or '<p class="empty">Nothing was promoted, verified or merged yet.</p>'


def _group(title: str, cards: "Iterator[str] | map[str]") -> Iterator[str]:
    # A heading without cards would be noise, so the cards are made first.
    body = list(cards)
    if body:
        yield f'<h3>{title}</h3><div class="cards">'
        yield from body
        yield "</div>"


def _promotion(made: PromotionShown) -> str:
    rows = []
    for gate in made.gates:
        sign, tone, word = ("✓", "good", "passed") if gate.passed else ("✕", "bad", "failed")
        # An overridden gate has failed, and must never look like a passed gate.
        if gate.name in made.overrides:
            sign, tone, word = "⚠", "warn", "overridden"
        why = f'<span class="why">{safe(gate.reason)}</span>' if gate.reason else ""
        rows.append(
            f'<li><span class="chip {tone}">{icon(sign)} {word}</span>'
            f" <span>{safe(gate.name.replace('_', ' '))}</span>{why}</li>"
        )
    reason = f'<p class="quoted"><b>Reason</b> {safe(made.reason)}</p>' if made.reason else ""
    return (
        f'<article class="card"><h4>{safe(made.from_phase)} <span aria-hidden="true">→</span>'
        f'<span class="sr">to</span> {safe(made.to_phase)}</h4>'
        f'<p class="sub">{_wave(made.wave_number)}{moment(made.created)}</p>'
        f'<ul class="gates">{"".join(rows)}</ul>{reason}</article>'
    )


def _verification(made: VerificationShown) -> str:
    tests = "" if made.test_count is None else f" · {counted(made.test_count, 'test')}"
    steps = "".join(map(_step, made.steps))
    claims = ""
    if made.claims:
        pairs = "".join(
            f"<div><dt>{safe(name.replace('_', ' '))}</dt><dd>{count:,}</dd></div>" for name, count in made.claims
        )
        claims = f'<dl class="pairs">{pairs}</dl>'
    accepted = ""
    if made.accepted:
        text = f"{safe(made.accepted)} let through: {safe(made.reason or '')}"
        accepted = f'<p class="quoted">{icon("⚠")} {text}</p>'
    threshold = "" if made.threshold is None else f" · threshold {made.threshold:,}"
    return (
        f'<article class="card"><h4>{chip(verdict_word(made.verdict, passed=made.passed))} {safe(made.purpose)}</h4>'
        f'<p class="sub">{_wave(made.wave)}{code(made.commit[:10])} · {safe(made.adapter or "no adapter")}{tests}'
        f"{threshold} · {moment(made.created)}</p>"
        f'<ul class="gates">{steps}</ul>{claims}{accepted}</article>'
    )


def _step(step: StepShown) -> str:
    exit_code = f" (exit {step.exit_code})" if step.exit_code else ""
    argv = f"<br>{code(' '.join(step.argv))}" if step.argv else ""
    took = f'<span class="when">{duration(step.duration_ms / 1000)}{exit_code}</span>'
    return f"<li>{chip(step.status)} <span>{safe(step.name)} {took}{argv}</span></li>"


def _merge(made: MergeShown) -> str:
    dropped = ""
    if made.dropped:
        dropped = f'<p class="alarm">{icon("⚠")} dropped: {", ".join(map(safe, made.dropped))}</p>'
    return (
        f'<article class="card"><h4>{icon("⇒")} {code(made.ref)}</h4><p class="sub">{_wave(made.wave)}'
        f"{code(made.base[:10])} → {code(made.commit[:10])} · {moment(made.created)}</p>"
        f"<p>{counted(len(made.domains), 'domain')}: {', '.join(map(safe, made.domains))}</p>{dropped}</article>"
    )


def _leases(leases: tuple[WaveLease, ...]) -> Iterator[str]:
    if not leases:
        return
    yield '<h3>Leases</h3><div class="scroll" tabindex="0" role="group" aria-label="Leases"><table class="plain">'
    heads = ("Wave", "Domain", "File", "State", "Asked because", "Answered")
    yield "<thead><tr>" + "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr></thead><tbody>"
    for lease in leases:
        yield (
            f"<tr><td>{lease.wave}</td><td>{safe(lease.domain)}</td><td>{code(lease.file)}</td>"
            f"<td>{chip(lease.status)}</td><td>{safe(lease.request_reason or '')}</td>"
            f"<td>{safe(lease.reason or '')}</td></tr>"
        )
    yield "</tbody></table></div>"


def _wave(number: int | None) -> str:
    return "" if number is None else f"wave {number} · "
