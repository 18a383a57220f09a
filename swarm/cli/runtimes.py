"""`swarm runtimes`."""

from collections.abc import Iterator

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import verb
from swarm.results.runtimes import RuntimesResult
from swarm.show import text
from swarm.show.escape import plain


@verb()
@click.argument("name", required=False, shell_complete=completions.runtimes)
def command(call: Call, name: str | None) -> None:
    """List the runtimes of this machine: place, version, or why they cannot be launched.

    With NAME, show the argv and the phases of this one.
    """
    from swarm.waves.look.runtimes import runtimes

    result = runtimes(call.config(), name)
    call.answer(result, lambda: _lines(result, is_named=name is not None))


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
