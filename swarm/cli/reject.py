"""`swarm reject`."""

from swarm.cli.decision_verbs import deferring_verb
from swarm.rules.decisions import Action

command = deferring_verb(
    Action.REJECT,
    """Reject each FINDING of RUN as false: they are no longer open, and stay rejected when a later wave sees them.

    With --expires, the first collect after that day opens them again.
    """,
)
