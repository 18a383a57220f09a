"""`swarm redrive`."""

from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.decision_verbs import named_option, one_run
from swarm.cli.options import repo_path_option, run_argument, verb
from swarm.cli.recovery_verbs import apply_option, lines, reason_option, why


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
    """Give every agent of RUN's failed wave WAVE that is not complete a fresh try, the blocked ones too.

    WAVE is the number of the latest wave. A worktree that is not as it was dispatched is left alone, and the agent
    gets another one. Completed agents stay as they are: a hash over their rows and events, before and after, shows it.
    """
    from swarm.waves.recover.redrive import redrive

    told = why(reason, "redriving a wave", apply=apply)
    with call.write() if apply else call.read() as store:
        selected = call.run_here(store, one_run(run, named, "redrive"), repo_path, tell=True)
        config = call.config(Path(selected.local_path))
        result = redrive(store, call.workspace, selected, wave, config, apply=apply, reason=told)
    call.answer(result, lambda: lines(result))
