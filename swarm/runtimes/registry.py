"""The runtimes by name: the bundled runtimes, and those of `swarm.toml`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.installed import install_command
from swarm.rules.phases import Phase, is_audit
from swarm.runtimes.analyzer_table import is_configured, table
from swarm.runtimes.ruff import Ruff
from swarm.runtimes.runtime import Program, Runtime
from swarm.runtimes.tabled import Tabled

DEFAULT = "ruff"


def names(config: Config) -> list[str]:
    """Return the names of every runtime, the built-in ones first."""
    from swarm.runtimes.agents.table import AGENTS

    return list(dict.fromkeys([DEFAULT, *table().rows, *AGENTS, *sorted(config.runtimes)]))


def runtime_named(name: str, config: Config) -> Runtime:
    """Return the runtime of a name. Raises RuntimeUnknown, and ConfigUntrusted for one that nobody has trusted."""
    if name == DEFAULT:
        return Ruff(config)
    row = table().rows.get(name)
    added = config.runtimes.get(name)
    if row is not None and added is None:
        return Tabled(row, config)
    # Without trust, an analyzer of the table is launched as the table says, whatever the repository calls by its name.
    if row is None:
        config.hold_to_trusted(f"runtimes.{name}")
    # Here, as few audits have an agent, a command or a tool of the user's own.
    from swarm.runtimes.agents.table import AGENTS
    from swarm.runtimes.command import Command
    from swarm.runtimes.sarif import Sarif

    # A command of the user's own may have the name of a bundled agent.
    if name in AGENTS and (added is None or added.kind == "agent"):
        return AGENTS[name](added)
    if added is None:
        raise errors.RuntimeUnknown(received=name)
    return Sarif(added, config) if added.kind == "sarif" else Command(added)


def may_run_code(name: str, config: Config) -> bool:
    """Say whether the user lets an analyzer run code of the repository."""
    return config.trusts_everything or name in config.analyzers


def picked(config: Config, tree: Path, paths: Sequence[str], phase: Phase) -> str:
    """Return the analyzers that an audit of a tree runs by itself: those that are here and have files to read.

    Where there is none, the default one, which then says what is missing.
    """
    found = []
    tracked = frozenset(paths)
    for name, row in ((DEFAULT, None), *table().rows.items()):
        if row is not None and row.when and not (name in config.analyzers or is_configured(row, tree, tracked)):
            continue
        if row is not None and row.runs_code and not may_run_code(name, config):
            continue
        runtime = runtime_named(name, config)
        if runtime.supports(phase) and runtime.reads(tree, paths) and runtime.program().path is not None:
            found.append(name)
    return ",".join(found) or DEFAULT


class Ready(NamedTuple):
    """A runtime, and the program of this machine that it launches."""

    runtime: Runtime
    program: Program


def joined(ready: Iterable[Ready]) -> str:
    """Return the names of runtimes as `--runtime` takes them."""
    return ",".join(each.runtime.name for each in ready)


def recorded(ready: Sequence[Ready], tree: Path, paths: Sequence[str], phase: Phase) -> tuple[str, str | None, str]:
    """Return the names, the versions and the digests of configurations of a wave's runtimes, as the wave keeps them."""
    versions = [each.program.version for each in ready]
    digests = [each.runtime.config_hash(tree, paths, phase) for each in ready]
    known = ",".join(version or "unknown" for version in versions) if any(versions) else None
    return joined(ready), known, ",".join(digests)


def all_ready(names: str, config: Config, phase: Phase) -> tuple[Ready, ...]:
    """Return the runtimes of names with commas between them: a single agent, or any number of analyzers.

    In an amend wave several analyzers are a single runtime, by which each fixes what it reports.
    Raises what `ready` raises, and CliUsage for an agent beside another runtime.
    """
    listed = list(dict.fromkeys(name.strip() for name in names.split(",")))
    found = tuple(ready(name, config, phase) for name in listed)
    agents = [each.runtime.name for each in found if not each.runtime.is_analyzer]
    if len(found) > 1 and agents:
        problem = f"--runtime takes a single agent or several analyzers; {agents[0]} is no analyzer"
        raise errors.CliUsage(problem=problem)
    return found if len(found) == 1 or is_audit(phase) else (_as_one(found, {}),)


def fixers(tools: Iterable[str], config: Config, phase: Phase) -> tuple[Ready, ...]:
    """Return the tools that reported findings as the single runtime that fixes them, each by its tool.

    A tool that cannot be launched, or that fixes nothing, leaves its findings with the reason.
    """
    found: list[Ready] = []
    missing: dict[str, str] = {}
    for name in tools:
        try:
            found.append(ready(name, config, phase))
        except errors.RuntimePhaseUnsupported:
            missing[name] = f"{name} has no fixer"
        except errors.SwarmError as error:
            missing[name] = error.message
    # A wave has a runtime also where no finding is any tool's.
    return (_as_one(found or [ready(DEFAULT, config, phase)], missing),)


def _as_one(found: Sequence[Ready], missing: Mapping[str, str]) -> Ready:
    from swarm.runtimes.each_by_its_tool import EachByItsTool

    runtime = EachByItsTool([each.runtime for each in found], missing)
    return Ready(runtime, runtime.program())


def ready(name: str, config: Config, phase: Phase) -> Ready:
    """Return a runtime that can be launched for a phase.

    Raises RuntimeUnknown, ConfigUntrusted, RuntimePhaseUnsupported, RuntimeNotFound.
    """
    runtime = runtime_named(name, config)
    row = table().rows.get(name)
    if row is not None and row.runs_code and name not in config.runtimes and not may_run_code(name, config):
        raise errors.AnalyzerUntrusted(runtime=name)
    if not runtime.supports(phase):
        raise errors.RuntimePhaseUnsupported(runtime=name, phase=phase.value)
    program = runtime.program()
    if program.path is None:
        remedy = row.install if row else program.install or install_command("[analyzers]")
        if name in config.runtimes:
            remedy = f"install {program.argv[0]}, or correct the argv of [runtimes.{name}] in {config.source}"
        raise errors.RuntimeNotFound(runtime=name, program=program.argv[0], remedy=remedy)
    return Ready(runtime, program)
