"""`swarm verify-unverified`."""

from swarm.cli.second_look_verbs import second_look_verb

command = second_look_verb(
    "verify-unverified",
    """Look again at the findings of RUN that no wave could judge: whether their lines still stand.

Exit 0; 1 when more stand than the threshold allows; 2 when none could be looked at.""",
)
