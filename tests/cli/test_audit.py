"""`swarm audit`, the main job, on a real repository with the real analyzer."""

from tests.conftest import Repo, Swarm


def ids(answer, key="findings"):
    return {finding["findingId"] for finding in answer.data["digest"][key]}


def by_rule(answer):
    return {(f["ruleId"], f["description"]): f for f in answer.data["digest"]["findings"]}


def test_an_audit_finds_defects_and_exits_1(swarm: Swarm) -> None:
    answer = swarm("audit", ".", "--format", "json", exit=1)
    rules = [finding["ruleId"] for finding in answer.data["digest"]["findings"]]
    assert {"F401", "F821", "E722", "S307"} <= set(rules)
    assert rules.count("F401") == 4
    assert answer.data["changed"]["new"] == len(rules)


def test_ids_survive_lines_that_move_and_a_fix_is_fixed_with_evidence(swarm: Swarm, repo: Repo) -> None:
    before = swarm("audit", ".", "--format", "json", exit=1)
    moved = "# a\n# b\n# c\n" + (repo.root / "src/app.py").read_text().replace("return undefined_name", "return os.sep")
    repo.commit({"src/app.py": moved})
    after = swarm("audit", ".", "--format", "json", exit=1)
    mended = {f["ruleId"] + f["description"] for f in after.data["fixed"]}
    assert mended == {"F821Undefined name `undefined_name`", "F401`os` imported but unused"}
    assert {f["evidence"] for f in after.data["fixed"]} == {"analyzer_rescan"}
    assert ids(after) | {f["findingId"] for f in after.data["fixed"]} == ids(before)
    assert after.data["newIds"] == []


def test_two_reports_on_one_line_stay_two(swarm: Swarm, repo: Repo) -> None:
    first = swarm("audit", ".", "--format", "json", exit=1)
    both = [f for f in first.data["digest"]["findings"] if f["file"] == "src/tool.py" and f["ruleId"] == "F401"]
    assert len({f["findingId"] for f in both}) == 2
    repo.commit({"src/tool.py": "import json, re\n\n\ndef run():\n    return json, eval('1')\n"})
    second = swarm("audit", ".", "--format", "json", exit=1)
    left = next(f for f in second.data["digest"]["findings"] if f["file"] == "src/tool.py" and f["ruleId"] == "F401")
    assert left["description"] == "`re` imported but unused"
    assert left["findingId"] == next(f["findingId"] for f in both if "`re`" in f["description"])


def test_a_clean_repository_exits_0(swarm: Swarm, repo: Repo) -> None:
    repo.git("rm", "-q", "-r", "src", "tests")
    repo.commit({"ok.py": "VALUE = 1\n"})
    assert swarm("audit", ".").out.startswith("No findings.")


def test_an_audit_does_not_go_on_with_an_amend_wave(swarm: Swarm, repo: Repo) -> None:
    swarm("audit", ".", exit=1)
    swarm("approve", "--all", "--rule", "F401")
    swarm("dispatch", "health-amend-a", "--isolate", "--runtime", "ruff")
    refused = swarm("audit", ".", exit=1)
    assert refused.code == "DISPATCH_WAVE_IN_FLIGHT"
    assert "Wave 2 (health-amend-a) is still in flight" in refused.err
    assert swarm("status", "--format", "json").data["waves"]["current"]["status"] == "dispatched"
    assert repo.git("status", "--porcelain") == ""
