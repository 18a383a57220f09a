"""`swarm defer`."""

from swarm.cli.decision_verbs import deferring_verb
from swarm.rules.decisions import Action

command = deferring_verb(
    Action.DEFER,
    """Defer each FINDING of RUN: they are no longer open, and stay deferred when a later wave sees them.

    With --expires, the first collect after that day opens them again.
    """,
)
