"""Receipt of a wave as markdown; agents' text is escaped."""

from collections.abc import Iterable, Iterator, Sequence

from swarm.results.advance import GateShown
from swarm.results.receipt import (
    ReceiptAgent,
    ReceiptClaim,
    ReceiptDomain,
    ReceiptFindings,
    ReceiptPromotion,
    ReceiptReview,
    ReceiptVerification,
    WaveReceipt,
)
from swarm.show import text
from swarm.show.escape import code_span, markdown

MOST_IDS = 50


def gate_word(gate: GateShown, overrides: Sequence[str]) -> str:
    """Return the result of a gate as a word, so that it needs no colour or icon."""
    if gate.passed:
        return "passed"
    return "overridden" if gate.name in overrides else "not passed"


def receipt_lines(made: WaveReceipt) -> Iterator[str]:
    """Yield a receipt as markdown. Every line comes from state: the same state gives the same lines."""
    phase = f"{made.phase}, a review" if made.review else made.phase
    yield f"# Receipt: wave {made.wave_number} ({phase}) of {markdown(made.repo)}"
    yield ""
    yield from _facts(made)
    yield from _section("Map", ("Domain", "Class", "Globs"), map(_domain_row, made.map))
    yield from _section(
        "Agents", ("Domain", "Status", "Findings", "Files", "Sandbox", "Output"), map(_agent_row, made.agents)
    )
    claims = [_claim_row(agent, claim) for agent in made.agents for claim in agent.claims]
    yield from _section("Files", ("Domain", "File", "Change", "Owner", "Known as", "Violation"), claims)
    rows = ([code_span(row.file), markdown(row.agent_domain), markdown(row.actual_owner)] for row in made.violations)
    yield from _section("Violations", ("File", "By", "Owner"), rows)
    rows = (
        [row.domain, code_span(row.file), row.status, markdown(row.reason or row.request_reason or "")]
        for row in made.leases
    )
    yield from _section("Leases", ("Domain", "File", "Status", "Reason"), rows)
    yield from _findings(made.findings)
    yield from _section("Dropped", ("What was declared and not taken",), ([markdown(row)] for row in made.dropped))
    rows = (
        [markdown(row.finding_id), markdown(row.domain), row.outcome, row.verified_via, markdown(row.evidence)]
        for row in made.fixes
    )
    yield from _section("Claimed fixes", ("Finding", "Domain", "Outcome", "Known by", "Evidence"), rows)
    rows = (list(map(markdown, row)) for row in made.skipped_fixes)
    yield from _section("Skipped fixes", ("Finding", "Domain", "Reason", "Told"), rows)
    rows = (
        [code_span(row.ref), row.commit_sha, ", ".join(row.domains), ", ".join(row.dropped) or "none"]
        for row in made.merges
    )
    yield from _section("Merges", ("Ref", "Commit", "Domains", "Left out"), rows)
    yield from _section("Advice", ("Lesson",), ([code_span(lesson)] for lesson in made.advice))
    yield from _section("Reviews", ("Finding", "Verdict", "By", "Place", "Reason"), map(_review_row, made.reviews))
    head = ("Id", "Purpose", "Commit", "Verdict", "Steps", "Tests", "Offending", "Sandbox", "Exit")
    yield from _section("Verifications", head, map(_verification_row, made.verifications))
    yield from _promotion(made.promotion)
    span = made.ledger
    yield ""
    yield "## Ledger"
    yield ""
    yield f"{text.counted(span.events, 'event')}, {span.first} to {span.last}; the last one's hash is {span.hash}"


