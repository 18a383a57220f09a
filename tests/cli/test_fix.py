"""`swarm fix`: from findings to a verified branch in one call."""

import os
from pathlib import Path
from typing import Any

import pytest

from swarm.git import pull_request
from swarm.waves.fix import wave_steps
from tests.cli.errors.refusal import raises
from tests.cli.scenes import merge_team
from tests.cli.scenes.fixing import Fixing
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm


def states(data: dict[str, Any]) -> dict[str, str]:
    return {finding["file"]: finding["state"] for finding in data["findings"]}


def audited(swarm: Swarm, repo: Repo) -> None:
    """Audit a repository whose proof is a step of a configuration that git does not see."""
    (repo.root / "swarms").mkdir()
    (repo.root / "swarms" / "swarm.toml").write_text(merge_team.STEP)
    (repo.root / ".git/info").mkdir(exist_ok=True)
    (repo.root / ".git/info/exclude").write_text("swarm.toml\n")
    swarm("audit", ".", exit=1)


def test_findings_are_approved_fixed_by_their_agents_merged_and_verified_on_a_branch_of_the_run(
    fixing: Fixing,
) -> None:
    head = fixing.repo.head
    data = fixing.fix("--all", "--runtime", "played").data
    assert states(data) == {"src/app.py": "fixed", "README.md": "fixed"}
    assert [(f["domain"], f["runtime"], f["wave"], f["isNamed"]) for f in data["findings"]] == [
        ("rest", "played", 2, True),
        ("code", "played", 2, True),
    ]
    assert fixing.repo.git("show", f"{fixing.branch}:src/app.py") == merge_team.MENDED.rstrip()
    assert fixing.repo.git("show", f"{fixing.branch}:README.md") == merge_team.RETITLED.rstrip()
    tip = fixing.repo.git("rev-parse", fixing.branch)
    assert (data["branch"], data["fixedCommit"], data["published"]) == (fixing.branch, tip, False)
    assert (data["stoppedAt"], data["exitCode"], data["nextAction"]) == (None, 0, f"git merge {fixing.branch}")
    proof = data["proof"]
    assert (proof["isProved"], proof["build"]["testCount"], proof["claims"], proof["claimsHeld"]) == (True, 1, 2, 2)
    assert (fixing.repo.head, fixing.repo.git("status", "--porcelain")) == (head, "")
    assert fixing.calls == ["code", "rest"]
    # The phase of the wave, which the dispatch moved the run to.
    assert fixing.rows("SELECT DISTINCT phase FROM verifications") == [("health-amend-a",)]


def test_without_a_word_what_was_approved_before_is_fixed_and_the_text_says_by_whom_and_what_proved_it(
    fixing: Fixing,
) -> None:
    fixing.swarm("approve", fixing.ids()["def load"])
    out = fixing.swarm("fix", "--runtime", "played").out
    assert fixing.calls == ["code"]
    tip = fixing.repo.git("rev-parse", fixing.branch)[:12]
    finding = fixing.ids()["def load"]
    lines = out.splitlines()
    assert lines[:3] == [
        "1 of 1 finding fixed",
        f"✓ src/app.py:5  MEDIUM  bug  {finding}  fixed in code by played: anchor: the line is gone or was rewritten",
        "Wave 2 (health-amend-a, played): verified",
    ]
    assert lines[3].startswith("✓ check: passed in ")
    assert lines[4:] == [
        "Build: pass by configured",
        "⚠ Sandbox: none (SWARM_SANDBOX=none is in the environment of the caller)",
        f"Fixes that hold in commit {tip}: 1 of 1",
        f"Branch {fixing.branch} at {tip}",
        f"Next: git merge {fixing.branch}",
    ]


