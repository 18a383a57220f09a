"""Decisions made while another verb reads, before it writes: none is lost, and each is in the ledger."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from swarm.rules.states import WaveStatus
from swarm.store import promotions, transitions
from swarm.store.promotions import NewPromotion
from swarm.waves.clean import rewind
from swarm.waves.collect import collect
from swarm.waves.prove import merge_record
from tests.cli.scenes.amend_wave import Amending
from tests.cli.scenes.coordinator import Coordinator
from tests.cli.scenes.merge_team import LOAD as TEAMS_LOAD
from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.triage import DOCS, EVAL, LOAD, ids
from tests.conftest import Repo, Swarm, Workspace

pytestmark = pytest.mark.sweep

SOUND = "The tables say the same."
OPERATOR = ("--reason", "so", "--evidence", "seen")


def is_sound(swarm: Swarm) -> bool:
    swarm("ledger", "verify")
    return swarm("ledger", "replay", "--check").out.splitlines()[-1] == SOUND


def asked(db: Path, statement: str, *values: object) -> list[Any]:
    with sqlite3.connect(db) as conn:
        found = conn.execute(statement, values).fetchall()
    conn.close()
    return found


def history(swarm: Swarm, finding_id: str) -> list[tuple[str, str, str]]:
    events = swarm("history", finding_id, "--format", "json").data["events"][1:]
    return [(event["kind"], event["from"], event["to"]) for event in events]


def row(db: Path, finding_id: str) -> tuple[Any, ...]:
    columns = "observation, decision, evidence, sightings, last_wave, regressions, misses"
    (found,) = asked(db, f"SELECT {columns} FROM findings WHERE finding_id = ?", finding_id)
    return tuple(found)


CLOSED = ("finding_decided", "new", "fixed")
REOPENED = ("finding_decided", "fixed", "unverified")
DECIDED = {
    # What the wave sees, or does not, and what is done to it meanwhile: its events, and its row.
    "seen_and_closed": (
        *("seen", "close", "--verified-how", "independent"),
        [CLOSED],
        ("fixed", "open", "operator", 2, 2, 0, 0),
    ),
    "silent_and_closed": (
        *("silent", "close", "--verified-how", "independent"),
        [CLOSED],
        ("fixed", "open", "operator", 1, 1, 0, 0),
    ),
    "seen_and_approved": (
        *("seen", "approve"),
        [("finding_decided", "new", "approved"), ("finding_moved", "new", "recurring")],
        ("recurring", "approved", None, 2, 2, 0, 0),
    ),
    "silent_and_rejected": (
        *("silent", "reject", "--reason", "so"),
        [("finding_decided", "new", "rejected"), ("finding_moved", "new", "unverified")],
        ("unverified", "rejected", None, 1, 1, 0, 1),
    ),
    "seen_and_reopened": (
        *("closed", "reopen"),
        [CLOSED, REOPENED, ("finding_moved", "unverified", "recurring")],
        ("recurring", "open", None, 2, 2, 0, 0),
    ),
    "silent_and_reopened": (
        *("closed silent", "reopen"),
        [CLOSED, REOPENED],
        ("unverified", "open", None, 1, 1, 0, 0),
    ),
}


@pytest.mark.parametrize("case", DECIDED)
def test_what_is_decided_while_a_wave_is_judged_stays(
    swarm: Swarm, three: Workspace, after: Callable[..., None], case: str
) -> None:
    which, verb, *words, events, expected = DECIDED[case]
    finding = ids(swarm, "S307" if "silent" in which else "bug")
    if "closed" in which:
        swarm("close", "--ids", finding, *OPERATOR, "--verified-how", "independent")
    if verb in {"close", "reopen"}:
        words = [*words, *OPERATOR]
    swarm("dispatch", "health-audit-a", "--isolate")
    three.answer("code", LOAD, wave=2)
    three.answer("rest", DOCS, wave=2)
    after(collect, "observe", lambda: swarm(verb, "--ids", finding, *words))
    data = swarm("collect", "--format", "json").data
    assert data["waveStatus"] == "collected"
    assert history(swarm, finding) == events
    assert row(three.db, finding) == expected
    assert is_sound(swarm)
    # The next wave goes on from there: what it sees is recurring, a fixed finding by a regression.
    swarm("dispatch", "health-audit-a", "--isolate")
    three.answer("code", LOAD, EVAL, wave=3)
    three.answer("rest", DOCS, wave=3)
    swarm("collect")
    assert row(three.db, finding)[0] == "recurring"
    assert row(three.db, finding)[5] == int(expected[0] == "fixed")
    assert is_sound(swarm)


def test_a_lease_that_is_granted_while_an_amend_wave_is_judged_is_judged_by(
    swarm: Swarm, amending: Amending, after: Callable[..., None]
) -> None:
    amending.edit("code", "tests/test_app.py")
    amending.answer("code", files=("tests/test_app.py",))
    for domain in ("tests", "api"):
        amending.answer(domain)
    grant = (
        "lease",
        "grant",
        amending.run,
        "--domain",
        "code",
        "--file",
        "tests/test_app.py",
        "--reason",
        "it calls it",
    )
    after(collect, "observe", lambda: swarm(*grant))
    error = swarm("collect", amending.run, "--format", "json", exit=1).document["error"]
    assert error["code"] == "STATE_CONFLICT"
    assert error["message"].startswith("What is leased in wave 2")
    assert amending.sql("SELECT status FROM agent_runs WHERE wave_id = 2") == [("dispatched",)] * 3
    assert amending.collect()["violations"] == []
    assert is_sound(swarm)


def test_a_fix_that_is_refuted_while_a_merge_proves_it_is_not_proved(
    swarm: Swarm, amended: Team, after: Callable[..., None]
) -> None:
    def sees_it_again() -> None:
        # HEAD does not have the mend yet.
        swarm("dispatch", amended.run, "health-audit-b", "--isolate")
        amended.place.answer("code", TEAMS_LOAD, wave=3, stage="B")
        amended.place.answer("rest", wave=3, stage="B")
        swarm("collect", amended.run)

    load, title = amended.ids()["def load"], amended.ids()["# A project"]
    after(merge_record, "proved_at", sees_it_again)
    assert amended.merge().data["fixed"] == [title]
    assert [(kind, to) for kind, _, to in history(swarm, load)] == [
        ("finding_decided", "approved"),
        ("finding_moved", "recurring"),
    ]
    assert amended.rows("SELECT finding_id, outcome FROM fix_claims JOIN findings ON findings.id = finding") == [
        (load, "refuted"),
        (title, "fixed"),
    ]
    assert is_sound(swarm)


def test_a_rewind_takes_back_nothing_that_it_did_not_look_at(
    swarm: Swarm, repo: Repo, collected: Workspace, after: Callable[..., None]
) -> None:
    run = Coordinator(swarm, repo, collected)
    repo.commit({"new.txt": "new\n"})

    def promote(source: str, target: str) -> None:
        with run.control() as conn:
            promotions.add_promotion(conn, NewPromotion(collected.run, None, source, target, (), (), None, None))
            transitions.move_run(conn, collected.run, source, target)

    promote("health-audit-a", "health-audit-a")
    after(rewind, "_bring_git", lambda: promote("health-audit-a", "health-audit-b"))
    words = ("rewind", collected.run, "--apply", "--reason", "back")
    assert swarm(*words, exit=None).code == "REWIND_STATE_SPLIT"
    assert run.status["waves"]["current"]["status"] == WaveStatus.COLLECTED
    swarm(*words)
    assert run.status["run"]["status"] == "health-audit-b"
    assert run.status["waves"]["current"]["status"] == WaveStatus.ABORTED_FOR_REWIND
    assert is_sound(swarm)


# --- with processes ---------------------------------------------------------------------------------------

# Says each decision that was acknowledged, from the moment that it is let go.
DECIDER = """
import contextlib, io, json, sys
from swarm.cli import main
sys.stdin.readline()
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()):
        code = main.main(words)
    print(json.dumps([words[0], words[2], code]), flush=True)
