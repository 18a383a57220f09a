"""`swarm ingest`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.cli.records_options import judgement_lines, records_root, root_option

if TYPE_CHECKING:
    from swarm.rules.record_forms import Provenance


@verb()
@click.option("--file", metavar="F", type=click.Path(path_type=Path), help="The submission; without it, stdin.")
@click.option(
    "--provenance",
    type=click.Choice(["stub", "github"]),
    required=True,
    help="Who confirms where it comes from: stub nobody, github the API of GitHub.",
)
@click.option("--verify-only", is_flag=True, help="Judge the submission and write nothing.")
@root_option
def command(call: Call, file: Path | None, provenance: "Provenance", root: Path | None, *, verify_only: bool) -> None:
    """Judge a submission: its form, its steps, where it comes from and its policy, and keep it as a record.

    The verdict that it proposes is confirmed or lowered, never raised. Exit 0: accepted, or recorded before. 1:
    rejected; the record says why. 2: it could not be judged.
    """
    from swarm.evidence.records import submission
    from swarm.evidence.records.ingest import ingest

    place = records_root(call, root)
    if file is None and sys.stdin is not None and sys.stdin.isatty():
        raise usage("it takes a submission: --file F, or stdin", "ingest")
    is_stdin = file is None or str(file) == "-"
    raw = submission.from_stdin() if is_stdin else submission.from_file(call.folder / str(file))
    result = ingest(raw, place, provenance, os.environ, verify_only=verify_only)
    call.answer(result, lambda: judgement_lines(result), result.exit_code)
