"""`swarm defer`."""

from swarm.cli.decision_verbs import putting_aside
from swarm.rules.decisions import Action

command = putting_aside(
    Action.DEFER,
    """Defer findings of RUN: they are no longer open, and stay deferred when a later wave sees them.

    With --expires, the first collect after that day opens them again.
    """,
)
