"""`swarm verify-approved`."""

from swarm.cli.second_look_verbs import second_look_verb

command = second_look_verb(
    "verify-approved",
    """Check that the code of every approved finding of RUN is still there to be fixed.

A rewritten line is drifted, a missing line is broken. Exit 0; 1 when more findings drifted than the threshold
allows; 2 when a finding is broken. The dispatch of an amend wave makes the same check.""",
)
