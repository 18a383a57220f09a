"""`ledger verify` and `replay`: any lawful history is sound, and any single edit behind swarm's back is seen."""

import gzip
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swarm.store import ledger
from swarm.store.connection import open_store
from swarm.store.ledger import Entry
from tests.cli import test_status_walks
from tests.cli.scenes.coordinator import Coordinator
from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.triage import ids
from tests.conftest import Repo, Swarm, Workspace

DATA = Path(__file__).parent.parent / "data"
SOUND = "The tables say the same."


@contextmanager
def behind(db: Path) -> Iterator[sqlite3.Connection]:
    """Edit the control plane behind swarm's back, its triggers dropped."""
    conn = sqlite3.connect(db, isolation_level=None)
    conn.execute("DROP TRIGGER IF EXISTS the_ledger_is_not_edited")
    conn.execute("DROP TRIGGER IF EXISTS the_ledger_is_not_cut")
    try:
        yield conn
    finally:
        conn.close()


def edit(db: Path, statement: str, *values: object) -> None:
    with behind(db) as conn:
        assert conn.execute(statement, values).rowcount > 0


def chain(db: Path) -> list[tuple[Any, ...]]:
    with behind(db) as conn:
        return conn.execute("SELECT seq, ts, kind, hash FROM events ORDER BY seq").fetchall()


def differences(swarm: Swarm, *words: str) -> list[tuple[Any, ...]]:
    data = swarm("ledger", "replay", *words, "--check", "--format", "json", exit=None).data
    return [
        (difference["subject"], difference["fact"], difference["ledger"], difference["table"])
        for difference in data["differences"]
    ]


# --- verify -----------------------------------------------------------------------------------------------


def test_a_sound_ledger_is_reported_with_its_length_its_span_and_its_head(swarm: Swarm, collected: Workspace) -> None:
    rows = chain(collected.db)
    answer = swarm("ledger", "verify")
    assert answer.out.splitlines() == [
        f"{len(rows)} events from {rows[0][1]} to {rows[-1][1]}; every link holds.",
        f"Head: {rows[-1][3]}",
        "Next: keep the head elsewhere; `swarm ledger verify --head HASH` then shows a cut tail, too.",
    ]
    assert swarm("ledger", "verify", "--format", "json").data == {
        "events": len(rows),
        "first": rows[0][1],
        "last": rows[-1][1],
        "head": rows[-1][3],
        "sinceHead": None,
    }


def test_a_ledger_without_an_event_is_sound(swarm: Swarm, tmp_path: Path) -> None:
    db = tmp_path / "control-plane.db"
    open_store(db, "test", create=True).conn.close()
    assert swarm("--db", str(db), "ledger", "verify").out == "The ledger is empty.\n"
    assert swarm("--db", str(db), "ledger", "replay", "--check").out.splitlines() == [
        "0 events give the states of nothing.",
        SOUND,
    ]


@pytest.mark.parametrize(
    ("statement", "seq", "what"),
    [
        ("UPDATE events SET reason = 'forged' WHERE seq = 3", 3, "row"),
        (f"UPDATE events SET hash = '{'f' * 64}' WHERE seq = 3", 3, "hash"),
        ("DELETE FROM events WHERE seq = 3", 4, "missing"),
        ("DELETE FROM events WHERE seq = 1", 2, "missing"),
    ],
)
def test_the_first_break_is_named_with_what_differs(
    swarm: Swarm, collected: Workspace, statement: str, seq: int, what: str
) -> None:
    kind = chain(collected.db)[seq - 1][2]
    edit(collected.db, statement)
    for words in (("verify",), ("replay",), ("replay", "--check")):
        error = swarm("ledger", *words, "--format", "json", exit=1).document["error"]
        assert (error["code"], error["seq"], error["kind"], error["what"]) == ("LEDGER_BROKEN", seq, kind, what)
        assert error["message"].startswith(f"The ledger is broken at event {seq}: ")


