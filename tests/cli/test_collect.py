"""`swarm collect`: outputs are read, worktrees compared with the commit, and the wave ends."""

import stat
from concurrent.futures import ThreadPoolExecutor

from tests.cli.scenes.snapshots import block_of
from tests.cli.test_dispatch import left_over, rows, sound
from tests.conftest import RefusedRows, Repo, Swarm, Workspace

ENDED = ("waveStatus", "agents", "violations", "findings")


# --- a wave that goes well -------------------------------------------------------------------------------


def test_a_collected_wave_is_shown_whole(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5, "severity": "HIGH"}, {"file": "src/tool.py", "line": 1})
    dispatched.answer("rest")
    data = swarm("collect", "--format", "json").data
    run = dispatched.run
    assert data == {
        "runId": run,
        "waveId": 1,
        "waveNumber": 1,
        "phase": "health-audit-a",
        "waveStatus": "collected",
        "agents": [
            {
                "domain": name,
                "agentRunId": number,
                "status": "complete",
                "findingsCount": count,
                "errors": [],
                "violations": [],
                "divergence": None,
                "fixes": 0,
                "sharedEdits": [],
                "ignored": [],
            }
            for number, name, count in ((1, "code", 2), (2, "rest", 0))
        ],
        "findings": {"new": 2, "recurring": 0, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0},
        "bySeverity": {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 1, "LOW": 0},
        "violations": [],
        "ownershipProbeDegraded": False,
        "fixes": [],
        "skippedFixes": [],
        "requests": [],
        "summary": "Wave 1 (health-audit-a): 2 of 2 agents complete; 2 new, 0 recurring, 0 fixed, 0 unverified",
        "nextAction": f"swarm findings {run}",
        "notes": [],
        "refused": 0,
        "refusedItems": [],
        "review": False,
        "reviews": [],
        "unanswered": [],
    }


