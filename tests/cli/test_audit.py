"""`swarm audit`, the main job, on a real repository with the real analyzer."""

import pytest

from tests.cli.scenes.launched_agents import Agents
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


CLEAN = "def parse(text):\n    return int(text)\n"
DEFECT = CLEAN.replace("int", "eval")


@pytest.fixture
def clean(repo: Repo) -> Repo:
    """A repository in which an audit finds nothing."""
    repo.git("rm", "-q", "-r", "src", "tests")
    repo.commit({"app.py": CLEAN})
    return repo


def test_an_audit_ends_at_head_though_a_wave_of_an_older_commit_was_interrupted(swarm: Swarm, clean: Repo) -> None:
    swarm("init", ".")
    swarm("dispatch", "health-audit-a", "--isolate", "--auto-freeze", "--runtime", "ruff")
    old, head = clean.head, clean.commit({"app.py": DEFECT})
    data = swarm("audit", ".", "--fail-on", "new", "--format", "json", exit=1).data
    assert data["finished"] == {"number": 1, "phase": "health-audit-a", "commit": old, "status": "collected"}
    assert (data["commit"], data["waveNumber"]) == (head, 2)
    assert data["newSinceBaseline"] == data["newIds"] == [data["digest"]["findings"][0]["findingId"]]
    said = swarm("audit", ".", "--fail-on", "new", exit=1).out
    assert f" of commit {head[:12]}: " in said
    assert "was finished first" not in said


def test_what_an_interrupted_wave_found_is_new_to_the_audit_that_finished_it_and_to_a_repeated_audit(
    swarm: Swarm, clean: Repo
) -> None:
    clean.commit({"app.py": DEFECT})
    swarm("init", ".")
    swarm("dispatch", "health-audit-a", "--isolate", "--auto-freeze", "--runtime", "ruff")
    clean.commit({"other.py": "VALUE = 1\n"})
    data = swarm("audit", ".", "--fail-on", "new", "--format", "json", exit=1).data
    (finding,) = data["digest"]["findings"]
    assert (finding["firstSeenWave"], data["waveNumber"]) == (1, 2)
    assert data["newSinceBaseline"] == data["newIds"] == [finding["findingId"]]
    assert swarm("findings", "--fail-on", "new", exit=1).exit == 1
    again = swarm("audit", ".", "--fail-on", "new", "--format", "json", exit=1).data
    assert (again["newSinceBaseline"], again["newIds"]) == ([finding["findingId"]], [])


def test_what_somebody_collected_before_an_audit_is_known_to_it(swarm: Swarm, clean: Repo) -> None:
    clean.commit({"app.py": DEFECT})
    swarm("init", ".")
    swarm("dispatch", "health-audit-a", "--isolate", "--auto-freeze", "--runtime", "ruff")
    swarm("launch")
    swarm("collect")
    clean.commit({"other.py": "VALUE = 1\n"})
    assert swarm("audit", ".", "--fail-on", "new").exit == 0


def test_an_interrupted_wave_of_head_is_continued(swarm: Swarm, clean: Repo) -> None:
    swarm("init", ".")
    swarm("dispatch", "health-audit-a", "--isolate", "--auto-freeze", "--runtime", "ruff")
    data = swarm("audit", ".", "--format", "json").data
    assert (data["waveNumber"], data["commit"], data["finished"]) == (1, clean.head, None)


def test_the_next_command_after_an_audit_that_was_interrupted_before_its_wave_is_the_audit(
    swarm: Swarm, swarm_process: Swarm, clean: Repo
) -> None:
    swarm_process("audit", ".", exit=-9, SWARM_FAILPOINT="git.worktree.before")
    shown = swarm("status", "--format", "json").data
    assert shown["waves"]["total"] == 0
    assert shown["assessment"] == {
        "state": "NO WAVE",
        "blockers": ["the audit that made the run was interrupted before its wave"],
        "nextAction": f"swarm audit {clean.root}",
    }
    assert swarm("audit", str(clean.root), "--format", "json").data["runId"] == shown["run"]["id"]


def test_an_interrupted_wave_of_another_phase_is_finished_first(swarm: Swarm, clean: Repo) -> None:
    swarm("init", ".")
    swarm("dispatch", "health-audit-b", "--isolate", "--auto-freeze", "--runtime", "ruff")
    data = swarm("audit", ".", "--format", "json").data
    assert (data["phase"], data["finished"]["phase"], data["finished"]["number"]) == (
        "health-audit-a",
        "health-audit-b",
        1,
    )


def test_an_interrupted_wave_whose_runtime_is_missing_ends_failed_and_head_is_looked_at(
    swarm: Swarm, clean: Repo, agents: Agents
) -> None:
    agents.play("true")
    swarm("init", ".")
    swarm("dispatch", "health-audit-a", "--isolate", "--auto-freeze", "--runtime", "played")
    (clean.root / "swarm.toml").unlink()
    clean.commit({"app.py": DEFECT})
    data = swarm("audit", ".", "--format", "json", "--runtime", "ruff", exit=1).data
    assert (data["finished"]["status"], data["commit"], data["digest"]["state"]) == ("failed", clean.head, "findings")


