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
@click.option("--all", "every", is_flag=True, help="All open findings that are not refuted.")
@click.option("--severity", type=Words(SEVERITIES, upper=True), default=(), help="With --all: only these severities.")
@click.option(
    "--rule",
    "rules",
    type=Words(offer=completions.rules),
    default=(),
    help="With --all: only these rules, or categories.",
)
@click.option(
    "--confirmed", is_flag=True, help="With --all: only findings that a reviewer confirmed, and none refutes."
)
@reason_option
def command(  # noqa: PLR0913
    call: Call,
    words: tuple[str, ...],
    named: str | None,
    ids: tuple[str, ...],
    severity: tuple[str, ...],
    rules: tuple[str, ...],
    reason: str | None,
    *,
    every: bool,
    confirmed: bool,
) -> None:
    """Approve each FINDING of RUN: the next amend wave gives it to the agent of its domain.

    FINDING is an id or a unique prefix, with or without `F-`. The approval stays when a later wave sees it again. --all
    leaves out what a reviewer refutes and none confirms; name such a finding to approve it.
    """
    if (severity or rules or confirmed) and not every:
        raise usage("--severity, --rule and --confirmed narrow --all", "approve")
    text = bounded(reason, "--reason", "approve") if reason and reason.strip() else None
    asked = Asked(words=words, run=named, ids=ids, severities=severity, rules=rules, every=every, confirmed=confirmed)
    decide(call, Action.APPROVE, asked, reason=text)
