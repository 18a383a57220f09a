"""Table `[worktrees]` of `swarm.toml`: what agents' worktrees hold beside the files of the commit."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

SETUP_SECONDS: Final = 300
PORT_BASE: Final = 20000


class WorktreesConfig(NamedTuple):
    """Patterns of files to copy into trees, the set-up of a tree with its time limit, and the first port."""

    include: tuple[str, ...] = ()
    setup: tuple[tuple[str, ...], ...] = ()
    timeout_seconds: int = SETUP_SECONDS
    port_base: int = PORT_BASE
    environment: tuple[str, ...] = ()


def worktrees_config(table: Mapping[str, Any]) -> WorktreesConfig:
    """Return the settings of a table that fits its schema; `setup` is an argument list, or a list of them."""
    setup = table.get("setup", [])
    lists = [setup] if setup and isinstance(setup[0], str) else setup
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    return WorktreesConfig(**{**plain, "setup": tuple(map(tuple, lists))})
