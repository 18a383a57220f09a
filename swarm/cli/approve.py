"""`swarm approve`."""

import click

from swarm.cli.call import Call
from swarm.cli.decision_verbs import bounded, decide, named_option, reason_option, run_named_once
from swarm.cli.options import Words, run_argument, usage, verb
from swarm.rules.decisions import Action
from swarm.rules.findings import SEVERITIES


@verb()
@run_argument
@named_option
@click.option("--all", "every", is_flag=True, help="All open findings: new, recurring and unverified.")
@click.option("--ids", type=Words(), default=(), metavar="A,B", help="Findings by id or unique prefix.")
@click.option("--severity", type=Words(SEVERITIES, upper=True), default=(), help="With --all: only these severities.")
@click.option("--rule", "rules", type=Words(), default=(), help="With --all: only these rules, or categories.")
@reason_option
def command(
    call: Call,
    run: str | None,
    named: str | None,
    ids: tuple[str, ...],
    severity: tuple[str, ...],
    rules: tuple[str, ...],
    reason: str | None,
    *,
    every: bool,
) -> None:
    """Approve findings of RUN: the next amend wave gives them to the agents of their domains.

    An approval stays when a later wave sees the finding again.
    """
    from swarm.waves.triage.triage import Targets

    run = run_named_once(run, named, "approve")
    if every == bool(ids):
        raise usage("it takes either --all or --ids", "approve")
    if ids and (severity or rules):
        raise usage("--severity and --rule narrow --all", "approve")
    text = bounded(reason, "--reason", "approve") if reason and reason.strip() else None
    decide(call, Action.APPROVE, run, Targets(ids, severity, rules), reason=text)
