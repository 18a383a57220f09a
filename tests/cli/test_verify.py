"""`swarm verify`, the gate of CI: its exit code is 0 only when the code and every claim about it hold."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import MENDED, RETITLED, Team
from tests.cli.scenes.merged import checkout, left_behind, tips
from tests.cli.scenes.snapshots import block_of
from tests.cli.scenes.verified import offending, verified, wave_status
from tests.cli.test_merge_gate import step
from tests.conftest import SOURCE, Repo, Swarm
from tests.stage import Stage

SWITCHED_OFF = "SWARM_SANDBOX=none is in the environment of the caller"
VERBS = ("verify", "verify-fixed", "verify-recurring", "verify-unverified", "verify-approved")


@pytest.fixture
def merged(team: Team, amended: Team, stage: Stage) -> Team:
    """The same with both agents' work published to `main`; two findings are fixed, one is approved."""
    stage.bring("merged", lambda: team.merge("--publish"))
    return amended


# --- exit 0 ----------------------------------------------------------------------------------------------


def test_a_verification_that_passes_is_shown_whole_and_kept(merged: Team) -> None:
    before = checkout(merged.repo.root)
    answer = verified(merged)
    (done,) = answer.data["steps"]
    assert (done["name"], done["kind"], done["passed"], done["exitCode"], done["testCount"]) == (
        "check",
        "test",
        True,
        0,
        1,
    )
    assert {name: value for name, value in answer.data.items() if name != "steps"} == {
        "runId": merged.run,
        "waveId": 2,
        "waveNumber": 2,
        "phase": "health-amend-a",
        "commitSha": merged.repo.head,
        "verdict": "pass",
        "adapter": "configured",
        "testCount": 1,
        "claims": {
            "summary": {
                "total": 2,
                "verified": 2,
                "regressed": 0,
                "claimedButStillPresent": 0,
                "drifted": 0,
                "broken": 0,
                "unverifiable": 0,
                "verified_via_distribution": {
                    "anchor": 2,
                    "cross_ref": 0,
                    "operator": 0,
                    "agent_attestation": 0,
                    "unverifiable": 0,
                },
            },
            "offending": [],
        },
        "threshold": 0,
        "thresholdExceeded": False,
        "exitCode": 0,
        "fixed": [],
        "verificationId": 2,
        "receiptId": 1,
        "probes": None,
        "note": None,
        "nextAction": f"swarm status {merged.run}",
        # The work left tests alone, so the base was not built for its number of tests.
        "baseTestCount": 1,
        "accepted": None,
        "reason": None,
        "isolation": {"backend": "none", "reason": SWITCHED_OFF, "policy": answer.data["isolation"]["policy"]},
        "ingest": None,
    }
    assert wave_status(merged) == "verified"
    assert checkout(merged.repo.root) == before
    assert left_behind(merged) == []
    assert merged.rows("SELECT purpose, commit_sha, verdict, threshold, exit_code FROM verifications WHERE id = 2") == [
        ("verify", merged.repo.head, "pass", 0, 0)
    ]


def test_the_receipt_is_a_row_and_a_file_of_the_same_words(merged: Team) -> None:
    data = verified(merged).data
    ((kind, verification, body),) = merged.rows("SELECT kind, verification_id, body FROM receipts")
    assert (kind, verification) == ("verification", data["verificationId"])
    file = merged.place.folder / merged.run / "proofs" / "verification-2.json"
    assert json.loads(file.read_text()) == json.loads(body)
    found = json.loads(body)
    assert (found["commitSha"], found["verdict"], found["exitCode"], found["offending"]) == (
        merged.repo.head,
        "pass",
        0,
        [],
    )


def test_the_text_says_what_passed_and_that_it_is_verified(merged: Team) -> None:
    lines = merged.swarm("verify").out.splitlines()
    assert lines[0] == f"Commit {merged.repo.head} looked at"
    assert lines[2:] == [
        "Build: pass by configured",
        f"⚠ Sandbox: none ({SWITCHED_OFF})",
        "2 findings looked at again: 2 verified",
        "✓ Verified. Receipt 1.",
        f"Next: swarm status {merged.run}",
    ]


def test_what_is_merged_and_not_published_is_what_is_proved_else_head(team: Team, amended: Team) -> None:
    team.merge()
    assert verified(team).data["commitSha"] == tips(team.repo)[team.integration]
    team.merge("--publish")
    team.repo.commit({"web/index.html": "<p>more</p>\n"})
    assert verified(team).data["commitSha"] == team.repo.head


