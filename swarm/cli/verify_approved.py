"""`swarm verify-approved`."""

from swarm.cli.second_look_verbs import second_look_verb

command = second_look_verb(
    "verify-approved",
    """Look whether the place of every approved finding of RUN is still there to be mended.

A line that was rewritten is drifted, one that is gone is broken. Exit 0; 1 when more drifted than the threshold
allows; 2 when one is broken. Dispatch of an amend wave asks the same.""",
)
