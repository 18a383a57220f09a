"""`swarm reject`."""

from swarm.cli.decision_verbs import putting_aside
from swarm.rules.decisions import Action

command = putting_aside(
    Action.REJECT,
    """Say that findings of RUN are none: they are no longer open, and stay rejected when they are seen again.

    With --expires, the first collect after that day opens them again.
    """,
)
