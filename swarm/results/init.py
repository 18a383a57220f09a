"""Records of `init`."""

from typing import NamedTuple


class DomainFiles(NamedTuple):
    """A domain and the number of its files."""

    name: str
    ownership: str
    globs: tuple[str, ...]
    matched_files: int


class ToolsFound(NamedTuple):
    """Tools of this machine that a configuration can name: runtimes with their versions, agents, and the adapter.

    `agents` are the names of those runtimes that are coding agents.
    """

    runtimes: tuple[tuple[str, str], ...]
    agents: tuple[str, ...]
    adapter: str | None


class InitResult(NamedTuple):
    """The run that `init` made, or found; `config` is the `swarm.toml` that it wrote."""

    run_id: str
    repo: str
    local_path: str
    commit_sha: str
    branch: str | None
    save_point_tag: str
    domains: tuple[DomainFiles, ...]
    unmatched: tuple[str, ...]
    next_action: str
    created: bool = True
    config: str | None = None
