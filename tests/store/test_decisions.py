"""Decision columns of findings: each change is in the ledger, and what is observed stays as it is."""

import pytest

from swarm.rules.findings import Decision
from swarm.store import decisions, findings
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.decisions import Decidable, OperatorEvidence, Taken
from swarm.store.findings import Finding, Selection
from tests.store import rows
from tests.store.writers import steps

REJECTED = Taken(Decision.REJECTED, "meant so", "coordinator", "Ada", "2026-01-31")


@pytest.fixture
def two(store: Store, agent: AgentRun) -> list[Decidable]:
    """Two findings that nobody has decided."""
    with store.mutation() as conn:
        rows.add_finding(conn, 0x10)
        rows.add_finding(conn, 0x11)
    return list(decisions.undecided(store.conn, rows.RUN))


def found(store: Store) -> dict[str, Finding]:
    return {finding.finding_id: finding for finding in findings.select(store.conn, rows.RUN, Selection())}


def take(store: Store, item: Decidable, taken: Taken) -> Decidable:
    """Write a decision, and return the finding as it is decided."""
    with store.mutation() as conn:
        decisions.take(conn, rows.RUN, [(item, taken)], None)
    (after,) = decisions.with_ids(store.conn, rows.RUN, [item.finding_id])
    return after


def test_a_decision_has_its_reason_source_author_and_last_day(store: Store, two: list[Decidable]) -> None:
    after = take(store, two[0], REJECTED)
    assert (after.status, after.observation, after.decision) == ("rejected", "new", "rejected")
    assert after[12:15] == ("meant so", "coordinator", "Ada")
    assert after.decision_expires == "2026-01-31"
    assert decisions.decided_at(store.conn, after.row_id) == after.decided is not None
    assert steps(store, "finding_decided") == [("finding_decided", "finding:1", "new", "rejected")]
    assert list(decisions.undecided(store.conn, rows.RUN)) == [two[1]]


def test_findings_are_read_by_their_ids_in_the_order_asked_for(store: Store, two: list[Decidable]) -> None:
    ids = [two[1].finding_id, two[0].finding_id, "F-99999999"]
    assert decisions.with_ids(store.conn, rows.RUN, ids) == [two[1], two[0]]


def test_a_decision_holds_to_the_end_of_its_last_day(store: Store, two: list[Decidable]) -> None:
    after = take(store, two[0], REJECTED)
    with store.mutation() as conn:
        assert decisions.take_back_expired(conn, rows.RUN, "2026-01-31", None) == []
        assert decisions.take_back_expired(conn, rows.RUN, "2026-02-01", None) == [after]
    finding = found(store)["F-00000010"]
    assert (finding.status, finding.decision_reason, finding.decided_by) == ("new", None, None)
    assert steps(store, "finding_decided")[-1] == ("finding_decided", "finding:1", "rejected", "new")


@pytest.mark.parametrize(
    ("taken", "kept"),
    [(None, "open"), (REJECTED, "open"), (REJECTED._replace(decision=Decision.APPROVED), "approved")],
)
def test_a_finding_is_closed_on_an_operators_evidence_and_an_approval_stays(
    store: Store, two: list[Decidable], taken: Taken | None, kept: str
) -> None:
    item = take(store, two[0], taken) if taken else two[0]
    proof = OperatorEvidence("read the code", "independent", 1, rows.COMMIT)
    with store.mutation() as conn:
        decisions.close(conn, rows.RUN, [item], Taken(Decision.OPEN, "gone", "coordinator", "Ada"), proof)
    finding = found(store)["F-00000010"]
    assert (finding.status, finding.evidence, finding.decision) == ("fixed", "operator", kept)
    assert (finding.evidence_note, finding.verified_how, finding.fixed_commit) == (
        *("read the code", "independent"),
        rows.COMMIT,
    )
    assert steps(store, "finding_decided")[-1][3] == "fixed"


def test_a_finding_that_was_closed_is_unverified_once_it_is_reopened(store: Store, two: list[Decidable]) -> None:
    proof, why = (
        OperatorEvidence("read the code", "independent", 1, rows.COMMIT),
        Taken(Decision.OPEN, "gone", "coordinator", "A"),
    )
    with store.mutation() as conn:
        decisions.close(conn, rows.RUN, [two[0]], why, proof)
        (closed,) = decisions.with_ids(conn, rows.RUN, ["F-00000010"])
        decisions.reopen(conn, rows.RUN, [closed], why._replace(reason="still there"), OperatorEvidence("saw it"))
    finding = found(store)["F-00000010"]
    assert (finding.status, finding.evidence, finding.fixed_commit) == ("unverified", None, None)
    # An operator's word was no evidence of swarm's own, so nothing has come back.
    assert finding.regressions == 0


def test_a_finding_is_found_by_its_fingerprint(store: Store, two: list[Decidable]) -> None:
    assert decisions.with_fingerprint(store.conn, rows.RUN, f"{0x11:024x}") == two[1]
    assert decisions.with_fingerprint(store.conn, rows.RUN, "f" * 24) is None
    assert decisions.with_alias(store.conn, rows.RUN, f"{0x11:024x}") is None
