"""`swarm explain`."""

from collections.abc import Iterator

import click

from swarm import errors
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import run_option, verb
from swarm.cli.verbs import HELP
from swarm.results.explain import Explanation
from swarm.show.escape import plain


@verb()
@click.argument("thing", shell_complete=completions.subjects)
@run_option
def command(call: Call, thing: str, run: str | None) -> None:
    """Explain THING and say what to do.

    THING is an error code, `exit:2`, `attempt:1`, a rule such as `B006`, a kind of match or of evidence, a status, a
    verdict of a review, a verb, or the id of a finding.
    """
    from swarm.waves.look.explain import explain, needs_database

    if thing in HELP:
        result = _verb_explained(thing)
    elif not needs_database(thing):
        result = explain(None, None, thing)
    else:
        try:
            with call.read() as store:
                result = explain(store.conn, call.run(store, run), thing)
        except (errors.ControlPlaneMissing, errors.RunNotFound):
            if run is not None:
                raise
            result = explain(None, None, thing)
    call.answer(result, lambda: _lines(result))


def _verb_explained(name: str) -> Explanation:
    from swarm.cli.help import help_text

    return Explanation(name, "verb", HELP[name], tuple(help_text((name,)).splitlines()), f"swarm help {name}")


def _lines(result: Explanation) -> Iterator[str]:
    yield f"{plain(result.subject)} ({result.kind}): {plain(result.title)}"
    for line in result.meaning:
        yield f"  {plain(line)}"
    yield f"Next: {plain(result.next_action)}"
