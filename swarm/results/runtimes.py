"""Records of `runtimes`."""

from typing import NamedTuple


class RuntimeShown(NamedTuple):
    """A runtime on this machine.

    `credential` says where a coding agent has its login from: the name of a variable, or a file below home. `model` is
    the model that it is asked to use.
    """

    name: str
    kind: str
    installed: bool
    version: str | None
    path: str | None
    argv: tuple[str, ...]
    phases: tuple[str, ...]
    is_default: bool
    why_not: str | None
    credential: str | None = None
    model: str | None = None


class RuntimesResult(NamedTuple):
    """The runtimes of this machine; `config` is the `swarm.toml` in force, `sandbox` the backend that works here."""

    config: str | None
    runtimes: tuple[RuntimeShown, ...]
    sandbox: str = "none"
    sandbox_why_not: str | None = None
    user_config: str | None = None
