"""`[engines]` of `swarm.toml`, and what its `[launch]` says of them: engines by name, and the tags of orders."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

LEASE_SECONDS: Final = 30
# Beyond the lease, where the engine says nothing of a silent worker: it may just be starting anew.
GRACE_SECONDS: Final = 15.0
MOST_RESULT_MIB: Final = 256


class EngineConfig(NamedTuple):
    """An `[engines.NAME]` table; without a key it is the engine of this machine.

    `ca` is the file of the authority of the engine's certificate, `None` for those of the machine. `key` is the file
    of the coordinator's key, or of its credentials. A worker that shows no life for `lease_seconds` has lost its order,
    and a result of more than `max_result_mib` is not taken.
    """

    url: str
    kind: str = "nats"
    ca: Path | None = None
    key: Path | None = None
    lease_seconds: int = LEASE_SECONDS
    max_result_mib: int = MOST_RESULT_MIB


class HostsConfig(NamedTuple):
    """Engines by name, the one that a launch takes unless the command line names another, and tags of its orders.

    `tags` are by domain or by runtime, in the order of preference.
    """

    engines: Mapping[str, EngineConfig] = {}
    on: str | None = None
    tags: Mapping[str, tuple[str, ...]] = {}

    def tags_for(self, domain: str, runtime: str) -> tuple[str, ...]:
        """Return the tags that an order can have: those of its domain, else of its runtime, else the runtime's name."""
        return self.tags.get(domain) or self.tags.get(runtime) or (runtime,)


def hosts_config(file: Path, document: Mapping[str, Any]) -> HostsConfig:
    """Return the engines of a checked configuration; its paths begin at the folder of the file."""
    launch = document.get("launch", {})
    tags = {
        name: (words,) if isinstance(words, str) else tuple(words) for name, words in launch.get("tags", {}).items()
    }
    engines = {name: _engine(file, table) for name, table in document.get("engines", {}).items()}
    return HostsConfig(engines, launch.get("on"), tags)


def _engine(file: Path, table: Mapping[str, Any]) -> EngineConfig:
    places = {name: file.parent / Path(table[name]).expanduser() for name in ("ca", "key") if name in table}
    return EngineConfig(**{**table, **places})
