"""Requests of agents for permission: where their target lies, and what we would answer."""

from posixpath import join, normpath
from typing import Final, Literal, NamedTuple

from swarm.rules.agent_events import AgentEvent
from swarm.rules.sandbox_policy import is_below

Reply = Literal["once", "always", "reject"]
REPLIES: Final[tuple[Reply, ...]] = ("once", "always", "reject")


class JudgedRequest(NamedTuple):
    """Relation of a target to the worktree (`inside`, `outside`, `unknown`), and the recommended reply."""

    relation: str
    recommended: Reply


def judged(asked: AgentEvent, tree: str, *, is_read_only: bool) -> JudgedRequest:
    """Judge a request of an agent that works in a tree."""
    if not asked.target:
        return JudgedRequest("unknown", "reject" if is_read_only and asked.is_write else "once")
    target = normpath(join(tree, asked.target))
    if not is_below(target, tree):
        return JudgedRequest("outside", "reject")
    return JudgedRequest("inside", "reject" if is_read_only and asked.is_write else "once")
