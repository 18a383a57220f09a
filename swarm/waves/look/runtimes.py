"""`runtimes`: what can be launched here."""

from swarm.config import Config
from swarm.results.runtimes import RuntimeShown, RuntimesResult
from swarm.rules.phases import DISPATCHED_PHASES
from swarm.runtimes import registry


def listed_runtimes(config: Config, name: str | None) -> RuntimesResult:
    """Return one runtime, or all. Raises RuntimeUnknown."""
    names = registry.names(config) if name is None else [name]
    source = str(config.source) if config.source else None
    return RuntimesResult(source, tuple(_shown(config, one) for one in names))


def _shown(config: Config, name: str) -> RuntimeShown:
    runtime = registry.runtime_named(name, config)
    program = runtime.program()
    kind = config.runtimes[name].kind if name in config.runtimes else "analyzer"
    return RuntimeShown(
        name,
        kind,
        program.path is not None,
        program.version,
        program.path,
        program.argv,
        tuple(phase.value for phase in DISPATCHED_PHASES if runtime.supports(phase)),
        name == registry.DEFAULT,
        program.why_not or None,
    )
