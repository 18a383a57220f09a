"""`swarm defer`."""

from swarm.cli.decision_verbs import putting_aside
from swarm.rules.decisions import Action

command = putting_aside(
    Action.DEFER,
    """Put findings of RUN off: they are no longer open, and stay deferred when they are seen again.

    With --expires, the first collect after that day opens them again.
    """,
)
