"""`swarm resume`."""

from pathlib import Path

from swarm.cli.call import Call
from swarm.cli.options import repo_path_option, run_argument, verb
from swarm.cli.recovery_verbs import apply_option, lines, reason_option, why


@verb()
@run_argument
@apply_option
@reason_option
@repo_path_option
def command(call: Call, run: str | None, reason: str | None, repo_path: Path | None, *, apply: bool) -> None:
    """Go on with RUN's newest wave: dispatch again what failed, timed out or never began.

    Agents that work for longer than the run allows are timed out first. Each agent gets a new row and prompt, and its
    worktree where that is as it was dispatched, else a new one beside it. Completed agents are not touched; blocked
    ones are named with what helps them, exit 1 where that is all there is. Then `swarm launch` and `swarm collect`.
    """
    from swarm.waves.recover.resume import resume

    told = why(reason, "resuming a wave", apply=apply)
    with call.write() if apply else call.read() as store:
        selected = call.run_here(store, run, repo_path, tell=True)
        config = call.config(Path(selected.local_path))
        result = resume(store, call.workspace, selected, config, apply=apply, reason=told)
    call.answer(result, lambda: lines(result), int(bool(result.blocked) and not result.redispatched))