def test_the_text_begins_with_the_wave_and_ends_with_the_next_command(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code")
    dispatched.answer("rest")
    lines = swarm("collect").out.splitlines()
    assert lines[0] == "Wave 1 (health-audit-a): 2 of 2 agents complete; 0 new, 0 recurring, 0 fixed, 0 unverified"
    assert lines[-2:] == ["Wave status: collected", f"Next: swarm findings {dispatched.run}"]


def test_findings_without_violations_exit_0(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code", {"severity": "CRITICAL", "file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    assert swarm("collect").exit == 0


def test_a_wave_is_collected_once(swarm: Swarm, collected: Workspace) -> None:
    assert swarm("collect", exit=1).code == "COLLECT_NO_WAVE"


def test_a_second_wave_knows_its_findings_again_and_a_fix_is_fixed_by_its_anchor(
    swarm: Swarm, repo: Repo, collected: Workspace
) -> None:
    source = (repo.root / "src/app.py").read_text()
    repo.commit({"src/app.py": "# a\n# b\n" + source})
    swarm("dispatch", "health-audit-a", "--isolate")
    collected.answer(
        "code", {"file": "src/app.py", "line": 7, "quote": "def load(path, seen=[]):", "symbol": "load"}, wave=2
    )
    collected.answer("rest", wave=2)
    again = swarm("collect", "--format", "json").data
    assert again["findings"] == {"new": 0, "recurring": 1, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0}
    repo.commit({"src/app.py": source.replace("seen=[]", "seen=None")})
    swarm("dispatch", "health-audit-a", "--isolate")
    collected.answer("code", wave=3)
    collected.answer("rest", wave=3)
    mended = swarm("collect", "--format", "json").data
    assert mended["findings"] == {"new": 0, "recurring": 0, "fixed": 1, "unverified": 0, "recurredWhileClosed": 0}
    (finding,) = swarm("findings", "--status", "all", "--format", "json", exit=1).data["findings"]
    assert (finding["status"], finding["evidence"]) == ("fixed", "anchor")


def test_silence_on_a_line_that_still_stands_is_no_fix(swarm: Swarm, collected: Workspace) -> None:
    swarm("dispatch", "health-audit-a", "--isolate")
    collected.answer("code", wave=2)
    collected.answer("rest", wave=2)
    assert swarm("collect", "--format", "json").data["findings"]["unverified"] == 1


def test_one_place_reported_twice_is_one_finding_at_the_highest_severity(swarm: Swarm, dispatched: Workspace) -> None:
    place = {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):"}
    dispatched.answer("code", {**place, "severity": "LOW", "description": "One way."})
    dispatched.answer("rest", {**place, "severity": "HIGH", "description": "Another."})
    assert swarm("collect", "--format", "json").data["findings"]["new"] == 1
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert (finding["severity"], finding["domain"], finding["sightings"]) == ("HIGH", "code", 2)
    shown = swarm("show", finding["findingId"], "--format", "json").data["sightings"]
    assert [(s["domain"], s["description"]) for s in shown] == [("code", "One way."), ("rest", "Another.")]


def test_the_output_is_kept_as_it_was_read(swarm: Swarm, dispatched: Workspace) -> None:
    import hashlib

    dispatched.answer("code")
    dispatched.answer("rest")
    body = dispatched.output("code").read_bytes()
    swarm("collect")
    (kept,) = rows(dispatched.db, "SELECT path, sha256, bytes FROM artifacts WHERE agent_run_id = 1")
    assert kept == (str(dispatched.output("code")), hashlib.sha256(body).hexdigest(), len(body))


# --- races and crashes -----------------------------------------------------------------------------------


def test_of_two_collects_at_once_one_wins(swarm_process: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: swarm_process("collect", dispatched.run, exit=None), range(2)))
    assert sorted(answer.exit for answer in both) == [0, 1]
    assert next(answer for answer in both if answer.exit).code in {
        "COLLECT_NO_WAVE",
        "LAUNCH_IN_PROGRESS",
        "STATE_CONFLICT",
    }
    assert rows(dispatched.db, "SELECT count(*) FROM sightings") == [(1,)]


FOUND = "SELECT finding_id, fingerprint, file, line, status, sightings FROM findings ORDER BY finding_id"


def test_a_collect_that_died_before_its_commit_has_written_nothing_and_is_done_again(
    swarm: Swarm, swarm_process: Swarm, dispatched: Workspace
) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    swarm_process("collect", exit=-9, SWARM_FAILPOINT="commit.before")
    assert (
        rows(dispatched.db, "SELECT status FROM waves UNION ALL SELECT status FROM agent_runs") == [("dispatched",)] * 3
    )
    assert rows(dispatched.db, "SELECT * FROM artifacts") == []
    assert swarm("collect", "--format", "json").data["findings"]["new"] == 1
    assert len(rows(dispatched.db, FOUND)) == 1
    assert left_over(dispatched.folder) == []
    assert sound(swarm)


def test_the_database_is_for_this_user_alone(workspace: Workspace) -> None:
    assert stat.S_IMODE(workspace.db.stat().st_mode) == 0o600


def test_a_row_that_sqlite_refuses_is_no_traceback(
    swarm: Swarm, dispatched: Workspace, refused_rows: RefusedRows
) -> None:
    refused_rows("INSERT ON artifacts", "not now")
    dispatched.answer("code")
    dispatched.answer("rest")
    answer = swarm("collect", exit=1)
    assert block_of(answer).splitlines()[0] == "ERROR: not now"
    assert rows(dispatched.db, "SELECT status FROM agent_runs") == [("dispatched",), ("dispatched",)]


def test_an_equal_line_added_above_a_known_finding_is_a_new_finding_of_its_own(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.commit({"src/t.py": "def f():\n    a = 1\n    go()\n    b = 2\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", {"file": "src/t.py", "line": 3, "quote": "    go()"})
    workspace.answer("rest")
    swarm("collect")
    repo.commit({"src/t.py": "def f():\n    go()\n    a = 1\n    go()\n    b = 2\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    both = ({"file": "src/t.py", "line": line, "quote": "    go()"} for line in (2, 4))
    workspace.answer("code", *both, wave=2)
    workspace.answer("rest", wave=2)
    counts = swarm("collect", "--format", "json").data["findings"]
    assert counts == {"new": 1, "recurring": 1, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0}
    assert rows(workspace.db, "SELECT line, status FROM findings ORDER BY id") == [(4, "recurring"), (2, "new")]
