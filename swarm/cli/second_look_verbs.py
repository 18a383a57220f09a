"""Factory of the `verify-*` verbs, which differ in their question alone."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import repo_path_option, run_argument, threshold_option, verb
from swarm.results.second_look import Delta
from swarm.show import text
from swarm.show.escape import code_span, markdown
from swarm.show.second_look import row_line, summary_line

_FORMS = ("text", "markdown", "json")


def second_look_verb(name: str, help_: str) -> click.Command:
    """Return the verb that asks a question of findings."""

    @verb(formats=_FORMS, default="", named=name)
    @run_argument
    @threshold_option
    @click.option(
        "--commit",
        "revision",
        metavar="REV",
        help="Commit to check; by default the merged and unpublished commit, else HEAD.",
    )
    @repo_path_option
    def command(call: Call, run: str | None, threshold: int, revision: str | None, repo_path: Path | None) -> None:
        from swarm.results.document import document
        from swarm.waves.prove.check_findings import Question
        from swarm.waves.prove.second_look import second_look, write_delta

        question = Question(name)
        with call.read() as store:
            selected = call.run_here(store, run, repo_path)
            config = call.config(Path(selected.local_path))
            result = second_look(
                store.conn, call.workspace, selected, config, question, threshold=threshold, revision=revision
            )
        write_delta(call.workspace, selected, question, document(result), result.wave_number)
        form = call.form or ("text" if text.is_terminal() else "markdown")
        lines = _markdown if form == "markdown" else _text
        call.answer(result, lambda: lines(name, result), result.exit_code)

    command.help = help_
    return command


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
