"""`swarm runtimes`."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.results.runtimes import ChainEntry, RuntimesResult
from swarm.show import text
from swarm.show.escape import plain


@verb()
@click.argument("name", required=False, shell_complete=completions.runtimes)
@click.option("--add", metavar="AGENT", help="Write a known coding agent into your own configuration.")
@click.option("--model", metavar="MODEL", help="With --add: the model that the agent is asked to use.")
@click.option("--default", "is_default", is_flag=True, help="With --add: make it the default of launches.")
@click.option("--resolve", "resolves", is_flag=True, help="Show each chain, and what of it can be launched.")
@click.option("--validate", type=click.Path(path_type=Path), metavar="PATH", help="Check an agent manifest.")
def command(
    call: Call,
    name: str | None,
    add: str | None,
    model: str | None,
    validate: Path | None,
    *,
    is_default: bool,
    resolves: bool,
) -> None:
    """List the runtimes of this machine: place, version, or why they cannot be launched.

    With NAME, show the argv and the phases of this one.
    """
    from swarm.waves.look import runtimes as look

    if sum((add is not None, resolves, validate is not None)) > 1 or (name and (add or resolves or validate)):
        raise usage("give a NAME, or one of --add, --resolve, --validate", "runtimes")
    if (model or is_default) and add is None:
        raise usage("--model and --default go with --add", "runtimes")
    if add is not None:
        from swarm.waves.setup.user_runtime import add_runtime

        file = add_runtime(add, model=model, is_default=is_default)
        result = look.runtimes(call.config(), add)._replace(added=str(file))
        call.answer(result, lambda: chain([f"Added {add} to {plain(str(file))}"], _lines(result, is_named=True)))
        return
    if resolves or validate:
        config = call.config()
        found = look.chains(config) if validate is None else (look.validated(config, validate),)
        result = look.runtimes(config, None)._replace(chains=found, manifest=str(validate) if validate else None)
        call.answer(result, lambda: _chains(result))
        return
    result = look.runtimes(call.config(), name)
    call.answer(result, lambda: _lines(result, is_named=name is not None))


def _chains(result: RuntimesResult) -> Iterator[str]:
    if not result.chains:
        yield "No chain is configured: [chains] and [agents] of swarm.toml name none."
    for found in result.chains:
        chosen = next((entry for entry in found.entries if entry.is_chosen), None)
        mark = "✓" if chosen else "⊘"
        yield f"{mark} {plain(found.subject)}: {plain(_entry(chosen)) if chosen else 'nothing can be launched'}"
        for entry in found.entries:
            reason = "launched" if entry.is_chosen else entry.why_not or "not needed"
            yield f"  {plain(_entry(entry))}  {plain(reason)}"
        yield f"  from {plain(found.source)}"


def _entry(entry: ChainEntry) -> str:
    return entry.runtime if entry.model is None else f"{entry.runtime}:{entry.model}"


def _lines(result: RuntimesResult, *, is_named: bool) -> Iterator[str]:
    rows = [
        (r.name, r.kind, "yes" if r.installed else "no", r.version or "", plain(r.path or r.why_not or ""))
        for r in result.runtimes
    ]
    yield from text.table(rows, ("runtime", "kind", "installed", "version", "where, or why not"))
    for runtime in result.runtimes if is_named else ():
        yield ""
        yield f"{runtime.name}{' (default)' if runtime.is_default else ''}: {plain(' '.join(runtime.argv))}"
        yield f"  phases: {', '.join(runtime.phases)}"
        if runtime.kind == "agent" and runtime.installed:
            yield f"  login: {plain(runtime.credential or 'none was found')}"
    yield ""
    why_not = (
        f" ({plain(result.sandbox_why_not)}); to have one, {text.SANDBOX_INSTALL}" if result.sandbox_why_not else ""
    )
    yield f"Sandbox: {result.sandbox}{why_not}"
    files = dict.fromkeys(filter(None, (result.config, result.user_config)))
    yield f"Configured by: {plain(', then '.join(files) or 'no swarm.toml')}"
    if not is_named:
        yield "Next: `swarm runtimes NAME` shows the argv and the phases of one"
