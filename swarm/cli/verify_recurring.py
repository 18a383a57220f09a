"""`swarm verify-recurring`."""

from swarm.cli.second_look_verbs import second_look_verb

command = second_look_verb(
    "verify-recurring",
    """Check the findings of RUN again that were fixed more than once.

Exit 0; 1 when more findings offend than the threshold allows; 2 when no finding could be checked.""",
)
