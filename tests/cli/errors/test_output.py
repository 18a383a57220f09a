"""Errors that collect reports for an agent's output, and of files that swarm writes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.errors.refusal import raises
from tests.cli.scenes.snapshots import block_of
from tests.conftest import Repo, Swarm, Workspace


def _bad_output(file: Path, body: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


TWICE = b'{"domain": "code", "domain": "code", "stage": "A", "summary": "", "findings": []}'
NO_STAGE = b'{"domain": "code", "summary": "", "findings": []}'
BAD_OUTPUTS = {
    "BOUNDED_JSON_PARSE_FAILED": (TWICE, "is not acceptable JSON: the key 'domain' stands twice in one object"),
    "BOUNDED_JSON_SIZE_LIMIT": (
        b"[" * 65 + b"]" * 65,
        "is larger or deeper than we read: more than 64 levels of nesting",
    ),
    "AGENT_OUTPUT_SCHEMA_INVALID": (NO_STAGE, "does not fit its schema: $: 'stage' is a required property"),
}


@raises("BOUNDED_JSON_PARSE_FAILED")
@raises("BOUNDED_JSON_SIZE_LIMIT")
@raises("AGENT_OUTPUT_SCHEMA_INVALID")
@pytest.mark.parametrize("code", BAD_OUTPUTS)
def test_an_output_that_cannot_be_used_is_reported_with_its_code_and_the_others_go_on(
    code: str, swarm: Swarm, dispatched: Workspace
) -> None:
    body, words = BAD_OUTPUTS[code]
    file = dispatched.output("code")
    _bad_output(file, body)
    dispatched.answer("rest", {"file": "README.md", "line": 1})
    answer = swarm("collect", "--format", "json", exit=1)
    assert answer.document["ok"] is True
    bad, good = answer.data["agents"]
    assert bad == {
        "domain": "code",
        "agentRunId": 1,
        "status": "invalid_output",
        "findingsCount": 0,
        "errors": [{"code": code, "path": str(file), "message": f"{file} {words}"}],
        "violations": [],
        "divergence": None,
        "fixes": 0,
        "sharedEdits": [],
        "ignored": [],
    }
    assert (good["status"], good["errors"], good["findingsCount"]) == ("complete", [], 1)
    assert (answer.data["waveStatus"], answer.data["findings"]["new"]) == ("failed", 1)
    agents = swarm("status", "--format", "json").data["agents"]
    assert [agent["error"] for agent in agents] == [f"{code}: {file} {words}"[:512], None]


@raises("STDOUT_NOT_WRITABLE")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_an_answer_that_cannot_be_written_is_an_error_of_the_output_and_not_of_the_workspace(
    collected: Workspace, repo: Repo
) -> None:
    del collected
    remedy = "free space where it leads to, or lead it elsewhere; what was recorded stays, and `swarm status` shows it"
    for words in (("status",), ("findings", "--format", "json"), ("findings", "--format", "sarif")):
        with open("/dev/full", "w") as full:  # noqa: PTH123
            command = [sys.executable, "-m", "swarm", *words]
            done = subprocess.run(command, cwd=repo.root, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.returncode, done.stderr.splitlines()) == (
            1,
            [
                "ERROR [STDOUT_NOT_WRITABLE]: The standard output takes no more: No space left on device",
                f"  Next: {remedy}",
            ],
        )


@raises("BOUNDED_JSON_READ_FAILED")
def test_an_output_that_is_not_there_is_reported_with_its_code(swarm: Swarm, dispatched: Workspace) -> None:
    file = dispatched.output("code")
    dispatched.answer("rest")
    answer = swarm("collect", exit=1)
    assert f"⚠ code: BOUNDED_JSON_READ_FAILED: there is no output ({file})" in answer.out.splitlines()
    assert block_of(answer) == ""


@raises("PATH_UNSAFE")
def test_a_finding_that_names_an_unsafe_path_is_reported_with_its_code_and_the_rest_is_kept(
    swarm: Swarm, dispatched: Workspace
) -> None:
    dispatched.answer("code", {"file": "../../etc/passwd"}, {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json")
    agent = answer.data["agents"][0]
    assert agent["errors"] == [
        {
            "code": "PATH_UNSAFE",
            "path": "$.findings[0].file",
            "message": "'../../etc/passwd': it climbs out of the repository",
        }
    ]
    assert (agent["status"], answer.data["findings"]["new"]) == ("complete", 1)


PLACE = {"artifactLocation": {"uri": "src/app.py"}, "region": {"startLine": 5}}
NOWHERE = {"artifactLocation": {"uri": "src/app.py"}, "region": {"startLine": 0}}
LOG_OF_A_FAILURE = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "lint"}},
            "invocations": [{"executionSuccessful": False, "exitCode": 3}],
            "results": [
                {"ruleId": "R", "message": {"text": "m"}, "locations": [{"physicalLocation": place}]}
                for place in (NOWHERE, PLACE)
            ],
        }
    ],
}


ESLINT = [{"filePath": "/ci/src/app.js", "messages": [{"ruleId": "no-var", "severity": 2, "line": 1, "column": 1}]}]


@raises("REPORT_NOT_SARIF")
@pytest.mark.parametrize("name", ["eslint.json", "eslint.sarif"])
def test_a_report_of_another_format_is_refused_with_the_command_that_writes_sarif(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text(json.dumps(ESLINT))
    dispatched.answer("rest")
    answer = swarm("collect", "--domain", f"code:{tmp_path / name}", "--format", "json", exit=1)
    agent = answer.data["agents"][0]
    command = "eslint --format @microsoft/eslint-formatter-sarif --output-file eslint.sarif ."
    message = f"{tmp_path / name} is no SARIF log, but ESLint's own JSON: `{command}` writes SARIF"
    assert agent["status"] == "invalid_output"
    assert agent["errors"] == [{"code": "REPORT_NOT_SARIF", "path": str(tmp_path / name), "message": message}]


@raises("SARIF_RESULT_REFUSED")
@raises("TOOL_REPORTED_FAILURE")
def test_a_bad_result_and_a_failure_of_the_tool_are_reported_with_their_codes_and_the_rest_is_kept(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "r.sarif").write_text(json.dumps(LOG_OF_A_FAILURE))
    dispatched.answer("rest")
    answer = swarm("collect", "--domain", f"code:{tmp_path}/r.sarif")
    lines = answer.out.splitlines()
    where = "$.runs[0].results[0].locations[0].physicalLocation.region.startLine"
    assert f"⚠ code: SARIF_RESULT_REFUSED: 0 is no line: lines are counted from 1 ({where})" in lines
    failed = "the tool says that it failed, with exit code 3 ($.runs[0].invocations[0].executionSuccessful)"
    assert f"⚠ code: TOOL_REPORTED_FAILURE: {failed}" in lines
    found = swarm("findings", "--format", "json", exit=1).data
    assert ([finding["line"] for finding in found["findings"]], found["refused"]) == ([5], 2)


@raises("SUPPRESSION_INVALID")
def test_a_comment_that_does_not_count_is_reported_with_its_code(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    source = (repo.root / "src/app.py").read_text()
    repo.commit({"src/app.py": source.replace("seen=[]):", "seen=[]):  # swarm: ignore bug")})
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", {"file": "src/app.py", "line": 5})
    workspace.answer("rest")
    answer = swarm("collect")
    assert "⚠ code: SUPPRESSION_INVALID: it gives no reason (src/app.py:5)" in answer.out.splitlines()
    events = [event for event in answer.events if event["stage"] == "suppression_invalid"]
    assert [(event["file"], event["line"], event["problem"]) for event in events] == [
        ("src/app.py", 5, "it gives no reason")
    ]


@raises("OUTPUT_NOT_WRITABLE")
def test_an_output_in_the_place_of_something_else_is_reported(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    file = repo.root / "README.md"
    assert swarm("findings", "--export", file, "--format", "json", exit=1).document["error"] == {
        "code": "OUTPUT_NOT_WRITABLE",
        "message": f"{file} is not written: another file is there, and would be lost",
        "hint": "name another file, in a folder that exists",
        "path": str(file),
        "problem": "another file is there, and would be lost",
    }
