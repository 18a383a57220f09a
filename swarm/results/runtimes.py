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


class ChainEntry(NamedTuple):
    """An entry of a chain; `why_not` is `None` where it can be launched, and `is_chosen` for the first of these."""

    runtime: str
    model: str | None
    auth_source: str | None
    is_chosen: bool
    why_not: str | None


class RuntimeChain(NamedTuple):
    """A chain: what it is for (`every`, `phase NAME`, `domain NAME`), where it stands, and its entries."""

    subject: str
    source: str
    entries: tuple[ChainEntry, ...]


class RuntimesResult(NamedTuple):
    """The runtimes of this machine; `config` is the `swarm.toml` in force, `sandbox` the backend that works here."""

    config: str | None
    runtimes: tuple[RuntimeShown, ...]
    sandbox: str = "none"
    sandbox_why_not: str | None = None
    user_config: str | None = None
    chains: tuple[RuntimeChain, ...] = ()
    added: str | None = None
    manifest: str | None = None
