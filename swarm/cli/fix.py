"""`swarm fix`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.decision_verbs import author, findings_named
from swarm.cli.live_table import table_beside_launch
from swarm.cli.options import (
    Words,
    accept_option,
    accepting_reason,
    allow_unmetered_option,
    jobs_option,
    max_cost_option,
    repo_path_option,
    runtime_option,
    usage,
    verb,
)
from swarm.results.fix import FixResult
from swarm.rules.findings import SEVERITIES

if TYPE_CHECKING:
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.waves.triage.triage import Targets


@verb()
@findings_named
@click.option("--rule", "rules", type=Words(offer=completions.rules), default=(), help="Open findings of these rules.")
@click.option("--severity", type=Words(SEVERITIES, upper=True), default=(), help="Open findings of these severities.")
@click.option("--all", "every", is_flag=True, help="All open findings that no reviewer refutes.")
@click.option("--confirmed", is_flag=True, help="Of these only findings that a reviewer confirmed.")
@runtime_option("Runtime of all findings; by default the tool that reports a finding, else [defaults] runtime.")
@click.option("--publish", is_flag=True, help="Move the branch of the run to the verified commit.")
@click.option("--branch", metavar="NAME", help="Put the verified commit on this branch too.")
@click.option("--pr", is_flag=True, help="Push the branch, and open a pull request by `gh` where it is installed.")
@click.option("--anew", is_flag=True, help="Begin another wave, and leave unmerged work of the last one where it is.")
@accept_option("fewer tests than before")
@click.option("--reason", metavar="TEXT", help="Reason; recorded.")
@max_cost_option
@allow_unmetered_option
@click.option("-n", "--dry-run", is_flag=True, help="Show who would fix what, and change nothing.")
@jobs_option
@repo_path_option
def command(  # noqa: PLR0913, PLR0917
    call: Call,
    words: tuple[str, ...],
    named: str | None,
    ids: tuple[str, ...],
    rules: tuple[str, ...],
    severity: tuple[str, ...],
    runtime: str | None,
    branch: str | None,
    accept: tuple[str, ...],
    reason: str | None,
    max_cost: float | None,
    jobs: int | None,
    repo_path: Path | None,
    *,
    every: bool,
    confirmed: bool,
    publish: bool,
    pr: bool,
    anew: bool,
    allow_unmetered: bool,
    dry_run: bool,
) -> None:
    """Fix each FINDING of RUN: approve, dispatch, launch, collect, merge and verify, and end with a verified branch.

    Findings that are approved already are fixed too. Your branch is left alone without --publish. The same command goes
    on where it was interrupted. Exit 0: all named findings are fixed and verified; 1: some are not, or a step says no;
    2: there is nothing to fix; 3: an agent's runtime failed; 127: a program was not found.
    """
    from swarm.waves.fix.fix import fix
    from swarm.waves.fix.ground import Delivery, FixRequest
    from swarm.waves.launch.gate import LaunchLimits
    from swarm.waves.selection import split_run_and_findings
    from swarm.waves.triage.triage import Grounds, Targets

    if publish and (pr or branch is not None):
        raise usage(f"--publish and {'--pr' if pr else '--branch'} exclude each other", "fix")
    why = accepting_reason(accept, reason)
    with call.read() if dry_run else call.write() as store, table_beside_launch(call, named):
        name, found = split_run_and_findings(store.conn, words, named, call.folder)
        run = call.run_of_own_wave(store, call.run_in_place(store, name, repo_path), "again", "merge")
        request = FixRequest(
            targets=_targets(store, run, Targets((*ids, *found), severity, rules, confirmed), every=every),
            grounds=Grounds(author(call, run)),
            runtime=runtime,
            jobs=jobs,
            delivery=Delivery(publish, branch, pr),
            dry_run=dry_run,
            anew=anew,
            limits=LaunchLimits(max_cost, allow_unmetered),
            accept=accept,
            reason=why,
        )
        result = fix(store, call.workspace, run, request, call.config(Path(run.local_path)))
    call.answer(result, lambda: _lines(result), result.exit_code)


def _targets(store: "Store", run: "Run", asked: "Targets", *, every: bool) -> "Targets | None":
    """Return the findings that the command names, `None` where it names none. Raises CliUsage, FilterUnknown."""
    from swarm.waves.look.findings import Filters
    from swarm.waves.named_filters import hold_to_names

    has_filter = every or bool(asked.rules or asked.severities)
    if asked.ids and (has_filter or asked.is_confirmed):
        raise usage("name findings, or choose them by --rule, --severity or --all", "fix")
    if asked.is_confirmed and not has_filter:
        raise usage("--confirmed narrows --rule, --severity and --all", "fix")
    hold_to_names(store.conn, run, Filters(rules=asked.rules))
    return asked if asked.ids or has_filter else None


def _lines(result: FixResult) -> Iterator[str]:
    from swarm.show.fix import lines

    return lines(result)
