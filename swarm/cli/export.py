"""`swarm export`."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from swarm import errors
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.results.export import ExportResult
from swarm.show.escape import plain
from swarm.show.text import counted

if TYPE_CHECKING:
    from pathlib import Path

    from swarm.waves.export.endpoint import Endpoint

_SCHEMES = ("http://", "https://")


@verb()
@click.argument("words", nargs=-1, metavar="[RUN] [WAVE]", shell_complete=completions.runs)
@click.option(
    "--otel",
    metavar="FILE|URL",
    required=True,
    help="File to write, a JSON text of OTLP on each line; or an OTLP endpoint such as http://localhost:4318.",
)
def command(call: Call, words: tuple[str, ...], otel: str) -> None:
    """Export the attempts of RUN, or of its WAVE, as OpenTelemetry spans for generative AI.

    A wave is a trace: agents with their models, tokens and cost, and analyzers as tools. Waves in flight are left out.
    A second export brings the same spans. An endpoint gets the headers of OTEL_EXPORTER_OTLP_HEADERS. Exit 1: the
    endpoint did not take every span.
    """
    from swarm.show.otlp import BEGINS, requests
    from swarm.waves.export.export import export
    from swarm.waves.selection import split_run_and_wave

    if len(words) > 2:  # noqa: PLR2004
        raise usage("it takes a run and a wave at most", "export")
    named, wave = split_run_and_wave(words)
    target = _target(call, otel)
    with call.read() as store:
        result = export(store, call.run(store, named), wave, target, (requests, BEGINS))
    call.answer(result, lambda: _lines(result), int(result.rejected > 0))


def _target(call: Call, otel: str) -> "Path | Endpoint":
    """Return the file or the endpoint that the option names. Raises CliUsage."""
    if not otel.lower().startswith(_SCHEMES):
        if "://" in otel:
            raise usage(f"--otel takes a file, http:// or https://; got '{errors.shortened(otel)}'", "export")
        return call.folder / otel
    from swarm.waves.export.endpoint import endpoint_of

    try:
        return endpoint_of(otel, os.environ)
    except ValueError as error:
        raise usage(f"--otel: {error}", "export") from None


def _lines(result: ExportResult) -> Iterator[str]:
    spans = f"{counted(result.waves, 'wave')}, {counted(result.attempts, 'attempt')}"
    yield f"Spans of {result.run_id}: {spans}"
    if result.still_open:
        yield f"{counted(result.still_open, 'attempt')} of waves in flight left out"
    if result.rejected:
        why = f": {plain(result.reason)}" if result.reason else ""
        yield f"⊘ {counted(result.rejected, 'span')} not taken by the endpoint{why}"
    yield plain(result.target)