def test_a_commit_may_be_named(merged: Team) -> None:
    merged.repo.commit({"src/tool.py": "# BROKEN\n"})
    assert verified(merged, "--commit", "HEAD~1").data["exitCode"] == 0
    assert verified(merged, exit=1).data["verdict"] == "fail"


def test_what_names_no_commit_is_refused(merged: Team) -> None:
    before = merged.rows("SELECT count(*) FROM verifications")
    for revision in ("nope", "", "HEAD:README.md", "--all", "0" * 40):
        assert verified(merged, f"--commit={revision}", exit=2).code == "CLI_USAGE"
    assert merged.rows("SELECT count(*) FROM verifications") == before


def test_claims_of_a_wave_without_worktrees_are_fixed_when_head_shows_them(team: Team) -> None:
    team.swarm("dispatch", "health-amend-a")
    ids = team.ids()
    team.collect(code=(ids["def load"],))
    refused = verified(team, exit=1)
    assert offending(refused) == [(ids["def load"], "claimed-but-still-present")]
    assert wave_status(team) == "collected"
    team.repo.commit({"src/app.py": MENDED})
    answer = verified(team)
    assert answer.data["fixed"] == [ids["def load"]]
    assert team.rows("SELECT evidence, fixed_wave, fixed_commit FROM findings WHERE status = 'fixed'") == [
        ("anchor", 2, team.repo.head)
    ]
    assert wave_status(team) == "verified"
    assert f"✓ 1 claimed finding fixed now: {ids['def load']}" not in team.swarm("verify").out


def test_a_claim_is_fixed_in_the_wave_that_ended_also_while_another_is_in_flight(team: Team) -> None:
    team.swarm("dispatch", "health-amend-a")
    ids = team.ids()
    team.collect(code=(ids["def load"],))
    team.repo.commit({"src/app.py": MENDED})
    team.swarm("dispatch", "health-audit-a")
    answer = verified(team)
    assert (answer.data["waveNumber"], answer.data["fixed"]) == (None, [ids["def load"]])
    assert team.rows("SELECT fixed_wave FROM findings WHERE status = 'fixed'") == [(2,)]
    assert wave_status(team) == "dispatched"


def test_a_branch_that_nobody_merged_proves_no_claim(team: Team, amended: Team) -> None:
    team.repo.git("commit", "-qam", "mended", cwd=team.tree("code"))
    answer = verified(team, "--commit", team.branch("code"), exit=1)
    assert (answer.data["verdict"], answer.data["fixed"]) == ("pass", [])
    assert team.status_of(team.ids()["def load"]) == "approved"


# --- exit 1 ----------------------------------------------------------------------------------------------


