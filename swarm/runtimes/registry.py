"""The runtimes by name: the bundled runtimes, and those of `swarm.toml`."""

from swarm import errors
from swarm.config import Config
from swarm.rules.phases import Phase
from swarm.runtimes.command import Command
from swarm.runtimes.ruff import Ruff
from swarm.runtimes.runtime import Program, Runtime
from swarm.runtimes.sarif import Sarif

DEFAULT = "ruff"


def names(config: Config) -> list[str]:
    """Return the names of every runtime, the built-in ones first."""
    return [DEFAULT, *sorted(config.runtimes)]


def runtime_named(name: str, config: Config) -> Runtime:
    """Return the runtime of a name. Raises RuntimeUnknown, and ConfigUntrusted for one that nobody has trusted."""
    if name == DEFAULT:
        return Ruff(config)
    config.hold_to_trusted(f"runtimes.{name}")
    added = config.runtimes.get(name)
    if added is None:
        raise errors.RuntimeUnknown(received=name)
    return Sarif(added, config) if added.kind == "sarif" else Command(added)


def ready(name: str, config: Config, phase: Phase) -> tuple[Runtime, Program]:
    """Return a runtime that can be launched for a phase.

    Raises RuntimeUnknown, ConfigUntrusted, RuntimePhaseUnsupported, RuntimeNotFound.
    """
    runtime = runtime_named(name, config)
    if not runtime.supports(phase):
        raise errors.RuntimePhaseUnsupported(runtime=name, phase=phase.value)
    program = runtime.program()
    if program.path is None:
        remedy = "python -m pip install 'swarm-control-plane[analyzers]'"
        if name != DEFAULT:
            remedy = f"install {program.argv[0]}, or correct the argv of [runtimes.{name}] in {config.source}"
        raise errors.RuntimeNotFound(runtime=name, program=program.argv[0], remedy=remedy)
    return runtime, program
