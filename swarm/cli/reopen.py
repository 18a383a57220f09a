"""`swarm reopen`."""

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
from swarm.rules.decisions import Action


@verb()
@run_argument
@named_option
@ids_option
@reason_option
@evidence_option
def command(
    call: Call,
    run: str | None,
    named: str | None,
    ids: tuple[str, ...],
    reason: str | None,
    evidence: str | None,
) -> None:
    """Withdraw decisions about findings of RUN; a fixed finding is open and unverified again."""
    from swarm.waves.triage.triage import Targets

    run = run_named_once(run, named, "reopen")
    why = required_text(reason, "--reason", "reopen")
    seen = required_text(evidence, "--evidence", "reopen")
    decide(call, Action.REOPEN, run, Targets(ids), reason=why, evidence=seen)