"""
ROUND = {
    "approve": ("approved", ()),
    "close": ("approved", (*OPERATOR, "--verified-how", "independent")),
    "reopen": ("open", OPERATOR),
    "reject": ("rejected", ("--reason", "so")),
    "defer": ("deferred", ("--reason", "so")),
}
PROCESSES, FINDINGS = 4, 16


@pytest.fixture
def deciders(swarm: Swarm, repo: Repo, workspace: Workspace) -> Iterator[list[subprocess.Popen[str]]]:
    """A wave with many findings, a second one of which half is reported, and processes that decide all of them."""
    repo.commit({"src/many.py": "".join(f"value_{n} = {n}\n" for n in range(FINDINGS))})
    reports = [{"file": "src/many.py", "line": n + 1, "quote": f"value_{n} = {n}"} for n in range(FINDINGS)]
    for wave, code in ((1, reports), (2, reports[::2])):
        swarm("dispatch", "health-audit-a", "--isolate")
        workspace.answer("code", *code, wave=wave)
        workspace.answer("rest", wave=wave)
        if wave == 1:
            swarm("collect")
    every = [finding["findingId"] for finding in swarm("findings", "--format", "json", exit=None).data["findings"]]
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", DECIDER, json.dumps(list(_round(every[number::PROCESSES])))],
                    cwd=repo.root,
                    env=os.environ,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            for number in range(PROCESSES)
        ]


def _round(findings: list[str]) -> Iterator[list[str]]:
    for finding in findings:
        for verb in ("approve", "close", "reopen", "reject", "reopen", "defer"):
            yield [verb, "--ids", finding, *ROUND[verb][1]]


def test_no_decision_is_lost_while_a_wave_is_collected(
    swarm: Swarm, workspace: Workspace, deciders: list[subprocess.Popen[str]], after: Callable[..., None]
) -> None:
    first: list[str] = []

    def let_go() -> None:
        for process in deciders:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        # Each has approved and closed a finding that collect knows as open, and goes on while collect writes.
        first.extend(process.stdout.readline() for process in deciders if process.stdout for _ in range(2))

    after(collect, "observe", let_go)
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"
    rest = [line for process in deciders if process.stdout for line in process.stdout]
    acknowledged: dict[str, list[str]] = {}
    for words in (*first, *rest):
        verb, finding, code = json.loads(words)
        assert code == 0
        acknowledged.setdefault(finding, []).append(ROUND[verb][0])
    assert len(acknowledged) == FINDINGS
    for finding, decisions in acknowledged.items():
        assert _decisions(workspace.db, finding) == decisions
        assert row(workspace.db, finding)[1] == decisions[-1]
    assert is_sound(swarm)


def _decisions(db: Path, finding_id: str) -> list[str]:
    query = (
        "SELECT json_extract(payload, '$.decision') FROM events WHERE kind = 'finding_decided'"
        " AND subject = (SELECT 'finding:' || id FROM findings WHERE finding_id = ?) ORDER BY seq"
    )
    return [decision for (decision,) in asked(db, query, finding_id)]
