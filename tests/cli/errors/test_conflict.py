"""Errors of writes that fail, and of two commands at once."""

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.errors.refusal import raises
from tests.cli.scenes.snapshots import block_of
from tests.conftest import RefusedRows, Repo, Swarm, Workspace
from tests.sweeping import swept


def evidence(db: Path) -> dict[str, list[Any]]:
    """Return what collect leaves in each table, without times and hashes."""
    with sqlite3.connect(db) as conn:
        found = {
            "waves": conn.execute("SELECT number, status FROM waves").fetchall(),
            "agents": conn.execute("SELECT domain, status, findings FROM agent_runs ORDER BY id").fetchall(),
            "artifacts": conn.execute("SELECT agent_run_id, kind FROM artifacts ORDER BY id").fetchall(),
            "findings": conn.execute("SELECT file, line, status FROM findings ORDER BY id").fetchall(),
            "sightings": conn.execute("SELECT count(*) FROM sightings").fetchall(),
        }
    conn.close()
    return found


@raises("COLLECT_UPSERT_FAILED")
@pytest.mark.parametrize("form", ["text", "json"])
def test_findings_that_cannot_be_written_leave_the_evidence_and_the_wave_open(
    form: str, swarm: Swarm, dispatched: Workspace, refused_rows: RefusedRows
) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5}, {"file": "src/app.py", "line": 1})
    dispatched.answer("rest", {"file": "README.md", "line": 1})
    lift = refused_rows("INSERT ON findings", "no room for it", "WHEN NEW.file = 'README.md'")
    answer = swarm("collect", "--format", form, exit=1)
    message = "upsertFindings failed for wave=1 (3 findings attempted): no room for it"
    hint = (
        "wave 1 has artifacts persisted but findings missing — inspect with `swarm status`, then re-run "
        "`swarm collect` once the underlying SQLite issue is resolved (busy_timeout or fingerprint UNIQUE collision)"
    )
    if form == "json":
        assert block_of(answer) == ""
        assert answer.document["error"] == {
            "code": "COLLECT_UPSERT_FAILED",
            "message": message,
            "hint": hint,
            "number": 1,
            "waveId": 1,
            "findingsAttempted": 3,
            "problem": "no room for it",
            "cause": "no room for it",
        }
    else:
        assert answer.out == ""
        assert block_of(answer).splitlines() == [
            f"ERROR [COLLECT_UPSERT_FAILED]: {message}",
            f"  Next: {hint}",
            "  Wave: 1",
            "  Findings attempted: 3",
        ]
    kept = {
        "waves": [(1, "dispatched")],
        "agents": [("code", "complete", 2), ("rest", "complete", 1)],
        "artifacts": [(1, "output"), (2, "output")],
        "findings": [],
        "sightings": [(0,)],
    }
    assert evidence(dispatched.db) == kept
    assert swarm("status", "--format", "json").data["assessment"]["state"] == "READY TO COLLECT"
    lift()
    # The outputs are taken from what was recorded: they may be gone by now.
    dispatched.output("code").unlink()
    dispatched.output("rest").unlink()
    again = swarm("collect", "--format", "json").data
    assert (again["waveStatus"], again["findings"]["new"]) == ("collected", 3)
    assert evidence(dispatched.db) == kept | {
        "waves": [(1, "collected")],
        "findings": [("src/app.py", 5, "new"), ("src/app.py", 1, "new"), ("README.md", 1, "new")],
        "sightings": [(3,)],
    }


MEANWHILE = """#!/bin/sh
# git, but the first `ls-tree` is held up until another swarm has done its work.
case " $* " in
*" ls-tree "*) if mv {armed} {armed}.done 2>/dev/null; then
  (cd {root} && PATH={path} exec {python} -m swarm {command}) >{armed}.log 2>&1
fi;;
esac
PATH={path} exec git "$@"
"""


@pytest.fixture
def meanwhile(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let another process run a command of swarm while the next one is between its reading and its writing."""

    def arm(*command: str) -> None:
        folder = tmp_path / "meanwhile"
        folder.mkdir(exist_ok=True)
        armed, path = folder / "armed", os.environ["PATH"]
        armed.touch()
        words = " ".join(f"'{word}'" for word in command)
        shim = MEANWHILE.format(armed=armed, root=repo.root, path=path, python=sys.executable, command=words)
        (folder / "git").write_text(shim)
        (folder / "git").chmod(0o700)
        monkeypatch.setenv("PATH", f"{folder}:{path}")

    return arm


@raises("STATE_CONFLICT")
@pytest.mark.parametrize("form", swept(["text", "json"]))
def test_a_map_that_is_changed_while_a_wave_is_made_is_a_conflict_and_no_wave(
    form: str, swarm: Swarm, repo: Repo, workspace: Workspace, meanwhile: Callable[..., None]
) -> None:
    run = workspace.run
    swarm("domains", "--unfreeze", "--reason", "to edit")
    before = repo.git("for-each-ref"), repo.git("worktree", "list")
    meanwhile("domains", run, "--remove", "rest")
    answer = swarm("dispatch", run, "health-audit-a", "--isolate", "--auto-freeze", "--format", form, exit=1)
    message = "The domain map is no longer what it was: someone else moved it first"
    hint = f"look at `swarm status {run}`, then repeat the command if it still applies"
    if form == "json":
        assert block_of(answer) == ""
        assert answer.document["error"] == {
            "code": "STATE_CONFLICT",
            "message": message,
            "hint": hint,
            "subject": "The domain map",
            "expected": "what it was",
            "runId": run,
        }
    else:
        assert answer.out == ""
        assert block_of(answer).splitlines() == [
            f"ERROR [STATE_CONFLICT]: {message}",
            f"  Next: {hint}",
            f"  Run: {run}",
        ]
    assert (repo.git("for-each-ref"), repo.git("worktree", "list")) == before
    assert not (workspace.folder / run).exists()
    data = swarm("domains", "--format", "json").data
    assert (data["frozen"], [domain["name"] for domain in data["domains"]]) == (False, ["code"])
    assert evidence(workspace.db)["waves"] == []


def test_who_collects_while_another_does_is_refused_and_the_first_continues(
    swarm: Swarm, dispatched: Workspace, meanwhile: Callable[..., None], tmp_path: Path
) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    meanwhile("collect", dispatched.run)
    assert swarm("collect", dispatched.run, "--format", "json").data["waveStatus"] == "collected"
    assert "ERROR [LAUNCH_IN_PROGRESS]: Wave 1 is already being" in (tmp_path / "meanwhile/armed.log").read_text()
    assert evidence(dispatched.db) == {
        "waves": [(1, "collected")],
        "agents": [("code", "complete", 1), ("rest", "complete", 0)],
        "artifacts": [(1, "output"), (2, "output")],
        "findings": [("src/app.py", 5, "new")],
        "sightings": [(1,)],
    }
