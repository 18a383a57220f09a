"""`swarm close`."""

import click

from swarm.cli.call import Call
from swarm.cli.decision_verbs import (
    decide,
    evidence_option,
    ids_option,
    named_option,
    reason_option,
    required_text,
    run_named_once,
)
from swarm.cli.options import run_argument, verb
from swarm.rules.decisions import VERIFIED_HOW, Action


@verb()
@run_argument
@named_option
@ids_option
@reason_option
@evidence_option
@click.option("--verified-how", required=True, type=click.Choice(VERIFIED_HOW), help="How the fix was verified.")
def command(
    call: Call,
    run: str | None,
    named: str | None,
    ids: tuple[str, ...],
    reason: str | None,
    evidence: str | None,
    verified_how: str,
) -> None:
    """Record findings of RUN as fixed, on evidence that you give.

    `swarm verify` checks them again like every other fix.
    """
    from swarm.waves.triage.triage import Targets

    run = run_named_once(run, named, "close")
    why = required_text(reason, "--reason", "close")
    seen = required_text(evidence, "--evidence", "close")
    decide(call, Action.CLOSE, run, Targets(ids), reason=why, evidence=seen, verified_how=verified_how)
