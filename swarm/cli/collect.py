"""`swarm collect`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import repo_path_option, run_argument, usage, verb
from swarm.rules.states import WaveStatus
from swarm.show import text
from swarm.show.escape import plain
from swarm.waves.results import CollectResult

_MOST_VIOLATIONS = 20


@verb()
@run_argument
@click.option(
    "--domain",
    "named",
    multiple=True,
    metavar="NAME:PATH",
    help="Take a domain's output from PATH, JSON or .sarif; may be given several times.",
)
@repo_path_option
def command(call: Call, run: str | None, named: tuple[str, ...], repo_path: Path | None) -> None:
    """Collect the wave in flight of RUN: validate each output, enforce ownership, record the findings.

    The wave ends `collected`, exit 0, or `failed`, exit 1, when an agent is not complete or touched what it
    should not have.
    """
    from swarm.waves.collect import collect

    paths = {}
    for word in named:
        name, colon, path = word.partition(":")
        if not colon or not name or not path:
            raise usage(f"--domain takes NAME:PATH; got '{word}'", "collect")
        if name in paths:
            raise usage(f"--domain {name} is given twice", "collect")
        paths[name] = call.folder / path
    with call.write() as store:
        selected = call.run_here(store, run, repo_path, tell=True)
        result = collect(store, call.workspace, selected, paths)
    failed = result.wave_status == WaveStatus.FAILED
    call.answer(result, lambda: _lines(result), int(failed))


def _lines(result: CollectResult) -> Iterator[str]:
    yield result.summary
    yield f"Open findings: {text.severities(result.by_severity)}"
    yield ""
    rows = [(agent.domain, agent.status, f"{agent.findings_count:,}") for agent in result.agents]
    yield from text.table(rows, ("agent", "status", "findings"))
    for agent in result.agents:
        for problem in agent.errors[:_MOST_VIOLATIONS]:
            yield f"⚠ {agent.domain}: {plain(problem.code)}: {plain(problem.message)} ({plain(problem.path)})"
        if len(agent.errors) > _MOST_VIOLATIONS:
            yield f"⚠ {agent.domain}: … and {len(agent.errors) - _MOST_VIOLATIONS:,} more"
    for violation in result.violations[:_MOST_VIOLATIONS]:
        owner = plain(violation.actual_owner)
        yield f"⊘ {plain(violation.file)} was touched by {violation.agent_domain}; it is {owner}'s"
    if len(result.violations) > _MOST_VIOLATIONS:
        yield f"⊘ … and {len(result.violations) - _MOST_VIOLATIONS:,} more"
    if result.ownership_probe_degraded:
        yield "ℹ Without --isolate nobody can tell who edited what in the shared checkout."  # noqa: RUF001
    if result.findings.recurred_while_closed:
        yield f"{text.counted(result.findings.recurred_while_closed, 'closed finding')} seen again; closed they stay."
    yield ""
    yield f"Wave status: {result.wave_status}"
    yield f"Next: {result.next_action}"
