"""`swarm resume`: failed agents are dispatched again, and the work of the others is left as it is."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.scenes.amend_wave import Amending
from tests.cli.scenes.failed_wave import FOUND, WHY, Wave
from tests.cli.scenes.snapshots import everything_in
from tests.cli.test_dispatch import sound
from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.sweeping import swept


@pytest.fixture
def failed(swarm: Swarm, repo: Repo, dispatched: Workspace) -> Wave:
    """A failed wave: `code` is complete with one finding, `rest` gave no output."""
    dispatched.answer("code", FOUND)
    swarm("collect", exit=1)
    return Wave(swarm, repo, dispatched)


def test_a_dry_run_shows_what_a_resume_would_do_and_touches_nothing(failed: Wave) -> None:
    before = failed.whole
    run, folder = failed.place.run, failed.place.folder / failed.place.run
    data = failed.do("resume")
    assert failed.whole == before
    digest = data.pop("completedHash")
    assert (len(digest["before"]), digest["after"]) == (64, None)
    assert data == {
        "runId": run,
        "waveId": 1,
        "waveNumber": 1,
        "phase": "health-audit-a",
        "waveStatus": "failed",
        "applied": False,
        "reason": None,
        "timedOut": [],
        "timeoutSkipped": [],
        "redispatched": [
            {
                "domain": "rest",
                "was": "failed",
                "before": 2,
                "agentRunId": None,
                "promptPath": str(folder / "wave-1/rest.2.md"),
                "outputPath": str(folder / "worktrees/w1-rest/.swarm/output.json"),
                "worktreePath": str(folder / "worktrees/w1-rest"),
                "worktreeBranch": f"swarm/{run.rpartition('-')[2]}/w1-rest",
                "reused": True,
                "leftBehind": None,
            }
        ],
        "complete": ["code"],
        "blocked": [],
        "forgotten": [],
        "summary": "Wave 1 (health-audit-a): 1 agent to be dispatched again.",
        "nextAction": f"swarm resume {run} --apply --reason '…'",
    }


def test_a_resumed_wave_is_in_flight_again_with_a_new_row_and_the_rest_untouched(failed: Wave) -> None:
    kept = failed.sql("SELECT * FROM agent_runs ORDER BY id")
    data = failed.do("resume", *WHY)
    assert data["applied"] is True
    assert data["waveStatus"] == "dispatched"
    assert data["completedHash"]["before"] == data["completedHash"]["after"]
    assert data["nextAction"] == f"swarm launch {failed.place.run}"
    assert failed.sql("SELECT * FROM agent_runs WHERE id < 3 ORDER BY id") == kept
    assert failed.agents()[2:] == [(3, "rest", "dispatched")]
    moved = failed.sql("SELECT kind, subject, from_state, to_state, reason FROM events ORDER BY seq DESC LIMIT 3")
    assert moved[::-1] == [
        ("agent_run_dispatched", "agent_run:3", None, "dispatched", None),
        ("wave_moved", "wave:1", "failed", "dispatched", "it was the network"),
        ("wave_taken_up", "wave:1", None, None, "it was the network"),
    ]
    prompt = Path(data["redispatched"][0]["promptPath"]).read_text()
    assert data["redispatched"][0]["outputPath"] in prompt
    assert str(failed.tree("w1-rest")) in prompt


def test_a_wave_that_was_resumed_ends_as_one_that_never_failed(failed: Wave) -> None:
    failed.do("resume", *WHY)
    failed.answer("rest", {"file": "README.md", "line": 1, "quote": "# A project"})
    collected = failed.do("collect")
    assert collected["waveStatus"] == "collected"
    assert collected["findings"] == {"new": 2, "recurring": 0, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0}
    seen = failed.sql("SELECT domain, observation, sightings, misses, first_wave, last_wave FROM findings ORDER BY id")
    assert seen == [("code", "new", 1, 0, 1, 1), ("rest", "new", 1, 0, 1, 1)]
    assert failed.sql("SELECT finding, agent_run_id FROM sightings ORDER BY id") == [(1, 1), (2, 3)]
    assert failed.sql("SELECT json_extract(payload, '$.sightings') FROM events WHERE kind = 'findings_recorded'") == [
        (1,),
        (2,),
    ]
    assert sound(failed.swarm)


def test_what_two_parts_of_a_wave_report_alike_is_one_finding(failed: Wave) -> None:
    failed.do("resume", *WHY)
    failed.answer("rest", {**FOUND, "severity": "HIGH"})
    data = failed.do("collect")
    assert data["findings"]["new"] == 1
    found = failed.sql("SELECT observation, severity, sightings FROM findings")
    assert found == [("new", "HIGH", 2)]


def test_silence_is_counted_once_however_often_its_wave_is_collected(failed: Wave) -> None:
    failed.do("resume", *WHY)
    failed.answer("rest")
    failed.do("collect")
    failed.swarm("dispatch", "health-audit-a", "--isolate")
    failed.place.answer("code", wave=2)
    failed.swarm("collect", exit=1)
    failed.do("resume", *WHY)
    failed.answer("rest")
    output = failed.sql("SELECT output_path FROM agent_runs ORDER BY id DESC")[0][0]
    Path(output).write_text(failed.place.output("rest").read_text())
    assert failed.do("collect")["findings"]["unverified"] == 1
    assert failed.sql("SELECT observation, misses FROM findings") == [("unverified", 1)]


def test_an_output_of_the_old_row_is_not_taken_for_the_new_ones(failed: Wave) -> None:
    failed.place.answer("rest")
    failed.do("resume", *WHY)
    data = failed.do("collect", exit=1)
    assert [(agent["domain"], agent["status"]) for agent in data["agents"]] == [
        ("code", "complete"),
        ("rest", "failed"),
    ]


def test_work_in_a_tree_is_left_alone_and_the_agent_gets_another_tree(failed: Wave) -> None:
    (failed.tree("w1-rest") / "README.md").write_text("# Half of a thought\n")
    first = failed.do("resume", *WHY)["redispatched"][0]
    assert first["leftBehind"] == str(failed.tree("w1-rest"))
    assert first["worktreePath"] == str(failed.tree("w1-rest.2"))
    assert first["worktreeBranch"].endswith("/w1-rest.2")
    assert (failed.tree("w1-rest") / "README.md").read_text() == "# Half of a thought\n"
    assert (failed.tree("w1-rest.2") / "README.md").read_text() == "# A project\n"
    failed.answer("rest")
    assert failed.do("collect")["violations"] == []


def test_a_tree_that_was_removed_is_made_anew(failed: Wave) -> None:
    failed.repo.git("worktree", "remove", "--force", str(failed.tree("w1-rest")))
    assert failed.do("resume", *WHY)["redispatched"][0]["worktreePath"] == str(failed.tree("w1-rest.2"))
    assert (failed.tree("w1-rest.2") / "README.md").exists()


def test_a_third_try_has_a_place_of_its_own(failed: Wave) -> None:
    failed.do("resume", *WHY)
    failed.swarm("collect", exit=1)
    failed.do("resume", *WHY)
    assert failed.sql("SELECT output_path FROM agent_runs ORDER BY id DESC")[0][0].endswith("wave-1/rest.3/output.json")
    assert [status for _, domain, status in failed.agents() if domain == "rest"] == ["failed", "failed", "dispatched"]


def test_launch_runs_only_what_was_dispatched_again(failed: Wave) -> None:
    answer = json.dumps({"domain": "rest", "stage": "A", "summary": "Looked.", "findings": []})
    failed.repo.write({"played.py": f"import sys; open(sys.argv[1], 'w').write({answer!r})"})
    config = '[runtimes.played]\nkind = "command"\nargv = ["python3", "%s", "{output_file}"]\n'
    failed.repo.write({"swarm.toml": config % (failed.repo.root / "played.py")})
    failed.do("resume", *WHY)
    data = failed.do("launch", "--runtime", "played")
    assert data["nextAction"] == f"swarm collect {failed.place.run}"
    assert [(agent["domain"], len(agent["attempts"])) for agent in data["agents"]] == [("code", 0), ("rest", 1)]
    assert failed.do("collect")["waveStatus"] == "collected"


def test_what_launch_saw_fail_is_resumed_before_the_wave_is_collected(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    wave = Wave(swarm, repo, workspace)
    repo.write({"swarm.toml": '[runtimes.played]\nkind = "command"\nargv = ["false"]\n'})
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    launched = wave.do("launch", exit=3)
    assert launched["nextAction"] == f"swarm resume {workspace.run}"
    data = wave.do("resume", *WHY)
    assert [(agent["domain"], agent["reused"]) for agent in data["redispatched"]] == [("code", True), ("rest", True)]
    assert wave.wave() == "dispatched"
    assert wave.sql("SELECT count(*) FROM events WHERE kind = 'wave_moved'") == [(0,)]


# --- the timeout policy ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "late"), [("31 minutes", ["code", "rest"]), ("29 minutes", [])])
def test_who_works_for_longer_than_the_run_allows_is_timed_out(
    swarm: Swarm, repo: Repo, dispatched: Workspace, column: str, late: list[str]
) -> None:
    wave = Wave(swarm, repo, dispatched)
    _began(wave, column)
    data = wave.do("resume", *WHY)
    assert data["timedOut"] == late
    timed_out = [("timed_out",)] * len(late)
    assert wave.sql("SELECT status FROM agent_runs WHERE id < 3") == (timed_out or [("running",)] * 2)
    assert wave.wave() == "dispatched"


def _began(wave: Wave, ago: str) -> None:
    with sqlite3.connect(wave.place.db) as conn:
        conn.execute(
            "UPDATE agent_runs SET status = 'running', started = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)", (f"-{ago}",)
        )
    conn.close()


def test_who_began_nobody_knows_when_is_skipped_and_reported(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    wave = Wave(swarm, repo, dispatched)
    with sqlite3.connect(dispatched.db) as conn:
        conn.execute("UPDATE agent_runs SET status = 'running', started = NULL")
    conn.close()
    answer = swarm("resume", *WHY, "--format", "json")
    assert (answer.data["timedOut"], answer.data["timeoutSkipped"]) == ([], ["code", "rest"])
    assert [event["domain"] for event in answer.events if event["stage"] == "timeout_skipped"] == ["code", "rest"]
    assert {status for _, _, status in wave.agents()} == {"running"}


def test_who_has_answered_is_not_timed_out(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    wave = Wave(swarm, repo, dispatched)
    dispatched.answer("code")
    _began(wave, "2 hours")
    assert wave.do("resume", *WHY)["timedOut"] == ["rest"]


def test_a_pending_agent_gets_what_it_never_had(failed: Wave) -> None:
    with sqlite3.connect(failed.place.db) as conn:
        conn.execute(
            "INSERT INTO agent_runs (wave_id, domain, status, files, prompt_path, prompt_sha256, output_path,"
            " worktree_path, worktree_branch) SELECT wave_id, domain, 'pending', 0, '', '', '', worktree_path,"
            " worktree_branch FROM agent_runs WHERE id = 2"
        )
    conn.close()
    data = failed.do("resume", *WHY)
    assert [(agent["was"], agent["agentRunId"]) for agent in data["redispatched"]] == [("pending", 3)]
    assert failed.agents() == [(1, "code", "complete"), (2, "rest", "failed"), (3, "rest", "dispatched")]
    # What it was given is in the ledger, which says the same as the table.
    ((prompt, payload),) = failed.sql(
        "SELECT prompt_sha256, payload FROM agent_runs JOIN events ON subject = 'agent_run:3' WHERE agent_runs.id = 3"
        " AND (from_state, to_state) = ('pending', 'dispatched')"
    )
    assert json.loads(payload) == {"domain": "rest", "promptSha256": prompt}
    assert failed.do("ledger", "replay", "--check")["differences"] == []


def test_an_agent_that_somebody_made_pending_is_reported_by_the_ledger_after_its_resume(failed: Wave) -> None:
    with sqlite3.connect(failed.place.db) as conn:
        conn.execute("UPDATE agent_runs SET status = 'pending' WHERE id = 2")
    conn.close()
    failed.do("resume", *WHY)
    assert failed.agents() == [(1, "code", "complete"), (2, "rest", "dispatched")]
    (seq,) = failed.sql("SELECT max(seq) FROM events WHERE subject = 'agent_run:2'")[0]
    found = failed.do("ledger", "replay", "--check", exit=1)["differences"]
    assert [(item["subject"], item["fact"], item["ledger"], item["table"]) for item in found] == [
        ("agent_run:2", f"the state before event {seq}", "failed", "pending")
    ]


# --- nothing to do, and what is blocked ------------------------------------------------------------------


def test_nothing_to_do_says_so(swarm: Swarm, collected: Workspace) -> None:
    before = collected.db.read_bytes()
    for words in (("resume",), ("resume", *WHY), ("redrive", "1"), ("redrive", "1", *WHY)):
        answer = swarm(*words)
        assert answer.out.startswith("Nothing to do: wave 1 (health-audit-a) is collected, and no agent of it can")
    assert collected.db.read_bytes() == before


def test_a_run_without_a_wave_has_nothing_to_resume(swarm: Swarm, workspace: Workspace) -> None:
    assert swarm("resume").out.startswith("Nothing to do: the run has no wave yet")


@pytest.fixture
def blocked(swarm: Swarm, repo: Repo, dispatched: Workspace) -> Wave:
    """A failed wave: `code` is complete, the output of `rest` is no JSON."""
    dispatched.answer("code", FOUND)
    dispatched.output("rest").write_text("no JSON")
    swarm("collect", exit=1)
    return Wave(swarm, repo, dispatched)


def test_blocked_agents_are_named_with_their_line_and_exit_1(blocked: Wave) -> None:
    data = blocked.do("resume", *WHY, exit=1)
    run = blocked.place.run
    line = f"swarm revalidate {run} --domain rest:<corrected-output.json> --apply --reason '…'"
    assert [(agent["domain"], agent["status"], agent["command"]) for agent in data["blocked"]] == [
        ("rest", "invalid_output", line)
    ]
    assert blocked.do("status")["assessment"]["nextAction"] == line
    assert blocked.wave() == "failed"


# --- a wave as a whole -----------------------------------------------------------------------------------


def test_what_nobody_known_touched_is_reported_and_counts_as_there_from_now_on(failed: Wave) -> None:
    failed.do("resume", *WHY)
    failed.repo.write({"planted.txt": "x\n"})
    failed.swarm("collect", exit=1)
    assert [item["file"] for item in failed.do("resume")["forgotten"]] == ["planted.txt"]
    failed.do("resume", *WHY)
    assert failed.sql("SELECT json_extract(payload, '$.forgotten') FROM events ORDER BY seq DESC LIMIT 1") == [
        ('["planted.txt"]',)
    ]
    failed.answer("rest")
    assert failed.do("collect")["waveStatus"] == "collected"


def test_a_changed_git_folder_is_not_worked_in_and_status_names_another_wave(failed: Wave) -> None:
    failed.do("resume", *WHY)
    failed.repo.git("config", "core.sshCommand", "evil")
    failed.swarm("collect", exit=1)
    refused = failed.swarm("resume", *WHY, exit=1)
    assert refused.code == "WAVE_GIT_FOLDER_CHANGED"
    assert failed.do("status")["assessment"]["nextAction"].startswith("swarm dispatch")
    failed.repo.git("config", "--unset", "core.sshCommand")


# --- an amend wave ---------------------------------------------------------------------------------------


def test_an_amend_agent_is_given_the_same_findings_again(amending: Amending) -> None:
    amending.answer("tests", files=())
    amending.answer("api", files=())
    amending.swarm("collect", amending.run, exit=1)
    given = "SELECT finding FROM assignments WHERE agent_run_id = ? ORDER BY finding"
    (old,) = amending.sql("SELECT id FROM agent_runs WHERE wave_id = 2 AND domain = 'code'")
    data = amending.swarm("resume", amending.run, *WHY, "--format", "json").data
    first = data["redispatched"][0]
    assert (first["domain"], first["reused"]) == ("code", True)
    assert amending.sql(given, first["agentRunId"]) == amending.sql(given, old[0]) != []
    text = Path(first["promptPath"]).read_text()
    assert all(amending.ids[name] in text for name in ("load", "eval"))
    amending.mend()
    amending.answer("code", "load", files=("src/app.py",))
    Path(first["outputPath"]).write_text(amending.place.output("code", 2).read_text())
    collected = amending.swarm("collect", amending.run, "--format", "json").data
    assert [fix["findingId"] for fix in collected["fixes"]] == [amending.ids["load"]]


# --- kills and races -------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", swept(["resume", "redrive"]))
@pytest.mark.parametrize("point", swept(["commit.before", "git.worktree.before", "git.worktree.after", "commit.after"]))
def test_a_kill_anywhere_and_the_same_command_again_end_as_without_it(
    failed: Wave, swarm_process: Swarm, verb: str, point: str
) -> None:
    (failed.tree("w1-rest") / "README.md").write_text("# Half of a thought\n")
    words = ("resume",) if verb == "resume" else ("redrive", "1")
    swarm_process(*words, *WHY, exit=-9, SWARM_FAILPOINT=point)
    done = point == "commit.after"
    answer = failed.swarm(*words, *WHY, exit=1 if done and verb == "redrive" else 0)
    assert answer.code == ("RECOVERY_NOT_APPLICABLE" if done and verb == "redrive" else None)
    assert failed.agents() == [(1, "code", "complete"), (2, "rest", "failed"), (3, "rest", "dispatched")]
    assert sorted(path.name for path in failed.tree("").iterdir()) == ["w1-code", "w1-rest", "w1-rest.2"]
    assert sound(failed.swarm)
    failed.answer("rest")
    assert failed.do("collect")["waveStatus"] == "collected"


@pytest.fixture
def stranded(swarm: Swarm, repo: Repo, workspace: Workspace, swarm_process: Swarm) -> Wave:
    """A wave in flight whose agents failed, `code` with an edit; a resume of it was killed, and somebody wrote into the
    tree that this made."""
    wave = Wave(swarm, repo, workspace)
    repo.write({"swarm.toml": '[runtimes.played]\nkind = "command"\nargv = ["false"]\n'})
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    wave.do("launch", exit=3)
    (wave.tree("w1-code") / "src/app.py").write_text("# half\n")
    swarm_process("resume", *WHY, exit=-9, SWARM_FAILPOINT="commit.before")
    (wave.tree("w1-code.2") / "mine.txt").write_text("mine\n")
    return wave


def test_what_a_resume_that_was_killed_left_can_be_cleaned_while_its_wave_is_in_flight(stranded: Wave) -> None:
    run = stranded.place.run
    in_the_way = stranded.swarm("resume", *WHY, "--format", "json", exit=1).document["error"]
    assert (in_the_way["code"], f"`swarm clean {run} --force`" in in_the_way["hint"]) == ("ISOLATION_FAILED", True)
    of_agents = {name: everything_in(stranded.tree(name)) for name in ("w1-code", "w1-rest")}
    plain = stranded.do("clean", run)
    assert [(item["name"], item["why"]) for item in plain["atRisk"]] == [("w1-code.2", ["1 untracked file: mine.txt"])]
    assert (plain["removable"], plain["inFlight"]) == ([], [1])
    (gone,) = stranded.do("clean", run, "--force", *WHY)["removable"]
    assert (gone["name"], gone["salvage"]) == ("w1-code.2", f"refs/swarm/salvage/{run}/w1-code-2")
    assert stranded.repo.git("show", f"{gone['salvage']}:mine.txt") == "mine"
    assert {path.name for path in stranded.tree("").iterdir()} == of_agents.keys()
    assert {name: everything_in(stranded.tree(name)) for name in of_agents} == of_agents
    again = stranded.do("resume", *WHY)["redispatched"]
    assert [(item["domain"], Path(item["worktreePath"]).name) for item in again] == [
        ("code", "w1-code.2"),
        ("rest", "w1-rest"),
    ]
    for domain in ("code", "rest"):
        stranded.answer(domain)
    assert stranded.do("collect")["waveStatus"] == "collected"


def test_trees_that_a_waves_agents_had_before_are_not_cleaned_while_it_is_in_flight(stranded: Wave) -> None:
    stranded.do("clean", "--force", *WHY)
    stranded.do("resume", *WHY)
    names = {path.name: everything_in(path) for path in stranded.tree("").iterdir()}
    assert names.keys() == {"w1-code", "w1-code.2", "w1-rest"}
    data = stranded.do("clean", "--force", *WHY)
    assert (data["removable"], data["atRisk"], data["inFlight"]) == ([], [], [1])
    assert {path.name: everything_in(path) for path in stranded.tree("").iterdir()} == names


def test_an_undo_is_refused_once_a_resume_gave_an_agent_the_tree(stranded: Wave) -> None:
    stranded.do("clean", "--force", *WHY)
    stranded.do("resume", *WHY)
    before = stranded.whole
    error = stranded.swarm("undo", *WHY, "--format", "json", exit=1).document["error"]
    own = f"swarm/{stranded.place.run.rpartition('-')[2]}"
    saved = f"refs/swarm/salvage/{stranded.place.run}/w1-code-2"
    assert (error["code"], error["problem"], error["remedy"]) == (
        "UNDO_REFUSED",
        f"branch {own}/w1-code.2 is one of wave 1 now, dispatched since",
        f"`git branch {own}/salvaged-w1-code-2 {saved}` brings back what was saved on a branch of its own",
    )
    assert stranded.whole == before


def test_of_two_resumes_at_once_one_wins_and_the_other_meets_a_typed_conflict_or_nothing_to_do(
    failed: Wave, swarm_process: Swarm
) -> None:
    def resume(_: int) -> Answer:
        return swarm_process("resume", *WHY, exit=None)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(resume, range(2)))
    won = "1 agent dispatched again."
    assert sum(won in answer.out for answer in answers) == 1
    (other,) = (answer for answer in answers if won not in answer.out)
    assert other.code in {"LAUNCH_IN_PROGRESS", "STATE_CONFLICT"} or other.out.startswith("Nothing to do")
    assert len(failed.agents()) == 3


def test_a_wave_that_somebody_supervises_is_left_alone(failed: Wave) -> None:
    from swarm.locks import locked

    folder = failed.place.folder / failed.place.run / "wave-1"
    with locked(folder / "launch.lock", "launch", timeout=1):
        for words in (("resume",), ("resume", *WHY), ("redrive", "1")):
            assert failed.swarm(*words, exit=1).code == "LAUNCH_IN_PROGRESS"
