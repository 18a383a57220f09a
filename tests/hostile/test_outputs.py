"""Every output of the corpus through collect, launch and revalidate: each is refused for itself, the others go on."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.hostile.cases import Case, cases
from tests.hostile.law import assert_lawful, assert_whole, checkout

pytestmark = pytest.mark.sweep

OUTPUTS = cases("outputs")
# What one agent tells, as `collect` answers it: its state, and what it was refused for.
Fate = tuple[str, list[tuple[str, str]]]


@pytest.fixture
def crowd(swarm: Swarm, repo: Repo, tmp_path: Path) -> Workspace:
    """A wave in flight with an agent for every output, named for it."""
    repo.commit({f"{case.name}/x.py": "x = 1\n" for case in OUTPUTS} | {"swarm.toml": _toml(tmp_path)})
    file = tmp_path / "map.json"
    file.write_text(json.dumps([{"name": case.name, "globs": [f"{case.name}/**"]} for case in OUTPUTS]))
    run = swarm("init", ".", "--domains-from", file, "--format", "json").data["runId"]
    swarm("dispatch", run, "health-audit-a", "--auto-freeze")
    (tmp_path / "outputs").mkdir()
    for case in OUTPUTS:
        (tmp_path / "outputs" / f"{case.name}.json").write_bytes(case.body)
    return Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db")


def _toml(tmp_path: Path) -> str:
    written = json.dumps(["cp", f"{tmp_path}/outputs/{{domain}}.json", "{output_file}"])
    printed = json.dumps(["cat", f"{tmp_path}/outputs/{{domain}}.json"])
    return f'[runtimes.w]\nkind = "command"\nargv = {written}\n[runtimes.p]\nkind = "command"\nargv = {printed}\n'


def fates(data: Any) -> dict[str, Fate]:
    return {
        agent["domain"]: (agent["status"], [(error["code"], error["message"]) for error in agent["errors"]])
        for agent in data["agents"]
    }


def _state(case: Case) -> str:
    # An item that does not fit is refused alone.
    return "complete" if case.expected.get("code", "AGENT_ITEM_INVALID") == "AGENT_ITEM_INVALID" else "invalid_output"


def assert_as_the_index_says(found: dict[str, Fate]) -> None:
    """Hold each agent's fate to the index: state, one code, and the problem where it is in our words."""
    assert {name: (status, [code for code, _ in item]) for name, (status, item) in found.items()} == {
        case.name: (_state(case), [case.expected["code"]] if case.expected else []) for case in OUTPUTS
    }
    others = {
        case.name: found[case.name][1][0][1]
        for case in OUTPUTS
        if "problem" in case.expected and not found[case.name][1][0][1].endswith(case.expected["problem"])
    }
    assert others == {}
    assert all(len(message) < 700 for _, item in found.values() for _, message in item)


def collected(swarm: Swarm, *words: str) -> Answer:
    answer = swarm("collect", "--format", "json", *words, exit=1)
    assert_lawful(answer, form="json")
    return answer


def test_each_output_in_its_place_is_refused_for_itself_and_the_others_go_on(
    swarm: Swarm, repo: Repo, crowd: Workspace
) -> None:
    before = checkout(repo)
    for case in OUTPUTS:
        crowd.output(case.name).parent.mkdir(exist_ok=True)
        crowd.output(case.name).write_bytes(case.body)
    data = collected(swarm).data
    assert data["waveStatus"] == "failed"
    assert_as_the_index_says(fates(data))
    for words in (("status",), ("receipt",), ("history", "1"), ("resume",), ("revalidate",)):
        assert_lawful(swarm(*words, exit=None))
    assert checkout(repo) == before
    assert_whole(swarm, crowd.db)


def test_each_output_named_on_the_command_line_is_held_to_the_same(
    swarm: Swarm, crowd: Workspace, tmp_path: Path
) -> None:
    words = [word for case in OUTPUTS for word in ("--domain", f"{case.name}:{tmp_path}/outputs/{case.name}.json")]
    assert_as_the_index_says(fates(collected(swarm, *words).data))


def test_each_output_that_a_launched_agent_writes_is_held_to_the_same(swarm: Swarm, crowd: Workspace) -> None:
    assert_lawful(swarm("launch", "--runtime", "w", "--format", "json", exit=None), form="json")
    assert_as_the_index_says(fates(collected(swarm).data))
    assert_whole(swarm, crowd.db)


def test_what_a_launched_agent_prints_becomes_its_output_only_where_it_is_one(swarm: Swarm, crowd: Workspace) -> None:
    assert_lawful(swarm("launch", "--runtime", "p", "--format", "json", exit=3), form="json")
    ended = fates(collected(swarm).data)
    assert {status for status, _ in ended.values()} == {"complete", "failed", "invalid_output"}
    # A text around it is left out; what is no JSON at all never becomes an output.
    wrong = [case.name for case in OUTPUTS if not case.expected and ended[case.name][0] != "complete"]
    assert wrong == []


def test_a_correction_as_hostile_as_the_output_is_refused_as_well(
    swarm: Swarm, crowd: Workspace, tmp_path: Path
) -> None:
    for case in OUTPUTS:
        crowd.output(case.name).parent.mkdir(exist_ok=True)
        crowd.output(case.name).write_text("no JSON")
    collected(swarm)
    words = [word for case in OUTPUTS for word in ("--domain", f"{case.name}:{tmp_path}/outputs/{case.name}.json")]
    answer = swarm("revalidate", *words, "--format", "json", exit=None)
    assert_lawful(answer, form="json")
    found = fates(answer.data)
    assert {name: [code for code, _ in item] for name, (_, item) in found.items()} == {
        case.name: [case.expected["code"]] if case.expected else [] for case in OUTPUTS
    }


@pytest.mark.parametrize("suffix", ["sarif", "json"])
def test_an_output_of_a_feature_audit_and_sarif_are_read_as_carefully(
    swarm: Swarm, crowd: Workspace, tmp_path: Path, suffix: str
) -> None:
    no_json = [case for case in OUTPUTS if case.expected.get("code", "").startswith(("BOUNDED", "REPORT"))]
    for case in no_json:
        (tmp_path / f"{case.name}.{suffix}").write_bytes(case.body)
    words = [word for case in no_json for word in ("--domain", f"{case.name}:{tmp_path}/{case.name}.{suffix}")]
    found = fates(collected(swarm, *words).data)
    # A tool's log is also read among other text and in other encodings; what is found there is no log.
    key = "as_log" if suffix == "sarif" else "code"
    assert {case.name: [code for code, _ in found[case.name][1]] for case in no_json} == {
        case.name: [case.expected.get(key, case.expected["code"])] for case in no_json
    }


@pytest.mark.parametrize("case", OUTPUTS, ids=lambda case: case.name)
def test_no_output_is_a_map_of_domains(swarm: Swarm, tmp_path: Path, case: Case) -> None:
    file = tmp_path / "map.json"
    file.write_bytes(case.body)
    answer = swarm("init", ".", "--domains-from", file, exit=1)
    assert_lawful(answer)
    assert answer.code == "CONFIG_INVALID"
    assert re.search(r"ERROR \[CONFIG_INVALID\]: .{1,400}\n", answer.err)


def test_no_output_is_a_file_of_decisions(swarm: Swarm, crowd: Workspace, tmp_path: Path) -> None:
    for case in OUTPUTS:
        answer = swarm("triage", "--import", tmp_path / "outputs" / f"{case.name}.json", exit=1)
        assert_lawful(answer)
        assert answer.code == "DECISIONS_INVALID"
