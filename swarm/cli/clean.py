"""`swarm clean`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import repo_path_option, require_reason, run_argument, verb
from swarm.results.clean import CleanResult, Leftover
from swarm.show import text
from swarm.show.escape import plain


@verb()
@run_argument
@click.option("--apply", is_flag=True, help="Do it; else the plan is shown, and nothing is touched.")
@click.option("--force", is_flag=True, help="Save what is at risk below refs/swarm/salvage/ first, then remove it too.")
@click.option("--reason", metavar="TEXT", help="Why, which is recorded; --apply needs it.")
@repo_path_option
def command(
    call: Call, run: str | None, reason: str | None, repo_path: Path | None, *, apply: bool, force: bool
) -> None:
    """Remove RUN's worktrees and branches that hold nothing: merged, or still as they were dispatched.

    What would be lost is named and left, and exit 1 says so once it is applied: uncommitted changes, commits that no
    other branch has, untracked files, a moved HEAD. What agents in flight have is never touched. `swarm undo` brings
    all back.
    """
    from swarm.waves.clean.clean import Wish, clean

    why = require_reason(reason, "cleaning a run") if apply else ""
    with call.write() as store:
        selected = call.run_here(store, run, repo_path, tell=True)
        result = clean(store, call.workspace, selected, Wish(apply, force, why))
    call.answer(result, lambda: _lines(result), int(result.applied and bool(result.at_risk)))


def _lines(result: CleanResult) -> Iterator[str]:
    yield result.summary
    if result.removable:
        yield ""
        rows = [(one.name, _state(one), _ignored(one), one.branch or "") for one in result.removable]
        yield from text.table(rows, ("name", "state", "ignored files", "branch"))
    if result.at_risk:
        yield ""
        yield "⚠ WORK_AT_RISK: these hold what would be lost"
        for one in result.at_risk:
            yield f"  {plain(one.name)}: {plain('; '.join(one.why))}"
    if result.in_flight:
        yield ""
        yield f"In flight, and not touched: {text.counted(len(result.in_flight), 'wave')} " + ", ".join(
            map(str, result.in_flight)
        )
    yield f"Next: {result.next_action}"


def _state(one: Leftover) -> str:
    told = one.state.replace("_", " ")
    return f"{told}, saved as {one.salvage}" if one.salvage else told


def _ignored(one: Leftover) -> str:
    return f"{one.ignored:,}" if one.ignored else ""
