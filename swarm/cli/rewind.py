"""`swarm rewind`."""

from collections.abc import Iterator

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import apply_option, require_reason, verb
from swarm.results.rewind import RewindResult
from swarm.show import text
from swarm.show.escape import plain

_MOST_SHOWN = 10


@verb()
@click.argument("save_point", metavar="SAVE-POINT", shell_complete=completions.save_points)
@apply_option
@click.option("--force", is_flag=True, help="Save uncommitted work under refs/swarm/salvage/, then overwrite it.")
@click.option("--force-arbitrary-ref", is_flag=True, help="Accept any commit as SAVE-POINT, for the newest run.")
@click.option("--reason", metavar="TEXT", help="Reason, which is recorded; required with --apply.")
def command(
    call: Call, save_point: str, reason: str | None, *, apply: bool, force: bool, force_arbitrary_ref: bool
) -> None:
    """Reset the checkout and its branch to SAVE-POINT: a `swarm-save-…` tag, or the run that has it.

    The run goes back, too: waves that were not promoted end as aborted_for_rewind, open findings become unverified, and
    the run returns to the phase of its last promotion. The commits that leave the branch are kept under
    refs/swarm/salvage/; `swarm undo` brings the branch back.
    """
    from swarm.git.repository import repository_at
    from swarm.waves.clean.rewind import rewind
    from swarm.waves.clean.rewind_plan import RewindRequest
    from swarm.waves.clean.rewind_target import save_point as found

    why = require_reason(reason, "rewinding a branch") if apply else ""
    with call.write() as store:
        repository = repository_at(call.folder)
        point = found(store.conn, save_point, repository, arbitrary=force_arbitrary_ref)
        result = rewind(store, call.workspace, repository, point, RewindRequest(apply, force, why))
    call.answer(result, lambda: _lines(result))


def _lines(result: RewindResult) -> Iterator[str]:
    yield result.summary
    if result.state_split:
        yield "⚠ A rewind that was begun is not finished: the branch and the run's state are apart."
    if result.dirt:
        yield f"{text.counted(len(result.dirt), 'file')} with uncommitted work, saved first:"
        yield from (f"  {plain(path)}" for path in result.dirt[:_MOST_SHOWN])
        if len(result.dirt) > _MOST_SHOWN:
            yield f"  … and {len(result.dirt) - _MOST_SHOWN:,} more"
    if result.integration is not None:
        yield f"The integration branch ({result.integration[:12]}) goes, too: the next merge would bring all back."
    for ref in result.salvage:
        yield f"Saved: {ref}"
    if result.waves or result.findings or result.from_status != result.to_status:
        ended = f"{text.counted(len(result.waves), 'wave')}, {text.counted(len(result.agent_runs), 'agent run')}"
        moved = f"{result.from_status} → {result.to_status}"
        yield f"Taken back: {ended}, {text.counted(result.findings, 'finding')} unverified; {moved}"
    yield f"Next: {result.next_action}"
