"""`swarm verify-fixed`."""

from swarm.cli.second_look_verbs import second_look_verb

command = second_look_verb(
    "verify-fixed",
    """Look again at every fixed finding of RUN, and at every one that somebody claims to have mended.

Classes: verified, regressed, claimed-but-still-present, unverifiable; the second and the third offend. Exit 0; 1 when
more offend than the threshold allows; 2 when none could be looked at.""",
)
