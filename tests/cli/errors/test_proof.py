"""Errors of merges, proofs, the ledger, clean and rewind."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from swarm.waves.prove import merge
from tests.cli.errors.refusal import raises
from tests.cli.scenes.launched_agents import Agents
from tests.cli.scenes.merge_team import STEP, Team
from tests.cli.scenes.snapshots import block_of
from tests.conftest import RefusedRows, Repo, Swarm, Workspace


@raises("MERGE_CONFLICT")
def test_work_that_does_not_merge_is_reported_with_files_and_domains(team: Team, amended: Team) -> None:
    team.repo.commit({"README.md": "# Moved\n"})
    error = team.merge(exit=1).document["error"]
    expected = f"leave one out with `swarm merge {team.run} --drop rest`, or "
    assert error == {
        "code": "MERGE_CONFLICT",
        "message": "Wave 2 does not merge: README.md (domains rest)",
        "hint": f"nothing was published; {expected}merge branch {team.branch('rest')} into the target by hand, and call "
        "`swarm merge` again",
        "number": 2,
        "files": ["README.md"],
        "domains": ["rest"],
        "branch": team.branch("rest"),
        "note": "",
        "remedy": expected,
        "runId": team.run,
        "cause": "README.md",
    }


@raises("MERGE_GATE_FAILED")
def test_a_merge_that_is_red_is_reported_with_its_culprits_and_where_the_log_is(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": "# BROKEN\n"})
    team.collect()
    error = team.merge(exit=1).document["error"]
    log = Path(error["path"])
    assert (log / "stdout.log").read_text() == ""
    assert error == {
        "code": "MERGE_GATE_FAILED",
        "message": f"The merge of wave 2 is not proved in commit {error['commit']}: fail; step check ended failed; "
        "by the work of code",
        "hint": f"`swarm merge {team.run} --drop-culprits` leaves code out",
        "number": 2,
        "verdict": "fail",
        "told": "; step check ended failed; by the work of code",
        "culprits": ["code"],
        "path": str(log),
        "remedy": f"`swarm merge {team.run} --drop-culprits` leaves code out",
        "runId": team.run,
        "commit": log.parent.name.removeprefix("0002-"),
        "lastLines": [],
    }


@raises("PUBLISH_RACED")
def test_a_target_that_moved_at_the_last_moment_is_reported_with_both_commits(
    team: Team, amended: Team, after: Callable[..., None]
) -> None:
    base = team.repo.head
    team.repo.git("checkout", "-q", "-b", "elsewhere")
    after(merge, "proved", lambda: team.repo.git("branch", "-f", "main", team.branch("rest")))
    error = team.merge("--publish", exit=1).document["error"]
    found = team.repo.git("rev-parse", "main")
    assert {name: error[name] for name in ("code", "message", "hint", "ref", "expected", "found")} == {
        "code": "PUBLISH_RACED",
        "message": f"Branch main moved while it was published to: expected {base}, found {found}",
        "hint": "run `swarm merge` again, which begins from where the branch is now",
        "ref": "main",
        "expected": base,
        "found": found,
    }


@raises("INTEGRATION_MOVED")
def test_an_integration_branch_that_somebody_moved_is_reported_with_how_to_put_it_back(
    team: Team, amended: Team
) -> None:
    team.merge()
    left, found = (team.repo.git("rev-parse", branch) for branch in (team.integration, team.branch("rest")))
    team.repo.git("branch", "-f", team.integration, found)
    error = team.merge(exit=1).document["error"]
    remedy = f"update-ref refs/heads/{team.integration} {left}"
    assert error == {
        "code": "INTEGRATION_MOVED",
        "message": f"Branch {team.integration} is at {found}, where swarm did not put it",
        "hint": f"inspect it with `git log {team.integration}`; `swarm merge {team.run}` continues an interrupted "
        f"merge, and `git {remedy}` returns the branch to where the last merge left it",
        "branch": team.integration,
        "found": found,
        "remedy": remedy,
        "runId": team.run,
    }


@raises("PROOF_DISTURBED")
def test_a_proof_that_writes_elsewhere_is_reported_with_the_files(team: Team, amended: Team) -> None:
    root = team.repo.root
    team.prove_with(STEP.replace("! grep", f"echo x > {root}/new.py; ! grep"))
    error = team.swarm("verify", "--format", "json", exit=1).document["error"]
    commit = team.repo.head[:12]
    assert error == {
        "code": "PROOF_DISTURBED",
        "message": f"While {commit} was proved, something outside of its worktree changed: new.py",
        "hint": "if you changed it, repeat the command; else find out what the commit's tests do, and repair your "
        "checkout",
        "commit": commit,
        "files": ["new.py"],
        "path": str(root),
    }


@raises("PUBLISH_UNVERIFIED")
def test_files_whose_newest_verification_failed_are_not_published_until_they_verify(team: Team, amended: Team) -> None:
    team.merge()
    team.prove_with(STEP.replace("echo 1 ran", "false"))
    team.swarm("verify", team.run, exit=1)
    team.prove_with(STEP)
    before = team.repo.head
    error = team.merge("--publish", exit=1).document["error"]
    commit = team.repo.git("rev-parse", team.integration)[:12]
    assert error == {
        "code": "PUBLISH_UNVERIFIED",
        "message": f"Verification 2 of {commit}, the newest of the merged files, failed (its build: fail)",
        "hint": f"`swarm verify {team.run} --commit {commit}` verifies them again; `swarm receipt {team.run}` shows what "
        "failed",
        "verification": 2,
        "verdict": "fail",
        "commit": commit,
        "runId": team.run,
    }
    assert team.repo.head == before
    team.swarm("verify", team.run, "--commit", commit)
    team.merge("--publish")
    assert team.repo.head != before


@raises("PUBLISH_TARGET_DIRTY")
def test_a_target_whose_checkout_is_not_clean_is_reported_with_where_it_is(team: Team, amended: Team) -> None:
    team.repo.write({"README.md": "# In the works\n"})
    error = team.merge("--publish", exit=1).document["error"]
    root = str(team.repo.root)
    assert error == {
        "code": "PUBLISH_TARGET_DIRTY",
        "message": f"Branch main is checked out at {root} with changes that publishing would run into",
        "hint": "commit or stash them there, or publish without `--publish` to the integration branch",
        "path": root,
        "branch": "main",
    }


@raises("LEDGER_BROKEN")
def test_an_event_that_was_edited_is_reported_with_what_its_hash_should_be(swarm: Swarm, workspace: Workspace) -> None:
    with sqlite3.connect(workspace.db) as conn:
        conn.execute("DROP TRIGGER the_ledger_is_not_edited")
        (found,) = conn.execute("SELECT hash FROM events WHERE seq = 2").fetchone()
        conn.execute("UPDATE events SET reason = 'forged' WHERE seq = 2")
    conn.close()
    error = swarm("ledger", "verify", "--format", "json", exit=1).document["error"]
    expected = error["problem"].rpartition(" ")[2]
    problem = (
        f"map_drafted was edited, or the event before it was written anew: its hash is {found}, and it gives {expected}"
    )
    assert error == {
        "code": "LEDGER_BROKEN",
        "message": f"The ledger is broken at event 2: {problem}",
        "hint": "swarm repairs nothing: find out who edited the database, or restore an earlier copy; `swarm doctor` "
        "names the newest backup",
        "seq": 2,
        "what": "row",
        "problem": problem,
        "kind": "map_drafted",
    }


@raises("WORK_AT_RISK")
def test_work_that_a_clean_would_lose_is_reported_as_the_state_of_its_report(
    swarm: Swarm, dispatched: Workspace
) -> None:
    swarm("collect", exit=1)
    (dispatched.folder / dispatched.run / "worktrees/w1-code/notes.txt").write_text("mine")
    answer = swarm("clean", "--apply", "--reason", "over", exit=1)
    assert answer.out.splitlines()[-4:] == [
        "",
        "⚠ WORK_AT_RISK: these hold what would be lost",
        "  w1-code: 1 untracked file: notes.txt",
        f"Next: swarm clean {dispatched.run} --force",
    ]
    assert block_of(answer) == ""


@raises("REWIND_STATE_SPLIT")
def test_a_rewind_whose_transaction_fails_says_that_branch_and_run_are_apart(
    swarm: Swarm, repo: Repo, workspace: Workspace, refused_rows: RefusedRows
) -> None:
    run = workspace.run
    repo.commit({"src/app.py": "x = 1\n"})
    swarm("dispatch", "health-audit-a")
    refused_rows("UPDATE ON runs")
    point = run.replace("swarm-", "swarm-save-", 1)
    answer = swarm("rewind", run, "--apply", "--reason", "wrong way", exit=1)
    assert block_of(answer).splitlines() == [
        f"ERROR [REWIND_STATE_SPLIT]: Branch main is at {point}, and run {run} does not know it: no more",
        "  Next: resolve what SQLite reports, then repeat the same `swarm rewind` command, which finishes it",
        f"  Run: {run}",
    ]
    assert swarm("status", "--format", "json").data["waves"]["current"]["status"] == "dispatched"


@raises("BASELINE_NOT_AUDITED")
def test_an_analyzer_that_fails_in_the_baseline_is_no_pass(swarm: Swarm, repo: Repo, agents: Agents) -> None:
    agents.play(
        """
if pathlib.Path("broken").exists():
    print("cannot read broken", file=sys.stderr)
    sys.exit(2)
print(json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": []}]}))
""",
        kind="sarif",
    )
    base = repo.commit({"broken": ""})
    repo.git("rm", "-q", "broken")
    repo.commit()
    failed = swarm("audit", ".", "--baseline", "HEAD~1", "--fail-on", "new", "--runtime", "played", exit=3)
    assert (
        block_of(failed)
        == f"""ERROR [BASELINE_NOT_AUDITED]: the analyzer failed in the baseline commit {base[:12]}: \
played: cannot read broken
  Next: correct the cause, or gate by severity: `swarm audit . --fail-on HIGH`"""
    )
