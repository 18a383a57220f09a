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

    `agents` are the names of those runtimes that are coding agents. `configured` are the analyzers that the repository
    configures, and that run only with their user's word.
    """

    runtimes: tuple[tuple[str, str], ...]
    agents: tuple[str, ...]
    adapter: str | None
    configured: tuple[str, ...] = ()


class InstructionFile(NamedTuple):
    """A file of the repository with instructions for coding agents: swarm's part of it, which is its `text`.

    `change` is `added`, `renewed` or `unchanged`. `ignored` says that git keeps the file out of commits.
    """

    path: str
    change: str
    text: str
    ignored: bool


class ClientEntry(NamedTuple):
    """The entry by which a coding agent starts `swarm mcp`, the file that takes it, and the command that adds it there.

    `command` is `None` for a program whose command asks questions.
    """

    client: str
    file: str
    entry: str
    command: str | None


class Instructions(NamedTuple):
    """Files that `init --agents` wrote or found, and entries that the user may add."""

    files: tuple[InstructionFile, ...]
    clients: tuple[ClientEntry, ...]


class InitResult(NamedTuple):
    """The run that `init` made, or found; `config` is the `swarm.toml`, `agents` are the instructions that it wrote."""

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
    agents: Instructions | None = None