def test_an_event_that_was_put_in_with_a_hash_that_fits_is_found_at_its_successor(
    swarm: Swarm, collected: Workspace
) -> None:
    with behind(collected.db) as conn:
        row = list(conn.execute("SELECT * FROM events WHERE seq = 3").fetchone())
        (previous,) = conn.execute("SELECT hash FROM events WHERE seq = 2").fetchone()
        row[9] = "forged"
        conn.execute(
            "UPDATE events SET reason = 'forged', hash = ? WHERE seq = 3",
            (ledger.chain_hash(previous, tuple(row[:-1])),),
        )
    error = swarm("ledger", "verify", "--format", "json", exit=1).document["error"]
    assert (error["seq"], error["what"]) == (4, "row")


def test_a_hash_that_was_kept_shows_a_cut_tail(swarm: Swarm, collected: Workspace) -> None:
    rows = chain(collected.db)
    kept, head = rows[-3][3], rows[-1][3]
    shown = swarm("ledger", "verify", "--head", kept).out.splitlines()
    assert shown[-1] == "The hash that you kept is in it, with 2 events behind it."
    edit(collected.db, "DELETE FROM events WHERE seq > ?", len(rows) - 2)
    assert swarm("ledger", "verify", "--head", kept, "--format", "json").data["sinceHead"] == 0
    swarm("ledger", "verify")
    error = swarm("ledger", "verify", "--head", head, "--format", "json", exit=1).document["error"]
    assert (error["code"], error["what"]) == ("LEDGER_BROKEN", "head")
    # What was cut off is missed by the tables, too.
    assert swarm("ledger", "replay", "--check", exit=1).code is None


def test_a_hash_that_is_none_is_a_usage_error(swarm: Swarm, collected: Workspace) -> None:
    assert swarm("ledger", "verify", "--head", "F00", exit=2).code == "CLI_USAGE"


def test_a_ledger_longer_than_a_page_is_walked_to_its_end(swarm: Swarm, workspace: Workspace) -> None:
    with open_store(workspace.db, "test") as store, store.mutation() as conn:
        ledger.append_all(conn, (Entry("noted", f"note:{number}") for number in range(12_000)))
    rows = chain(workspace.db)
    assert swarm("ledger", "verify", "--format", "json").data["events"] == len(rows)
    edit(workspace.db, "UPDATE events SET subject = 'x' WHERE seq = 11000")
    assert swarm("ledger", "verify", "--format", "json", exit=1).document["error"]["seq"] == 11_000


# --- replay -----------------------------------------------------------------------------------------------


def test_the_states_are_rebuilt_from_the_ledger(swarm: Swarm, three: Workspace) -> None:
    swarm("approve", "--ids", ids(swarm, "S307"))
    data = swarm("ledger", "replay", "--format", "json").data
    states = {state["subject"]: state["facts"] for state in data["states"]}
    assert data["counts"] == {"agent_run": 2, "map": 1, "run": 1, "wave": 1, "finding": 3}
    assert (data["checked"], data["differing"], data["runId"]) == (False, 0, None)
    assert states[f"run:{three.run}"]["status"] == "health-audit-a"
    assert (states["wave:1"]["status"], states["wave:1"]["number"]) == ("collected", 1)
    assert [states[f"agent_run:{number}"]["status"] for number in (1, 2)] == ["complete", "complete"]
    frozen = states[f"map:{three.run}"]
    assert (frozen["state"], [load["name"] for load in json.loads(frozen["domains"])]) == ("frozen", ["code", "rest"])
    decided = {(facts["severity"], facts["decision"]) for name, facts in states.items() if name.startswith("finding")}
    assert decided == {("HIGH", "open"), ("CRITICAL", "approved"), ("LOW", "open")}
    assert states[f"finding:{_row(three, 'S307')}"] == {
        "observation": "new",
        "decision": "approved",
        "evidence": None,
        "commit": None,
        "source": "coordinator",
        "by": states[f"finding:{_row(three, 'S307')}"]["by"],
        "expires": None,
        "severity": "CRITICAL",
        "sightings": 1,
        "first_wave": 1,
        "last_wave": 1,
    }
    text = swarm("ledger", "replay").out
    assert "wave:1  status=collected map=" in text


