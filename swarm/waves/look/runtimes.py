"""`runtimes`: the runtimes that can be launched on this machine, and the chains that choose one of them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from swarm.config import Config
from swarm.results.runtimes import ChainEntry, RuntimeChain, RuntimeShown, RuntimesResult
from swarm.rules.chains import Choice
from swarm.rules.phases import DISPATCHED_PHASES, Phase, dispatched_phase
from swarm.runtimes import chain, registry
from swarm.runtimes.agents.login import auth_source
from swarm.runtimes.agents.manifest import manifest_at, manifest_from
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


def chains(config: Config) -> tuple[RuntimeChain, ...]:
    """Return the chains of a configuration, those of its manifests among them. Raises InvalidManifest."""
    return tuple(_all_chains(config))


def _all_chains(config: Config) -> Iterator[RuntimeChain]:
    source, own, named = str(config.source or ""), config.chains, config.manifests
    read = {path: manifest_from(Path(path), text) for path, text in named.texts.items()}
    if own.every:
        yield _chain("every agent", source, own.every, config, DISPATCHED_PHASES[0])
    for kind, chains_of, manifests in (("phase", own.phases, named.phases), ("domain", own.domains, named.domains)):
        found = {name: (source, entries) for name, entries in chains_of.items()}
        found |= {name: (path, read[path].chain) for name, path in manifests.items()}
        for name, (place, entries) in found.items():
            phase = dispatched_phase(name) or DISPATCHED_PHASES[0]
            yield _chain(f"{kind} {name}", place, entries, config, phase)


def validated(config: Config, path: Path) -> RuntimeChain:
    """Return the chain of an agent manifest that is valid. Raises what `manifest_at` raises."""
    manifest = manifest_at(path)
    return _chain("manifest", str(manifest.path), manifest.chain, config, DISPATCHED_PHASES[0])


def _chain(subject: str, source: str, entries: Sequence[Choice], config: Config, phase: Phase) -> RuntimeChain:
    reasons = [chain.why_not(choice, config, phase) for choice in entries]
    chosen = next((at for at, reason in enumerate(reasons) if reason is None), None)
    shown = (
        ChainEntry(choice.runtime, choice.model, choice.auth_source, at == chosen, reason)
        for at, (choice, reason) in enumerate(zip(entries, reasons, strict=True))
    )
    return RuntimeChain(subject, source, tuple(shown))
