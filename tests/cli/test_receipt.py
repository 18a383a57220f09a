"""`swarm receipt`: all that is recorded of one wave, byte-identical for the same state."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from swarm import documents
from tests.cli.scenes.coordinator import Coordinator
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm, Workspace
from tests.store.writers import broken_link
from tests.sweeping import swept

HOSTILE = "| </td> `x` \x1b[31m\n# Approved \u202e"


@pytest.fixture
def run(swarm: Swarm, repo: Repo, workspace: Workspace) -> Coordinator:
    """A run with a frozen map."""
    return Coordinator(swarm, repo, workspace)


@pytest.fixture
def amended(run: Coordinator) -> Coordinator:
    """The same after an audit and an amend wave, which is merged, verified and advanced; a lease was denied."""
    run.audit("health-audit-a", {"description": HOSTILE}, {"severity": "LOW", "line": 1, "quote": "import os"})
    run.swarm("approve", run.place.run, "--all")
    grave = run.swarm("findings", "--severity", "HIGH", "--format", "json", exit=1).data["findings"][0]["findingId"]
    run.swarm("dispatch", run.place.run, "health-amend-a", "--isolate")
    (run.tree(2) / "src/app.py").write_text("# mended\n", encoding="utf-8")
    run.swarm("lease", "deny", "--domain", "code", "--file", "README.md", "--reason", HOSTILE)
    run.answer(
        fixes=[{"finding_id": grave, "description": HOSTILE}],
        files_changed=["src/app.py", "src/none.py"],
        skipped=[{"finding_id": finding, "reason": HOSTILE} for finding in run.open_ids() if finding != grave],
    )
    run.swarm("collect", run.place.run)
    run.merge(commit=run.repo.head)
    run.verify()
    run.swarm("advance", run.place.run)
    return run


def data_of(run: Coordinator, *words: str) -> Any:
    return run.swarm("receipt", run.place.run, *words, "--format", "json").data


def test_a_receipt_shows_all_of_a_wave(amended: Coordinator) -> None:
    data = data_of(amended)
    assert documents.check(data, "receipt") is None
    head = amended.repo.head
    assert [data[name] for name in ("runId", "repo", "waveNumber", "phase", "status", "dispatchSha", "isolated")] == [
        *(amended.place.run, "repo", 2, "health-amend-a", "advanced", head, True),
    ]
    assert data["map"] == [
        {"name": "code", "ownership": "owned", "globs": ["src/**"], "description": ""},
        {"name": "rest", "ownership": "owned", "globs": ["**"], "description": ""},
    ]
    code, rest = data["agents"]
    assert (code["domain"], code["status"], len(code["outputSha256"])) == ("code", "complete", 64)
    edited, only_told = code["claims"]
    assert edited == {
        "path": "src/app.py",
        "kind": "edit",
        "owner": "code",
        "observed": True,
        "reported": True,
        "violation": False,
    }
    assert (only_told["path"], only_told["observed"], only_told["reported"]) == ("src/none.py", False, True)
    assert (rest["domain"], rest["claims"]) == ("rest", [])
    assert data["leases"] == [
        {"domain": "code", "file": "README.md", "status": "denied", "requestReason": None, "reason": HOSTILE}
    ]
    assert [(fix["domain"], fix["outcome"], fix["description"]) for fix in data["fixes"]] == [
        ("code", data["fixes"][0]["outcome"], HOSTILE)
    ]
    assert [(fix["domain"], fix["reason"]) for fix in data["skippedFixes"]] == [("code", "skipped_by_agent")]
    assert data["merges"] == [
        {
            "ref": "refs/heads/swarm/integration",
            "base": head,
            "commitSha": head,
            "domains": ["code"],
            "dropped": [],
            "verificationId": None,
        }
    ]
    assert data["verifications"] == [
        {
            "id": 1,
            "purpose": "verify",
            "phase": "health-amend-a",
            "commitSha": head,
            "verdict": "pass",
            "adapter": "python",
            "steps": [{"name": "pytest", "passed": True, "exitCode": 0}],
            "testCount": 12,
            "offending": 0,
            "threshold": 0,
            "exitCode": 0,
            "accepted": None,
            "reason": None,
            "isolation": None,
            "isolationReason": None,
            "policy": None,
        }
    ]
    step = data["promotion"]
    assert (step["fromPhase"], step["toPhase"], step["overrides"]) == ("health-amend-a", "health-audit-a", [])
    assert len(step["gates"]) == 6
    events = amended.swarm("events", "--format", "json").data["events"]
    own = [event for event in events if event["waveId"] == 2 and event["kind"] not in {"receipt_made", "promoted"}]
    assert data["ledger"] == {
        "events": len(own),
        "first": own[0]["seq"],
        "last": own[-1]["seq"],
        "hash": own[-1]["hash"],
    }


def test_a_receipt_of_an_audit_wave_counts_what_it_saw(amended: Coordinator) -> None:
    found = data_of(amended, "1")["findings"]
    digest = found.pop("digest")
    recorded = amended.swarm("history", "1", "--format", "json").data["events"]
    assert digest == next(item for item in recorded if item["kind"] == "findings_recorded")["payload"]["digest"]
    assert found == {
        "new": 2,
        "recurring": 0,
        "fixed": 0,
        "unverified": 0,
        "recurredWhileClosed": 0,
        "bySeverity": {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 0, "LOW": 1},
        "sightings": 2,
        "fixedIds": [],
    }


def test_what_a_wave_saw_fixed_stays_in_its_receipt(run: Coordinator) -> None:
    run.audit("health-audit-a", {})
    (known,) = run.open_ids()
    run.repo.commit({"src/app.py": "# mended\n"})
    run.audit("health-audit-a")
    before = data_of(run, "2")
    assert before["findings"]["fixedIds"] == [known]
    run.repo.commit({"src/app.py": "def load(path, seen=[]):\n    pass\n"})
    run.audit("health-audit-a", {"line": 1})
    assert run.open_ids() == [known]
    assert data_of(run, "2") == before


@pytest.mark.parametrize("form", swept(["json", "markdown", "text"]))
def test_the_same_state_gives_the_same_bytes(amended: Coordinator, tmp_path: Path, form: str) -> None:
    with nothing_changes(amended.repo.root):
        first = amended.swarm("receipt", amended.place.run, "2", "--format", form).out
        assert amended.swarm("receipt", "--format", form).out == first
    for secret in (str(tmp_path), str(Path.home()), "/somewhere"):
        assert secret not in first
    if form == "json":
        assert json.loads(first)["meta"]["duration_ms"] is None


def test_the_text_is_the_markdown_and_nothing_in_it_is_an_agents_markup(amended: Coordinator) -> None:
    text = amended.swarm("receipt").out
    assert text == amended.swarm("receipt", "--format", "markdown").out
    assert text.startswith("# Receipt: wave 2 (health-amend-a) of repo\n")
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Receipt: wave 2 (health-amend-a) of repo",
        "## Map",
        "## Agents",
        "## Files",
        "## Leases",
        "## Findings",
        "## Claimed fixes",
        "## Skipped fixes",
        "## Merges",
        "## Verifications",
        "## Promotion",
        "## Ledger",
    ]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "</td>" not in text
    rows = [line for line in text.splitlines() if line.startswith("| code")]
    assert len({line.count(" | ") for line in rows if "denied" in line}) == 1


def test_the_receipt_of_a_promotion_is_kept_and_its_files_are_written(amended: Coordinator) -> None:
    folder = amended.place.folder / amended.place.run / "wave-2"
    data = data_of(amended)
    assert json.loads((folder / "receipt.json").read_text("utf-8")) == data
    assert (folder / "receipt.md").read_text("utf-8") == amended.swarm("receipt").out
    with sqlite3.connect(amended.place.db) as conn:
        kept = conn.execute("SELECT body FROM receipts WHERE kind = 'wave'").fetchall()
        assert broken_link(conn) is None
    conn.close()
    assert [json.loads(body) for (body,) in kept] == [data]


@pytest.mark.parametrize("name", swept(["receipt.json", "receipt.md"]))
@pytest.mark.parametrize("fate", ["gone", "forged", "linked"])
def test_a_file_that_was_removed_or_forged_is_written_again(amended: Coordinator, name: str, fate: str) -> None:
    file = amended.place.folder / amended.place.run / "wave-2" / name
    before = file.read_bytes()
    file.unlink()
    if fate == "forged":
        file.write_bytes(b"x" * len(before))
    elif fate == "linked":
        file.symlink_to(amended.repo.root / "README.md")
    amended.swarm("receipt")
    assert (file.read_bytes(), file.is_symlink()) == (before, False)
    assert (amended.repo.root / "README.md").read_text() == "# A project\n"


def test_a_folder_that_was_replaced_by_a_link_is_not_written_to(amended: Coordinator, tmp_path: Path) -> None:
    folder = amended.place.folder / amended.place.run / "wave-2"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.rename(tmp_path / "aside")
    folder.symlink_to(elsewhere, target_is_directory=True)
    answer = amended.swarm("receipt")
    assert [event["problem"] for event in answer.events if event["stage"] == "receipt_not_written"] == [
        "the folder was replaced"
    ]
    assert list(elsewhere.iterdir()) == []


def test_a_wave_that_was_not_promoted_has_a_receipt_and_no_files(run: Coordinator, tmp_path: Path) -> None:
    run.swarm("dispatch", run.place.run, "health-audit-a", "--isolate")
    with nothing_changes(run.repo.root):
        data = data_of(run)
    assert (data["status"], data["ended"], data["promotion"]) == ("dispatched", None, None)
    run.swarm("receipt", "--output", tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["receipt.json", "receipt.md"]
    assert json.loads((tmp_path / "out" / "receipt.json").read_text("utf-8")) == data


def test_a_receipt_of_nothing_is_refused(run: Coordinator) -> None:
    assert run.swarm("receipt", exit=1).code == "WAVE_NOT_FOUND"
    assert run.swarm("receipt", run.place.run, "7", exit=1).code == "WAVE_NOT_FOUND"
    assert run.swarm("receipt", run.place.run, "1", "2", exit=2).code == "CLI_USAGE"
