"""`swarm verify-recurring`."""

from swarm.cli.second_look_verbs import second_look_verb

command = second_look_verb(
    "verify-recurring",
    """Look again at the findings of RUN that were fixed more than once.

Exit 0; 1 when more offend than the threshold allows; 2 when none could be looked at.""",
)
