"""`swarm persist`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import run_argument, verb
from swarm.cli.records_options import attested_option, ingested_lines, persisted, report_failed_ingest, root_option
from swarm.results.persist import PersistResult
from swarm.show.escape import plain


@verb()
@run_argument
@click.option("--ingest", is_flag=True, help="Also ingest the submission, with provenance stub.")
@click.option("--dry-run", "-n", is_flag=True, help="Write nothing; with --ingest, judge the submission all the same.")
@attested_option
@root_option
def command(
    call: Call, run: str | None, attested_by: str | None, root: Path | None, *, ingest: bool, dry_run: bool
) -> None:
    """Write RUN as run-export.json and as submission.json, into the folder of the run.

    The submission proposes a verdict: that of the newest verification, lowered by the newest wave of each phase. With
    --ingest it is judged and kept as a record; exit 1 where that did not end in an accepted record.
    """
    with call.read() as store:
        selected = call.run(store, run, tell=True)
        result = persisted(call, store, selected, call.config(), attested_by, root, ingest=ingest, dry_run=dry_run)
    is_failed = report_failed_ingest(call, result.ingest, dry_run=dry_run)
    call.answer(result, lambda: _lines(result), int(is_failed))


def _lines(result: PersistResult) -> Iterator[str]:
    would = "would be written" if result.dry_run else "written"
    yield f"Run {result.run_id} {would}: verdict {result.proposed} proposed for {result.repo}"
    yield f"  Export: {plain(result.export_path)}"
    yield f"  Submission: {plain(result.submission_path)}"
    if result.ingest is not None:
        yield from ingested_lines(result.ingest)
    elif not result.dry_run:
        yield f"Next: swarm persist {result.run_id} --ingest"
