"""`swarm approve`."""

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.decision_verbs import Asked, bounded, decide, findings_named, reason_option
from swarm.cli.options import Words, usage, verb
from swarm.rules.decisions import Action
from swarm.rules.findings import SEVERITIES


@verb()
@findings_named
@click.option("--all", "every", is_flag=True, help="All open findings: new, recurring and unverified.")
@click.option("--severity", type=Words(SEVERITIES, upper=True), default=(), help="With --all: only these severities.")
@click.option(
    "--rule",
    "rules",
    type=Words(offer=completions.rules),
    default=(),
    help="With --all: only these rules, or categories.",
)
@reason_option
def command(
    call: Call,
    words: tuple[str, ...],
    named: str | None,
    ids: tuple[str, ...],
    severity: tuple[str, ...],
    rules: tuple[str, ...],
    reason: str | None,
    *,
    every: bool,
) -> None:
    """Approve each FINDING of RUN: the next amend wave gives it to the agent of its domain.

    FINDING is an id or a unique prefix, with or without `F-`. The approval stays when a later wave sees it again.
    """
    if (severity or rules) and not every:
        raise usage("--severity and --rule narrow --all", "approve")
    text = bounded(reason, "--reason", "approve") if reason and reason.strip() else None
    decide(call, Action.APPROVE, Asked(words, named, ids, severity, rules, every), reason=text)
