"""Plans of agents: how each would be launched by the configuration and the programs that are here now."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from swarm.config import Config
from swarm.rules.phases import Phase
from swarm.rules.plan_lock import BY_CHAIN, BY_RUNTIME, LockedAgent
from swarm.rules.sandbox_policy import merged
from swarm.runtimes import chain, registry
from swarm.runtimes.registry import Ready


def locked_agent(
    config: Config, phase: Phase, domain: str, prompt_sha256: str, names: Sequence[str], ready: Sequence[Ready]
) -> LockedAgent:
    """Return the plan of an agent: of the runtimes that were named, else of its chain, else of nobody.

    `ready` are those of the named runtimes that are known to be here, with their programs.
    """
    if names:
        by_name = {each.runtime.name: each for each in ready}
        plan = tuple(_member(config, phase, domain, name, None, by_name.get(name)) for name in names)
        return LockedAgent(domain, prompt_sha256, BY_RUNTIME, plan)
    entries, under = chain.entries_of(config, domain, phase)
    plan = tuple(_member(under, phase, domain, each.runtime, each.model, None, each.auth_source) for each in entries)
    return LockedAgent(domain, prompt_sha256, BY_CHAIN if plan else None, plan)


def _member(
    config: Config,
    phase: Phase,
    domain: str,
    name: str,
    model: str | None,
    ready: Ready | None,
    auth_source: str | None = None,
) -> Mapping[str, Any]:
    table = config.runtimes.get(name)
    own = table and table.model
    entry: dict[str, Any] = {
        "runtime": name,
        "model": model or own,
        "policy": dict(_policy(config, phase, domain, name)),
    }
    if auth_source is not None:
        entry["authSource"] = auth_source
    entry["settings"] = _settings(config, phase, name)
    if ready is not None:
        entry["argv"] = list(ready.program.argv)
        if ready.program.version is not None:
            entry["version"] = ready.program.version
    return entry


def _settings(config: Config, phase: Phase, name: str) -> Mapping[str, Any] | None:
    """Return the table of a runtime in the configuration, `None` where it has none."""
    if name == registry.DEFAULT:
        return {"select": list(config.ruff_select.get(phase.value, ())), "unsafeFixes": config.ruff_unsafe_fixes}
    table = config.runtimes.get(name)
    # Only the names of variables, and never their values.
    return table and {
        "kind": table.kind,
        "argv": list(table.argv),
        "arguments": list(table.arguments),
        "environment": list(table.environment),
        "accepts": list(table.accepts),
        "maxTurns": table.max_turns,
    }


def _policy(config: Config, phase: Phase, domain: str, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the settings of the sandbox around an agent and its limits, as the configuration has them."""
    table = config.runtimes.get(name)
    sandbox = config.sandbox
    by_phase, by_domain = sandbox.phases.get(phase.value), sandbox.domains.get(domain)
    settings = merged(filter(None, (sandbox.settings, table and table.sandbox, by_phase, by_domain)))
    # Lists, as the JSON of the lock has them: a tuple would never be equal.
    yield from ((key, list(value) if isinstance(value, tuple) else value) for key, value in settings._asdict().items())
    yield "attempts", config.attempts
    yield "timeoutSeconds", config.attempt_seconds
    # A launch without a sandbox has a reason of its own, which each attempt keeps.
    if not config.is_unenclosed:
        yield "backend", sandbox.backend
