"""`init --config`: a `swarm.toml` with the tools of this machine, trusted by its author."""

import os
from pathlib import Path

from swarm import clock, config, errors, trust
from swarm.builds import registry as builds
from swarm.config import FILE_NAME, Config
from swarm.files import write_whole
from swarm.git.repository import Repository, files_at
from swarm.results.init import ToolsFound
from swarm.runtimes.analyzer_table import is_configured, table
from swarm.runtimes.local_programs import is_brought
from swarm.verify_config import VerifyConfig
from swarm.waves.look.runtimes import runtimes


def hold_to_no_config(repository: Repository) -> None:
    """Refuse a repository that has a configuration. Raises ConfigExists."""
    if os.path.lexists(file := repository.root / FILE_NAME):
        raise errors.ConfigExists(path=str(file))


def tools_found(repository: Repository) -> ToolsFound:
    """Return the runtimes and coding agents of this machine, and the adapter that fits the repository."""
    adapter = builds.choose(repository.root, VerifyConfig())
    shown = [each for each in runtimes(Config(), None).runtimes if each.installed]
    tracked = frozenset(file.path for file in files_at(repository.git, repository.head))
    configured = (row for row in table().rows.values() if is_configured(row, repository.root, tracked))
    return ToolsFound(
        runtimes=tuple((each.name, each.version or "") for each in shown),
        agents=tuple(each.name for each in shown if each.kind == "agent"),
        adapter=adapter.name if adapter else None,
        configured=tuple(row.name for row in configured if row.runs_code or is_brought(row, repository.root)),
    )


def write_config(repository: Repository, text: str) -> Path:
    """Write and trust the configuration of a repository. Raises ConfigExists, TrustRecordUnusable."""
    hold_to_no_config(repository)
    file = repository.root / FILE_NAME
    write_whole(file, text)
    found = config.find(repository.root)
    if found is not None and found.executable:
        trust.record(found.place, found.digest, clock.now())
    return file