def test_an_audit_leaves_a_wave_alone_in_which_people_work(swarm: Swarm, clean: Repo) -> None:
    swarm("init", ".")
    swarm("dispatch", "health-audit-a", "--isolate", "--auto-freeze")
    tree = next((clean.root / "swarms").glob("*/worktrees/*"))
    (tree / "notes.txt").write_text("half a day of work")
    clean.commit({"app.py": DEFECT})
    refused = swarm("audit", ".", exit=1)
    assert refused.code == "DISPATCH_WAVE_IN_FLIGHT"
    assert (tree / "notes.txt").read_text() == "half a day of work"
    assert swarm("status", "--format", "json").data["waves"]["total"] == 1


def test_what_was_fixed_and_comes_back_is_new_and_a_retry_says_the_same(swarm: Swarm, clean: Repo) -> None:
    clean.commit({"app.py": DEFECT})
    first = swarm("audit", ".", "--fail-on", "new", "--format", "json", exit=1).data
    assert first["baseline"] == {
        "kind": "first_audit",
        "name": None,
        "commit": None,
        "nothingKnown": True,
        "findings": None,
        "also": None,
        "runId": None,
        "wave": None,
    }
    clean.commit({"other.py": "y = 1\n"})
    assert swarm("audit", ".", "--fail-on", "new", "--format", "json").data["newSinceBaseline"] == []
    clean.commit({"app.py": CLEAN})
    swarm("audit", ".", "--fail-on", "new")
    clean.commit({"app.py": DEFECT})
    again = [swarm("audit", ".", "--fail-on", "new", "--format", "json", exit=1).data for _ in range(2)]
    assert [data["newSinceBaseline"] for data in again] == [first["newIds"]] * 2
    assert [data["baseline"]["nothingKnown"] for data in again] == [False, False]
    swarm("findings", "--fail-on", "new", exit=1)
    clean.commit({"other.py": "y = 2\n"})
    swarm("audit", ".", "--fail-on", "new")


def test_what_verify_saw_come_back_is_new_to_the_audit_after_it(swarm: Swarm, clean: Repo) -> None:
    clean.commit({"app.py": DEFECT})
    swarm("audit", ".", exit=1)
    clean.commit({"app.py": CLEAN})
    swarm("audit", ".")
    clean.commit({"app.py": DEFECT})
    swarm("verify", exit=None)
    swarm("audit", ".", "--fail-on", "new", exit=1)


def test_a_finding_whose_deferral_ended_is_new_and_one_that_a_person_reopened_is_not(
    swarm: Swarm, clean: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean.commit({"app.py": DEFECT})
    found = swarm("audit", ".", "--format", "json", exit=1).data["newIds"]
    swarm("defer", "--ids", found[0], "--reason", "a test double", "--expires", "2999-01-01")
    clean.commit({"other.py": "y = 1\n"})
    swarm("audit", ".", "--fail-on", "new")
    monkeypatch.setattr("swarm.clock.today", lambda: "2999-01-02")
    for module in ("swarm.waves.collect.observe", "swarm.waves.collect.settle_decisions"):
        monkeypatch.setattr(f"{module}.today", lambda: "2999-01-02", raising=False)
    clean.commit({"other.py": "y = 2\n"})
    assert swarm("audit", ".", "--fail-on", "new", "--format", "json", exit=1).data["newSinceBaseline"] == found
    swarm("reject", "--ids", found[0], "--reason", "a test double")
    swarm("reopen", "--ids", found[0], "--reason", "it is none", "--evidence", "app.py:2")
    clean.commit({"other.py": "y = 3\n"})
    swarm("audit", ".", "--fail-on", "new")


def test_new_files_that_an_analyzer_would_read_are_counted_and_named(swarm: Swarm, clean: Repo) -> None:
    clean.commit({".gitignore": "out/\n", "lib/app.py": "VALUE = 1\n"})
    clean.write({"lib/new.py": DEFECT, "new.py": DEFECT, "notes.txt": "x", "out/made.py": DEFECT})
    answer = swarm("audit", ".", "--format", "json")
    assert (answer.data["newFilesNotSeen"], answer.data["editedFilesNotSeen"]) == (["lib/new.py", "new.py"], [])
    said = "⚠ {} not looked at, since git does not track {} (`--worktree` looks at {}): {}\n"
    assert said.format("2 new files", "them", "them", "lib/new.py, new.py") in swarm("audit", ".").out
    assert said.format("1 new file", "it", "it", "lib/new.py") in swarm("audit", "lib").out
    # What --worktree looks at, and what a named runtime does not read, is not passed over.
    assert swarm("audit", "--worktree", "--format", "json", exit=1).data["newFilesNotSeen"] == []
    (clean.root / "new.py").rename(clean.root / "new.sh")
    assert swarm("audit", ".", "--runtime", "ruff", "--format", "json").data["newFilesNotSeen"] == ["lib/new.py"]
    assert swarm("audit", ".", "--format", "json").data["newFilesNotSeen"] == ["lib/new.py", "new.sh"]


def test_edited_files_that_were_not_looked_at_are_named(swarm: Swarm, clean: Repo) -> None:
    clean.write({"app.py": DEFECT})
    answer = swarm("audit", ".", "--format", "json")
    assert answer.data["editedFilesNotSeen"] == ["app.py"]
    assert (
        "⚠ 1 edited file not looked at, for want of a commit (`--worktree` looks at them): app.py\n"
        in swarm("audit", ".").out
    )
