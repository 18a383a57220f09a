"""`runtimes`: the runtimes that can be launched on this machine."""

from swarm.config import Config
from swarm.results.runtimes import RuntimeShown, RuntimesResult
from swarm.rules.phases import DISPATCHED_PHASES
from swarm.runtimes import registry


def runtimes(config: Config, name: str | None) -> RuntimesResult:
    """Return the named runtime, or all. Raises RuntimeUnknown."""
    names = registry.names(config) if name is None else [name]
    source = str(config.source) if config.source else None
    return RuntimesResult(source, tuple(_shown(config, each) for each in names))


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
        is_default=name == registry.DEFAULT,
        why_not=program.why_not or None,
    )
