"""`swarm triage`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.decision_verbs import author, finding_lines, named_option, run_named_once
from swarm.cli.options import run_argument, usage, verb
from swarm.results.triage import ImportResult
from swarm.show import text
from swarm.show.escape import plain

_MOST_SHOWN = 20


@verb()
@run_argument
@named_option
@click.option("--import", "file", type=click.Path(path_type=Path), metavar="FILE", help="File of decisions to import.")
@click.option("--force", is_flag=True, help="Let the file win over local decisions.")
def command(call: Call, run: str | None, named: str | None, file: Path | None, *, force: bool) -> None:
    """Import decisions about findings from a file that `swarm findings --export FILE` wrote.

    Decisions about findings that RUN does not know wait until a collect sees them. A local decision that is not older
    than that of the file stays, unless --force.
    """
    from swarm.waves.triage.import_decisions import import_decisions

    run = run_named_once(run, named, "triage")
    if file is None:
        raise usage("--import FILE is missing; `swarm findings --export FILE` writes one", "triage")
    with call.write() as store:
        selected = call.run(store, run, tell=True)
        result = import_decisions(store, selected, call.folder / file, author=author(call, selected), force=force)
    call.answer(result, lambda: _lines(result))


def _lines(result: ImportResult) -> Iterator[str]:
    yield f"{text.counted(result.decisions, 'decision')} in {plain(result.file)}"
    for count, what in (
        (len(result.applied), "applied"),
        (len(result.unchanged), "as it was already"),
        (len(result.pending), "kept until the finding is seen"),
        (len(result.expired), "expired, not taken"),
        (len(result.skipped), "not taken"),
    ):
        if count:
            yield f"{count:,} {what}"
    yield from finding_lines(result.applied)
    for skipped in result.skipped[:_MOST_SHOWN]:
        yield f"  {skipped.finding_id}  {skipped.reason}"
    if result.reopened:
        yield f"{text.counted(len(result.reopened), 'decision')} of before expired:"
        yield from finding_lines(result.reopened)
    yield f"Next: {result.next_action}"
