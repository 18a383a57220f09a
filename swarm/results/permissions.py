"""Records of `permissions`."""

from typing import NamedTuple


class PermissionShown(NamedTuple):
    """A request of an agent for permission: about what, its relation to the worktree, and the recommended reply."""

    id: int
    attempt_id: int
    domain: str
    request: str
    kind: str
    target: str
    tool: str
    relation: str
    recommended: str
    asked: str
    reply: str | None
    replied: str | None
    is_open: bool


class PermissionsResult(NamedTuple):
    """The requests of a wave's agents, oldest first."""

    run_id: str
    wave_id: int
    wave_number: int
    open: int
    permissions: tuple[PermissionShown, ...]
    next_action: str
