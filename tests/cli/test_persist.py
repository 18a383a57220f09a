"""`persist` and `verify --ingest`: a run becomes an export, a submission and a record."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from swarm import documents
from tests.cli.errors.refusal import raises
from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import block_of, nothing_changes
from tests.conftest import Repo, Swarm, Workspace

STEP = """
[records]
surface = "cli"
[[verify.steps]]
name = "smoke"
kind = "test"
argv = ["python3", "-c", "print('Ran 1 test')"]
count_pattern = 'Ran (\\d+) test'
"""


def read(file: Path) -> Any:
    return json.loads(file.read_bytes())


def test_a_verified_run_becomes_a_record(
    swarm: Swarm, repo: Repo, collected: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "a-person")
    repo.write({"swarm.toml": STEP})
    verified = valid(swarm("verify", "--ingest", "--format", "json"), "verify", 0)
    outcome = verified["ingest"]
    folder = collected.folder / collected.run
    assert (outcome["ingested"], outcome["reason"], outcome["exitCode"]) == (True, None, 0)
    assert outcome["submission"] == str(folder / "submission.json")
    submission, export = read(folder / "submission.json"), read(folder / "run-export.json")
    assert documents.problems(submission, "dogfood-submission") == []
    assert documents.problems(export, "run-export") == []
    receipt = f"{collected.run}/proofs/verification-1.json"
    [piece] = submission["scenario_results"][0]["evidence"]
    assert submission["scenario_results"] == [
        {
            "scenario_id": "verify",
            "product_surface": "cli",
            "execution_mode": "bot",
            "verdict": "pass",
            "step_results": [{"step_id": "smoke", "status": "pass"}, {"step_id": "claims", "status": "pass"}],
            "evidence": [{"kind": "receipt", "path": receipt, "sha256": piece["sha256"]}],
        },
        {
            "scenario_id": "health-audit-a",
            "product_surface": "cli",
            "execution_mode": "mixed",
            "verdict": "pass",
            "step_results": [{"step_id": "code", "status": "pass"}, {"step_id": "rest", "status": "pass"}],
            "attested_by": "a-person",
        },
    ]
    assert submission["ref"] == {"commit_sha": repo.head, "branch": "main"}
    assert submission["ci_checks"] == [{"id": "smoke", "kind": "test", "status": "pass", "value": 1}]
    assert submission["source"] == {
        "provider": "swarm",
        "workflow": "swarm verify",
        "provider_run_id": f"{collected.run}:1",
        "run_url": f"urn:swarm-control-plane:{collected.run}:verification:1",
    }
    record = read(collected.folder / outcome["result"]["path"])
    judged = ("policy_version", "overall_verdict", "verification")
    assert {key: value for key, value in record.items() if key not in judged} == {
        key: value for key, value in submission.items() if key not in judged
    }
    assert [(wave["waveNumber"], wave["phase"]) for wave in export["waves"]] == [(1, "health-audit-a")]
    assert [finding["file"] for finding in export["findings"]] == ["src/app.py"]
    # The same state is the same submission; a run that went on is another.
    assert swarm("persist", "--ingest").out.splitlines()[3:5] == [
        "Ingested: YES",
        f"✓ Already recorded: run {submission['run_id']} of local/repo",
    ]
    swarm("verify", "--ingest")
    assert swarm("records", "list", "--format", "json").data["total"] == 2
    # Records beside a wave must not look like work of somebody else in the checkout.
    assert repo.git("status", "--porcelain", "--untracked-files=all", "swarms") == ""


@raises("INGEST_FAILED")
def test_a_submission_that_is_not_accepted_says_how_to_reproduce_that(
    swarm: Swarm, repo: Repo, collected: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = collected.folder / "policies"
    policies.mkdir()
    (policies / "global-policy.yaml").write_text("policy_version: '1'\ndefaults: {tests_must_pass: true}\n")
    answer = swarm("persist", "--ingest", exit=1)
    file = collected.folder / collected.run / "submission.json"
    reason = "policy: surface library: no check of kind test passed"
    assert answer.out.splitlines()[-1] == f"Ingested: NO — {reason}"
    line = f'swarm ingest --provenance=stub --file "{file}"'
    assert block_of(answer).splitlines() == [
        f"ERROR [INGEST_FAILED]: dogfood ingest did not complete — {reason}",
        f"  Submission: {file}",
        f"  Reproduce: {line}",
        "  Exit code: 1",
        "  Next: run the Reproduce line",
    ]
    again = swarm(*shlex.split(line)[1:], exit=1)
    assert again.out.splitlines()[:2] == [f"⊘ Rejected: run {read(file)['run_id']} of local/repo", f"  {reason}"]
    # From elsewhere the line names the root as well.
    answer = swarm("--db", collected.db, "persist", "--ingest", exit=1, cwd=collected.folder.parent.parent)
    [line] = [text for text in answer.err.splitlines() if "Reproduce:" in text]
    assert line == f'  Reproduce: swarm ingest --provenance=stub --file "{file}" --root "{collected.folder}"'
    reproduced = swarm(*shlex.split(line)[2:], exit=1, cwd=collected.folder.parent.parent)
    assert reproduced.out == again.out
    monkeypatch.setenv("CI", "1")
    data = valid(swarm("persist", "--ingest", "--format", "json", exit=1), "persist", 1)
    problem = "Provenance stub confirms every submission, and is refused in CI: CI is set"
    assert (data["ingest"]["ingested"], data["ingest"]["reason"], data["ingest"]["exitCode"]) == (False, problem, 2)
    # The verification itself stands as it is.
    repo.write({"swarm.toml": STEP})
    data = valid(swarm("verify", "--ingest", "--format", "json", exit=1), "verify", 1)
    assert (data["exitCode"], data["ingest"]["reason"]) == (0, problem)
    assert swarm("verify", "--ingest", "--probe-only", exit=2).code == "CLI_USAGE"


def test_a_submission_that_cannot_be_written_costs_no_verdict(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"swarm.toml": STEP})
    (workspace.folder / workspace.run / "submission.json").mkdir(parents=True)
    answer = swarm("verify", "--ingest", exit=1)
    problem = "Cannot write in the workspace: submission.json: Is a directory"
    assert "✓ Verified. Receipt 1." in answer.out.splitlines()
    assert f"Ingested: NO — {problem}" in answer.out.splitlines()
    assert block_of(answer).splitlines()[0] == f"ERROR [INGEST_FAILED]: dogfood ingest did not complete — {problem}"


def test_a_dry_run_writes_nothing_and_says_what_would_come_of_it(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    with nothing_changes(repo.root):
        lines = swarm("persist", "--ingest", "--dry-run").out.splitlines()
    assert lines == [
        f"Run {workspace.run} would be written: verdict blocked proposed for local/repo",
        f"  Export: {workspace.folder}/{workspace.run}/run-export.json",
        f"  Submission: {workspace.folder}/{workspace.run}/submission.json",
        "Ingested: NO — dry-run; it would be accepted",
    ]
    lines = swarm("persist").out.splitlines()
    assert (lines[0], lines[-1]) == (
        f"Run {workspace.run} written: verdict blocked proposed for local/repo",
        f"Next: swarm persist {workspace.run} --ingest",
    )


def test_a_run_in_a_workflow_names_its_workflow_run(
    swarm: Swarm, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "org/name",
        "GITHUB_WORKFLOW": "dogfood",
        "GITHUB_RUN_ID": "42",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_SERVER_URL": "https://git.example",
        "GITHUB_ACTOR": "a-person",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    swarm("persist")
    submission = read(workspace.folder / workspace.run / "submission.json")
    assert (submission["repo"], submission["source"]) == (
        "org/name",
        {
            "provider": "github",
            "workflow": "dogfood",
            "provider_run_id": "42",
            "run_url": "https://git.example/org/name/actions/runs/42",
            "attempt": 2,
            "actor": "a-person",
        },
    )
    assert documents.problems(submission, "dogfood-submission") == []


PAGE = (Path(__file__).parents[2] / "docs" / "records.md").read_text(encoding="utf-8")
DIFFERENT = {
    r"/\S*?/swarms/": "/home/you/repo/swarms/",
    r"swarm-\d+-[0-9a-f]{8}(-[0-9a-f]{12})?": "swarm-…",
    r"[0-9a-f]{40}": "a commit",
    r"0001-[0-9a-f]{12}": "0001-…",
    r"\d{4}-\d\d-\d\dT[\d:.]+Z": "a moment",
    r"\d{4}/\d\d/\d\d": "a day",
    r"\d+ ms": "… ms",
    r" {2,}": "  ",
}


def without_differences(text: str) -> str:
    for pattern, word in DIFFERENT.items():
        text = re.sub(pattern, word, text)
    return text


def test_the_session_of_the_page_is_what_swarm_prints(swarm: Swarm, repo: Repo) -> None:
    [config] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    repo.commit({"app.py": "NAME = 1\n", "swarm.toml": config})
    swarm("audit", ".", exit=1)
    session = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)[0]
    parts = re.split(r"^\$ swarm (.*)\n", session, flags=re.MULTILINE)[1:]
    for line, told in zip(parts[::2], parts[1::2], strict=True):
        # The tests run without a sandbox, which the page does not name either.
        shown = re.sub(r"Sandbox: .*\n|⚠ .*\n", "", swarm(*shlex.split(line)).out)
        assert without_differences(shown) == without_differences(told), line
