"""`swarm show`."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from swarm import errors
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import repo_path_option, run_option, verb
from swarm.results.show import ShowResult
from swarm.show import digest, reviews, text
from swarm.show.escape import plain


@verb()
@click.argument("finding", shell_complete=completions.findings)
@run_option
@repo_path_option
def command(call: Call, finding: str, run: str | None, repo_path: Path | None) -> None:
    """Show one FINDING: code, every sighting, how it was matched, history, and what to do."""
    from swarm.waves.look.show import show

    with call.read() as store:
        selected = call.run(store, run)
        with suppress(errors.RepoNotFound, errors.RunElsewhere):
            # Only the code needs the repository.
            selected = call.run_here(store, run, repo_path)
        result = show(store.conn, selected, finding)
    call.answer(result, lambda: _lines(result))


def _lines(result: ShowResult) -> Iterator[str]:
    found = result.finding
    rule = plain(found.rule_id or found.category)
    state = digest.new_state(found) if found.is_new else found.status
    yield f"{found.finding_id}  {text.severity(found.severity)}  {rule}  {state}"
    yield text.place(found) + (f"  in {plain(found.symbol)}" if found.symbol else "")
    yield plain(found.description)
    if found.recommendation and found.recommendation != found.description:
        yield f"Recommended: {plain(found.recommendation)}"
    if result.code:
        yield ""
        for line in result.code:
            mark = ">" if line.anchored else " "
            yield f"{mark} {line.number:>6}  {text.code(line.text)}"
    yield ""
    yield f"Category {found.category}, domain {found.domain}, anchored by {found.anchored}"
    times = text.counted(found.sightings, "sighting")
    first, last = found.first_seen_wave, found.last_seen_wave
    yield f"Seen in wave {first}, {times}" if first == last else f"Seen in waves {first} to {last}, {times}"
    if result.match:
        yield f"Matched by {found.matched_by}: {plain(result.match)}"
    for label, value in (
        ("Severity", result.severity_note),
        ("Reason", found.reason),
        ("Evidence", found.evidence),
        ("Decided", text.decision(found)),
    ):
        if value:
            yield f"{label}: {plain(value)}"
    if result.misses or result.regressions:
        yield f"Missed by {text.counted(result.misses, 'look')}; came back {text.counted(result.regressions, 'time')}"
    yield from _record(result)
    yield f"Next: {result.next_action}"


def _record(result: ShowResult) -> Iterator[str]:
    """Yield every sighting, claim and event of a finding."""
    yield ""
    yield "Sightings"
    said = result.finding.description
    for sighting in result.sightings:
        where = text.place(sighting)
        by = f"{sighting.domain} [{plain(sighting.reported_id)}]"
        # A name that a report gives its tool: swarm did not launch it.
        by += f", in a report of {plain(sighting.tool)}" if sighting.tool else ""
        yield f"  wave {sighting.wave}, {by}, {sighting.severity}: {where}"
        # Only where it differs: a tool says the same in every wave.
        if sighting.description != said:
            yield f"    {plain(sighting.description)}"
            said = sighting.description
    for review in result.finding.reviews:
        yield f"Reviewed in wave {review.wave}: {reviews.verdict_line(review)}"
        if review.quote:
            yield f"    {text.code(review.quote)}"
    if result.finding.same_cause:
        yield f"Same cause: {', '.join(result.finding.same_cause)}"
    for claim in result.claims:
        description = plain(claim.description)
        yield f"Claimed fixed in wave {claim.wave} by {claim.domain} ({claim.outcome}): {description}"
        yield f"    {claim.verified_via}: {plain(claim.evidence)}"
    yield "History"
    for event in result.events:
        reason = f" ({plain(event.reason)})" if event.reason else ""
        step = f"{event.from_} → {event.to}" if event.to else f"seen first, by wave event {event.seq}"
        yield f"  {event.ts}  {step}{reason}"
