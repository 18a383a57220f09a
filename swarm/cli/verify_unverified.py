"""`swarm verify-unverified`."""

from swarm.cli.second_look_verbs import second_look_verb

command = second_look_verb(
    "verify-unverified",
    """Check the findings of RUN again that no wave could judge: are their lines still there?

Exit 0; 1 when more lines are there than the threshold allows; 2 when no finding could be checked.""",
)
