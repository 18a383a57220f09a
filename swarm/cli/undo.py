"""`swarm undo`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import repo_path_option, require_reason, run_argument, verb
from swarm.results.undo import UndoResult
from swarm.show import text
from swarm.show.escape import plain


@verb()
@run_argument
@click.option("--apply", is_flag=True, help="Do it; else the plan is shown, and nothing is touched.")
@click.option("--reason", metavar="TEXT", help="Why, which is recorded; --apply needs it.")
@repo_path_option
def command(call: Call, run: str | None, reason: str | None, repo_path: Path | None, *, apply: bool) -> None:
    """Bring back what RUN's last `clean` or `rewind` took away.

    Worktrees and branches stand again; what was uncommitted is a commit on its branch, or on `swarm/…/salvaged-…`. A
    branch that was rewound goes back, if it has not moved since. What a rewind recorded of waves and findings stays.
    """
    from swarm.waves.clean.undo import undo

    why = require_reason(reason, "undoing what was removed") if apply else ""
    with call.write() as store:
        selected = call.run_in_place(store, run, repo_path)
        result = undo(store, call.workspace, selected, apply=apply, reason=why)
    call.answer(result, lambda: _lines(result))


def _lines(result: UndoResult) -> Iterator[str]:
    yield result.summary
    if result.restored:
        yield ""
        rows = [(one.name, one.commit[:12], one.branch or "detached", one.path or "") for one in result.restored]
        yield from text.table(rows, ("name", "commit", "branch", "worktree"))
    for told in result.stays:
        yield f"Stays: {plain(told)}"
    yield f"Next: {result.next_action}"
