"""`swarm clean`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import apply_option, repo_path_option, require_reason, run_argument, verb
from swarm.results.clean import CleanResult, Leftover
from swarm.show import text
from swarm.show.escape import plain


@verb()
@run_argument
@apply_option
@click.option("--force", is_flag=True, help="Also remove what is at risk, after saving it under refs/swarm/salvage/.")
@click.option("--reason", metavar="TEXT", help="Reason, which is recorded; required with --apply.")
@repo_path_option
def command(
    call: Call, run: str | None, reason: str | None, repo_path: Path | None, *, apply: bool, force: bool
) -> None:
    """Remove RUN's worktrees and branches that hold no work: merged, or unchanged since dispatch.

    Worktrees and branches with work that exists nowhere else are listed and kept: uncommitted changes, commits that no
    other branch has, untracked files, a moved HEAD. With --apply, exit 1 reports them. Agents in flight keep theirs.
    Snapshots of `swarm audit --worktree` that nothing needs are removed too. `swarm undo` brings back what was removed.
    """
    from swarm.waves.clean.clean import clean
    from swarm.waves.clean.clean_plan import CleanRequest

    why = require_reason(reason, "cleaning a run") if apply else ""
    with call.write() as store:
        selected = call.run_with_trees(store, run, repo_path)
        result = clean(store, call.workspace, selected, CleanRequest(apply, force, why))
    call.answer(result, lambda: _lines(result), int(result.applied and bool(result.at_risk)))


def _lines(result: CleanResult) -> Iterator[str]:
    yield result.summary
    if result.removable:
        yield ""
        rows = [(left.name, _state(left), _ignored(left), left.branch or "") for left in result.removable]
        yield from text.table(rows, ("name", "state", "ignored files", "branch"))
        if result.applied:
            yield f"`swarm undo {result.run_id}` brings them back."
    if result.at_risk:
        yield ""
        yield "⚠ WORK_AT_RISK: these hold what would be lost"
        for left in result.at_risk:
            yield f"  {plain(left.name)}: {plain('; '.join(left.why))}"
    if result.in_flight:
        yield ""
        yield f"In flight, and not touched: {text.counted(len(result.in_flight), 'wave')} " + ", ".join(
            map(str, result.in_flight)
        )
    yield f"Next: {result.next_action}"


def _state(left: Leftover) -> str:
    state = left.state.replace("_", " ")
    return f"{state}, saved as {left.salvage}" if left.salvage else state


def _ignored(left: Leftover) -> str:
    return f"{left.ignored:,}" if left.ignored else ""
