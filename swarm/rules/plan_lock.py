"""Plan lock of a wave: how each agent was to be launched when it was dispatched, as canonical JSON.

A member that was not known at dispatch is left out, and not compared: the version of a runtime that nobody named, or
how a person launches an agent by hand.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from swarm.rules.domains import WHOLE_WAVE

LOCK_TYPE: Final = "application/vnd.swarm-control-plane.plan-lock+json"
_VERSION: Final = 1
_NONE: Final = "none"
BY_RUNTIME: Final = "runtime"
BY_CHAIN: Final = "chain"


class LockedAgent(NamedTuple):
    """The locked plan of an agent.

    `by` is what chose its runtimes: their name at dispatch, or a chain of the configuration, whose later entries are
    locked, too; `None` where nothing did.
    """

    domain: str
    prompt_sha256: str
    by: str | None
    plan: tuple[Mapping[str, Any], ...]


class PlanChange(NamedTuple):
    """A member of an agent's plan that is no longer as it was locked."""

    domain: str
    member: str
    locked: str
    now: str

    @property
    def shown(self) -> str:
        """The difference in a sentence."""
        return f"{self.domain}: {self.member} was {self.locked}, and is {self.now}"


def lock_document(run_id: str, number: int, phase: str, commit: str, agents: Iterable[LockedAgent]) -> dict[str, Any]:
    """Return the lock of a wave as JSON values."""
    return {
        "version": _VERSION,
        "runId": run_id,
        "waveNumber": number,
        "phase": phase,
        "commit": commit,
        "agents": [
            {"domain": agent.domain, "promptSha256": agent.prompt_sha256, "by": agent.by, "plan": list(agent.plan)}
            for agent in agents
        ],
    }


def lock_text(document: Mapping[str, Any]) -> str:
    """Return a lock as compact JSON with sorted keys: equal plans give equal bytes."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def lock_digest(text: str) -> str:
    """Return the SHA-256 of a lock."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def is_by_chain(document: Mapping[str, Any]) -> bool:
    """Say whether a chain of the configuration chose the runtime of an agent at dispatch."""
    return any(agent["by"] == BY_CHAIN for agent in document["agents"])


def named_in(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the runtimes that a lock names for its agents, empty where it leaves the choice open or to a chain."""
    plans = (agent["plan"] for agent in document["agents"] if agent["by"] == BY_RUNTIME)
    return tuple(entry["runtime"] for entry in next(plans, ()))


def binding_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a locked plan binds a worker on another machine.

    The argument list, the sandbox and the names of logins are each worker's own.
    """
    settings = entry.get("settings") or {}
    bound = {name: settings.get(name) or None for name in ("arguments", "accepts", "maxTurns")}
    known = {"version": entry["version"]} if "version" in entry else {}
    return {"model": entry.get("model"), **bound, **known}


def bindings_of(document: Mapping[str, Any], runtime: str) -> dict[str, dict[str, Any]]:
    """Return what binds the workers of each agent whose dispatch named a runtime, by domain."""
    return {
        agent["domain"]: binding_of(entry)
        for agent in document["agents"]
        if agent["by"] == BY_RUNTIME
        for entry in agent["plan"]
        if entry["runtime"] == runtime
    }


def changes_of(locked: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield how what a worker would launch differs; a member that either leaves out is not compared."""
    for member in sorted(locked.keys() & now.keys()):
        if locked[member] != now[member]:
            yield f"{member} was {_shown(locked[member])}, and is {_shown(now[member])}"


def differences(locked: Mapping[str, Any], now: Mapping[str, Any], *, is_named: bool) -> Iterator[PlanChange]:
    """Yield the members of a lock that are other now, by agent; a member that either leaves out is not compared.

    `is_named` says that the launch names a runtime: it may, where the dispatch left the choice to a chain or to it.
    """
    # A signed lock of another wave would fit every agent that was asked the same.
    for member in ("runId", "waveNumber", "phase", "commit"):
        if locked[member] != now[member]:
            yield PlanChange(WHOLE_WAVE, member, _shown(locked[member]), _shown(now[member]))
    current = {agent["domain"]: agent for agent in now["agents"]}
    for domain in sorted(current.keys() - {agent["domain"] for agent in locked["agents"]}):
        yield PlanChange(domain, "agent", "no part of the wave", "a part of it")
    for agent in locked["agents"]:
        domain, other = agent["domain"], current.get(agent["domain"])
        if other is None:
            yield PlanChange(domain, "agent", "a part of the wave", "gone")
            continue
        if agent["promptSha256"] != other["promptSha256"]:
            yield PlanChange(domain, "prompt", agent["promptSha256"], other["promptSha256"])
        is_left_open = agent["by"] is None or (agent["by"] == BY_CHAIN and is_named)
        if not is_left_open:
            yield from _of_plans(domain, agent["plan"], other["plan"])


def _of_plans(
    domain: str, locked: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> Iterator[PlanChange]:
    names = [",".join(str(entry["runtime"]) for entry in plan) or _NONE for plan in (locked, now)]
    # The members of another runtime are others for that reason alone.
    if names[0] != names[1]:
        yield PlanChange(domain, "runtime", *names)
        return
    for before, after in zip(locked, now, strict=True):
        for member in sorted(before.keys() & after.keys() - {"runtime"}):
            for name, old, new in _leaves(f"{before['runtime']}.{member}", before[member], after[member]):
                yield PlanChange(domain, name, old, new)


def _leaves(name: str, old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the innermost members of two values that differ."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _leaves(f"{name}.{key}", old.get(key), new.get(key))
    else:
        yield name, _shown(old), _shown(new)


def _shown(value: Any) -> str:
    return _NONE if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
