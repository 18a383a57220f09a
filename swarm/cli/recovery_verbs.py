"""Options and output of `resume`, `redrive` and `revalidate`."""

from collections.abc import Iterator

import click

from swarm.cli.options import require_reason
from swarm.results.redispatch import RedispatchResult
from swarm.show.escape import plain

reason_option = click.option("--reason", metavar="TEXT", help="Reason, which is recorded; required with --apply.")


def why(reason: str | None, action: str, *, apply: bool) -> str | None:
    """Return the reason of an action that is applied, else `None`. Raises ReasonRequired."""
    return require_reason(reason, action) if apply else None


def lines(result: RedispatchResult) -> Iterator[str]:
    """Yield the agents that were, or would be, dispatched again."""
    yield result.summary
    for agent in result.redispatched:
        row = f"agent run {agent.before} ({agent.was})"
        yield f"- {agent.domain}: {row} → {agent.agent_run_id or 'a new one'}"
        yield f"  Prompt: {plain(agent.prompt_path)}"
        yield f"  Answer goes to: {plain(agent.output_path)}"
        if agent.worktree_path:
            yield f"  Worktree: {plain(agent.worktree_path)}" + (", as it was dispatched" if agent.reused else "")
        if agent.left_behind:
            yield f"  Left as it is: {plain(agent.left_behind)}"
    if result.timed_out:
        yield f"⚠ Out of time: {', '.join(result.timed_out)}"
    if result.timeout_skipped:
        yield f"⚠ Nobody knows when these began, so they are left alone: {', '.join(result.timeout_skipped)}"
    for violation in result.forgotten:
        yield f"⚠ {plain(violation.file)} was touched by nobody known; from now on it counts as there before"
    for blocked in result.blocked:
        yield f"⊘ {blocked.domain} is {blocked.status}: {plain(blocked.error or 'no reason kept')}"
        yield f"  Helped by: {blocked.command}"
    if result.complete:
        yield f"✓ Complete, and not touched: {', '.join(result.complete)}"
    if result.completed_hash is not None:
        before, after = result.completed_hash
        yield f"  Their rows and events: {before}" + (" before and after" if after == before else "")
    yield f"Next: {result.next_action}"
