"""`swarm report`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import run_argument, verb
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
    required=True,
    metavar="FILE",
    help="Page to write; an existing page is replaced.",
)
def command(call: Call, run: str | None, file: Path) -> None:
    """Write RUN as a self-contained HTML page: timeline, burn-down, findings, gates."""
    from swarm.show.page.report import page
    from swarm.waves.look.report import report

    with call.read() as store:
        result = report(store, call.run(store, run), file, page)
    call.answer(result, lambda: _lines(result))


def _lines(result: ReportResult) -> Iterator[str]:
    size = f"{counted(result.waves, 'wave')}, {counted(result.findings, 'finding')}, {result.bytes:,} bytes"
    yield f"Report of {result.run_id}: {size}"
    yield plain(result.path)
