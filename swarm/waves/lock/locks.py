"""Locks of waves: made with the wave, held to before a launch, and renewed with a reason."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from swarm import errors
from swarm.config import Config
from swarm.rules.attestations import Envelope
from swarm.rules.domains import WHOLE_WAVE
from swarm.rules.plan_lock import (
    LOCK_TYPE,
    LockedAgent,
    PlanChange,
    differences,
    is_by_chain,
    lock_digest,
    lock_document,
    lock_text,
    named_in,
)
from swarm.rules.signatures import key_id
from swarm.runtimes.registry import Ready
from swarm.signing.ed25519 import public_key
from swarm.signing.envelopes import sealed, signature_problem
from swarm.signing.keys import SigningKey, key_named
from swarm.store import agent_runs, plan_locks
from swarm.store.connection import Store
from swarm.store.plan_locks import PlanLock
from swarm.store.waves import Wave
from swarm.waves.lock.plans import locked_agent

_MOST_SHOWN: Final = 6


def signing_key(config: Config, named: str | None) -> SigningKey | None:
    """Return the key that signs a lock: that of the command line, else that of `[launch] sign_with`.

    Raises KeyNotFound, KeyUnusable, SigningUnavailable.
    """
    word = config.sign_with if named is None else named
    return None if word is None else key_named(word, _folder_of(config))


def sealed_lock(document: dict[str, Any], key: SigningKey | None) -> PlanLock:
    """Return a lock before it is recorded, signed where there is a key."""
    text = lock_text(document)
    envelope = sealed(LOCK_TYPE, text.encode("utf-8", "surrogateescape"), key) if key else None
    signature = envelope.signature.hex() if envelope else None
    return PlanLock(text, lock_digest(text), key.id if key else None, signature)


def planned_agents(
    config: Config, wave: Wave, prompts: Iterable[tuple[str, str]], names: Sequence[str], ready: Sequence[Ready]
) -> list[LockedAgent]:
    """Return the plans of agents, each given by its domain and the digest of its prompt."""
    return [locked_agent(config, wave.phase, domain, prompt, names, ready) for domain, prompt in prompts]


def plan_now(
    conn: sqlite3.Connection, config: Config, wave: Wave, names: Sequence[str], ready: Sequence[Ready]
) -> dict[str, Any]:
    """Return the lock that a wave would have now, by its current agents."""
    prompts = [(agent.domain, agent.prompt_sha256) for agent in agent_runs.current(conn, wave.id)]
    agents = planned_agents(config, wave, prompts, names, ready)
    return lock_document(wave.run_id, wave.number, wave.phase.value, wave.dispatch_sha, agents)


def leaves_to_chain(conn: sqlite3.Connection, wave: Wave) -> bool:
    """Say whether the dispatch of a wave left the choice of runtimes to chains of the configuration."""
    lock = plan_locks.newest(conn, wave.id)
    return lock is not None and is_by_chain(lock.document)


def renewal(config: Config, wave: Wave, reason: str | None) -> Callable[[sqlite3.Connection], dict[str, object]]:
    """Return what locks a wave whose agents are dispatched again, in their transaction, and returns a part of an event.

    The plan is that of the configuration that is here now. What only a look at the programs would tell is left out.
    Raises as `signing_key`, before anything is made.
    """
    key = signing_key(config, None)

    def renew(conn: sqlite3.Connection) -> dict[str, object]:
        before = plan_locks.newest(conn, wave.id)
        names = named_in(before.document) if before else ()
        lock = sealed_lock(plan_now(conn, config, wave, names, ()), key)
        plan_locks.add(conn, wave.id, lock, reason)
        return {plan_locks.IN_LEDGER: lock.sha256}

    return renew


def changes(
    conn: sqlite3.Connection, config: Config, wave: Wave, names: Sequence[str], ready: Sequence[Ready]
) -> tuple[PlanChange, ...]:
    """Return how the plan of a wave differs from its lock. A wave of an older build has no lock, and no difference."""
    lock = plan_locks.newest(conn, wave.id)
    if lock is None:
        return ()
    digest, recorded = lock_digest(lock.text), plan_locks.digest_in_ledger(conn, wave)
    if digest != recorded:
        return (PlanChange(WHOLE_WAVE, "lock", recorded or "unknown", digest),)
    now = plan_now(conn, config, wave, names, ready)
    return tuple(differences(lock.document, now, is_named=bool(names)))


def hold_to_lock(
    conn: sqlite3.Connection,
    config: Config,
    wave: Wave,
    names: Sequence[str],
    ready: Sequence[Ready],
    *,
    on: str | None = None,
) -> None:
    """Refuse a launch that is not the one that was dispatched, or not signed as the user's settings demand.

    `on` is the engine of a launch on workers, for the hint: without it the agents would be launched here.
    Raises ManifestLockMismatch, LockNotSigned, LockSigInvalid, PubkeyMalformed.
    """
    hold_to_signature(conn, config, wave)
    if found := changes(conn, config, wave, names, ready):
        shown = "; ".join(each.shown for each in found[:_MOST_SHOWN])
        more = f"; and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
        raise errors.ManifestLockMismatch(
            number=wave.number, shown=shown + more, changes=found, run_id=wave.run_id, engine=on
        )


def hold_to_signature(conn: sqlite3.Connection, config: Config, wave: Wave) -> None:
    """Refuse a wave that is not signed as the user's settings demand.

    Raises LockNotSigned, LockSigInvalid, PubkeyMalformed.
    """
    if config.require_signed is None:
        return
    public = public_key(config.require_signed, _folder_of(config))
    lock = plan_locks.newest(conn, wave.id)
    if lock is None or lock.signature is None or lock.key_id is None:
        raise errors.LockNotSigned(number=wave.number, key_id=key_id(public), run_id=wave.run_id)
    body = lock.text.encode("utf-8", "surrogateescape")
    problem = signature_problem(Envelope(LOCK_TYPE, body, lock.key_id, bytes.fromhex(lock.signature)), public)
    if problem is not None:
        raise errors.LockSigInvalid(number=wave.number, problem=problem, run_id=wave.run_id)


def relock(
    store: Store,
    config: Config,
    wave: Wave,
    names: Sequence[str],
    ready: Sequence[Ready],
    reason: str,
    sign: str | None = None,
) -> None:
    """Lock the plan of a wave as it is now, signed with the named key, and record why and what changed."""
    key = signing_key(config, sign)
    with store.mutation() as conn:
        found = changes(conn, config, wave, names, ready)
        lock = sealed_lock(plan_now(conn, config, wave, names, ready), key)
        plan_locks.renew(conn, wave, lock, reason, [each.shown for each in found])


def go_on(store: Store, config: Config, wave: Wave, names: Sequence[str], ready: Sequence[Ready], verb: str) -> None:
    """Let a verb that plans anew whenever it is called go on with a wave, whatever changed since; this is recorded."""
    lock = plan_locks.newest(store.conn, wave.id)
    is_unsigned = config.sign_with is not None and (lock is None or lock.key_id is None)
    if is_unsigned or any(each.member != "prompt" for each in changes(store.conn, config, wave, names, ready)):
        relock(store, config, wave, names, ready, f"swarm {verb} was called again")


def _folder_of(config: Config) -> Path:
    return config.source.parent if config.source else Path.cwd()
