"""Items of outputs that do not fit: each is refused alone, counted, and shown; the rest of the output counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.errors.refusal import raises
from tests.cli.scenes.amend_wave import Amending
from tests.cli.scenes.collected import statuses
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

GOOD = {"file": "src/app.py", "line": 5}
NO_SEVERITY = "'URGENT' is not one of ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']"
# The item, then the place and the reason of its refusal.
BAD: dict[str, tuple[Any, str, str]] = {
    "line 0": ({"line": 0}, ".line", "0 is less than the minimum of 1"),
    "a line of words": ({"line": "five"}, ".line", "'five' is not of type 'integer', 'null'"),
    "another severity": ({"severity": "URGENT"}, ".severity", NO_SEVERITY),
    "an empty text": ({"description": ""}, ".description", "'' should be non-empty"),
    "no text": ({"description": None}, ".description", "None is not of type 'string'"),
    "a path that is a list": ({"file": ["a.py"]}, ".file", "['a.py'] is not of type 'string', 'null'"),
}


def collected_with(swarm: Swarm, place: Workspace, *findings: dict[str, Any], exit: int = 0) -> dict[str, Any]:  # noqa: A002
    place.answer("code", *findings)
    place.answer("rest")
    data: dict[str, Any] = swarm("collect", "--format", "json", exit=exit).data
    return data


@raises("AGENT_ITEM_INVALID")
@pytest.mark.parametrize("what", swept(BAD))
def test_a_finding_that_does_not_fit_is_refused_alone(swarm: Swarm, dispatched: Workspace, what: str) -> None:
    bad, place, reason = BAD[what]
    data = collected_with(swarm, dispatched, bad, GOOD)
    assert data["agents"][0]["errors"] == [
        {"code": "AGENT_ITEM_INVALID", "path": f"$.findings[0]{place}", "message": reason}
    ]
    assert (data["waveStatus"], data["findings"]["new"], data["refused"]) == ("collected", 1, 1)
    assert data["refusedItems"] == [f"code: {reason} ($.findings[0]{place})"]
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert (finding["file"], finding["line"]) == ("src/app.py", 5)


def test_a_refusal_names_every_allowed_value_and_items_of_any_form_are_refused(
    swarm: Swarm, dispatched: Workspace
) -> None:
    dispatched.answer("code", {"category": "styling" * 50}, GOOD)
    file = dispatched.output("code")
    body = json.loads(file.read_text())
    body["findings"] += [1, None, "a", [], {}]
    file.write_text(json.dumps(body))
    dispatched.answer("rest")
    data = swarm("collect", "--format", "json").data
    first, *others = data["agents"][0]["errors"]
    assert first["message"].startswith("'stylingstyling")
    assert first["message"].endswith("'silent_failure', 'tests_coverage']")
    assert [problem["path"] for problem in others] == [f"$.findings[{number}]" for number in range(2, 7)]
    assert (data["refused"], data["findings"]["new"]) == (6, 1)


def test_a_wave_is_never_clean_when_all_its_reports_were_refused(swarm: Swarm, dispatched: Workspace) -> None:
    collected_with(swarm, dispatched, {"line": 0}, {"file": "/etc/passwd"})
    answer = swarm("findings", "--format", "json", exit=1)
    assert (answer.data["state"], answer.data["total"], answer.data["refused"]) == ("findings", 0, 2)
    assert answer.data["refusedItems"] == [
        "code: 0 is less than the minimum of 1 ($.findings[0].line)",
        "code: '/etc/passwd': it is absolute ($.findings[1].file)",
    ]
    assert "No findings, but 2 reports were refused." in swarm("findings", exit=1).out
    # A gate must not turn green either.
    assert swarm("findings", "--fail-on", "CRITICAL", exit=1).exit == 1
    status = swarm("status", "--format", "json").data
    assert status["refusedItems"] == answer.data["refusedItems"]
    assert "⚠ 2 reports were refused, such as code: 0 is less" in swarm("status").out


def test_prose_that_is_too_long_is_cut_and_the_artifact_keeps_all_of_it(
    swarm: Swarm, dispatched: Workspace, repo: Repo
) -> None:
    words = "word " * 14_000
    data = collected_with(swarm, dispatched, {"description": words, "recommendation": words, **GOOD})
    assert (data["refused"], data["findings"]["new"]) == (0, 1)
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert len(finding["description"]) == len(finding["recommendation"]) == 65536
    assert finding["description"].endswith(" … (cut, it had 70,000 characters)")
    assert words in json.loads(dispatched.output("code").read_text())["findings"][0]["description"]


def test_twenty_refusals_are_explained_and_all_are_counted(swarm: Swarm, dispatched: Workspace) -> None:
    data = collected_with(swarm, dispatched, *[{"line": 0}] * 700, GOOD)
    assert (len(data["agents"][0]["errors"]), data["refused"], data["findings"]["new"]) == (20, 700, 1)
    assert "No findings" not in swarm("findings", exit=1).out
    assert swarm("findings", "--format", "json", exit=1).data["refused"] == 700


def test_an_unsafe_path_is_named_by_its_place_in_the_output_of_the_agent(swarm: Swarm, dispatched: Workspace) -> None:
    data = collected_with(swarm, dispatched, {"line": 0}, {"line": 0}, {"file": "../x"}, GOOD)
    assert [problem["path"] for problem in data["agents"][0]["errors"]] == [
        "$.findings[0].line",
        "$.findings[1].line",
        "$.findings[2].file",
    ]


def test_an_envelope_that_does_not_fit_names_all_that_is_wrong_with_it(swarm: Swarm, dispatched: Workspace) -> None:
    body = {"domain": "rest", "stage": "B", "summary": 3, "findings": [{"line": 0}], "confirmed": {}}
    dispatched.output("code").write_text(json.dumps(body))
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert statuses(answer) == {"code": "invalid_output", "rest": "complete"}
    file = dispatched.output("code")
    assert [problem["message"].removeprefix(f"{file} ") for problem in answer.data["agents"][0]["errors"]] == [
        "does not fit its schema: $.confirmed: {} is not of type 'array'",
        "does not fit its schema: $.summary: 3 is not of type 'string'",
        "$.domain: it says 'rest', and is the output of 'code'",
        "$.stage: it says 'B', and health-audit-a is stage 'A'",
    ]
    assert answer.data["refused"] == 0
    code, _ = swarm("status", "--format", "json").data["agents"]
    assert code["errors"] == [problem["message"] for problem in answer.data["agents"][0]["errors"]]


def test_silence_about_the_file_of_a_refused_report_is_no_fix(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    source = (repo.root / "src/app.py").read_text()
    repo.commit({"src/app.py": source.replace("seen=[]", "seen=None")})
    swarm("dispatch", "health-audit-a", "--isolate")
    collected.answer("code", {"file": "./src/app.py", "line": 0}, wave=2)
    collected.answer("rest", wave=2)
    assert swarm("collect", "--format", "json").data["findings"]["fixed"] == 0
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert finding["status"] == "unverified"
    assert finding["reason"] == "a report of the agent was refused, which may have been about it"


def test_items_of_an_amend_output_are_refused_alone(swarm: Swarm, amending: Amending) -> None:
    fixed = amending.ids["load"]
    place = amending.place
    file = place.output("code", 2)
    file.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "domain": "code",
        "summary": "Fixed.",
        "fixes": [{"finding_id": fixed, "description": "Done."}, {"finding_id": "", "description": "Done."}],
        "files_changed": ["src/app.py"],
        "skipped": [{"finding_id": fixed}],
        "confirmed": [3],
        "requests": [{"file": "README.md"}, {"file": "../../x", "reason": "wanted"}],
    }
    file.write_text(json.dumps(body))
    answer = swarm("collect", "--format", "json", exit=None)
    code = next(agent for agent in answer.data["agents"] if agent["domain"] == "code")
    assert code["status"] == "complete"
    assert [problem["path"] for problem in code["errors"]] == [
        "$.fixes[1].finding_id",
        "$.skipped[0]",
        "$.confirmed[0]",
        "$.requests[0]",
        "$.requests[0].file",
    ]
    assert answer.data["refused"] == 5
    assert [fix["findingId"] for fix in answer.data["fixes"]] == [fixed]


def test_features_are_refused_alone_and_revalidate_goes_through_the_same(
    swarm: Swarm, workspace: Workspace, tmp_path: Path
) -> None:
    swarm("dispatch", "feature-audit", "--isolate")
    wish = {"id": "1", "priority": "HIGH", "category": "missing-feature", "description": "A wish."}
    envelope = {"domain": "code", "summary": "Looked."}
    file = workspace.output("code")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(envelope | {"features": {}}))
    other = workspace.output("rest")
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_text(json.dumps({"domain": "rest", "summary": "", "features": [wish, {"priority": "HIGH"}]}))
    data = swarm("collect", "--format", "json", exit=1).data
    assert [agent["status"] for agent in data["agents"]] == ["invalid_output", "complete"]
    assert (data["refused"], data["findings"]["new"]) == (1, 1)
    corrected = tmp_path / "corrected.json"
    corrected.write_text(json.dumps(envelope | {"features": [wish | {"priority": "NOW"}, wish]}))
    call = ("revalidate", "--domain", f"code:{corrected}", "--apply", "--reason", "corrected", "--format", "json")
    (agent,) = swarm(*call).data["agents"]
    assert (agent["status"], agent["refused"]) == ("complete", 1)
    assert [problem["path"] for problem in agent["errors"]] == ["$.features[0].priority"]
    assert swarm("findings", "--format", "json", exit=1).data["refused"] == 2