def _facts(made: WaveReceipt) -> Iterator[str]:
    runtime = "by hand"
    if made.runtime:
        runtime = " ".join(markdown(word) for word in (made.runtime, made.runtime_version or "") if word)
    yield f"- Run: {made.run_id}"
    yield f"- Status: {made.status}; dispatched {made.dispatched}, ended {made.ended or 'not yet'}"
    yield f"- Commit: {made.dispatch_sha}"
    degraded = ", ownership could not be probed" if made.ownership_probe_degraded else ""
    yield f"- Worktrees: {'isolated' if made.isolated else 'shared'}{degraded}"
    yield f"- Runtime: {runtime}; configuration {made.runtime_config or 'none'}"
    yield f"- Map: sha256 {made.snapshot_sha256}"


def _domain_row(domain: ReceiptDomain) -> list[str]:
    return [domain.name, domain.ownership, ", ".join(map(code_span, domain.globs))]


def _agent_row(agent: ReceiptAgent) -> list[str]:
    reported = "" if agent.findings is None else f"{agent.findings}"
    if agent.tools:
        reported += f", in a report of {', '.join(map(markdown, agent.tools))}"
    # Without an attempt, a person played the agent.
    sandbox = ", ".join(dict.fromkeys(agent.isolation))
    return [agent.domain, agent.status, reported, f"{len(agent.claims)}", sandbox, agent.output_sha256 or "none"]


def _claim_row(agent: ReceiptAgent, claim: ReceiptClaim) -> list[str]:
    seen = [word for word, is_so in (("observed", claim.observed), ("reported", claim.reported)) if is_so]
    violation = "violation" if claim.violation else ""
    return [agent.domain, code_span(claim.path), claim.kind, claim.owner or "unassigned", " and ".join(seen), violation]


def _findings(found: ReceiptFindings) -> Iterator[str]:
    yield ""
    yield "## Findings"
    yield ""
    yield (
        f"{found.new} new, {found.recurring} recurring, {found.fixed} fixed, {found.unverified} unverified, "
        f"{found.recurred_while_closed} seen again although closed"
    )
    yield ""
    counted = text.counted(found.sightings, "sighting")
    yield f"Seen: {text.severities(found.by_severity)}; {counted}, digest {found.digest or 'none'}"
    if found.fixed_ids:
        more = f" and {len(found.fixed_ids) - MOST_IDS:,} more" if len(found.fixed_ids) > MOST_IDS else ""
        yield ""
        yield f"Fixed: {', '.join(found.fixed_ids[:MOST_IDS])}{more}"


def _review_row(review: ReceiptReview) -> list[str]:
    place = code_span(f"{review.file}:{review.line}") if review.file else ""
    by = markdown(review.reviewer) + (", not independent" if review.independent is False else "")
    return [review.finding_id, review.verdict, by, place, markdown(review.reason)]


def _verification_row(made: ReceiptVerification) -> list[str]:
    steps = ", ".join(f"{markdown(step.name)} {'passed' if step.passed else 'failed'}" for step in made.steps)
    accepted = f" (accepted: {markdown(made.reason or '')})" if made.accepted else ""
    counts = ["" if count is None else f"{count}" for count in (made.test_count, made.offending)]
    verdict, sandbox = made.verdict + accepted, made.isolation or ""
    return [f"{made.id}", made.purpose, made.commit_sha, verdict, steps, *counts, sandbox, f"{made.exit_code}"]


def _promotion(made: ReceiptPromotion | None) -> Iterator[str]:
    if made is None:
        return
    yield from _section(
        "Promotion",
        ("Gate", "Result", "Reason"),
        ([gate.name, gate_word(gate, made.overrides), markdown(gate.reason)] for gate in made.gates),
    )
    yield ""
    why = f", overridden: {markdown(made.reason)}" if made.reason else ""
    yield f"{made.from_phase} → {made.to_phase}{why}"


def _section(title: str, head: tuple[str, ...], rows: Iterable[list[str]]) -> Iterator[str]:
    # An empty section is left out, heading included, so the rows must be known first.
    listed = list(rows)
    if not listed:
        return
    yield ""
    yield f"## {title}"
    yield ""
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in listed:
        yield "| " + " | ".join(row) + " |"
