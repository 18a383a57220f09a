"""`swarm reopen`."""

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
from swarm.rules.decisions import Action


@verb()
@findings_named
@reason_option
@evidence_option
def command(
    call: Call,
    words: tuple[str, ...],
    named: str | None,
    ids: tuple[str, ...],
    reason: str | None,
    evidence: str | None,
) -> None:
    """Withdraw the decision about each FINDING of RUN; a fixed finding is open and unverified again."""
    why = required_text(reason, "--reason", "reopen")
    seen = required_text(evidence, "--evidence", "reopen")
    decide(call, Action.REOPEN, Asked(words, named, ids), reason=why, evidence=seen)
