"""`swarm audit --baseline`: the findings that a change brings, as a CI job asks for them."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.launched_agents import Agents
from tests.conftest import Answer, Repo, Swarm

DEFECT = "def load(text):\n    return eval(text)\n"
OTHER = "import os\n\n\ndef other(text):\n    return exec(text)\n"
GATE = ("--baseline", "origin/main", "--fail-on", "new")
# A tool that reports each line that holds TODO, in SARIF.
TOOL = """
import json, pathlib
results = [
    {"ruleId": "todo", "message": {"text": "left to do"}, "locations": [{"physicalLocation": {
        "artifactLocation": {"uri": str(file)}, "region": {"startLine": number}}}]}
    for file in sorted(pathlib.Path(".").rglob("*.txt"))
    for number, line in enumerate(file.read_text().splitlines(), 1) if "TODO" in line
]
print(json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "todo"}}, "results": results}]}))
"""


@pytest.fixture
def clone(repo: Repo, tmp_path: Path) -> Repo:
    """A fresh clone with a branch of a change; the defect of `app.py` is on origin/main already."""
    repo.git("rm", "-q", "-r", "src", "tests")
    repo.commit({"app.py": DEFECT})
    return cloned(repo, tmp_path / "clone")


def cloned(repo: Repo, place: Path) -> Repo:
    repo.git("clone", "-q", str(repo.root), str(place))
    made = Repo(place)
    made.git("checkout", "-q", "-b", "change")
    return made


def gate(swarm: Swarm, clone: Repo, *more: str, exit: int = 0) -> dict[str, Any]:  # noqa: A002
    data: dict[str, Any] = swarm("audit", ".", *GATE, *more, "--format", "json", exit=exit, cwd=clone.root).data
    return data


def new(data: dict[str, Any]) -> list[tuple[str, str]]:
    listed = {finding["findingId"]: finding for finding in data["digest"]["findings"]}
    return sorted((listed[name]["file"], listed[name]["ruleId"]) for name in data["newSinceBaseline"])


def test_only_what_a_change_adds_is_new_and_a_retry_gives_the_same_answer(swarm: Swarm, clone: Repo) -> None:
    base = clone.head
    clone.commit({"other.py": OTHER})
    first = gate(swarm, clone, exit=1)
    assert first["baseline"] == {
        "kind": "commit",
        "name": "origin/main",
        "commit": base,
        "nothingKnown": False,
        "findings": 1,
        "runId": None,
        "wave": None,
        "also": None,
    }
    assert new(first) == new(gate(swarm, clone, exit=1)) == [("other.py", "F401"), ("other.py", "S102")]
    assert {f["file"] for f in first["digest"]["findings"]} == {"app.py", "other.py"}
    text = swarm("audit", ".", *GATE, exit=1, cwd=clone.root).out
    assert f"\nCompared with commit {base[:12]}, the merge base with origin/main (1 finding)\n" in text
    # The next command shows a new finding, though a known one is graver or first.
    assert text.splitlines()[-1] == f"Next: swarm show {first['newSinceBaseline'][0]}"
    states = {line.split(":")[0]: line.rpartition("  ")[2] for line in text.splitlines() if ".py:" in line}
    assert states == {"other.py": "new, recurring", "app.py": "recurring"}
    assert "\n2 new (1 fixable: swarm fix --rule F401), 1 known\n" in text


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"lib/core.py": DEFECT}, id="moved to another folder"),
        pytest.param({"app.py": "# a\n# b\n\n" + DEFECT + "\n\nVALUE = 1\n"}, id="moved down"),
        pytest.param({"app.py": DEFECT.replace("(text)\n", "( text )\n", 1)}, id="reformatted"),
        pytest.param({"lib/core.py": "# a\n\n" + DEFECT + "\n\nVALUE = 1\n"}, id="moved and edited"),
        pytest.param({"app.py": DEFECT.replace("load", "read")}, id="in a renamed function"),
    ],
)
def test_a_finding_that_moved_is_not_new(swarm: Swarm, clone: Repo, change: dict[str, str]) -> None:
    clone.git("rm", "-q", "app.py")
    clone.commit(change)
    data = gate(swarm, clone)
    assert (new(data), len(data["digest"]["findings"])) == ([], 1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"app.py": DEFECT + "\n\n" + DEFECT.replace("load", "again")}, id="a second defect of the kind"),
        pytest.param({"copy.py": DEFECT}, id="a copy"),
        pytest.param({"app.py": DEFECT + "    return eval(text)\n"}, id="the same line twice"),
    ],
)
def test_one_more_of_the_same_kind_is_new(swarm: Swarm, clone: Repo, change: dict[str, str]) -> None:
    clone.commit(change)
    assert len(new(gate(swarm, clone, exit=1))) == 1


def test_what_main_gained_since_is_neither_new_nor_hides_what_is_new(swarm: Swarm, repo: Repo, clone: Repo) -> None:
    repo.commit({"other.py": OTHER})
    # Another message: an equal commit in the same second would be the same commit.
    clone.commit({"other.py": OTHER}, "the same by another author")
    clone.git("fetch", "-q", "origin")
    assert new(gate(swarm, clone, exit=1)) == [("other.py", "F401"), ("other.py", "S102")]


def test_a_kept_database_and_a_fresh_clone_agree_about_what_was_fixed_and_came_back(
    swarm: Swarm, repo: Repo, clone: Repo, tmp_path: Path
) -> None:
    swarm("audit", ".", exit=1, cwd=clone.root)
    repo.commit({"app.py": "VALUE = 1\n"})
    clone.git("pull", "-q", "--rebase", "origin", "main")
    assert swarm("audit", ".", cwd=clone.root).exit == 0
    clone.commit({"app.py": DEFECT})
    kept = gate(swarm, clone, exit=1)
    clone.git("clone", "-q", "-b", "change", str(clone.root), str(tmp_path / "fresh"))
    fresh = Repo(tmp_path / "fresh")
    fresh.git("update-ref", "refs/remotes/origin/main", clone.git("rev-parse", "origin/main"))
    assert new(kept) == new(gate(swarm, fresh, exit=1)) == [("app.py", "S307")]


def test_a_baseline_goes_with_a_folder_a_severity_and_changed_lines(swarm: Swarm, clone: Repo) -> None:
    clone.commit({"lib/other.py": OTHER, "app.py": DEFECT + "\n\nimport re\n"})
    arguments = ("--baseline", "origin/main", "--format", "json")
    inside = swarm("audit", "lib", *arguments, "--fail-on", "new", exit=1, cwd=clone.root).data
    assert new(inside) == [("lib/other.py", "F401"), ("lib/other.py", "S102")]
    since = swarm("audit", ".", *arguments, "--since", "origin/main", exit=1, cwd=clone.root).data
    assert new(since) == [("app.py", "E402"), ("app.py", "F401"), *new(inside)]
    # A gate by severity looks at all findings, and says all the same which are new.
    grave = swarm("audit", ".", *arguments, "--fail-on", "HIGH", exit=1, cwd=clone.root).data
    assert new(grave) == new(since)


def test_the_look_at_the_baseline_leaves_no_row_no_tree_and_no_ref(swarm: Swarm, clone: Repo) -> None:
    clone.commit({"other.py": "VALUE = 1\n"})
    refs = clone.git("for-each-ref")
    gate(swarm, clone)
    assert "proof-" not in clone.git("worktree", "list")
    assert [line for line in clone.git("for-each-ref").split("\n") if "swarm" not in line] == refs.split("\n")
    assert swarm("runs", "--format", "json", cwd=clone.root).data[0]["waveCount"] == 1
    assert swarm("ledger", "verify", cwd=clone.root).exit == 0


def test_the_analyzers_own_sarif_is_compared_too(swarm: Swarm, clone: Repo, agents: Agents, repo: Repo) -> None:
    repo.commit({"notes.txt": "TODO one\n", "old.txt": "TODO three\n"})
    clone.git("pull", "-q", "--rebase", "origin", "main")
    agents.play(TOOL, kind="sarif")
    clone.git("mv", "old.txt", "new.txt")
    clone.commit({"notes.txt": "\nTODO one\nTODO two\n", "swarm.toml": (repo.root / "swarm.toml").read_text()})
    data = gate(swarm, clone, "--runtime", "played", exit=1)
    listed = {f["findingId"]: (f["file"], f["line"]) for f in data["digest"]["findings"]}
    assert [listed[name] for name in data["newSinceBaseline"]] == [("notes.txt", 3)]


def test_an_untrusted_runtime_is_refused_with_a_baseline_too(
    swarm: Swarm, clone: Repo, agents: Agents, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.play(TOOL, kind="sarif")
    clone.commit({"swarm.toml": (repo.root / "swarm.toml").read_text()})
    monkeypatch.delenv("SWARM_TRUST")
    assert swarm("audit", ".", *GATE, "--runtime", "played", exit=2, cwd=clone.root).code == "CONFIG_UNTRUSTED"


def test_a_name_that_means_no_base_makes_no_run(swarm: Swarm, clone: Repo) -> None:
    assert swarm("audit", ".", "--baseline", "nowhere", exit=2, cwd=clone.root).code == "BASELINE_NOT_FOUND"
    assert not (clone.root / "swarms").exists()


def test_the_hint_for_a_remote_whose_default_branch_is_not_known_works(swarm: Swarm, clone: Repo) -> None:
    # As in a repository whose remote was added later; a clone knows it.
    clone.git("remote", "set-head", "origin", "--delete")
    baseline = ("audit", ".", "--fail-on", "new", "--baseline", "origin/HEAD")
    unknown = swarm(*baseline, exit=2, cwd=clone.root)
    assert "(`git remote set-head origin --auto`)" in unknown.err
    clone.git("remote", "set-head", "origin", "--auto")
    swarm(*baseline, exit=0, cwd=clone.root)


def fetched(answer: Answer) -> list[str]:
    found = re.search(r"`git (fetch [^`]+)`", answer.err)
    assert found is not None, answer.err
    return found[1].split()


def test_the_hint_for_a_shallow_clone_of_one_branch_works(swarm: Swarm, clone: Repo, tmp_path: Path) -> None:
    clone.commit({"other.py": OTHER})
    clone.git("push", "-q", "origin", "change")
    origin = clone.git("remote", "get-url", "origin")
    clone.git("clone", "-q", "--depth", "1", "-b", "change", f"file://{origin}", str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow")
    unknown = swarm("audit", ".", *GATE, exit=2, cwd=shallow.root)
    assert unknown.code == "BASELINE_NOT_FOUND"
    shallow.git("fetch", "-q", "--depth", "1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    unrelated = swarm("audit", ".", *GATE, exit=2, cwd=shallow.root)
    assert unrelated.code == "BASELINE_NO_MERGE_BASE"
    assert "`fetch-depth: 0`" in unrelated.err
    assert fetched(unknown) == fetched(unrelated)
    shallow.git(*fetched(unknown))
    assert new(gate(swarm, shallow, exit=1)) == [("other.py", "F401"), ("other.py", "S102")]


def test_the_commands_of_the_docs_work_in_a_fresh_clone(swarm: Swarm, clone: Repo) -> None:
    page = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
    lines = re.findall(r"(?:run:|-) swarm (audit [^\n]*--baseline origin/main[^\n]*)", page)
    assert len(lines) == 2
    clone.commit({"other.py": "VALUE = 1\n"})
    for line in lines:
        swarm(*line.split(), cwd=clone.root)
    clone.commit({"other.py": OTHER})
    for line in lines:
        swarm(*line.split(), exit=1, cwd=clone.root)
