"""`swarm audit-logs`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from swarm.cli.call import Call
from swarm.cli.options import run_argument, verb
from swarm.results.audit_logs import AuditLogsResult
from swarm.show import text
from swarm.show.escape import plain

_MEBIBYTE = 1024 * 1024
# With `--since` the whole of a night is meant, and without it the last few minutes.
_BYTES, _BYTES_SINCE = _MEBIBYTE, 32 * _MEBIBYTE
_LINES, _LINES_SINCE = 10_000, 200_000


class Moment(click.ParamType[str]):
    """Parameter type: a time of ISO 8601, in UTC where it names no zone."""

    name = "iso"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the time in the form of the logs."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{str(value)[:100]}' is no time; write 2026-11-29T13:00:00Z", param, ctx)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@verb()
@run_argument
@click.option("--since", type=Moment(), help="Earliest event; the default is what the bounds below reach.")
@click.option("--max-bytes", type=click.IntRange(min=1), help="Most bytes to read, from the newest attempt backward.")
@click.option("--max-lines", type=click.IntRange(min=1), help="Most lines to read.")
@click.option("--fail-on", type=click.Choice(("issues", "attention")), help="Exit 1 where there are any.")
def command(
    call: Call,
    run: str | None,
    since: str | None,
    max_bytes: int | None,
    max_lines: int | None,
    fail_on: str | None,
) -> None:
    """Count the issues in the logs of RUN's attempts, and name the attempts that need a person.

    A bounded window is read. `warning=scan_truncated_before_since` says that it does not reach back to --since.
    """
    from swarm.waves.watch.audit_logs import Window, audit_logs

    window = Window(
        since, max_bytes or (_BYTES_SINCE if since else _BYTES), max_lines or (_LINES_SINCE if since else _LINES)
    )
    with call.read() as store:
        result = audit_logs(store.conn, call.run(store, run), window)
    failed = {"issues": result.issues, "attention": result.attention, None: ()}[fail_on]
    call.answer(result, lambda: _lines(result), int(bool(failed)))


def _lines(result: AuditLogsResult) -> Iterator[str]:
    scanned = f"{text.counted(result.scanned_lines, 'line')} of {text.counted(result.scanned_files, 'log')}"
    yield f"{text.counted(len(result.issues), 'kind')} of issue in {scanned}"
    if result.warning:
        yield f"⚠ warning={result.warning}: allow more by --max-bytes or --max-lines"
    rows = [
        (str(issue.times), plain(issue.signature), issue.last, f"attempt:{issue.attempts[-1]}")
        for issue in result.issues
    ]
    if rows:
        yield from text.table(rows, ("times", "issue", "last", "newest attempt"))
    for one in result.attention:
        yield f"⚠ {plain(one.domain)} needs attention (attempt:{one.attempt_id}): {plain(one.reason)}"
        yield f"  Next: {one.next_action}"