def test_a_second_call_has_nothing_left_and_publishes_what_the_first_one_verified(fixed: Fixing) -> None:
    assert fixed.fix("--all", "--runtime", "played", exit=2).code == "FIX_NOTHING_TO_FIX"
    branched = fixed.fix("--branch", "fixes").data
    assert (branched["branch"], branched["fixedCommit"]) == ("fixes", fixed.repo.git("rev-parse", "fixes"))
    assert branched["nextAction"] == "git merge fixes"
    data = fixed.fix("--publish").data
    assert (data["branch"], data["published"], data["findings"]) == ("main", True, [])
    assert fixed.repo.head == data["fixedCommit"] == branched["fixedCommit"]
    assert (fixed.repo.root / "src/app.py").read_text() == merge_team.MENDED
    assert fixed.calls == ["code", "rest"]
    assert fixed.fix("--publish", exit=2).code == "FIX_NOTHING_TO_FIX"


def test_a_finding_whose_fix_is_on_a_branch_has_not_come_back_until_an_audit_of_the_merge_missed_it(
    fixed: Fixing,
) -> None:
    def audited(number: int, *found: dict[str, Any]) -> tuple[int, list[str], int]:
        fixed.swarm("dispatch", "health-audit-a")
        fixed.place.answer("code", *found, wave=number)
        fixed.place.answer("rest", wave=number)
        fixed.swarm("collect")
        answer = fixed.swarm("findings", "--status", "all", "--format", "json", "--fail-on", "new", exit=None)
        rows = fixed.rows("SELECT observation FROM findings WHERE file = 'src/app.py'")
        return answer.exit, [row[0] for row in rows], answer.data["new"]

    # The branch of the fix is not merged: HEAD has the defect as before, and that is no news.
    fixed.repo.commit({"other.txt": "Of another branch.\n"})
    assert audited(3, merge_team.LOAD) == (0, ["recurring"], 0)
    assert fixed.rows("SELECT sum(regressions) FROM findings") == [(0,)]
    fixed.repo.git("merge", "-q", fixed.branch)
    assert audited(4) == (0, ["fixed"], 0)
    fixed.repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert audited(5, merge_team.LOAD) == (1, ["recurring"], 1)
    assert fixed.rows("SELECT sum(regressions) FROM findings") == [(1,)]
    fixed.swarm("ledger", "replay", "--check")


GH = """#!/bin/sh
echo "$@" >> {log}
[ "$2" = create ] && cat >> {log}
{answer}
"""


@pytest.fixture
def remote(fixed: Fixing) -> Path:
    """The repository's remote."""
    place = fixed.folder / "remote.git"
    fixed.repo.git("init", "-q", "--bare", str(place))
    fixed.repo.git("remote", "add", "origin", str(place))
    return place


def tip_in(remote: Path, fixed: Fixing, branch: str) -> str:
    return fixed.repo.git("--git-dir", str(remote), "rev-parse", branch)


