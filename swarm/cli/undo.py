"""`swarm undo`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import apply_option, repo_path_option, require_reason, run_argument, verb
from swarm.results.undo import UndoResult
from swarm.show import text
from swarm.show.escape import plain


@verb()
@run_argument
@apply_option
@click.option("--reason", metavar="TEXT", help="Reason, which is recorded; required with --apply.")
@repo_path_option
def command(call: Call, run: str | None, reason: str | None, repo_path: Path | None, *, apply: bool) -> None:
    """Bring back what the last `clean` or `rewind` of RUN removed.

    Worktrees and branches are restored; uncommitted work becomes a commit on its branch, or on `swarm/…/salvaged-…`. A
    rewound branch goes back if it has not moved since. What a rewind recorded about waves and findings stays.
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
        rows = [
            (r.name, r.commit[:12], r.branch or ("detached" if r.path else ""), r.path or "") for r in result.restored
        ]
        yield from text.table(rows, ("name", "commit", "branch", "worktree"))
    for reason in result.stays:
        yield f"Stays: {plain(reason)}"
    yield f"Next: {result.next_action}"
