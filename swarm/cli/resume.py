"""`swarm resume`."""

from pathlib import Path

from swarm.cli.call import Call
from swarm.cli.options import apply_option, repo_path_option, run_argument, verb
from swarm.cli.recovery_verbs import lines, reason_option, why


@verb()
@run_argument
@apply_option
@reason_option
@repo_path_option
def command(call: Call, run: str | None, reason: str | None, repo_path: Path | None, *, apply: bool) -> None:
    """Continue the newest wave of RUN: dispatch the agents again that failed, timed out or never started.

    Agents past the run's time limit are timed out first. Each agent gets a new row and a new prompt, and keeps its
    worktree if that is unchanged since dispatch. Completed agents are not touched. Blocked agents are listed with the
    command that helps them; exit 1 if there are no others. `swarm launch` and `swarm collect` come next.
    """
    from swarm.waves.recover.resume import resume

    recorded = why(reason, "resuming a wave", apply=apply)
    with call.write() if apply else call.read() as store:
        selected = call.run_of_own_wave(store, call.run_with_trees(store, run, repo_path), "again")
        config = call.config(Path(selected.local_path))
        result = resume(store, call.workspace, selected, config, apply=apply, reason=recorded)
    call.answer(result, lambda: lines(result), int(bool(result.blocked) and not result.redispatched))
