"""Lock of a planned wave: how each of its agents is to be launched, signed where the user has a key for it."""

from swarm.config import Config
from swarm.rules.plan_lock import lock_document
from swarm.runtimes import registry
from swarm.store.plan_locks import PlanLock
from swarm.waves.dispatch.agents import row_of
from swarm.waves.dispatch.wave_plan import WavePlan
from swarm.waves.lock.locks import sealed_lock, signing_key
from swarm.waves.lock.plans import locked_agent


def lock_of(plan: WavePlan, config: Config) -> PlanLock:
    """Return the lock that a launch of a planned wave is held to. Raises as `signing_key`."""
    names = registry.joined(plan.ready).split(",") if plan.ready else []
    agents = [
        locked_agent(config, plan.request.phase, agent.domain.name, row_of(agent).prompt_sha256, names, plan.ready)
        for agent in plan.agents
    ]
    document = lock_document(plan.run.id, plan.number, plan.request.phase.value, plan.commit, agents)
    return sealed_lock(document, signing_key(config, plan.request.sign))
