"""`swarm advance`: every gate shown, the run promoted or not, and the promotion recorded."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from swarm.errors import CATALOGUE
from swarm.waves import advance
from tests.cli.scenes.coordinator import Coordinator
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm, Workspace

LOW = {"severity": "LOW"}


@pytest.fixture
def run(swarm: Swarm, repo: Repo, workspace: Workspace) -> Coordinator:
    """A run with a frozen map."""
    return Coordinator(swarm, repo, workspace)


@pytest.fixture
def clean(run: Coordinator) -> Coordinator:
    """The same after a wave of health-audit-a that found nothing grave."""
    run.audit("health-audit-a", LOW)
    return run


@pytest.fixture
def grave(run: Coordinator) -> Coordinator:
    """The same after a wave of health-audit-a that found one HIGH."""
    run.audit("health-audit-a", {})
    return run


def gates(data: Any) -> dict[str, tuple[bool, bool, str]]:
    return {gate["name"]: (gate["passed"], gate["overridable"], gate["reason"]) for gate in data["gates"]}


PASSED = {
    "wave_collected": (True, False, "wave 1 (health-audit-a) is collected"),
    "agents_complete": (True, False, "every agent of wave 1 is complete"),
    "no_violations": (True, True, "no file was touched that should not have been"),
    "verification": (True, False, "audit phases need none"),
    "findings": (True, True, "no CRITICAL or HIGH open"),
    "declarations": (True, True, "nothing that an agent declared was dropped"),
}


def test_a_run_whose_gates_are_passed_is_promoted_and_all_of_it_is_recorded(clean: Coordinator) -> None:
    run = clean.place.run
    answer = clean.swarm("advance", run, "--format", "json")
    data = answer.data
    (step,) = data.pop("history")
    assert gates(data) == PASSED
    shown = data.pop("gates")
    assert data == {
        "runId": run,
        "verdict": "ADVANCE",
        "promoted": True,
        "fromPhase": "health-audit-a",
        "toPhase": "health-audit-b",
        "nextPhase": "health-audit-b",
        "reason": "every gate is passed",
        "overrides": [],
        "overrideReason": None,
        "nextAction": f"swarm dispatch {run} health-audit-b --isolate",
    }
    created = step.pop("created")
    assert created.endswith("Z")
    assert step == {
        "id": 1,
        "waveNumber": 1,
        "fromPhase": "health-audit-a",
        "toPhase": "health-audit-b",
        "gates": shown,
        "overrides": [],
        "reason": None,
    }
    status = clean.status
    assert (status["run"]["status"], status["waves"]["current"]["status"]) == ("health-audit-b", "advanced")
    assert clean.assessed == ("READY TO DISPATCH", [], f"swarm dispatch {run} health-audit-b --isolate")
    events = clean.swarm("events", "--format", "json").data["events"][-4:]
    assert [(event["kind"], event["from"], event["to"]) for event in events] == [
        ("wave_moved", "collected", "advanced"),
        ("receipt_made", None, "wave"),
        ("promoted", "health-audit-a", "health-audit-b"),
        ("run_moved", "health-audit-a", "health-audit-b"),
    ]


def test_the_text_shows_every_gate_what_came_of_it_and_what_next(grave: Coordinator) -> None:
    run = grave.place.run
    assert grave.swarm("advance", "--check-only", exit=1).out.splitlines() == [
        "AMEND: 1 HIGH open",
        "",
        "gate             result                   reason",
        "wave_collected   passed                   wave 1 (health-audit-a) is collected",
        "agents_complete  passed                   every agent of wave 1 is complete",
        "no_violations    passed                   no file was touched that should not have been",
        "verification     passed                   audit phases need none",
        "findings         not passed (--override)  1 HIGH open",
        "declarations     passed                   nothing that an agent declared was dropped",
        "",
        "Not promoted: health-audit-a stays; work goes on in health-amend-a; health-audit-b follows when the gates pass",
        f"Next: swarm approve {run} --all --severity CRITICAL,HIGH",
    ]


@pytest.mark.parametrize("words", [("--check-only",), ("--history",), ("--check-only", "--override", "--reason", "so")])
def test_a_check_is_a_pure_read(clean: Coordinator, words: tuple[str, ...]) -> None:
    with nothing_changes(clean.repo.root):
        data = clean.swarm("advance", *words, "--format", "json").data
    assert (data["verdict"], data["promoted"], data["toPhase"]) == ("ADVANCE", False, "health-audit-b")


def test_what_is_grave_promotes_nothing_and_names_the_amend_phase(grave: Coordinator) -> None:
    run = grave.place.run
    with nothing_changes(grave.repo.root):
        data = grave.swarm("advance", "--format", "json", exit=1).data
    assert (data["verdict"], data["promoted"], data["nextPhase"]) == ("AMEND", False, "health-amend-a")
    assert (data["reason"], gates(data)["findings"]) == ("1 HIGH open", (False, True, "1 HIGH open"))
    assert grave.assessed == ("AMEND NEEDED", ["1 HIGH open"], f"swarm approve {run} --all --severity CRITICAL,HIGH")
    assert grave.follow() == "approve"
    assert grave.assessed[2] == f"swarm dispatch {run} health-amend-a --isolate"
    assert grave.follow() == "dispatch"


def test_an_override_is_recorded_and_never_hides_the_gate(grave: Coordinator) -> None:
    data = grave.swarm("advance", "--override", "--reason", " known ", "--format", "json").data
    assert (data["verdict"], data["promoted"], data["toPhase"]) == ("ADVANCE", True, "health-audit-b")
    assert (data["overrides"], data["overrideReason"]) == (["findings"], "known")
    assert (data["reason"], gates(data)["findings"]) == ("overridden: 1 HIGH open", (False, True, "1 HIGH open"))
    with sqlite3.connect(grave.place.db) as conn:
        kept = conn.execute("SELECT from_phase, to_phase, overridden, reason, receipt_id FROM promotions").fetchall()
    conn.close()
    assert kept == [("health-audit-a", "health-audit-b", '["findings"]', "known", 1)]
    line = grave.swarm("advance", "--history").out.splitlines()[0]
    assert line.endswith("health-audit-a → health-audit-b  wave 1  overridden: findings (known)")


def test_an_override_that_had_nothing_to_pass_is_none(clean: Coordinator) -> None:
    data = clean.swarm("advance", "--override", "--reason", "to be sure", "--format", "json").data
    assert (data["promoted"], data["overrides"], data["overrideReason"]) == (True, [], None)
    assert data["history"][0]["reason"] is None


def test_what_cannot_be_overridden_is_not(run: Coordinator) -> None:
    run.swarm("dispatch", run.place.run, "health-audit-a", "--isolate")
    with nothing_changes(run.repo.root):
        data = run.swarm("advance", "--override", "--reason", "in a hurry", "--format", "json", exit=1).data
    assert (data["verdict"], data["promoted"], data["overrides"]) == ("BLOCK", False, [])
    assert data["reason"] == "wave 1 (health-audit-a) is dispatched; not complete: code, rest"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--override",), "REASON_REQUIRED"),
        (("--override", "--reason", "  "), "REASON_REQUIRED"),
        (("--reason", "why"), "CLI_USAGE"),
        (("--override", "--reason", "x" * 100_000), "CLI_USAGE"),
    ],
)
def test_half_a_wish_is_refused(clean: Coordinator, words: tuple[str, ...], code: str) -> None:
    with nothing_changes(clean.repo.root):
        assert clean.swarm("advance", *words, exit=CATALOGUE[code].exit_code).code == code


def test_after_a_promotion_there_is_nothing_to_advance_until_the_next_wave(clean: Coordinator) -> None:
    clean.swarm("advance")
    with nothing_changes(clean.repo.root):
        data = clean.swarm("advance", "--format", "json", exit=1).data
    assert (data["verdict"], data["reason"]) == ("BLOCK", "no wave of health-audit-b yet")
    assert clean.follow() == "dispatch"
    assert clean.status["run"]["status"] == "health-audit-b"


def test_a_violation_stays_in_the_way_until_a_reason_is_given_and_is_then_in_the_past(run: Coordinator) -> None:
    run.swarm("dispatch", run.place.run, "health-audit-a", "--isolate")
    (run.tree(1) / "src/app.py").write_text("# edited\n")
    run.answer()
    run.swarm("collect", exit=1)
    assert run.assessed == (
        "BLOCKED",
        [
            "code is ownership_violation: touched 1 file: src/app.py",
            "1 file was touched that should not have been",
        ],
        f"swarm redrive 1 {run.place.run}",
    )
    run.audit("health-audit-a")
    assert run.assessed == (
        "BLOCKED",
        ["1 file was touched that should not have been"],
        f"swarm advance {run.place.run} --override --reason '…'",
    )
    assert run.verdict() == ("BLOCK", {"no_violations"})
    assert run.status["violations"] == 1
    assert run.follow() == "advance"
    assert run.status["violations"] == 0
    run.audit("health-audit-b")
    assert run.verdict() == ("ADVANCE", set())


def test_an_amend_wave_is_merged_and_verified_before_it_is_advanced(grave: Coordinator) -> None:
    run = grave.place.run
    grave.swarm("approve", run, "--all")
    grave.amend("health-amend-a", *grave.open_ids())
    assert grave.assessed == ("VERIFY REQUIRED", ["the wave is not verified"], f"swarm merge {run}")
    assert grave.verdict() == ("VERIFY", {"verification"})
    data = grave.swarm("advance", "--override", "--reason", "trust me", "--format", "json", exit=1).data
    assert (data["verdict"], data["promoted"]) == ("VERIFY", False)
    grave.merge()
    assert grave.assessed[2] == f"swarm verify {run}"
    grave.verify("fail")
    assert grave.assessed[:2] == ("VERIFY REQUIRED", ["the newest verification of the wave says fail"])
    grave.verify()
    assert grave.assessed == ("READY TO ADVANCE", [], f"swarm advance {run}")
    last = grave.status["lastVerification"]
    created = last.pop("created")
    assert created.endswith("Z")
    assert last == {
        "id": 2,
        "verdict": "pass",
        "passed": True,
        "commitSha": grave.repo.head,
        "phase": "health-amend-a",
        "waveNumber": 2,
        "testCount": 12,
        "offending": 0,
    }
    expected = f"Verification 2 of {grave.repo.head[:12]} in health-amend-a: passed (pass)"
    assert expected in grave.swarm("status", run).out.splitlines()
    # Another commit than the one that was looked at.
    grave.merge("refs/heads/main", "1" * 40)
    assert grave.assessed[:2] == ("VERIFY REQUIRED", ["the wave has moved on since it was verified"])
    grave.verify(commit="1" * 40)
    grave.swarm("advance")
    assert grave.assessed == ("READY TO DISPATCH", [], f"swarm dispatch {run} health-audit-a --isolate")


def test_work_that_stands_on_the_integration_branch_alone_is_published_next(grave: Coordinator) -> None:
    run = grave.place.run
    grave.swarm("approve", run, "--all")
    grave.amend("health-amend-a", *grave.open_ids())
    grave.merge()
    grave.verify()
    grave.swarm("advance")
    assert grave.assessed == ("READY TO DISPATCH", [], f"swarm merge {run} --publish")
    grave.merge("refs/heads/main")
    assert grave.assessed[2] == f"swarm dispatch {run} health-audit-a --isolate"


def test_what_was_given_to_an_agent_and_not_answered_blocks(grave: Coordinator) -> None:
    grave.swarm("approve", grave.place.run, "--all")
    grave.amend("health-amend-a", edit=False)
    grave.verify()
    state, (blocker,), action = grave.assessed
    assert (state, action) == ("BLOCKED", f"swarm dispatch {grave.place.run} health-amend-a --isolate")
    assert blocker.startswith("dropped: F-")
    assert grave.verdict() == ("BLOCK", {"declarations"})
    data = grave.swarm("advance", "--override", "--reason", "later", "--format", "json").data
    assert (data["overrides"], data["toPhase"]) == (["declarations"], "health-audit-a")


def test_a_run_that_came_back_to_test_is_verified_there_again(run: Coordinator) -> None:
    run.audit("feature-audit")
    run.swarm("advance")
    assert run.assessed == ("VERIFY REQUIRED", ["test is not verified"], f"swarm verify {run.place.run}")
    run.verify()
    assert run.assessed[0] == "READY TO ADVANCE"
    run.audit("feature-audit")
    run.swarm("advance")
    assert run.assessed[:2] == ("VERIFY REQUIRED", ["test has moved on since it was verified"])


def test_of_two_at_once_one_is_a_conflict(clean: Coordinator, swarm_process: Swarm, after: Callable[..., None]) -> None:
    after(advance, "review", lambda: swarm_process("advance", clean.place.run))
    assert clean.swarm("advance", clean.place.run, exit=1).code == "STATE_CONFLICT"
    assert clean.status["run"]["status"] == "health-audit-b"
    assert len(clean.check().data["history"]) == 1


def test_a_gate_that_closes_while_the_run_is_promoted_stops_it(clean: Coordinator, after: Callable[..., None]) -> None:
    def meanwhile() -> None:
        with sqlite3.connect(clean.place.db) as conn:
            conn.execute("UPDATE findings SET severity = 'CRITICAL'")
        conn.close()

    after(advance, "review", meanwhile)
    data = clean.swarm("advance", clean.place.run, "--format", "json", exit=1).data
    assert (data["verdict"], data["promoted"], data["history"]) == ("AMEND", False, [])
    assert clean.status["waves"]["current"]["status"] == "collected"


def test_a_complete_run_is_left_as_it_is(run: Coordinator) -> None:
    run.audit("feature-audit")
    for _ in range(2):
        run.swarm("advance")
        run.verify()
    data = run.swarm("advance", "--format", "json").data
    assert (data["fromPhase"], data["toPhase"], data["promoted"]) == ("treatment", "complete", True)
    with nothing_changes(run.repo.root):
        data = run.swarm("advance", "--format", "json").data
    assert {name: data[name] for name in ("verdict", "promoted", "fromPhase", "toPhase", "nextPhase")} == {
        "verdict": "BLOCK",
        "promoted": False,
        "fromPhase": "complete",
        "toPhase": None,
        "nextPhase": None,
    }
    assert data["reason"] == "the run is complete"
    assert run.assessed == ("COMPLETE", [], f"swarm findings {run.place.run}")


def test_a_run_that_has_not_begun_is_blocked(run: Coordinator) -> None:
    data = run.check().data
    assert (data["verdict"], data["fromPhase"], data["nextPhase"]) == ("BLOCK", "initializing", "health-audit-a")
    assert run.swarm("advance", "--history").out.splitlines()[0] == "No promotions."
