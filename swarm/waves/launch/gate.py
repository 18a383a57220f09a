"""Gate of a launch: the cap on what the run's agents cost, and the breaker for a quota that is used up."""

import asyncio
import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from swarm import errors, stage_events
from swarm.clock import iso, seconds_until
from swarm.rules.agent_events import AgentEvent
from swarm.runtimes import notices
from swarm.runtimes.registry import Ready
from swarm.store import attempts, forms, kv
from swarm.store.attempts import Ending
from swarm.store.connection import Store
from swarm.store.runs import Run

_MILLION: Final = 1_000_000
# Limits of plans are by the hour, the day and the week.
_LONGEST_SECONDS: Final = 8 * 24 * 3600.0


class LaunchLimits(NamedTuple):
    """The options of a launch about cost and quota; costs are in USD, `park` is in seconds.

    `park` is the longest wait for a quota, 0 for a launch that does not wait.
    """

    max_cost: float | None = None
    allow_unmetered: bool = False
    park: float = 0.0


class LaunchGate:
    """Reasons for which agents are not launched, shared by all agents of a launch."""

    def __init__(self, store: Store, run: Run, limits: LaunchLimits, on_attention: Sequence[str] = ()) -> None:
        self._store = store
        self._on_attention = on_attention
        self._parked_until: float | None = None
        self._run = run
        self._limits = limits
        self._resets_at: float | None = None
        self._is_used_up = False
        self.kept_back = 0

    def hold_to_cost(self, names: Sequence[str], silent: Sequence[str], agents: int) -> None:
        """Refuse a launch of agents that would pass the cap by what earlier attempts of its runtimes cost.

        `silent` are the runtimes that report no cost. Raises CostUnmetered and CostBudgetExceeded.
        """
        cap = self._limits.max_cost
        if cap is None:
            return
        if silent and not self._limits.allow_unmetered:
            raise errors.CostUnmetered(runtime=", ".join(silent), run_id=self._run.id)
        spent = attempts.spent_microusd(self._store.conn, self._run.id) / _MILLION
        estimate = agents * attempts.usual_microusd(self._store.conn, self._run.id, names) / _MILLION
        if spent >= cap or spent + estimate > cap:
            raise errors.CostBudgetExceeded(
                spent=f"{spent:.2f}", estimate=f"{estimate:.2f}", cap=f"{cap:.2f}", run_id=self._run.id
            )

    def hold_to_quota(self, ready: Sequence[Ready]) -> None:
        """Refuse a launch of coding agents before a used-up quota is there again. Raises QuotaUsedUp."""
        kept = kv.value_of(self._store.conn, self._key) if any(each.runtime.agent for each in ready) else None
        if kept is None:
            return
        document = forms.decoded("kv", "value", kept, dict)
        runtime, resets_at = str(document.get("runtime")), document.get("resetsAt")
        left = seconds_until(resets_at) if isinstance(resets_at, int | float) else 0.0
        if not 0 < left < _LONGEST_SECONDS:
            with self._store.mutation() as conn:
                kv.remove(conn, [self._key])
        elif left > self._limits.park:
            raise errors.QuotaUsedUp(runtime=runtime, moment=iso(float(resets_at or 0)), run_id=self._run.id)
        else:
            self._resets_at, self._is_used_up = float(resets_at or 0), True

    def cost_refusal(self, agent_run_id: int, limit: float | None) -> Ending | None:
        """Return the ending of an attempt for which nothing is left to spend, by the cap or by its agent's limit."""
        cap, conn = self._limits.max_cost, self._store.conn
        if cap is not None and attempts.spent_microusd(conn, self._run.id) >= cap * _MILLION:
            words = f"the run's agents have cost the cap of {cap:.2f} USD; a higher `--max-cost` lets more begin"
        elif limit is not None and attempts.spent_by(conn, agent_run_id) >= limit * _MILLION:
            words = f"the agent has cost {limit:.2f} USD, the cost_limit of its manifest"
        else:
            return None
        return Ending("policy_rejected", 2, error_code="COST_BUDGET_EXCEEDED", error_fragment=words)

    async def admits(self) -> bool:
        """Wait for a quota as long as the launch may; say whether an agent can be launched now."""
        if not self._is_used_up:
            return True
        if not await self._parked(self._resets_at):
            self.kept_back += 1
            return False
        self._is_used_up = False
        return True

    async def waits_for(self, resets_at: float | None) -> bool:
        """Wait for the quota of a worker, whose login nobody else has; say whether the launch may wait for so long."""
        return self._limits.park > 0 and await self._parked(resets_at)

    async def _parked(self, resets_at: float | None) -> bool:
        left = seconds_until(resets_at) if resets_at else None
        if resets_at is None or left is None or left > self._limits.park:
            return False
        if left > 0:
            self._tell_parked(resets_at, left)
            await asyncio.sleep(left)
        return True

    def _tell_parked(self, resets_at: float, left: float) -> None:
        """Report once that the launch waits, however many agents wait for the same quota."""
        if self._parked_until == resets_at:
            return
        self._parked_until = resets_at
        run_id, until = self._run.id, iso(resets_at)
        stage_events.emit(
            "launch_parked", run_id=run_id, seconds=round(left), message=f"waiting for the quota until {until}"
        )
        notices.send(self._on_attention, "parked", runId=run_id, until=until, next=f"swarm wait {run_id}")

    def used_up(self, runtime: str, error: AgentEvent) -> None:
        """Pause all launches of the run: the quota of a provider is used up."""
        resets_at = error.resets_at
        # A program may print any number.
        if resets_at is not None and not 0 < seconds_until(resets_at) < _LONGEST_SECONDS:
            resets_at = None
        self._is_used_up, self._resets_at = True, resets_at
        stage_events.emit("quota_used_up", run_id=self._run.id, runtime=runtime, resets_at=resets_at)
        if resets_at is None:
            return
        with self._store.mutation() as conn:
            kv.put(conn, self._key, json.dumps({"runtime": runtime, "resetsAt": resets_at}))

    @property
    def _key(self) -> str:
        return f"quota:{self._run.id}"


def silent_about_cost(ready: Sequence[Ready]) -> list[str]:
    """Return the coding agents and commands that report no cost; an analyzer has none."""
    agents = [each.runtime for each in ready if not each.runtime.is_analyzer]
    return [runtime.name for runtime in agents if runtime.agent is None or not runtime.agent.reports_cost]