def _row(place: Workspace, rule: str) -> int:
    with behind(place.db) as conn:
        found: int = conn.execute("SELECT id FROM findings WHERE rule_id = ?", (rule,)).fetchone()[0]
    return found


def test_one_run_is_rebuilt_alone(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    other = swarm("init", ".", "--new", "--format", "json").data["runId"]
    edit(collected.db, "UPDATE waves SET status = 'failed'")
    assert differences(swarm, other) == []
    assert differences(swarm, collected.run) == [("wave:1", "status", "collected", "failed")]
    assert differences(swarm) == [("wave:1", "status", "collected", "failed")]
    data = swarm("ledger", "replay", other, "--format", "json").data
    assert {state["runId"] for state in data["states"]} == {other}


def test_a_difference_is_reported_with_what_both_say(swarm: Swarm, collected: Workspace) -> None:
    edit(collected.db, "UPDATE findings SET decision = 'rejected'")
    answer = swarm("ledger", "replay", "--check", exit=1)
    assert answer.out.splitlines()[1:] == [
        "1 difference between the ledger and the tables:",
        "⊘ finding:1: decision is open in the ledger, and rejected in the table",
        "Next: restore the newest file of backups/, or find out who edited the database; swarm itself repairs nothing",
    ]


def test_many_differences_are_counted_and_the_first_are_listed(swarm: Swarm, workspace: Workspace) -> None:
    with open_store(workspace.db, "test") as store, store.mutation() as conn:
        made = [Entry("attempt_opened", f"attempt:{n}", payload={"agentRunId": 1, "runtime": "x"}) for n in range(1500)]
        ledger.append_all(conn, made)
    lines = swarm("ledger", "replay", "--check", exit=1).out.splitlines()
    assert (len(lines), lines[-2]) == (24, "and 1,480 more")
    assert lines[1] == "1,500 differences between the ledger and the tables:"
    data = swarm("ledger", "replay", "--check", "--format", "json", exit=1).data
    assert (data["differing"], len(data["differences"])) == (1500, 1000)


def test_a_row_that_the_ledger_never_reported_is_seen(swarm: Swarm, collected: Workspace) -> None:
    edit(
        collected.db,
        "INSERT INTO promotions (run_id, from_phase, to_phase, gates, overridden, created)"
        " VALUES (?, 'health-audit-a', 'health-audit-b', '[]', '[]', 'now')",
        collected.run,
    )
    assert differences(swarm) == [("promotion:1", "row", None, "there")]


def test_a_lawful_step_over_an_edited_state_does_not_hide_the_edit(swarm: Swarm, collected: Workspace) -> None:
    edit(collected.db, "UPDATE findings SET decision = 'deferred', decision_reason = 'x'")
    swarm("approve", "--ids", ids(swarm, "bug"))
    (found,) = differences(swarm)
    assert (found[0], found[2:]) == ("finding:1", ("new", "deferred"))


def test_the_ledger_of_an_older_swarm_is_no_difference_where_it_does_not_tell(swarm: Swarm, tmp_path: Path) -> None:
    db = tmp_path / "control-plane.db"
    db.write_bytes(gzip.decompress((DATA / "control-plane-v2.db.gz").read_bytes()))
    assert swarm("--db", str(db), "ledger", "replay", "--check").out.splitlines()[-1] == SOUND


EDITS = {
    "run_status": "UPDATE runs SET status = 'test'",
    "map_frozen": "UPDATE runs SET map_frozen = 1 - map_frozen",
    "timeout": "UPDATE runs SET timeout_seconds = timeout_seconds + 1",
    "run_commit": f"UPDATE runs SET commit_sha = '{'9' * 40}'",
    "domain_ownership": "UPDATE domains SET ownership = 'bridge' WHERE position = 1",
    "domain_globs": """UPDATE domains SET globs = '["x"]' WHERE position = 1""",
    "domain_gone": "DELETE FROM domains WHERE position = 1",
    "snapshot": "UPDATE snapshots SET map = '[]' WHERE id = 1",
    "wave_status": "UPDATE waves SET status = 'aborted_for_rewind' WHERE number = 1",
    "wave_phase": "UPDATE waves SET phase = 'health-audit-c' WHERE number = 1",
    "wave_commit": f"UPDATE waves SET dispatch_sha = '{'9' * 40}' WHERE number = 1",
    "wave_gone": "DELETE FROM waves WHERE number = 1",
    "agent_status": "UPDATE agent_runs SET status = 'aborted_for_rewind' WHERE id = 1",
    "agent_domain": "UPDATE agent_runs SET domain = 'other' WHERE id = 1",
    "agent_gone": "DELETE FROM agent_runs WHERE id = 1",
    "attempt_exit": "UPDATE attempts SET exit_code = 77 WHERE id = 1",
    "attempt_outcome": "UPDATE attempts SET outcome = 'stalled' WHERE id = 1",
    "observation": "UPDATE findings SET observation = CASE observation WHEN 'fixed' THEN 'new' ELSE 'fixed' END,"
    " evidence = CASE observation WHEN 'fixed' THEN NULL ELSE 'operator' END WHERE id = 1",
    "evidence": "UPDATE findings SET evidence = 'confirmed' WHERE observation = 'fixed'",
    "fixed_commit": "UPDATE findings SET fixed_commit = 'x' WHERE id = 1",
    "decision": "UPDATE findings SET decision = CASE decision WHEN 'rejected' THEN 'open' ELSE 'rejected' END"
    " WHERE id = 1",
    "expiry": "UPDATE findings SET decision_expires = '1999-01-01' WHERE id = 1",
    "severity": "UPDATE findings SET severity = CASE severity WHEN 'LOW' THEN 'HIGH' ELSE 'LOW' END WHERE id = 1",
    "last_wave": "UPDATE findings SET last_wave = 99 WHERE id = 1",
    "finding_gone": "DELETE FROM findings WHERE id = 1",
    "finding_twice": "INSERT INTO findings (run_id, finding_id, fingerprint, kind, lens, severity, category, ordinal,"
    " domain, scope, quote, text_hash, occurrence, occurrences, context_hash, anchored, anchor_commit, description,"
    " observation, first_wave, last_wave, sightings, matched_by) SELECT run_id, 'F-00', 'f', kind, lens, severity,"
    " category, ordinal, domain, scope, quote, text_hash, occurrence, occurrences, context_hash, anchored,"
    " anchor_commit, description, 'new', 1, 1, 1, 'new' FROM findings WHERE id = 1",
    "sighting": "UPDATE sightings SET severity = CASE severity WHEN 'LOW' THEN 'HIGH' ELSE 'LOW' END WHERE id = 1",
    "sighting_text": "UPDATE sightings SET description = 'other' WHERE id = 1",
    "sighting_gone": "DELETE FROM sightings WHERE id = 1",
    "lease": "UPDATE leases SET status = CASE status WHEN 'granted' THEN 'denied' ELSE 'granted' END",
    "claim_outcome": "UPDATE fix_claims SET outcome = CASE outcome WHEN 'fixed' THEN 'refuted' ELSE 'fixed' END",
    "claim_evidence": "UPDATE fix_claims SET evidence = 'other'",
    "claim_gone": "DELETE FROM fix_claims",
    "agent_work": "UPDATE agent_runs SET work = 'x' WHERE work IS NOT NULL",
    "agent_count": "UPDATE agent_runs SET findings = 77 WHERE id = 1",
    "file_claim": "UPDATE file_claims SET violation = 1 - violation",
    "file_claim_owner": "UPDATE file_claims SET owner = 'nobody'",
    "file_claim_gone": "DELETE FROM file_claims",
    "output": "UPDATE artifacts SET sha256 = 'x' WHERE id = 1",
    "output_body": "UPDATE artifacts SET body = x'789c030000000001' WHERE id = 1",
    "output_unreadable": "UPDATE artifacts SET body = x'00' WHERE id = 1",
    "wave_result": "UPDATE waves SET result = '{}' WHERE number = 1",
    "wave_violations": "UPDATE waves SET violations = '[{}]' WHERE number = 1",
    "verdict": "UPDATE verifications SET verdict = CASE verdict WHEN 'pass' THEN 'fail' ELSE 'pass' END",
    "verified_commit": "UPDATE verifications SET commit_sha = 'x'",
    "merge": "UPDATE merges SET commit_sha = 'x'",
    "receipt": "UPDATE receipts SET body = '{}'",
    "promotion": "UPDATE promotions SET to_phase = 'complete'",
    "overridden": """UPDATE promotions SET overridden = '["findings"]', reason = 'x'""",
    "event_reason": "UPDATE events SET reason = 'x' WHERE seq = 2",
    "event_payload": """UPDATE events SET payload = '{"a":1}' WHERE seq = (SELECT max(seq) FROM events)""",
    "event_hash": f"UPDATE events SET hash = '{'a' * 64}' WHERE seq = 4",
    "event_gone": "DELETE FROM events WHERE seq = 2",
}


def is_seen(swarm: Swarm) -> bool:
    verified = swarm("ledger", "verify", exit=None).exit
    return bool(verified or swarm("ledger", "replay", "--check", exit=None).exit)


def test_every_single_edit_of_a_state_or_an_event_is_seen(swarm: Swarm, amended: Team) -> None:
    run = amended.run
    amended.merge()
    swarm("verify", run)
    swarm("advance", run, "--override", "--reason", "one was left")
    swarm("lease", "grant", run, "--domain", "rest", "--file", "src/app.py", "--reason", "it calls it")
    swarm("dispatch", run, "health-audit-a", "--runtime", "ruff")
    swarm("launch", run)
    swarm("collect", run, exit=None)
    assert swarm("ledger", "replay", "--check").out.splitlines()[-1] == SOUND
    kept = amended.place.db.read_bytes()
    unseen = set()
    for name, statement in EDITS.items():
        edit(amended.place.db, statement)
        if not is_seen(swarm):
            unseen.add(name)
        amended.place.db.write_bytes(kept)
    assert unseen == set()


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    words=st.lists(st.sampled_from(test_status_walks.STEPS), min_size=5, max_size=8),
    name=st.sampled_from(sorted(EDITS)),
)
def test_after_any_lawful_history_the_ledger_is_sound_and_an_edit_is_seen(
    swarm: Swarm, repo: Repo, workspace: Workspace, seed: int, words: list[str], name: str
) -> None:
    made = swarm("init", "--new", ".", "--format", "json", "--domains-from", str(repo.root.parent / "map.json")).data[
        "runId"
    ]
    run = Coordinator(swarm, repo, workspace._replace(run=made))
    swarm("domains", made, "--freeze")
    dice = random.Random(seed)
    run.audit("health-audit-a", {})
    for word in words:
        test_status_walks.step(run, word, dice)
    swarm("ledger", "verify")
    assert differences(swarm) == []
    kept = workspace.db.read_bytes()
    with behind(workspace.db) as conn:
        changed = conn.execute(EDITS[name]).rowcount > 0
    assert is_seen(swarm) or not changed
    workspace.db.write_bytes(kept)