def test_a_pull_request_is_opened_from_the_pushed_branch_by_gh(
    fixed: Fixing, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Outside of the repository, whose own programs are not run.
    log = tmp_path / "gh.log"
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text(GH.format(log=log, answer="echo https://example.invalid/pull/1"))
    (programs / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    data = fixed.fix("--branch", "fixes", "--pr").data
    address = "https://example.invalid/pull/1"
    assert data["pushed"] == {"remote": "origin", "branch": "fixes", "pullRequest": address, "command": None}
    assert tip_in(remote, fixed, "fixes") == data["fixedCommit"]
    called = log.read_text().splitlines()[0]
    title = f"--title=Fixes of swarm, verified in {data['fixedCommit'][:12]}"
    assert called == f"pr create --head=fixes --base=main {title} --body-file=-"
    (programs / "gh").write_text(GH.format(log=log, answer="echo not logged in >&2; exit 4"))
    error = fixed.fix("--branch", "fixes", "--pr", exit=1).document["error"]
    assert (error["code"], error["step"], error["problem"]) == ("FIX_NOT_PUSHED", "gh", "not logged in")


def test_without_gh_the_branch_is_pushed_and_the_command_is_named(
    fixed: Fixing, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_request, "program", lambda _folder: None)
    data = fixed.fix("--pr").data
    assert tip_in(remote, fixed, fixed.branch) == data["fixedCommit"]
    assert data["nextAction"] == data["pushed"]["command"]
    assert data["nextAction"].startswith(f"gh pr create --head={fixed.branch} --base=main ")


@pytest.mark.sweep
@raises("FIX_NOT_PUSHED")
def test_a_push_that_the_remote_refuses_is_reported_and_nothing_is_forced(
    fixed: Fixing, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_request, "program", lambda _folder: None)
    fixed.repo.git("checkout", "-q", "-b", "other")
    theirs = fixed.repo.commit({"other.txt": "theirs\n"})
    fixed.repo.git("push", "-q", "origin", "other:fixes")
    fixed.repo.git("checkout", "-q", "main")
    error = fixed.fix("--branch", "fixes", "--pr", exit=1).document["error"]
    assert (error["code"], error["step"]) == ("FIX_NOT_PUSHED", "the push to origin")
    assert error["remedy"] == "git push origin fixes"
    assert tip_in(remote, fixed, "fixes") == theirs
    assert fixed.repo.git("rev-parse", "fixes") == fixed.repo.git("rev-parse", fixed.branch)


def test_a_branch_that_cannot_take_the_fix_is_refused_before_anything_is_done(fixing: Fixing) -> None:
    fixing.repo.git("checkout", "-q", "-b", "other")
    tip = fixing.repo.commit({"other.txt": "mine\n"})
    fixing.repo.git("checkout", "-q", "main")
    problems = {
        "main": f"it is checked out in {fixing.repo.root}; --publish moves the branch of the run",
        "other": f"it holds work that the fix would lose ({tip[:12]})",
        "a..b": "git takes no branch of this name",
        "-x": "git takes no branch of this name",
        "swarm/mine": "the branches below swarm/ are those of swarm's runs",
        "other/below": "branch other stands in its way",
    }
    with nothing_changes(fixing.repo.root):
        errors = {
            name: fixing.fix("--all", "--runtime", "played", f"--branch={name}", exit=2).document["error"]
            for name in problems
        }
    assert {name: error["problem"] for name, error in errors.items()} == problems
    assert {error["code"] for error in errors.values()} == {"FIX_BRANCH_TAKEN"}


def test_a_dry_run_says_who_would_fix_what_and_changes_nothing(fixing: Fixing) -> None:
    with nothing_changes(fixing.repo.root):
        data = fixing.fix("--severity", "MEDIUM", "--runtime", "played", "--dry-run").data
    assert (states(data), data["dryRun"], data["waves"]) == (
        {"src/app.py": "planned", "README.md": "planned"},
        True,
        [],
    )
    assert data["nextAction"] == f"swarm fix {fixing.place.run} --severity MEDIUM --runtime played"


def test_findings_of_agents_need_an_agent_and_nothing_is_approved_without_one(fixing: Fixing) -> None:
    with nothing_changes(fixing.repo.root):
        error = fixing.fix("--all", exit=2).document["error"]
    assert error["code"] == "FIX_NOBODY"
    assert error["message"].endswith(" (an agent reported it, and no agent is named)")


def test_an_agent_is_not_offered_where_it_cannot_help(fixing: Fixing) -> None:
    run = fixing.place.run
    fixing.swarm("domains", "--unfreeze", "--reason", "the map changes")
    fixing.swarm("domains", "--edit", "code", "--ownership", "shared")
    error = fixing.fix(fixing.ids()["def load"], "--runtime", "played", exit=2).document["error"]
    assert error["message"].endswith(" (code owns its file, and has no agent (shared))")
    assert error["hint"] == (
        f"`swarm domains {run}` shows who owns which files; `swarm domains {run} --unfreeze --reason '…'` lets the map be"
        " edited"
    )


def test_a_run_of_a_detached_head_has_no_branch_to_move(fixing: Fixing, swarm: Swarm) -> None:
    fixing.repo.git("checkout", "-q", "--detach")
    swarm("init", ".", "--new")
    swarm("audit", ".", exit=1)
    error = swarm("fix", "--all", "--publish", "--format", "json", exit=2).document["error"]
    assert error["message"].startswith("--publish moves the branch of the run, which was made on a detached HEAD")


@pytest.mark.sweep
def test_what_was_approved_before_is_taken_along_and_its_failure_is_not_the_commands(fixing: Fixing) -> None:
    ids = fixing.ids()
    fixing.swarm("approve", ids["# A project"])
    fixing.plays({"code": {"src/app.py": merge_team.MENDED}}, claims=True)
    answer = fixing.fix(ids["def load"], "--runtime", "played", exit=1)
    # Its agent claimed a fix that is none, and a commit with a false claim is not verified.
    assert states(answer.data) == {"src/app.py": "fixed", "README.md": "claimed"}
    assert (answer.data["stoppedAt"], answer.data["branch"]) == ("verify", fixing.branch)
    assert fixing.fix("--branch", "fixes", exit=1).data["stoppedAt"] == "verify"
    assert fixing.repo.git("branch", "--list", "fixes") == ""


@pytest.mark.sweep
def test_an_agent_that_fixes_nothing_and_says_so_leaves_no_branch_and_exit_1(fixing: Fixing) -> None:
    fixing.plays({}, claims=False)
    data = fixing.fix("--all", "--runtime", "played", exit=1).data
    assert states(data) == {"src/app.py": "not_fixed", "README.md": "not_fixed"}
    assert (data["branch"], data["proof"], data["stoppedAt"]) == (None, None, None)


@pytest.mark.sweep
def test_red_tests_stop_the_fix_before_its_branch_and_the_next_call_goes_on_with_the_same_work(
    fixing: Fixing,
) -> None:
    broken = merge_team.MENDED + "# BROKEN\n"
    fixing.plays({"code": {"src/app.py": broken}, "rest": {"README.md": merge_team.RETITLED}})
    answer = fixing.fix("--all", "--runtime", "played", exit=1)
    assert answer.code == "MERGE_GATE_FAILED"
    assert answer.document["error"]["culprits"] == ["code"]
    stopped = next(event for event in answer.events if event["stage"] == "fix_stopped")
    branches = ", ".join(fixing.branch.replace("integration", f"w2-{domain}") for domain in ("code", "rest"))
    anew = f"`swarm fix {fixing.place.run} --anew` gives its findings to another wave"
    assert stopped["message"] == f"the work lies on {branches}; {anew}"
    assert fixing.repo.git("branch", "--list", fixing.branch) == ""
    # The test is what was wrong: nothing is launched again.
    file = fixing.place.folder / "swarm.toml"
    file.write_text(file.read_text().replace("! grep -rqs BROKEN", "! grep -rqs WORSE"))
    assert states(fixing.fix("--all", "--runtime", "played").data) == {"src/app.py": "fixed", "README.md": "fixed"}
    assert fixing.calls == ["code", "rest"]


@pytest.mark.sweep
def test_a_target_that_is_red_by_itself_gets_no_proof_and_the_fix_says_so(fixing: Fixing) -> None:
    file = fixing.place.folder / "swarm.toml"
    red = '! grep -rqs undefined_name src || { echo \\"FAILED tests/test_app.py::test_name - x\\"; false; }'
    file.write_text(file.read_text().replace("! grep -rqs BROKEN src docs README.md", red))
    answer = fixing.fix(fixing.ids()["def load"], "--runtime", "played", exit=1)
    assert (states(answer.data), answer.data["stoppedAt"]) == ({"src/app.py": "fixed"}, "verify")
    note = "check is red without the fix, too: nothing is worse than before, and nothing is proved"
    assert (answer.data["proof"]["isProved"], answer.data["proof"]["note"]) == (False, note)
    assert answer.data["nextAction"] == f"swarm verify {fixing.place.run}"


@pytest.mark.sweep
def test_anew_leaves_refused_work_where_it_is_and_gives_the_findings_to_another_wave(fixing: Fixing) -> None:
    refused = merge_team.MENDED + "# BROKEN\n"
    fixing.plays({"code": {"src/app.py": refused}})
    finding = fixing.ids()["def load"]
    assert fixing.fix(finding, "--runtime", "played", exit=1).code == "MERGE_GATE_FAILED"
    fixing.plays()
    data = fixing.fix(finding, "--runtime", "played", "--anew").data
    assert (states(data), [wave["number"] for wave in data["waves"]]) == ({"src/app.py": "fixed"}, [3])
    tree = fixing.place.folder / fixing.place.run / "worktrees/w2-code"
    assert (tree / "src/app.py").read_text() == refused


def test_a_fix_whose_tests_could_not_run_says_what_helps_and_goes_on_when_called_again(fixing: Fixing) -> None:
    config = fixing.place.folder / "swarm.toml"
    whole = config.read_text()
    config.write_text(whole.replace("! grep -rqs BROKEN src docs README.md", "no-such-program-at-all"))
    refused = fixing.fix(fixing.ids()["def load"], "--runtime", "played", exit=1)
    goes_on = f"swarm fix {fixing.place.run}"
    install = (
        "install what the step runs, here or by `setup` under [verify] of swarm.toml, or say in [verify] of swarm.toml"
    )
    assert refused.document["error"]["hint"] == f"{install} what proves it; then `{goes_on}`"
    config.write_text(whole)
    assert states(fixing.swarm(*goes_on.split()[1:], "--format", "json").data) == {"src/app.py": "fixed"}


def test_an_edit_in_a_foreign_file_fails_the_wave_and_nothing_is_merged(fixing: Fixing) -> None:
    fixing.plays({"code": {"src/app.py": merge_team.MENDED, "README.md": "# Mine\n"}})
    data = fixing.fix(fixing.ids()["def load"], "--runtime", "played", exit=1).data
    assert (data["stoppedAt"], data["waves"][0]["status"], data["branch"]) == ("collect", "failed", None)
    assert states(data) == {"src/app.py": "not_fixed"}
    assert data["findings"][0]["reason"] == "ownership_violation: touched 1 file: README.md"


def test_an_agent_whose_program_fails_stops_the_fix_with_its_exit_class_and_is_tried_again(fixing: Fixing) -> None:
    fixing.plays(exit=7)
    answer = fixing.fix("--all", "--runtime", "played", exit=3)
    assert (answer.data["stoppedAt"], answer.data["waves"][0]["status"]) == ("launch", "dispatched")
    assert answer.data["nextAction"] == f"swarm fix {fixing.place.run}"
    (reason,) = {finding["reason"] for finding in answer.data["findings"]}
    assert reason.startswith("failed: ")
    fixing.plays()
    again = fixing.fix("--all", "--runtime", "played").data
    assert [wave["number"] for wave in again["waves"]] == [2]
    assert states(again) == {"src/app.py": "fixed", "README.md": "fixed"}


def test_a_call_that_is_interrupted_before_each_step_goes_on_with_that_step(
    fixing: Fixing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for step in ("launch_again", "collect", "merge", "verify"):
        with monkeypatch.context() as patched:
            patched.setattr(wave_steps, step, interrupted)
            fixing.fix("--all", "--runtime", "played", exit=130)
    data = fixing.fix("--all", "--runtime", "played").data
    assert states(data) == {"src/app.py": "fixed", "README.md": "fixed"}
    assert [(wave["number"], wave["status"]) for wave in data["waves"]] == [(2, "verified")]
    assert fixing.calls == ["code", "rest"]
    assert fixing.rows("SELECT count(*) FROM merges") == [(1,)]


def test_a_wave_in_which_a_person_works_is_left_alone(fixing: Fixing) -> None:
    fixing.swarm("approve", "--all")
    fixing.swarm("dispatch", "health-amend-a", "--isolate")
    with nothing_changes(fixing.repo.root):
        assert fixing.fix("--all", "--runtime", "played", exit=1).code == "DISPATCH_WAVE_IN_FLIGHT"


@pytest.mark.sweep
def test_each_tool_fixes_its_own_findings_in_a_wave_of_its_own_and_all_end_on_one_branch(
    swarm: Swarm, repo: Repo
) -> None:
    repo.commit({"lib/a.py": "import os\n", "lib/tool.sh": "#!/bin/bash\nrm $1\n"})
    audited(swarm, repo)
    fixable = swarm("findings", "--rule", "SC2086", "--json", exit=1).data["findings"][0]["findingId"]
    run = swarm("runs", "--json").data[0]["id"]
    assert swarm("show", fixable).out.endswith(f"Next: swarm fix {run} {fixable}\n")
    data = swarm("fix", "--rule", "SC2086,F401", "--json").data
    assert [(wave["number"], wave["runtime"], wave["status"]) for wave in data["waves"]] == [
        (2, "ruff", "verified"),
        (3, "shellcheck", "verified"),
    ]
    assert {f["state"] for f in data["findings"]} == {"fixed"}
    assert data["notes"] == []
    assert repo.git("show", f"{data['branch']}:lib/tool.sh") == '#!/bin/bash\nrm "$1"'
    assert repo.git("show", f"{data['branch']}:lib/a.py") == ""


def test_tools_fix_what_they_report_and_what_no_tool_can_fix_is_left_out_and_said(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"src/app.py": "import os\nimport re\n\n\ndef load(path, seen=[]):\n    return re, path, seen\n"})
    audited(swarm, repo)
    data = swarm("fix", "--rule", "F401,B006", "--format", "json", exit=1).data
    found = {(f["file"], f["rule"]): (f["state"], f["runtime"], f["reason"]) for f in data["findings"]}
    evidence = "anchor: the line is gone or was rewritten"
    assert found[("src/app.py", "F401")] == ("fixed", "ruff", evidence)
    left_out = found[("src/app.py", "B006")]
    assert left_out == ("left_out", None, "ruff has no safe fix for it, and no agent is named")
    assert swarm("show", next(f["findingId"] for f in data["findings"] if f["rule"] == "B006")).out.endswith(
        f"Next: fix it, commit, and run `swarm audit {repo.root}`\n"
    )
    # Nobody approved what nobody can fix.
    assert swarm("findings", "--status", "approved", "--format", "json").data["findings"] == []
    assert data["proof"]["isProved"] is True


def test_unsorted_and_unused_imports_of_a_block_are_fixed_by_one_call(swarm: Swarm, repo: Repo) -> None:
    source = "import sys\nimport os\nimport re\nimport json\n\nprint(sys, json)\n"
    repo.commit({"ruff.toml": 'lint.select = ["F", "I"]\n', "src/app.py": source})
    audited(swarm, repo)
    data = swarm("fix", "--rule", "F401,I001", "--format", "json").data
    found = [(f["rule"], f["state"]) for f in data["findings"] if f["file"] == "src/app.py"]
    assert sorted(found) == [("F401", "fixed"), ("F401", "fixed"), ("I001", "fixed")]
    assert data["proof"]["isProved"] is True
    assert repo.git("show", f"{data['branch']}:src/app.py") == "import json\nimport sys\n\nprint(sys, json)"


def test_without_tests_a_fix_goes_on_for_a_reason_and_says_that_nothing_was_tested(fixing: Fixing) -> None:
    config = fixing.place.folder / "swarm.toml"
    config.write_text(config.read_text().replace('kind = "test"', 'kind = "lint"'))
    fixing.swarm("approve", fixing.ids()["def load"])
    refused = fixing.swarm("fix", "--runtime", "played", exit=1)
    assert refused.code == "MERGE_GATE_FAILED"
    goes_on = f"`swarm fix {fixing.place.run} --accept no_tests --reason '…'` goes on without tests"
    assert [line for line in refused.err.splitlines() if goes_on in line][-1] == f"  Next: {goes_on}"
    answer = fixing.fix("--accept", "no_tests", "--reason", "it has none")
    proof = answer.data["proof"]
    assert (answer.data["stoppedAt"], proof["build"]["accepted"], proof["claimsHeld"]) == (None, "no_tests", 1)
    assert fixing.rows("SELECT accepted, reason, exit_code FROM verifications ORDER BY id DESC LIMIT 1") == [
        ("no_tests", "it has none", 0)
    ]
    assert "no test ran, which was accepted" in str(proof["note"])
