"""`swarm verify-fixed`."""

from swarm.cli.second_look_verbs import second_look_verb

command = second_look_verb(
    "verify-fixed",
    """Check every fixed finding of RUN again, and every finding with a claimed fix.

Classes: verified, regressed, claimed-but-still-present, unverifiable; the second and the third offend. Exit 0; 1 when
more findings offend than the threshold allows; 2 when no finding could be checked.""",
)
