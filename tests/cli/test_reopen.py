"""`swarm reopen`: decisions are taken back, and fixes are unverified again."""

import pytest

from tests.cli.scenes.triage import DOCS, EVAL, EVIDENCE, decisions, found, ids, row, statuses, wave
from tests.conftest import Repo, Swarm, Workspace


def test_an_open_finding_cannot_be_reopened(swarm: Swarm, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    error = swarm("reopen", "--ids", bug, *EVIDENCE, "--format", "json", exit=1).document["error"]
    assert (error["code"], error["findings"]) == ("TRIAGE_NOT_APPLICABLE", f"{bug} (new)")


@pytest.mark.parametrize(
    ("verb", "more"), [("approve", ()), ("defer", ("--reason", "x")), ("reject", ("--reason", "x"))]
)
def test_a_decision_is_taken_back_by_reopen(swarm: Swarm, three: Workspace, verb: str, more: tuple[str, ...]) -> None:
    bug = ids(swarm, "bug")
    swarm(verb, "--ids", bug, *more)
    swarm("reopen", "--ids", bug, *EVIDENCE)
    finding = found(swarm)["bug"]
    assert (finding["status"], finding["reason"], finding["expires"]) == ("new", None, None)
    assert decisions(three)[-1] | {"author": ""} == {
        "from": {"approve": "approved", "defer": "deferred", "reject": "rejected"}[verb],
        "to": "new",
        "reason": "it is gone",
        "decision": "open",
        "source": "coordinator",
        "author": "",
        "evidence": "read the code",
    }
    assert row(three, bug, "regressions") == (0,)


@pytest.mark.parametrize(("by_evidence", "regressions"), [(True, 1), (False, 0)])
def test_reopening_a_fix_makes_it_unverified_and_counts_against_evidence_alone(
    swarm: Swarm, repo: Repo, three: Workspace, *, by_evidence: bool, regressions: int
) -> None:
    bug = ids(swarm, "bug")
    if by_evidence:
        repo.git("rm", "-q", "src/app.py")
        repo.commit(message="gone")
        wave(swarm, three, 2, EVAL, rest=(DOCS,))
    else:
        swarm("close", "--ids", bug, *EVIDENCE, "--verified-how", "independent")
    assert statuses(swarm)["bug"] == "fixed"
    swarm("reopen", "--ids", bug, "--reason", "it is there", "--evidence", "saw it")
    finding = found(swarm)["bug"]
    assert (finding["status"], finding["reason"], finding["evidence"]) == ("unverified", "reopened: it is there", None)
    columns = ("regressions", "fixed_wave", "fixed_commit", "verified_how", "evidence_note", "decision")
    assert row(three, bug, *columns) == (regressions, None, None, None, None, "open")
