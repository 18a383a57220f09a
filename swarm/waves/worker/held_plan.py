"""The plan that a dispatch locked, held against what a worker would launch for an order."""

from typing import Final

from swarm.config import Config
from swarm.engine.messages import WorkOrder
from swarm.rules.phases import Phase
from swarm.rules.plan_lock import binding_of, changes_of
from swarm.runtimes.registry import Ready
from swarm.store.attempts import Ending
from swarm.waves.launch.ending import cut
from swarm.waves.lock.plans import locked_agent

_OF_POLICY: Final = "policy_rejected"


def refusal(order: WorkOrder, config: Config, ready: Ready) -> Ending | None:
    """Return why a worker does not launch what an order asks for, `None` where it does."""
    if ready.runtime.is_analyzer:
        words = f"{order.runtime} is an analyzer, which the coordinator runs itself: `swarm launch --runtime NAME`"
        return Ending(_OF_POLICY, 2, error_code="NO_AGENT", error_fragment=words)
    if order.plan is None:
        return None
    (own,) = locked_agent(config, Phase(order.phase), order.domain, "", (order.runtime,), (ready,)).plan
    found = "; ".join(changes_of(order.plan, binding_of(own)))
    if not found:
        return None
    words = cut(f"its worker would launch another {order.runtime} than was dispatched: {found}")
    return Ending(_OF_POLICY, 2, error_code="MANIFEST_LOCK_MISMATCH", error_fragment=words)
