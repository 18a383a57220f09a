"""`swarm trends`."""

from collections.abc import Iterator

import click

from swarm.cli.call import Call
from swarm.cli.options import verb
from swarm.results.trends import Comeback, Recurrence, TrendsResult, WavePoint
from swarm.show import text
from swarm.show.escape import plain

LIMIT = 20


@verb()
@click.option(
    "--query",
    type=click.Choice(["recurring", "history", "recurrence"]),
    default="recurring",
    help="Findings that persist or came back; open findings over time; rules and files that come back.",
)
@click.option("--repo", metavar="NAME", help="Only the runs of this repository, by its name in `swarm runs`.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), default=LIMIT, help="List at most N.", show_default=True
)
def command(call: Call, query: str, repo: str | None, limit: int) -> None:
    """Compare all runs: findings that persist, open findings over time, findings that come back after a fix."""
    from swarm.waves.look.trends import trends

    with call.read() as store, store.snapshot() as conn:
        result = trends(conn, query, repo, limit)
    call.answer(result, lambda: _lines(result))


def _lines(result: TrendsResult) -> Iterator[str]:
    if not result.runs:
        yield "No runs found." if result.repo is None else f"No runs of {plain(result.repo)} found."
        return
    runs = text.counted(result.runs, "run")
    match result.query:
        case "history":
            yield from _history(result.history or (), runs)
        case "recurrence":
            yield from _recurrence(result, runs)
        case _:
            yield from _recurring(result.recurring or (), runs)
    listed = max(len(rows or ()) for rows in (result.recurring, result.history, result.rules, result.files))
    if listed < result.total:
        of_repo = f" --repo {plain(result.repo)}" if result.repo else ""
        call = f"swarm trends --query {result.query}{of_repo} --limit {result.total}"
        yield f"… and {result.total - listed:,} more: `{call}`"


def _recurring(found: tuple[Comeback, ...], runs: str) -> Iterator[str]:
    """Yield the findings under their rule and message, each of which is printed once."""
    if not found:
        yield f"Nothing was seen in more than one wave of {runs}."
    alike: dict[tuple[str, str, str], list[Comeback]] = {}
    for finding in found:
        alike.setdefault((finding.severity, finding.rule, finding.description), []).append(finding)
    for (severity, rule, description), group in alike.items():
        head = f"{text.severity(severity)}  {plain(rule)}  "
        room = max(40, text.width() - len(severity) - text.columns(plain(rule)) - 4)
        yield head + text.shortened(plain(description), room)
        for finding in group:
            line = f":{finding.line}" if finding.file and finding.line else ""
            place = plain(finding.file or "(no file)") + line
            seen = f"seen in {text.counted(finding.waves, 'wave')} of {text.counted(finding.runs, 'run')}"
            back = f", came back {text.counted(finding.came_back, 'time')}" if finding.came_back else ""
            yield f"    {place}  {finding.finding_id}  {finding.status}, {seen}{back}"


def _history(points: tuple[WavePoint, ...], runs: str) -> Iterator[str]:
    if not points:
        yield f"No wave in {runs}."
        return
    head = ("run", "repository", "wave", "phase", "status", "ended", "critical", "high", "medium", "low", "open")
    yield from text.table(map(_cells, points), (*head, "new", "fixed", "regressed"))


def _cells(point: WavePoint) -> list[str]:
    opened = ["?"] * 5 if point.open is None else [f"{count:,}" for count in (*point.open, sum(point.open))]
    when = "in flight" if point.ended is None else f"{point.ended[:10]} {point.ended[11:16]}"
    cells = [point.run_id, point.repo, f"{point.wave}", point.phase, point.status, when, *opened]
    return [*cells, *(f"{count:,}" for count in (point.new, point.fixed, point.regressed))]


def _recurrence(result: TrendsResult, runs: str) -> Iterator[str]:
    if not result.rules and not result.files:
        yield f"Nothing that was fixed came back in {runs}."
        return
    for name, found in (("rule", result.rules or ()), ("file", result.files or ())):
        yield from text.table(map(_share, found), ("came back", "of fixes", "rate", "open", "findings", name))
        yield ""


def _share(found: Recurrence) -> list[str]:
    counts = [f"{found.came_back:,}", f"{found.fixes:,}", f"{found.rate:.0%}", f"{found.open:,}", f"{found.findings:,}"]
    return [*counts, found.name]