REFUSED = {
    "a test fails": (step("echo 3 ran; exit 1"), "fail"),
    "lint fails": (step("exit 1", kind="lint") + step("echo 3 ran"), "fail"),
    "no test ran": (step("echo 0 ran"), "no_tests"),
    "there is no test": (step("true", kind="build"), "no_tests"),
    "tests that nobody counted": (step("true"), "unmeasured_tests"),
    "a program is missing": (step("no-such-program-at-all"), "tool_missing"),
    "it is killed": (step("kill -9 $$"), "fail"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_only_a_build_that_passes_is_exit_0(merged: Team, what: str) -> None:
    toml, verdict = REFUSED[what]
    merged.prove_with(toml)
    answer = verified(merged, exit=1)
    assert (answer.document["ok"], answer.data["verdict"], answer.data["exitCode"]) == (True, verdict, 1)
    assert (answer.data["thresholdExceeded"], wave_status(merged)) == (False, "collected")
    way_out = f"no test ran; `swarm verify {merged.run} --accept no_tests --reason '…'` counts the findings alone"
    assert answer.data["note"] == (way_out if verdict == "no_tests" else None)
    assert merged.rows("SELECT verdict, exit_code FROM verifications WHERE purpose = 'verify'") == [(verdict, 1)]
    assert merged.rows("SELECT count(*) FROM receipts") == [(1,)]
    lines = merged.swarm("verify", exit=1).out.splitlines()
    assert "⊘ Not verified. Receipt 2." in lines


def test_a_repository_that_no_adapter_fits_is_skipped_and_exit_1(merged: Team) -> None:
    merged.prove_with("")
    merged.repo.git("rm", "-rq", "src/tool.py", "src/app.py", "tests")
    merged.repo.git("commit", "-qm", "no code")
    answer = verified(merged, exit=1)
    assert (answer.data["verdict"], answer.data["adapter"], answer.data["steps"]) == ("skip", None, [])


def test_an_unknown_adapter_is_refused_before_anything_is_recorded(merged: Team) -> None:
    before = merged.place.db.read_bytes()
    assert verified(merged, "--adapter", "cobol", exit=1).code == "BUILD_ADAPTER_UNKNOWN"
    assert merged.place.db.read_bytes() == before
    assert left_behind(merged) == []


def test_an_adapter_may_be_named(merged: Team) -> None:
    answer = verified(merged, "--adapter", "go", exit=1)
    assert (answer.data["adapter"], answer.data["verdict"]) == ("go", "tool_missing")
    assert [item["name"] for item in answer.data["steps"]] == ["go-vet", "go-test"]


def test_a_claim_that_changed_nothing_is_named_and_offends(team: Team) -> None:
    team.dispatch()
    ids = team.ids()
    team.edit("code", {"src/app.py": MENDED})
    team.collect(code=(ids["def load"], ids["return undefined_name"]))
    team.merge()
    guilty = ids["return undefined_name"]
    refused = verified(team, exit=1)
    assert offending(refused) == [(guilty, "claimed-but-still-present")]
    assert (refused.data["thresholdExceeded"], refused.data["verdict"]) == (True, "pass")
    lines = team.swarm("verify", exit=1).out.splitlines()
    assert (
        f"⊘ src/app.py:13  {guilty}  claimed-but-still-present by anchor: it stands unchanged at src/app.py:13" in lines
    )
    assert lines[-3:] == [
        "⊘ 1 finding offends, and 0 may",
        "⊘ Not verified. Receipt 2.",
        f"Next: swarm status {team.run}",
    ]
    assert wave_status(team) == "collected"
    passed = verified(team, "--threshold", "1")
    assert (passed.data["threshold"], passed.data["thresholdExceeded"]) == (1, False)
    assert wave_status(team) == "verified"


def test_a_fixed_finding_whose_line_is_back_has_regressed(merged: Team) -> None:
    ids = merged.ids()
    verified(merged)
    merged.repo.commit({"src/app.py": SOURCE["src/app.py"]})
    refused = verified(merged, exit=1)
    assert offending(refused) == [(ids["def load"], "regressed")]
    summary = refused.data["claims"]["summary"]
    assert (summary["verified"], summary["regressed"], summary["claimedButStillPresent"]) == (1, 1, 0)
    # The document says so; the state of the finding is a wave's to change.
    assert merged.status_of(ids["def load"]) == "fixed"


def test_a_fix_that_the_commit_does_not_hold_is_claimed_but_still_present(team: Team, amended: Team) -> None:
    before = team.repo.head
    team.merge("--publish")
    refused = verified(team, "--commit", before, exit=1)
    assert {kind for _, kind in offending(refused)} == {"claimed-but-still-present"}


def test_a_commit_without_the_wave_s_work_says_nothing_of_the_wave(team: Team, amended: Team) -> None:
    before = team.repo.head
    team.merge("--publish")
    elsewhere = verified(team, "--commit", before, "--threshold", "9")
    note = f"{before[:12]} does not hold the work of wave 2, and proves nothing of it"
    assert [elsewhere.data[key] for key in ("waveId", "phase", "note")] == [None, "elsewhere", note]
    assert f"⚠ {note}" in team.swarm("verify", "--commit", before, "--threshold", "9").out.splitlines()
    assert wave_status(team) == "collected"
    assert verified(team).data["waveId"] == 2
    assert wave_status(team) == "verified"


def test_an_older_commit_says_nothing_of_an_audit_wave(team: Team) -> None:
    before = team.repo.head
    team.repo.commit({"web/index.html": "<p>more</p>\n"})
    assert [verified(team, "--commit", before).data[key] for key in ("waveId", "phase")] == [None, "elsewhere"]
    assert verified(team).data["waveId"] == 1


def test_a_build_that_passes_with_a_claim_that_fails_is_reported_as_such(team: Team) -> None:
    team.dispatch()
    ids = team.ids()
    team.edit("code", {"src/app.py": MENDED})
    team.collect(code=(ids["def load"], ids["return undefined_name"]))
    team.merge("--publish")
    verified(team, exit=1)
    (line,) = [line for line in team.swarm("status").out.splitlines() if line.startswith("Verification")]
    assert line.endswith("not passed (build pass, 1 claim does not hold)")
    team.swarm("report", "-o", "page.html")
    page = (team.repo.root / "page.html").read_text()
    assert "claims fail" in page


# --- exit 2 ----------------------------------------------------------------------------------------------


def _gone(root: Path) -> None:
    shutil.rmtree(root / ".git")


def _damaged(root: Path) -> None:
    (root / ".git/HEAD").write_text("nonsense\n")


@pytest.mark.parametrize("break_it", [_gone, _damaged])
@pytest.mark.parametrize("verb", ["verify", "verify-fixed"])
def test_a_repository_that_cannot_be_read_is_exit_2(merged: Team, break_it: Callable[[Path], None], verb: str) -> None:
    break_it(merged.repo.root)
    answer = merged.swarm(verb, merged.run, "--format", "json", exit=2)
    assert (answer.document["ok"], answer.document["exitCode"]) == (False, 2)
    assert answer.code in {"REPO_NOT_GIT", "REPO_UNBORN", "GIT_FAILED"}


def test_a_repository_that_is_not_here_is_exit_2_and_exit_1_elsewhere(merged: Team, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(merged.place.folder, elsewhere / "swarms")
    shutil.rmtree(merged.repo.root)
    merged.repo.root.mkdir()
    merged.repo.root.rmdir()
    for verb in VERBS:
        answer = merged.swarm(verb, merged.run, "--format", "json", exit=2, cwd=elsewhere)
        assert (answer.code, answer.document["exitCode"]) == ("REPO_NOT_FOUND", 2)
    assert merged.swarm("merge", merged.run, exit=1, cwd=elsewhere).code == "REPO_NOT_FOUND"


def test_claims_of_which_none_can_be_checked_are_exit_2(team: Team) -> None:
    """A finding without a file has no line that could be gone."""
    team.swarm("dispatch", "health-audit-a")
    team.place.answer("code", wave=2)
    team.place.answer("rest", {"description": "Nothing says how to run it."}, wave=2)
    team.swarm("collect")
    ids = team.ids()
    team.swarm("approve", "--ids", ids[""])
    team.dispatch()
    team.edit("rest", {"README.md": RETITLED}, wave=3)
    team.collect(3, rest=(ids[""],))
    team.merge()
    answer = verified(team, exit=2)
    assert (answer.document["ok"], answer.data["verdict"], answer.data["exitCode"]) == (True, "pass", 2)
    summary = answer.data["claims"]["summary"]
    assert (summary["total"], summary["unverifiable"], answer.data["thresholdExceeded"]) == (1, 1, False)
    assert "⊘ It could not be looked at. Receipt 2." in team.swarm("verify", exit=2).out.splitlines()
    assert wave_status(team) == "collected"
    team.prove_with(step("exit 1"))
    assert verified(team, exit=2).data["verdict"] == "fail"


def test_a_clone_that_lacks_the_run_s_commit_is_none_of_its_repository(merged: Team, tmp_path: Path) -> None:
    merged.repo.git("clone", "-q", "--depth", "1", f"file://{merged.repo.root}", str(tmp_path / "clone"))
    words = ("--db", merged.place.db, "verify", merged.run, "--repo-path", tmp_path / "clone")
    assert merged.swarm(*words, exit=2).code == "REPO_NOT_FOUND"


# --- the threshold ---------------------------------------------------------------------------------------


BAD_THRESHOLDS = ["foo", "-1", "3abc", "1O", "", "٣", "1e3", "+1", " 1", "1 ", "1\n", "0x1", "1.0", "1_0"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_threshold_is_a_whole_number_of_ascii_digits_checked_before_anything(
    swarm: Swarm, repo: Repo, verb: str
) -> None:
    for raw in BAD_THRESHOLDS:
        for words in ((f"--threshold={raw}",), ("--threshold", raw)):
            answer = swarm(verb, *words, exit=2)
            shown = raw.replace("\n", "\\n")
            assert block_of(answer).splitlines() == [
                f"ERROR [CLI_INVALID_THRESHOLD]: --threshold expects a non-negative integer; got '{shown}'",
                "  Next: pass an integer >= 0, e.g. `--threshold 0` or `--threshold=3`",
            ]
    assert not (repo.root / "swarms").exists()


@pytest.mark.parametrize("verb", VERBS)
def test_a_threshold_without_a_value_is_reported_as_one_that_is_empty(swarm: Swarm, verb: str) -> None:
    answer = swarm(verb, "--format", "json", "--threshold", exit=2)
    assert (answer.code, answer.document["error"]["received"]) == ("CLI_INVALID_THRESHOLD", "")


def test_a_threshold_may_be_of_any_size(merged: Team) -> None:
    for raw, meant in (("0", 0), ("007", 7), ("9" * 40, 10**18), ("9" * 5000, 10**18)):
        assert verified(merged, "--threshold", raw).data["threshold"] == meant
