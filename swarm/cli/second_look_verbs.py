"""The verbs `verify-fixed`, `verify-recurring`, `verify-unverified` and `verify-approved`, which are one."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.options import repo_path_option, run_argument, threshold_option, verb
from swarm.results.verify import ClaimRow, ClaimsSummary, Delta
from swarm.show import text
from swarm.show.escape import code_span, markdown, plain

_FORMS = ("text", "markdown", "json")
_BAD = ("regressed", "claimed-but-still-present", "broken", "drifted")


def second_look(name: str, help_: str) -> click.Command:
    """Return the command of one question."""

    @verb(formats=_FORMS, default="", named=name)
    @run_argument
    @threshold_option
    @click.option(
        "--commit", "revision", metavar="REV", help="Where to look; else what is merged and not published, or HEAD."
    )
    @repo_path_option
    def command(call: Call, run: str | None, threshold: int, revision: str | None, repo_path: Path | None) -> None:
        from swarm.cli.verify import unlooked
        from swarm.results.document import document
        from swarm.waves.prove.second_look import Question
        from swarm.waves.prove.verify import Wish, delta, write_delta

        try:
            with call.read() as store:
                selected = call.run_here(store, run, repo_path)
                wish = Wish(threshold, revision)
                config = call.config(Path(selected.local_path))
                result = delta(store.conn, call.workspace, selected, config, Question(name), wish)
        except errors.SwarmError as error:
            raise unlooked(error) from error.__cause__
        write_delta(call.workspace, selected, Question(name), document(result), result.wave_number)
        form = call.form or ("text" if text.is_terminal() else "markdown")
        lines = _markdown if form == "markdown" else _text
        call.answer(result, lambda: lines(name, result), result.exit_code)

    command.help = help_
    return command


def summary_line(summary: ClaimsSummary) -> str:
    """Return what a second look came to on one line."""
    if not summary.total:
        return "Nothing to look at again."
    told = [
        (summary.verified, "verified"),
        (summary.regressed, "regressed"),
        (summary.claimed_but_still_present, "claimed but still present"),
        (summary.drifted, "drifted"),
        (summary.broken, "broken"),
        (summary.unverifiable, "unverifiable"),
    ]
    parts = ", ".join(f"{count:,} {word}" for count, word in told if count)
    return f"{text.counted(summary.total, 'finding')} looked at again: {parts}"


def row_line(row: ClaimRow) -> str:
    """Return one row of a second look."""
    icon = "⊘" if row.classification in _BAD else "✓" if row.classification == "verified" else "⚠"
    where = plain(row.file or "(no file)") + (f":{row.line}" if row.file and row.line else "")
    return f"{icon} {where}  {row.finding_id}  {row.classification} by {row.verified_via}: {plain(row.evidence)}"


def _text(name: str, result: Delta) -> Iterator[str]:
    del name
    yield summary_line(result.summary)
    yield from map(row_line, result.findings)
    if result.threshold_exceeded:
        yield f"⊘ More offend than the {result.threshold:,} that may"


def _markdown(name: str, result: Delta) -> Iterator[str]:
    yield f"# {name} of {result.run_id} at {result.commit_sha[:12]}"
    yield ""
    yield summary_line(result.summary)
    if result.findings:
        yield ""
        yield "| Where | Class | Via | Evidence | Rule | Id |"
        yield "| --- | --- | --- | --- | --- | --- |"
    for row in result.findings:
        where = (row.file or "(no file)") + (f":{row.line}" if row.file and row.line else "")
        cells = (
            code_span(where),
            row.classification,
            row.verified_via,
            markdown(row.evidence),
            markdown(row.rule_id or ""),
        )
        yield "| " + " | ".join((*cells, row.finding_id)) + " |"
