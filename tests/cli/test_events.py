"""`swarm events`, and the stage events on stderr."""

import json
import re
import sqlite3
import subprocess
import sys

import pytest

from swarm.store.ledger import GENESIS, chain_hash
from tests.conftest import Repo, Swarm, Workspace

KEYS = ["seq", "ts", "kind", "runId", "waveId", "subject", "from", "to", "actor", "reason", "payload", "hash"]


def test_the_ledger_is_one_json_object_a_line_oldest_first(swarm: Swarm, collected: Workspace) -> None:
    events = [json.loads(line) for line in swarm("events").out.splitlines()]
    assert [list(event) for event in events] == [KEYS] * len(events)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["kind"] for event in events] == [
        "run_created",
        "map_drafted",
        "map_frozen",
        "wave_dispatched",
        "agent_run_dispatched",
        "agent_run_dispatched",
        "run_moved",
        "agent_run_moved",
        "agent_run_moved",
        "findings_recorded",
        "wave_moved",
        "evidence_recorded",
    ]
    moved = [(event["subject"], event["from"], event["to"]) for event in events if event["kind"].endswith("_moved")]
    assert moved == [
        (f"run:{collected.run}", "initializing", "health-audit-a"),
        ("agent_run:1", "dispatched", "complete"),
        ("agent_run:2", "dispatched", "complete"),
        ("wave:1", "dispatched", "collected"),
    ]


def test_each_hash_holds_the_one_before(collected: Workspace) -> None:
    with sqlite3.connect(collected.db) as conn:
        rows = conn.execute("SELECT * FROM events ORDER BY seq").fetchall()
    conn.close()
    previous = GENESIS
    for *row, kept in rows:
        previous = chain_hash(previous, tuple(row))
        assert kept == previous


def test_the_cursor_continues_behind_a_seq(swarm: Swarm, collected: Workspace) -> None:
    whole = swarm("events").out.splitlines()
    assert swarm("events", "--after", "5").out.splitlines() == whole[5:]
    assert swarm("events", "--after", "99").out == ""
    data = swarm("events", "--after", "5", "--format", "json").data
    assert data == {"events": [json.loads(line) for line in whole[5:]], "after": len(whole)}
    assert swarm("events", "--after", "99", "--format", "json").data == {"events": [], "after": 99}


@pytest.mark.parametrize("words", [("--after", "-1"), ("--after", "x"), ("--follow", "--format", "json")])
def test_a_cursor_is_a_whole_number_and_follow_is_text_alone(
    swarm: Swarm, workspace: Workspace, words: tuple[str, ...]
) -> None:
    assert swarm("events", *words, exit=2).code == "CLI_USAGE"


def test_follow_shows_what_comes(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    reader = subprocess.Popen(
        [sys.executable, "-m", "swarm", "events", "--follow"], cwd=repo.root, stdout=subprocess.PIPE, text=True
    )
    try:
        assert reader.stdout is not None
        seen = [json.loads(reader.stdout.readline())["kind"] for _ in range(3)]
        swarm("domains", "--unfreeze", "--reason", "to edit")
        assert json.loads(reader.stdout.readline())["kind"] == "map_unfrozen"
        assert seen == ["run_created", "map_drafted", "map_frozen"]
    finally:
        reader.terminate()
        reader.communicate(timeout=30)


def test_a_reader_that_goes_away_is_no_traceback(repo: Repo, collected: Workspace) -> None:
    reader = subprocess.Popen(
        [sys.executable, "-m", "swarm", "events", "--follow"],
        cwd=repo.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stderr is not None
    reader.stdout.readline()
    reader.stdout.close()
    with sqlite3.connect(collected.db) as conn:
        conn.execute("PRAGMA user_version = 0")
    conn.close()
    subprocess.run(
        [sys.executable, "-m", "swarm", "domains", "--unfreeze", "--reason", "to edit"],
        cwd=repo.root,
        check=True,
        capture_output=True,
    )
    assert reader.wait(timeout=30) in {1, 0}
    assert "Traceback" not in reader.stderr.read()
    reader.stderr.close()


def test_a_stage_event_has_its_envelope_and_its_fields_in_camel_case(swarm: Swarm, workspace: Workspace) -> None:
    (event,) = swarm("collect", exit=1).events
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("ts"))
    assert re.fullmatch(r"coord-[0-9a-z]+-[0-9a-f]{4}", event.pop("correlation_id"))
    assert event == {"component": "swarm", "stage": "run_selected", "runId": workspace.run}


def test_every_event_of_one_call_and_its_ledger_share_one_correlation(
    swarm_process: Swarm, workspace: Workspace
) -> None:
    answer = swarm_process("audit", ".", exit=1)
    ids = {event["correlation_id"] for event in answer.events}
    assert len(ids) == 1
    with sqlite3.connect(workspace.db) as conn:
        kept = {row[0] for row in conn.execute("SELECT correlation_id FROM events WHERE kind = 'wave_dispatched'")}
    conn.close()
    assert kept == ids


def test_the_log_can_be_human_or_off(swarm: Swarm, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARM_LOG", "human")
    assert swarm("collect", exit=1).err.splitlines()[0] == f"· run selected  runId={workspace.run}"
    monkeypatch.setenv("SWARM_LOG", "off")
    assert swarm("collect", exit=1).err.startswith("ERROR [COLLECT_NO_WAVE]")


def test_a_stderr_that_is_closed_breaks_no_verb(repo: Repo, workspace: Workspace) -> None:
    done = subprocess.run(
        f"exec {sys.executable} -m swarm domains --freeze --format json 2>&-",
        shell=True,
        cwd=repo.root,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)
    refused = subprocess.run(
        f"exec {sys.executable} -m swarm show F-0 2>&-", shell=True, cwd=repo.root, capture_output=True, check=False
    )
    assert (refused.returncode, refused.stdout) == (1, b"")


def test_in_a_pipe_warnings_and_ends_of_agents_are_reported_and_a_refused_dispatch_as_json(
    swarm: Swarm, repo: Repo, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWARM_LOG")
    assert swarm("approve", "--all").err == f"· run selected  runId={workspace.run}\n"
    first, *block = swarm("dispatch", workspace.run, "no-phase", exit=1).err.splitlines()
    assert (json.loads(first)["stage"], block[0]) == (
        "dispatch_precondition_failed",
        "ERROR [DISPATCH_INVALID_PHASE]: Unknown phase: no-phase",
    )
    swarm("dispatch", workspace.run, "health-audit-a", "--isolate", "--runtime", "ruff")
    assert sorted(swarm("launch", workspace.run).err.splitlines()) == ["code: success", "rest: success"]
    told = [line.split("  ")[0] for line in swarm("audit", "-v", exit=1).err.splitlines()]
    assert "· audit goes on" in told
