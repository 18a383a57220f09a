"""What `resume`, `redrive` and `revalidate` share: their options, and how a wave that is taken up again is shown."""

from collections.abc import Iterator

import click

from swarm.cli.options import require_reason
from swarm.results.redispatch import RedispatchResult
from swarm.show.escape import plain

apply_option = click.option("--apply", is_flag=True, help="Do it; else the plan is shown, and nothing is touched.")
reason_option = click.option("--reason", metavar="TEXT", help="Why, which is recorded; --apply needs it.")


def why(reason: str | None, action: str, *, apply: bool) -> str | None:
    """Return the reason of an action that is applied. Raises ReasonRequired."""
    return require_reason(reason, action) if apply else None


def lines(result: RedispatchResult) -> Iterator[str]:
    """Yield what was, or would be, dispatched again."""
    yield result.summary
    for one in result.redispatched:
        row = f"agent run {one.before} ({one.was})"
        yield f"- {one.domain}: {row} → {one.agent_run_id or 'a new one'}"
        yield f"  Prompt: {plain(one.prompt_path)}"
        if one.worktree_path:
            yield f"  Worktree: {plain(one.worktree_path)}" + (", as it was dispatched" if one.reused else "")
        if one.left_behind:
            yield f"  Left as it is: {plain(one.left_behind)}"
    if result.timed_out:
        yield f"⚠ Out of time: {', '.join(result.timed_out)}"
    if result.timeout_skipped:
        yield f"⚠ Nobody knows when these began, so they are left alone: {', '.join(result.timeout_skipped)}"
    for violation in result.forgotten:
        yield f"⚠ {plain(violation.file)} was touched by nobody known; from now on it counts as there before"
    for agent in result.blocked:
        yield f"⊘ {agent.domain} is {agent.status}: {plain(agent.error or 'no reason kept')}"
        yield f"  Helped by: {agent.command}"
    if result.complete:
        yield f"✓ Complete, and not touched: {', '.join(result.complete)}"
    if result.completed_hash is not None:
        before, after = result.completed_hash
        yield f"  Their rows and events: {before}" + (" before and after" if after == before else "")
    yield f"Next: {result.next_action}"
