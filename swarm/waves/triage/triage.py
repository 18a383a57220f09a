"""`approve`, `defer`, `reject`, `reopen`, `close`: decisions of a coordinator about findings."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from swarm import errors
from swarm.results.triage import FindingDecided, SameCause, TriageResult
from swarm.rules.decisions import DECISION_OF, Action, Source, is_applicable
from swarm.rules.findings import Decision, Observation, status_of
from swarm.rules.reviews import ReviewVerdict
from swarm.store import decisions, waves
from swarm.store.connection import Store
from swarm.store.decisions import Decidable, OperatorEvidence, Taken
from swarm.store.runs import Run
from swarm.waves.review.known import KnownReviews, known_reviews
from swarm.waves.selection import finding_ids

_MOST_NAMED: Final = 20


class Targets(NamedTuple):
    """Findings to decide: these ids, or without ids all open and unapproved findings, narrowed by the filters.

    Of all findings the refuted ones are left out; with `is_confirmed`, only those count that nobody refutes and a
    reviewer confirms.
    """

    ids: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    is_confirmed: bool = False


class Grounds(NamedTuple):
    """Author and grounds of a decision."""

    author: str
    reason: str | None = None
    expires: str | None = None
    evidence: str = ""
    verified_how: str | None = None


def triage(store: Store, run: Run, action: Action, targets: Targets, grounds: Grounds) -> TriageResult:
    """Approve, defer, reject, reopen or close findings; a finding that has the decision already stays as it is.

    Raises FindingNotFound with every unknown id, FindingAmbiguous, and TriageNotApplicable with every finding that the
    action does not apply to; none of them writes anything.
    """
    # Everything inside the transaction: findings must not move between the check and the decision.
    with store.mutation() as conn:
        known = known_reviews(conn, run.id)
        due, settled, refuted = due_and_settled(conn, run, action, targets, grounds, known)
        changed = _write(conn, run, action, due, grounds)
        related = tuple(_same_cause(conn, run, changed, known)) if action is Action.APPROVE else ()
    return TriageResult(
        run_id=run.id,
        action=action,
        author=grounds.author,
        reason=grounds.reason,
        expires=grounds.expires,
        changed=changed,
        unchanged=tuple(finding_decided(item, item.status) for item in settled),
        next_action=_next_action(run, changed, refuted),
        refuted=refuted,
        same_cause=related,
    )


def _next_action(run: Run, changed: Sequence[FindingDecided], refuted: Sequence[str]) -> str:
    # Where nothing but refuted findings is open, the same approval would leave them out again.
    if refuted and not changed:
        return f"swarm reject {run.id} --ids {','.join(refuted[:_MOST_NAMED])} --reason '…'"
    return f"swarm status {run.id}"


def due_and_settled(
    conn: sqlite3.Connection, run: Run, action: Action, targets: Targets, grounds: Grounds, known: KnownReviews
) -> tuple[list[Decidable], list[Decidable], tuple[str, ...]]:
    """Return the findings that a decision would change, those that have the decision already, and the refuted ids.

    Raises what `triage` raises.
    """
    found, refuted = _found(conn, run, targets, known)
    settled = [item for item in found if _is_decided_so(item, action, grounds)]
    due = [item for item in found if not _is_decided_so(item, action, grounds)]
    # All or nothing: a list of ids that is half applied would have to be untangled by hand.
    _refuse(run, action, [item for item in due if not is_applicable(action, item.observation, item.decision)])
    return due, settled, refuted


def _found(
    conn: sqlite3.Connection, run: Run, targets: Targets, known: KnownReviews
) -> tuple[list[Decidable], tuple[str, ...]]:
    """Return the findings to decide, and the ids of those that are left out because they are refuted."""
    if targets.ids:
        return decisions.with_ids(conn, run.id, finding_ids(conn, run, targets.ids)), ()
    every = [
        item
        for item in decisions.undecided(conn, run.id)
        if (not targets.severities or item.severity in targets.severities)
        and (not targets.rules or (item.rule_id or item.category) in targets.rules)
    ]
    reviewed = {item.finding_id: known.standing(item.finding_id) for item in every}
    if targets.is_confirmed:
        return [item for item in every if reviewed[item.finding_id] == ReviewVerdict.CONFIRMED], ()
    refuted = tuple(name for name, verdict in reviewed.items() if verdict == ReviewVerdict.REFUTED)
    return [item for item in every if reviewed[item.finding_id] != ReviewVerdict.REFUTED], refuted


def _same_cause(
    conn: sqlite3.Connection, run: Run, changed: Sequence[FindingDecided], known: KnownReviews
) -> Iterator[SameCause]:
    """Yield, once for each cause, the findings that share it with an approved finding and are undecided."""
    related = {item.finding_id: known.same_cause(item.finding_id) for item in changed}
    left = {item.finding_id for item in decisions.undecided(conn, run.id)} if any(related.values()) else set()
    for finding_id, others in related.items():
        if named := tuple(other for other in others if other in left):
            left -= set(named)
            yield SameCause(finding_id, named)


def _is_decided_so(item: Decidable, action: Action, grounds: Grounds) -> bool:
    wanted = DECISION_OF.get(action)
    # Reopen and close are never there already: both depend on the observation.
    if wanted is None or item.decision != wanted or item.observation == Observation.FIXED:
        return False
    if action is Action.APPROVE:
        return grounds.reason in {None, item.decision_reason} and item.decision_expires is None
    # A decision of a file or a comment becomes the coordinator's own, even with the same words.
    is_ours = item.decision_source == Source.COORDINATOR
    return is_ours and (item.decision_reason, item.decision_expires) == (grounds.reason, grounds.expires)


def _refuse(run: Run, action: Action, items: Sequence[Decidable]) -> None:
    if not items:
        return
    named = ", ".join(f"{item.finding_id} ({_state(item)})" for item in items)
    ids = ",".join(item.finding_id for item in items)
    remedy = f"`swarm reopen {run.id} --ids {ids} --reason '…' --evidence '…'` makes what is fixed open again"
    if action is Action.REOPEN:
        remedy = f"`swarm findings {run.id} --status fixed,approved,deferred,rejected` lists what can be reopened"
    raise errors.TriageNotApplicable(action=_DONE[action], findings=named, remedy=remedy, run_id=run.id)


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
    conn: sqlite3.Connection, run: Run, action: Action, items: Sequence[Decidable], grounds: Grounds
) -> tuple[FindingDecided, ...]:
    taken = Taken(
        DECISION_OF.get(action, Decision.OPEN), grounds.reason, Source.COORDINATOR, grounds.author, grounds.expires
    )
    match action:
        case Action.REOPEN:
            decisions.reopen(conn, run.id, items, taken, OperatorEvidence(grounds.evidence))
            return tuple(finding_decided(item, status_of(decisions.reopened_as(item), Decision.OPEN)) for item in items)
        case Action.CLOSE:
            wave = waves.newest(conn, run.id)
            # The newest wave's commit is the best record of the state that the operator saw.
            number, commit = (None, None) if wave is None else (wave.number, wave.dispatch_sha)
            decisions.close(
                conn, run.id, items, taken, OperatorEvidence(grounds.evidence, grounds.verified_how, number, commit)
            )
            return tuple(finding_decided(item, Observation.FIXED) for item in items)
        case _:
            decisions.take(conn, run.id, ((item, taken) for item in items), None)
            return tuple(finding_decided(item, status_of(item.observation, taken.decision)) for item in items)


def finding_decided(item: Decidable, status: str) -> FindingDecided:
    """Return a finding with its status before and after a decision."""
    return FindingDecided(
        finding_id=item.finding_id,
        fingerprint=item.fingerprint,
        severity=item.severity,
        file=item.file,
        line=item.line,
        from_=item.status,
        to=status,
    )
