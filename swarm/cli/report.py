"""`swarm report`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import run_argument, usage, verb
from swarm.cli.shared_options import value_of
from swarm.results.report import ReportResult
from swarm.show.escape import plain
from swarm.show.text import counted


@verb()
@run_argument
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Page to write; an existing page is replaced.",
)
@click.option("--serve", is_flag=True, help="Serve the page on this machine instead, and update it while it is open.")
@click.option("--port", type=click.IntRange(1, 65535), help="With --serve: the port; by default a free one.")
@click.option("--open", "opens", is_flag=True, help="With --serve: open the page in your browser.")
def command(call: Call, run: str | None, file: Path | None, *, serve: bool, port: int | None, opens: bool) -> None:
    """Write RUN as a self-contained HTML page: timeline, burn-down, findings, gates.

    With --serve the page is shown at a secret address of this machine, for your browser alone, and follows the waves:
    agents at work, tokens, cost, stalls, findings as they come in. Nothing can be changed by it. Ctrl-C ends it.
    """
    if serve == (file is not None):
        raise usage("name a page with -o FILE, or show it with --serve, one of both", "report")
    if not serve and (opens or port):
        raise usage(f"{'--open' if opens else '--port'} belongs to --serve", "report")
    if serve and value_of("quiet") and call.form == "text" and not opens:
        raise usage("--serve and --quiet exclude each other, for nobody would know the address", "report")
    if file is None:
        from swarm.cli.report_server import serve_report

        serve_report(call, run, port or 0, opens=opens)
    else:
        from swarm.show.page.report import page
        from swarm.waves.look.report import report

        with call.read() as store:
            result = report(store, call.run(store, run), file, page)
        call.answer(result, lambda: _lines(result))


def _lines(result: ReportResult) -> Iterator[str]:
    size = f"{counted(result.waves, 'wave')}, {counted(result.findings, 'finding')}, {result.bytes:,} bytes"
    yield f"Report of {result.run_id}: {size}"
    yield plain(result.path)
