"""`runtimes`: the runtimes that can be launched on this machine."""

from collections.abc import Iterator

from swarm.config import Config
from swarm.results.runtimes import RuntimeShown, RuntimesResult
from swarm.rules.phases import DISPATCHED_PHASES
from swarm.runtimes import registry
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
                kind=table["kind"],
                installed=False,
                version=None,
                path=None,
                argv=tuple(table["argv"]),
                phases=(),
                is_default=False,
                why_not="not trusted",
            )


def _shown(config: Config, name: str) -> RuntimeShown:
    runtime = registry.runtime_named(name, config)
    program = runtime.program()
    kind = config.runtimes[name].kind if name in config.runtimes else "analyzer"
    return RuntimeShown(
        name=name,
        kind=kind,
        installed=program.path is not None,
        version=program.version,
        path=program.path,
        argv=program.argv,
        phases=tuple(phase.value for phase in DISPATCHED_PHASES if runtime.supports(phase)),
        is_default=name in (config.default_runtime or registry.DEFAULT).split(","),
        why_not=program.why_not or None,
    )
