"""`swarm redrive`."""

from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.decision_verbs import named_option, run_named_once
from swarm.cli.options import apply_option, repo_path_option, run_argument, verb
from swarm.cli.recovery_verbs import lines, reason_option, why


@verb()
@click.argument("wave", type=click.IntRange(1))
@run_argument
@named_option
@apply_option
@reason_option
@repo_path_option
def command(
    call: Call,
    wave: int,
    run: str | None,
    named: str | None,
    reason: str | None,
    repo_path: Path | None,
    *,
    apply: bool,
) -> None:
    """Dispatch every incomplete agent of the failed wave WAVE of RUN again, including the blocked ones.

    WAVE is the number of the newest wave. A worktree that changed since dispatch stays as it is, and its agent gets
    a new worktree. Completed agents are not touched: a hash over their rows and events, before and after, proves this.
    """
    from swarm.waves.recover.redrive import redrive

    recorded = why(reason, "redriving a wave", apply=apply)
    with call.write() if apply else call.read() as store:
        found = call.run_with_trees(store, run_named_once(run, named, "redrive"), repo_path)
        selected = call.run_of_own_wave(store, found, "again")
        config = call.config(Path(selected.local_path))
        result = redrive(store, call.workspace, selected, wave, config, apply=apply, reason=recorded)
    call.answer(result, lambda: lines(result))
