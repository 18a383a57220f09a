"""Resolution of a chain of runtimes on this machine: the first entry that can be launched, and why others cannot."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.rules.chains import Choice
from swarm.rules.phases import Phase
from swarm.rules.sandbox_policy import merged
from swarm.runtimes import registry
from swarm.runtimes.agents.login import auth_source
from swarm.runtimes.agents.manifest import Manifest, manifest_from
from swarm.runtimes.registry import Ready


class Resolved(NamedTuple):
    """The entry of a chain that is launched, `None` for none, and the entries before it with the reasons."""

    choice: Choice | None
    skipped: tuple[tuple[Choice, str], ...]

    @property
    def reasons(self) -> str:
        """Why each entry was skipped, in a sentence."""
        return "; ".join(f"{choice.shown}: {reason}" for choice, reason in self.skipped)


class Chosen(NamedTuple):
    """The runtime that an agent is launched with, under the settings that hold for the agent alone.

    `cost_limit` is USD that the agent may cost in a wave. `rest` are the entries after the chosen one, and `network`
    says whether the policy opens the network.
    """

    ready: Ready
    config: Config
    cost_limit: float | None = None
    rest: tuple[Choice, ...] = ()
    network: bool = True

    def after(self, phase: Phase) -> "Chosen | None":
        """Return what the rest of the chain chooses, where the provider of this runtime fails; `None` for nothing."""
        found = resolved(self.rest, self.config, phase, network=self.network)
        if found.choice is None:
            return None
        own = _with_choice(self.config, self.rest, found.choice, phase)
        return own._replace(cost_limit=self.cost_limit, network=self.network)


def resolved(chain: Sequence[Choice], config: Config, phase: Phase, *, network: bool | None = None) -> Resolved:
    """Return the first entry of a chain that can be launched for a phase. `network` is what the policy says of it."""
    skipped: list[tuple[Choice, str]] = []
    for choice in chain:
        reason = why_not(choice, config, phase, network=network)
        if reason is None:
            return Resolved(choice, tuple(skipped))
        skipped.append((choice, reason))
    return Resolved(None, tuple(skipped))


def why_not(choice: Choice, config: Config, phase: Phase, *, network: bool | None = None) -> str | None:
    """Return why an entry cannot be launched, `None` where it can."""
    try:
        runtime = registry.runtime_named(choice.runtime, config)
    except errors.RuntimeUnknown:
        return "no runtime has this name"
    except errors.ConfigUntrusted:
        return "the configuration that names it is not trusted"
    program = runtime.program()
    if program.path is None:
        return f"not installed: {program.why_not}"
    if not runtime.supports(phase):
        return f"it does not serve {phase.value}"
    if choice.auth_source is not None and not os.environ.get(choice.auth_source):
        return f"no credential: the variable {choice.auth_source} is not set"
    agent = runtime.agent
    if agent and choice.auth_source is None and auth_source(agent, os.environ, Path.home()) is None:
        return f"no credential: none of {', '.join(agent.credential)} is set, and it is not logged in"
    if agent and network is False:
        return "policy: the network is closed, and its model is there"
    return None


def chosen(config: Config, domain: str, phase: Phase, run_id: str) -> Chosen | None:
    """Return what the chain of an agent chooses; `None` where the configuration has none for the agent.

    Raises NoModelResolved, and what the reading of a manifest raises.
    """
    manifest = _manifest(config, domain, phase)
    entries, config = entries_of(config, domain, phase)
    if not entries:
        return None
    tables = (config.sandbox.settings, config.sandbox.phases.get(phase.value), config.sandbox.domains.get(domain))
    network = merged(filter(None, tables)).network
    is_open = network is not False and network != ()
    found = resolved(entries, config, phase, network=is_open)
    if found.choice is None:
        raise errors.NoModelResolved(domain=domain, reasons=errors.shortened(found.reasons), run_id=run_id)
    own = _with_choice(config, entries, found.choice, phase)
    return own._replace(cost_limit=manifest.cost_limit if manifest else None, network=is_open)


def entries_of(config: Config, domain: str, phase: Phase) -> tuple[tuple[Choice, ...], Config]:
    """Return the chain of an agent, empty where there is none, and the settings under which its entries are launched.

    Raises what the reading of a manifest raises.
    """
    manifest = _manifest(config, domain, phase)
    if manifest is None:
        return config.chains.of(domain, phase.value), config
    return manifest.chain, _under(config, manifest, domain)


def _with_choice(config: Config, entries: Sequence[Choice], choice: Choice, phase: Phase) -> Chosen:
    config = config.with_model(choice.runtime, choice.model)
    ready = registry.ready(choice.runtime, config, phase)
    return Chosen(ready, config, rest=tuple(entries[entries.index(choice) + 1 :]))


def _manifest(config: Config, domain: str, phase: Phase) -> Manifest | None:
    named = config.manifests.of(domain, phase.value)
    return manifest_from(Path(named), config.manifests.texts[named]) if named else None


def _under(config: Config, manifest: Manifest, domain: str) -> Config:
    """Return the settings with those of a manifest as the last word on its domain."""
    tables = (config.sandbox.domains.get(domain), manifest.settings)
    own = {**config.sandbox.domains, domain: merged(filter(None, tables))}
    return config._replace(sandbox=config.sandbox._replace(domains=own))


def by_chain(config: Config, domains: Iterable[str], phase: Phase, run_id: str) -> dict[str, Chosen]:
    """Return what the chains of a configuration choose, by the domains that have any. Raises as `chosen`."""
    found = {domain: chosen(config, domain, phase, run_id) for domain in domains}
    return {domain: own for domain, own in found.items() if own is not None}


def distinct(by_agent: Mapping[str, Chosen]) -> tuple[Ready, ...]:
    """Return each runtime of the agents once."""
    return tuple({own.ready.runtime.name: own.ready for own in by_agent.values()}.values())
