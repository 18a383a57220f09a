"""`runtimes`: the runtimes that can be launched on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

from swarm.config import Config
from swarm.results.runtimes import RuntimeShown, RuntimesResult
from swarm.rules.phases import DISPATCHED_PHASES
from swarm.runtimes import registry
from swarm.runtimes.agents.login import auth_source
from swarm.runtimes.sandbox import backend_here


def runtimes(config: Config, name: str | None) -> RuntimesResult:
    """Return the named runtime, or all. Nothing of a configuration that is not trusted is run.

    Raises RuntimeUnknown, and ConfigUntrusted for the name of a runtime that is not trusted.
    """
    names = registry.names(config) if name is None else [name]
    withheld = _withheld(config) if name is None else ()
    source = str(config.source) if config.source else None
    shown = (*(_shown(config, each) for each in names), *withheld)
    user_source = str(config.user_source) if config.user_source else None
    return RuntimesResult(source, shown, *backend_here(), user_config=user_source)


def _withheld(config: Config) -> Iterator[RuntimeShown]:
    parts = config.withheld.parts if config.withheld else {}
    for part, table in sorted(parts.items()):
        room, _, name = part.partition(".")
        if room == "runtimes":
            yield RuntimeShown(
                name=name,
                kind=table.get("kind", "agent"),
                installed=False,
                version=None,
                path=None,
                argv=tuple(table.get("argv", ())),
                phases=(),
                is_default=False,
                why_not="not trusted",
            )


def _shown(config: Config, name: str) -> RuntimeShown:
    runtime = registry.runtime_named(name, config)
    program = runtime.program()
    facts = runtime.agent
    usual = "agent" if facts else "analyzer"
    return RuntimeShown(
        name=name,
        kind=config.runtimes[name].kind if name in config.runtimes else usual,
        installed=program.path is not None,
        version=program.version,
        path=program.path,
        argv=program.argv,
        phases=tuple(phase.value for phase in DISPATCHED_PHASES if runtime.supports(phase)),
        is_default=name in (config.default_runtime or registry.DEFAULT).split(","),
        why_not=program.why_not or None,
        credential=auth_source(facts, os.environ, Path.home()) if facts else None,
        model=facts.model if facts else None,
    )
