"""Records of `runtimes`."""

from typing import NamedTuple


class RuntimeShown(NamedTuple):
    """A runtime on this machine."""

    name: str
    kind: str
    installed: bool
    version: str | None
    path: str | None
    argv: tuple[str, ...]
    phases: tuple[str, ...]
    is_default: bool
    why_not: str | None


class RuntimesResult(NamedTuple):
    """The runtimes of this machine; `config` is the `swarm.toml` in force, `sandbox` the backend that works here."""

    config: str | None
    runtimes: tuple[RuntimeShown, ...]
    sandbox: str = "none"
    sandbox_why_not: str | None = None
    user_config: str | None = None
