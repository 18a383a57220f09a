"""`swarm close`."""

import click

from swarm.cli.call import Call
from swarm.cli.decision_verbs import decide, evidence_option, ids_option, named_option, one_run, reason_option, said
from swarm.cli.options import run_argument, verb
from swarm.rules.decisions import VERIFIED_HOW, Action


@verb()
@run_argument
@named_option
@ids_option
@reason_option
@evidence_option
@click.option("--verified-how", required=True, type=click.Choice(VERIFIED_HOW), help="Who looked, and how.")
def command(
    call: Call,
    run: str | None,
    named: str | None,
    ids: tuple[str, ...],
    reason: str | None,
    evidence: str | None,
    verified_how: str,
) -> None:
    """Record findings of RUN as fixed on your own evidence, which is shown as such.

    `verify` looks at them again, as at every fix.
    """
    from swarm.waves.triage.triage import Targets

    run = one_run(run, named, "close")
    told, seen = said(reason, "--reason", "close"), said(evidence, "--evidence", "close")
    decide(call, Action.CLOSE, run, Targets(ids), reason=told, evidence=seen, verified_how=verified_how)
