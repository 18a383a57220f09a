"""`swarm close`."""

import click

from swarm.cli.call import Call
from swarm.cli.decision_verbs import (
    Asked,
    decide,
    evidence_option,
    findings_named,
    reason_option,
    required_text,
)
from swarm.cli.options import verb
from swarm.rules.decisions import VERIFIED_HOW, Action


@verb()
@findings_named
@reason_option
@evidence_option
@click.option("--verified-how", required=True, type=click.Choice(VERIFIED_HOW), help="How the fix was verified.")
def command(
    call: Call,
    words: tuple[str, ...],
    named: str | None,
    ids: tuple[str, ...],
    reason: str | None,
    evidence: str | None,
    verified_how: str,
) -> None:
    """Record each FINDING of RUN as fixed, on evidence that you give.

    `swarm verify` checks them again like every other fix.
    """
    why = required_text(reason, "--reason", "close")
    seen = required_text(evidence, "--evidence", "close")
    decide(call, Action.CLOSE, Asked(words, named, ids), reason=why, evidence=seen, verified_how=verified_how)
