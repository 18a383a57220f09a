"""Waves of reviews: what they do to their run, and how they are resumed, corrected, removed and checked."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.reviews import PHASE, answer, review, verdict, verdicts
from tests.cli.scenes.triage import DOCS, EVAL, LOAD, ids, statuses, wave
from tests.cli.test_dispatch import rows
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept


def test_a_review_moves_no_phase_is_no_audit_and_holds_back_no_promotion(
    swarm: Swarm, repo: Repo, three: Workspace
) -> None:
    baseline = {"newWave": swarm("findings", "--format", "json", exit=1).data["new"]}
    swarm("dispatch", PHASE, "--review")
    status = swarm("status", "--format", "json").data
    assert (status["run"]["status"], status["assessment"]["nextAction"]) == (PHASE, f"swarm launch {three.run}")
    current = status["waves"]["current"]
    assert (current["number"], current["review"], current["status"]) == (2, True, "dispatched")
    assert "Wave 2 of 2 (health-audit-a, a review): dispatched, isolated" in swarm("status").out
    for verb in ("advance --check-only", "dispatch health-audit-b"):
        code = swarm(*verb.split(), exit=1).code
        assert code in {None, "DISPATCH_WAVE_IN_FLIGHT"}
    answer(three, "code", 2, verdict(ids(swarm, "bug"), "refuted"))
    answer(three, "rest", 2)
    assert swarm("status", "--format", "json").data["assessment"]["nextAction"] == f"swarm collect {three.run}"
    swarm("collect")
    swarm("findings", exit=1)
    assert swarm("findings", "--format", "json", exit=1).data["new"] == baseline["newWave"]
    assert swarm("findings", "--format", "json", exit=1).data["waveNumber"] == 1
    after = swarm("status", "--format", "json").data
    assert after["assessment"]["state"] == "AMEND NEEDED"
    assert (after["waves"]["current"]["number"], after["review"]["number"]) == (1, 2)
    assert swarm("ledger", "replay", "--check").out.endswith("The tables say the same.\n")
    swarm("advance", "--override", "--reason", "known")
    assert rows(three.db, "SELECT number, status FROM waves ORDER BY number") == [(1, "advanced"), (2, "collected")]


def test_a_run_is_promoted_while_a_review_is_in_flight(swarm: Swarm, three: Workspace) -> None:
    swarm("dispatch", PHASE, "--review")
    promoted = swarm("advance", "--override", "--reason", "known", "--format", "json").data
    assert (promoted["promoted"], promoted["nextAction"]) == (True, f"swarm launch {three.run}")
    answer(three, "code", 2)
    answer(three, "rest", 2)
    swarm("collect")
    assert swarm("status", "--format", "json").data["assessment"]["state"] == "READY TO DISPATCH"


def test_an_audit_after_a_review_keeps_the_verdicts(swarm: Swarm, three: Workspace) -> None:
    review(swarm, three, 2, verdict(ids(swarm, "bug")))
    wave(swarm, three, 3, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm) == {"bug": "recurring", "S307": "recurring", "docs": "recurring"}
    assert verdicts(swarm) == {"bug": "confirmed", "S307": None, "docs": None}


def test_a_review_between_an_amend_wave_and_its_merge_stands_in_nobodys_way(swarm: Swarm, amended: Team) -> None:
    place = amended.place
    swarm("dispatch", amended.run, PHASE, "--review")
    assert swarm("status", "--format", "json").data["run"]["status"] == "health-amend-a"
    for domain in ("code", "rest"):
        answer(place, domain, 3)
    swarm("collect", amended.run)
    assert swarm("status", "--format", "json").data["assessment"]["nextAction"] == f"swarm merge {amended.run}"
    amended.merge("--publish")
    swarm("verify", amended.run, "--threshold", "9")
    assert [status for (status,) in amended.rows("SELECT status FROM waves ORDER BY number")][1:] == [
        "verified",
        "collected",
    ]


def test_an_audit_verb_does_not_take_over_a_review_in_flight(swarm: Swarm, three: Workspace) -> None:
    swarm("dispatch", PHASE, "--review")
    assert swarm("audit", ".", exit=1).code == "DISPATCH_WAVE_IN_FLIGHT"


def test_a_failed_review_is_resumed_with_the_same_questions(swarm: Swarm, three: Workspace) -> None:
    swarm("dispatch", PHASE, "--review")
    answer(three, "rest", 2)
    swarm("collect", exit=1)
    assert f"Wave 2 (a review): failed; `swarm resume {three.run}` asks its reviewers again" in swarm("status").out
    before = (three.folder / three.run / "wave-2" / "code.md").read_text()
    swarm("resume", "--apply", "--reason", "once more")
    again = three.folder / three.run / "wave-2"
    second = (again / "code.2.md").read_text()
    assert "there is no output" in second.partition("## Why this is another try")[2]
    assert [line for line in second.splitlines() if line.startswith('{"id"')] == [
        line for line in before.splitlines() if line.startswith('{"id"')
    ]
    answered = verdict(ids(swarm, "bug"))
    (again / "code.2" / "output.json").write_text(
        json.dumps({"domain": "code", "summary": "Looked.", "reviews": [answered]})
    )
    assert len(swarm("collect", "--format", "json").data["reviews"]) == 1
    assert swarm("ledger", "replay", "--check").out.endswith("The tables say the same.\n")


def test_a_corrected_output_of_a_reviewer_is_accepted(swarm: Swarm, three: Workspace, tmp_path: Path) -> None:
    swarm("dispatch", PHASE, "--review")
    three.output("code", 2).write_text("{")
    answer(three, "rest", 2)
    swarm("collect", exit=1)
    corrected = tmp_path / "corrected.json"
    said = [verdict(ids(swarm, "bug"))]
    corrected.write_text(json.dumps({"domain": "code", "summary": "Looked.", "reviews": said}))
    swarm("revalidate", "--domain", f"code:{corrected}", "--apply", "--reason", "a bracket")
    assert rows(three.db, "SELECT status FROM waves WHERE number = 2") == [("collected",)]
    assert verdicts(swarm)["bug"] == "confirmed"
    assert swarm("ledger", "replay", "--check").out.endswith("The tables say the same.\n")


def test_a_review_and_its_verdicts_go_with_clean_and_rewind(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    review(swarm, three, 2, verdict(ids(swarm, "bug")))
    swarm("clean", "--apply", "--reason", "tidy")
    assert len(repo.git("worktree", "list").splitlines()) == 1
    swarm("dispatch", PHASE, "--review")
    point = rows(three.db, "SELECT save_point_tag FROM runs")[0][0]
    swarm("rewind", point, "--apply", "--reason", "begin again")
    assert rows(three.db, "SELECT status FROM waves ORDER BY number") == [("aborted_for_rewind",)] * 3
    assert swarm("ledger", "replay", "--check").out.endswith("The tables say the same.\n")


@pytest.mark.parametrize(
    "edit",
    swept(
        [
            "UPDATE reviews SET verdict = 'refuted'",
            "UPDATE reviews SET reviewer = 'claude'",
            "DELETE FROM reviews",
            "UPDATE waves SET review = 0 WHERE number = 2",
            "UPDATE waves SET review = 1 WHERE number = 1",
        ]
    ),
)
def test_an_edited_verdict_is_seen_by_the_ledger(swarm: Swarm, three: Workspace, edit: str) -> None:
    review(swarm, three, 2, verdict(ids(swarm, "bug")))
    with sqlite3.connect(three.db) as conn:
        conn.execute(edit)
    conn.close()
    assert swarm("ledger", "replay", "--check", "--format", "json", exit=1).data["differing"] == 1
