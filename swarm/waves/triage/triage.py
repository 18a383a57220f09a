"""`approve`, `defer`, `reject`, `reopen`, `close`: what a coordinator decides of findings."""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from swarm import errors
from swarm.results.triage import FindingDecided, TriageResult
from swarm.rules.decisions import DECISION_OF, Action, Source, is_applicable
from swarm.rules.findings import Decision, Observation, status_of
from swarm.store import decisions, waves
from swarm.store.connection import Store
from swarm.store.decisions import Decidable, OperatorEvidence, Taken
from swarm.store.runs import Run


class Targets(NamedTuple):
    """Which findings to decide: these ids, or without any all that are open and not approved, narrowed down."""

    ids: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


class Grounds(NamedTuple):
    """What a coordinator says with a decision, and who it is."""

    author: str
    reason: str | None = None
    expires: str | None = None
    evidence: str = ""
    verified_how: str | None = None


def triage(store: Store, run: Run, action: Action, which: Targets, said: Grounds) -> TriageResult:
    """Approve, defer, reject, reopen or close findings; what is so already is left as it is.

    Raises FindingNotFound, naming every id that fits none, and TriageNotApplicable, naming every finding that the
    action does not apply to; nothing is written then.
    """
    with store.mutation() as conn:
        found = _found(conn, run, which)
        settled = [item for item in found if _is_so_already(item, action, said)]
        due = [item for item in found if item not in settled]
        _refuse(run, action, [item for item in due if not is_applicable(action, item.observation, item.decision)])
        changed = _write(conn, run, action, due, said)
    return TriageResult(
        run_id=run.id,
        action=action,
        author=said.author,
        reason=said.reason,
        expires=said.expires,
        changed=changed,
        unchanged=tuple(finding_decided(item, item.status) for item in settled),
        next_action=f"swarm status {run.id}",
    )


def _found(conn: sqlite3.Connection, run: Run, which: Targets) -> list[Decidable]:
    if which.ids:
        found, unknown = decisions.named(conn, run.id, which.ids)
        if unknown:
            raise errors.FindingNotFound(run_id=run.id, finding_id=", ".join(dict.fromkeys(unknown)))
        return found
    return [
        item
        for item in decisions.undecided(conn, run.id)
        if (not which.severities or item.severity in which.severities)
        and (not which.rules or (item.rule_id or item.category) in which.rules)
    ]


def _is_so_already(item: Decidable, action: Action, said: Grounds) -> bool:
    wanted = DECISION_OF.get(action)
    if wanted is None or item.decision != wanted or item.observation == Observation.FIXED:
        return False
    if action is Action.APPROVE:
        return said.reason in {None, item.decision_reason} and item.decision_expires is None
    is_ours = item.decision_source == Source.COORDINATOR
    return is_ours and (item.decision_reason, item.decision_expires) == (said.reason, said.expires)


def _refuse(run: Run, action: Action, items: Sequence[Decidable]) -> None:
    if not items:
        return
    told = ", ".join(f"{item.finding_id} ({_state(item)})" for item in items)
    ids = ",".join(item.finding_id for item in items)
    remedy = f"`swarm reopen {run.id} --ids {ids} --reason '…' --evidence '…'` makes what is fixed open again"
    if action is Action.REOPEN:
        remedy = f"`swarm findings {run.id} --status fixed,approved,deferred,rejected` lists what can be reopened"
    raise errors.TriageNotApplicable(action=_DONE[action], findings=told, remedy=remedy, run_id=run.id)


def _state(item: Decidable) -> str:
    return item.status if item.observation in {item.status, Observation.NEW} else f"{item.status}, {item.observation}"


_DONE: Final = {
    Action.APPROVE: "approved",
    Action.DEFER: "deferred",
    Action.REJECT: "rejected",
    Action.REOPEN: "reopened",
    Action.CLOSE: "closed",
}


def _write(
    conn: sqlite3.Connection, run: Run, action: Action, items: Sequence[Decidable], said: Grounds
) -> tuple[FindingDecided, ...]:
    taken = Taken(DECISION_OF.get(action, Decision.OPEN), said.reason, Source.COORDINATOR, said.author, said.expires)
    match action:
        case Action.REOPEN:
            decisions.reopen(conn, run.id, items, taken, OperatorEvidence(said.evidence))
            return tuple(finding_decided(item, status_of(decisions.reopened_as(item), Decision.OPEN)) for item in items)
        case Action.CLOSE:
            wave = waves.newest(conn, run.id)
            number, commit = (None, None) if wave is None else (wave.number, wave.dispatch_sha)
            decisions.close(
                conn, run.id, items, taken, OperatorEvidence(said.evidence, said.verified_how, number, commit)
            )
            return tuple(finding_decided(item, Observation.FIXED) for item in items)
        case _:
            decisions.take(conn, run.id, ((item, taken) for item in items), None)
            return tuple(finding_decided(item, status_of(item.observation, taken.decision)) for item in items)


def finding_decided(item: Decidable, status: str) -> FindingDecided:
    """Return a finding as it was, with the word that it is shown with now."""
    return FindingDecided(
        finding_id=item.finding_id,
        fingerprint=item.fingerprint,
        severity=item.severity,
        file=item.file,
        line=item.line,
        from_=item.status,
        to=status,
    )
