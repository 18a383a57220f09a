"""Chains of runtimes: the first entry that can be launched here does the work of an agent."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Choice(NamedTuple):
    """An entry of a chain. `auth_source` names the variable that must be set, `None` for any login of the runtime."""

    runtime: str
    model: str | None = None
    auth_source: str | None = None

    @property
    def shown(self) -> str:
        """The entry as people write it."""
        return self.runtime if self.model is None else f"{self.runtime}:{self.model}"


class Chains(NamedTuple):
    """The chains of a configuration: of a domain before that of a phase, before the one for all."""

    every: tuple[Choice, ...] = ()
    phases: Mapping[str, tuple[Choice, ...]] = {}
    domains: Mapping[str, tuple[Choice, ...]] = {}

    def of(self, domain: str, phase: str) -> tuple[Choice, ...]:
        """Return the chain of a domain in a phase, empty where there is none."""
        return self.domains.get(domain) or self.phases.get(phase) or self.every


def chain_from(entries: Sequence[str | Mapping[str, str]]) -> tuple[Choice, ...]:
    """Return a chain of entries: `runtime`, `runtime:model`, or a table with these names and `auth_source`."""
    found = []
    for entry in entries:
        if isinstance(entry, str):
            runtime, _, model = entry.partition(":")
            found.append(Choice(runtime, model or None))
        else:
            found.append(Choice(entry["runtime"], entry.get("model"), entry.get("auth_source")))
    return tuple(found)


def chains_from(table: Mapping[str, Any]) -> Chains:
    """Return the chains of a table of `swarm.toml`, which fits its schema."""
    return Chains(
        chain_from(table.get("every", ())),
        {phase: chain_from(own) for phase, own in table.get("phases", {}).items()},
        {domain: chain_from(own) for domain, own in table.get("domains", {}).items()},
    )


class Manifests(NamedTuple):
    """Paths of agent manifests, by phase and by domain, and their texts as they were read with the configuration."""

    phases: Mapping[str, str] = {}
    domains: Mapping[str, str] = {}
    texts: Mapping[str, str] = {}

    def of(self, domain: str, phase: str) -> str | None:
        """Return the manifest of a domain in a phase."""
        return self.domains.get(domain) or self.phases.get(phase)
