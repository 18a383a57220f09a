"""`swarm revalidate`: a corrected output of a blocked agent, through the same gates as collect."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.amend_wave import Amending, fixes
from tests.cli.scenes.failed_wave import FOUND, Wave
from tests.cli.test_dispatch import sound
from tests.conftest import Answer, RefusedRows, Repo, Swarm, Workspace

WHY = ("--apply", "--reason", "a comma was missing")
README = {"file": "README.md", "line": 1, "quote": "# A project"}


@pytest.fixture
def blocked(swarm: Swarm, repo: Repo, dispatched: Workspace, tmp_path: Path) -> Wave:
    """A failed wave: `code` is complete, the output of `rest` is no JSON; `rest.json` beside it is in order."""
    dispatched.answer("code", FOUND)
    dispatched.answer("rest", README)
    dispatched.output("rest").rename(tmp_path / "rest.json")
    dispatched.output("rest").write_text("no JSON")
    swarm("collect", exit=1)
    return Wave(swarm, repo, dispatched)


@pytest.fixture
def mended(tmp_path: Path) -> str:
    return f"rest:{tmp_path / 'rest.json'}"


def test_a_dry_run_shows_what_would_become_of_it_and_touches_nothing(blocked: Wave, mended: str) -> None:
    before = blocked.whole
    data = blocked.do("revalidate", "--domain", mended)
    assert blocked.whole == before
    run = blocked.place.run
    assert data == {
        "runId": run,
        "waveId": 1,
        "waveNumber": 1,
        "phase": "health-audit-a",
        "waveStatus": "collected",
        "applied": False,
        "reason": None,
        "agents": [
            {
                "domain": "rest",
                "agentRunId": 2,
                "was": "invalid_output",
                "status": "complete",
                "path": mended.removeprefix("rest:"),
                "findingsCount": 1,
                "errors": [],
                "violations": [],
                "refused": 0,
            }
        ],
        "incomplete": [],
        "waveViolations": [],
        "findings": {"new": 2, "recurring": 0, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0},
        "fixes": [],
        "skippedFixes": [],
        "summary": "Wave 1 (health-audit-a): 1 of 1 outputs pass; the wave would be collected.",
        "nextAction": f"swarm revalidate {run} --domain {mended} --apply --reason '…'",
        "accepted": [],
    }


def test_a_corrected_output_makes_the_wave_what_it_would_have_been(blocked: Wave, mended: str) -> None:
    kept = blocked.sql("SELECT * FROM agent_runs WHERE id = 1")
    blocked.do("revalidate", "--domain", mended, *WHY)
    assert blocked.sql("SELECT * FROM agent_runs WHERE id = 1") == kept
    assert blocked.agents() == [(1, "code", "complete"), (2, "rest", "complete")]
    moved = (
        "SELECT subject, from_state, to_state, reason FROM events WHERE kind LIKE '%_moved' ORDER BY seq DESC LIMIT 2"
    )
    assert blocked.sql(moved) == [
        ("wave:1", "failed", "collected", "a comma was missing"),
        ("agent_run:2", "invalid_output", "complete", "a comma was missing"),
    ]
    assert blocked.sql("SELECT domain, observation, sightings, misses FROM findings ORDER BY id") == [
        ("code", "new", 1, 0),
        ("rest", "new", 1, 0),
    ]
    assert blocked.sql("SELECT agent_run_id FROM sightings ORDER BY id") == [(1,), (2,)]
    assert blocked.do("findings", exit=1)["state"] == "findings"
    assert blocked.do("status")["findings"]["thisWave"] == {"new": 2, "recurring": 0, "fixed": 0, "unverified": 0}
    assert sound(blocked.swarm)


def test_an_output_that_is_still_wrong_changes_nothing(blocked: Wave) -> None:
    before = blocked.whole
    answer = blocked.swarm("revalidate", "--domain", f"rest:{blocked.place.output('rest')}", *WHY, exit=1)
    assert answer.out.splitlines()[1].startswith("⊘ rest stays invalid_output")
    assert answer.out.splitlines()[-2] == "Wave status: failed"
    assert blocked.whole == before
    assert blocked.sql("SELECT status, error FROM agent_runs WHERE id = 2")[0][0] == "invalid_output"
    assert blocked.wave() == "failed"


def test_a_finding_is_first_seen_once_however_often_an_output_is_corrected(blocked: Wave, mended: str) -> None:
    wrong = f"rest:{blocked.place.output('rest')}"
    for output, exits in ((wrong, 1), (wrong, 1), (mended, 0)):
        blocked.do("revalidate", "--domain", output, *WHY, exit=exits)
    recorded = blocked.sql("SELECT seq FROM events WHERE kind = 'findings_recorded' ORDER BY seq")
    assert len(recorded) == 2
    for domain, (seq,) in zip(("code", "rest"), recorded, strict=True):
        (found,) = blocked.do("findings", "--domain", domain, exit=1)["findings"]
        assert [event["seq"] for event in blocked.do("show", found["findingId"])["events"]] == [seq]
        assert f"History\n  {blocked.do('history', found['findingId'])['events'][0]['ts']}  seen first" in (
            blocked.swarm("show", found["findingId"]).out
        )


def test_of_several_outputs_those_that_pass_are_taken(
    swarm: Swarm, repo: Repo, dispatched: Workspace, tmp_path: Path
) -> None:
    for domain in ("code", "rest"):
        dispatched.answer(domain)
        dispatched.output(domain).rename(tmp_path / f"{domain}.json")
        dispatched.output(domain).write_text("no JSON")
    swarm("collect", exit=1)
    wave = Wave(swarm, repo, dispatched)
    words = ("--domain", f"code:{tmp_path}/code.json", "--domain", f"rest:{tmp_path}/nowhere.json")
    data = wave.do("revalidate", *words, *WHY, exit=1)
    assert [(agent["domain"], agent["status"]) for agent in data["agents"]] == [
        ("code", "complete"),
        ("rest", "invalid_output"),
    ]
    assert (data["waveStatus"], data["incomplete"]) == ("failed", ["rest"])
    assert wave.do("revalidate", "--domain", f"rest:{tmp_path}/rest.json", *WHY)["waveStatus"] == "collected"


def test_a_call_that_is_repeated_is_done_once(blocked: Wave, mended: str) -> None:
    blocked.do("revalidate", "--domain", mended, *WHY)
    before = blocked.place.db.read_bytes()
    answer = blocked.swarm("revalidate", "--domain", mended, *WHY)
    assert answer.out.startswith("Nothing to do: wave 1 (health-audit-a) is collected, and no output is to be")
    assert blocked.place.db.read_bytes() == before


# --- ownership --------------------------------------------------------------------------------------------


def test_an_audit_agent_is_complete_once_its_tree_is_clean(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    wave = Wave(swarm, repo, dispatched)
    dispatched.answer("code", FOUND)
    dispatched.answer("rest")
    (wave.tree("w1-code") / "src/app.py").write_text("# mended\n")
    swarm("collect", exit=1)
    words = ("revalidate", "--domain", f"code:{dispatched.output('code')}", *WHY)
    refused = wave.do(*words, exit=1)
    assert [(agent["status"], agent["violations"]) for agent in refused["agents"]] == [
        ("ownership_violation", ["src/app.py"])
    ]
    expected = "  src/app.py was touched, and an audit edits nothing; take it back in its worktree"
    assert expected in swarm(*words, exit=1).out.splitlines()
    repo.git("checkout", "-q", "--", "src/app.py", cwd=wave.tree("w1-code"))
    assert wave.do(*words)["waveStatus"] == "collected"
    assert wave.sql("SELECT description FROM findings") == [("It is wrong.",)]


def test_a_lease_that_was_granted_meanwhile_counts(amending: Amending) -> None:
    amending.mend()
    amending.edit("code", "lib/api.py")
    amending.answer("code", "load", files=("src/app.py", "lib/api.py"))
    amending.collect(exit=1)
    words = (
        "revalidate",
        amending.run,
        "--domain",
        f"code:{amending.place.output('code', 2)}",
        *WHY,
        "--format",
        "json",
    )
    assert amending.swarm(*words, exit=1).data["agents"][0]["violations"] == ["lib/api.py"]
    lease = ("--domain", "code", "--file", "lib/api.py", "--reason", "it calls it")
    amending.swarm("lease", "grant", amending.run, *lease)
    data = amending.swarm(*words).data
    assert data["waveStatus"] == "collected"
    assert fixes(data) == [(amending.ids["load"], "code", "anchor")]
    assert ("code", "lib/api.py", "edit", 1, 1, "api", 0) in amending.claims()
    assert amending.sql("SELECT outcome FROM fix_claims") == [("claimed",)]


def test_a_wave_with_something_in_the_checkout_is_not_collected_until_that_is_removed(
    blocked: Wave, mended: str
) -> None:
    blocked.repo.write({"planted.txt": "x\n"})
    data = blocked.do("revalidate", "--domain", mended, *WHY, exit=1)
    assert [agent["status"] for agent in data["agents"]] == ["complete"]
    assert (data["waveStatus"], [violation["file"] for violation in data["waveViolations"]]) == (
        "failed",
        ["planted.txt"],
    )
    assert data["summary"].endswith("as 1 file was touched by nobody known.")
    (blocked.repo.root / "planted.txt").unlink()
    data = blocked.do("revalidate", *WHY)
    assert (data["waveStatus"], data["accepted"]) == ("collected", [])


def test_in_a_changed_git_folder_nothing_is_revalidated(blocked: Wave, mended: str) -> None:
    blocked.repo.git("config", "core.sshCommand", "evil")
    assert blocked.swarm("revalidate", "--domain", mended, *WHY, exit=1).code == "WAVE_GIT_FOLDER_CHANGED"
    blocked.repo.git("config", "--unset", "core.sshCommand")
    assert blocked.do("revalidate", "--domain", mended, *WHY)["waveStatus"] == "collected"


def accepted(data: dict[str, Any]) -> list[str]:
    return [change["file"] for change in data["accepted"]]


def test_a_person_answers_for_what_was_changed_outside_of_the_trees(blocked: Wave, mended: str) -> None:
    blocked.repo.write({"planted.txt": "x\n"})
    blocked.do("revalidate", "--domain", mended, *WHY, exit=1)
    blocked.repo.git("config", "core.hooksPath", ".husky")
    dry = blocked.do("revalidate")
    assert (dry["applied"], dry["waveStatus"], accepted(dry)) == (
        False,
        "collected",
        [".git/config", "planted.txt"],
    )
    assert dry["accepted"][0]["detail"] == "core.hookspath: not set → .husky"
    assert blocked.swarm("revalidate", "--apply", exit=1).code == "REASON_REQUIRED"
    done = blocked.do("revalidate", *WHY)
    assert (done["waveStatus"], accepted(done)) == ("collected", [".git/config", "planted.txt"])
    events = blocked.swarm("events", "--format", "json").data["events"]
    (event,) = [event for event in events if event["kind"] == "changes_accepted"]
    assert event["reason"] == WHY[-1]


def test_changes_are_accepted_while_an_output_is_still_wrong_and_the_wave_stays_failed(
    blocked: Wave, mended: str
) -> None:
    blocked.repo.git("config", "core.sshCommand", "mine")
    assert blocked.do("revalidate", *WHY)["waveStatus"] == "failed"
    assert blocked.do("revalidate", "--domain", mended, *WHY)["waveStatus"] == "collected"


def test_a_reason_for_an_output_answers_for_nothing_else(blocked: Wave, mended: str) -> None:
    blocked.repo.write({"planted.txt": "x\n"})
    data = blocked.do("revalidate", "--domain", mended, *WHY, exit=1)
    assert (accepted(data), data["waveStatus"]) == ([], "failed")


# --- a wave in flight -------------------------------------------------------------------------------------


def test_in_a_resumed_wave_a_blocked_agent_is_taken_and_the_rest_left_to_collect(
    swarm: Swarm, repo: Repo, audited: Amending, tmp_path: Path
) -> None:
    run, place = audited.run, audited.place
    swarm("dispatch", run, "health-audit-b", "--isolate")
    for domain in ("code", "tests"):
        place.answer(domain, wave=2, stage="B")
    shutil.copy(place.output("code", 2), tmp_path / "code.json")
    place.output("code", 2).write_text("no JSON")
    swarm("collect", run, exit=1)
    swarm("resume", run, "--apply", "--reason", "again")
    refused = swarm("collect", run, "--domain", f"code:{tmp_path}/code.json", exit=1)
    line = f"swarm revalidate {run} --domain code:<corrected-output.json> --apply --reason '…'"
    assert (refused.code, f"Next: {line}" in refused.err) == ("STATE_MACHINE_BLOCKED", True)
    words = line.replace("<corrected-output.json>", f"{tmp_path}/code.json").split()[1:]
    data = swarm(*words, "--format", "json").data
    assert (data["waveStatus"], data["incomplete"]) == ("dispatched", ["api"])
    place.answer("api", wave=2, stage="B")
    output = audited.sql("SELECT output_path FROM agent_runs ORDER BY id DESC")[0][0]
    shutil.copy(place.output("api", 2), output)
    assert swarm("collect", run, "--format", "json").data["waveStatus"] == "collected"


# --- kills and races --------------------------------------------------------------------------------------


def test_of_two_at_once_one_wins(blocked: Wave, mended: str, swarm_process: Swarm) -> None:
    def take(_: int) -> Answer:
        return swarm_process("revalidate", "--domain", mended, *WHY, exit=None)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(take, range(2)))
    won = "1 of 1 outputs pass; the wave is collected."
    assert sum(won in answer.out for answer in answers) == 1
    (other,) = (answer for answer in answers if won not in answer.out)
    assert other.code in {"LAUNCH_IN_PROGRESS", "STATE_CONFLICT"} or other.out.startswith("Nothing to do")
    assert blocked.sql("SELECT count(*) FROM sightings") == [(2,)]


def test_findings_that_cannot_be_written_leave_the_wave_as_it_was(
    blocked: Wave, mended: str, refused_rows: RefusedRows
) -> None:
    refused_rows("INSERT ON sightings", "no more sightings")
    blocked.swarm("revalidate", "--domain", mended, *WHY, exit=1)
    assert blocked.agents() == [(1, "code", "complete"), (2, "rest", "invalid_output")]
    assert blocked.wave() == "failed"


def test_an_option_that_names_no_path_is_reported(swarm: Swarm, blocked: Wave) -> None:
    for words in (("--domain", "rest"), ("--domain", "rest:a", "--domain", "rest:b")):
        assert swarm("revalidate", *words, exit=2).code == "CLI_USAGE"
    assert swarm("revalidate", "--domain", "nobody:x", exit=1).code == "COLLECT_UNKNOWN_DOMAIN"
