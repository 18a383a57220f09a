"""`swarm defer`: a deferral has an author, a reason and a last day."""

import pytest

from swarm import clock
from tests.cli.scenes.documents import valid
from tests.cli.scenes.triage import DOCS, EVAL, LOAD, decisions, found, ids, row, statuses, wave
from tests.conftest import Repo, Swarm, Workspace


def test_a_decision_knows_who_took_it_when_why_and_until_when(
    swarm: Swarm, repo: Repo, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("config", "user.name", "Ada  Lovelace")
    repo.git("config", "user.email", "ada@example.invalid")
    monkeypatch.setattr(clock, "now", lambda: "2026-11-21T10:00:00.000Z")
    monkeypatch.setattr("swarm.store.decisions.now", clock.now)
    bug = ids(swarm, "bug")
    swarm("defer", three.run[:20], "--ids", bug, "--reason", " after the\nrelease ", "--expires", "2026-12-31")
    finding = found(swarm)["bug"]
    expected = {
        "status": "deferred",
        "reason": "after the\nrelease",
        "decisionSource": "coordinator",
        "decidedBy": "Ada Lovelace <ada@example.invalid>",
        "expires": "2026-12-31",
    }
    assert {key: finding[key] for key in expected} == expected
    assert row(three, bug, "decided") == ("2026-11-21T10:00:00.000Z",)
    assert decisions(three) == [
        {
            "from": "new",
            "to": "deferred",
            "reason": "after the\nrelease",
            "decision": "deferred",
            "source": "coordinator",
            "author": "Ada Lovelace <ada@example.invalid>",
            "expires": "2026-12-31",
        }
    ]


def test_a_deferral_survives_rediscovery_and_is_taken_back_after_its_last_day(
    swarm: Swarm, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug = ids(swarm, "bug")
    valid(swarm("defer", "--ids", bug, "--reason", "later", "--expires", "9998-01-01", "--format", "json"), "defer", 0)
    wave(swarm, three, 2, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm)["bug"] == "deferred"
    monkeypatch.setattr(clock, "now", lambda: "9998-01-02T00:00:00.000Z")
    wave(swarm, three, 3, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm)["bug"] == "recurring"
    assert decisions(three)[-1]["reason"] == "expired on 9998-01-01"


def test_a_deferred_finding_is_neither_open_nor_given_to_an_amend_wave(swarm: Swarm, three: Workspace) -> None:
    swarm("approve", "--all")
    swarm("defer", "--ids", ids(swarm, "bug", "S307", "docs"), "--reason", "after the release")
    assert swarm("findings", "--format", "json").data["findings"] == []
    assert swarm("dispatch", "health-amend-a", "--isolate", exit=1).code == "DISPATCH_NOTHING_APPROVED"
