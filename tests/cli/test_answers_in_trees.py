"""Answers of isolated agents: inside of their trees, out of git's sight, kept in the run's folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.failed_wave import FOUND
from tests.cli.scenes.launched_agents import outcomes
from tests.cli.scenes.merge_team import MENDED, Team
from tests.conftest import Answer, Repo, Swarm, Workspace

Launched = Callable[..., Answer]


def tree(workspace: Workspace, domain: str = "code", wave: int = 1) -> Path:
    return workspace.folder / workspace.run / "worktrees" / f"w{wave}-{domain}"


def answer_in(workspace: Workspace, domain: str, *findings: dict[str, Any]) -> Path:
    """Write an answer by hand into the tree of an agent, and nowhere else."""
    workspace.answer(domain, *findings)
    kept = workspace.output(domain)
    file = tree(workspace, domain) / ".swarm/output.json"
    kept.replace(file)
    return file


def test_the_answer_of_an_isolated_agent_has_its_place_in_the_tree_where_git_does_not_see_it(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    code, _ = swarm("dispatch", "health-audit-a", "--isolate", "--format", "json").data["agents"]
    assert code["outputPath"] == str(tree(workspace) / ".swarm/output.json")
    assert f"`{code['outputPath']}`" in Path(code["promptPath"]).read_text()
    answer_in(workspace, "code", FOUND)
    answer_in(workspace, "rest")
    assert repo.git("status", "--porcelain", cwd=tree(workspace)) == ""
    repo.git("add", "-A", cwd=tree(workspace))
    assert repo.git("diff", "--cached", "--name-only", cwd=tree(workspace)) == ""
    assert swarm("status", "--format", "json").data["assessment"]["nextAction"] == f"swarm collect {workspace.run}"
    data = swarm("collect", "--format", "json").data
    assert (data["waveStatus"], data["findings"]["new"], data["violations"]) == ("collected", 1, [])
    assert [agent["ignored"] for agent in data["agents"]] == [[], []]


def test_a_launched_agent_answers_in_its_tree_and_its_answer_is_kept_in_the_runs_folder(
    launched: Launched, swarm: Swarm, workspace: Workspace
) -> None:
    answer = launched("write(summary=os.environ['SWARM_OUTPUT_FILE'])")
    assert outcomes(answer) == {"code": [("success", 0, 0)], "rest": [("success", 0, 0)]}
    for name in ("code", "rest"):
        file = tree(workspace, name) / ".swarm/output.json"
        assert json.loads(file.read_text())["summary"] == str(file)
        assert workspace.output(name).read_text() == file.read_text()
    (tree(workspace) / ".swarm/output.json").write_text("changed after the end of the attempt")
    data = swarm("collect", "--format", "json", exit=1).data
    assert [violation["file"] for violation in data["violations"]] == ["w1-code/.swarm/output.json"]
    assert [agent["findingsCount"] for agent in data["agents"]] == [0, 0]


def test_by_hand_both_places_are_read_and_that_in_the_tree_wins(swarm: Swarm, dispatched: Workspace) -> None:
    answer_in(dispatched, "code", FOUND)
    dispatched.answer("code")
    dispatched.answer("rest", {"file": "README.md", "line": 1, "quote": "# A project"})
    agents = swarm("collect", "--format", "json").data["agents"]
    assert [agent["findingsCount"] for agent in agents] == [1, 1]


def test_an_answer_that_an_agent_commits_by_force_is_no_claim_and_is_not_merged(team: Team) -> None:
    team.dispatch()
    ids = team.ids()
    team.edit("code", {"src/app.py": MENDED, ".swarm/notes.txt": "mine\n"})
    team.repo.git("add", "-f", ".swarm", "src", cwd=team.tree("code"))
    team.repo.git("commit", "-q", "-m", "all of it", cwd=team.tree("code"))
    (team.tree("rest") / ".swarm/.gitignore").unlink()
    team.collect(code=(ids["def load"],), rest=())
    assert team.rows("SELECT path FROM file_claims") == [("src/app.py",)]
    team.merge()
    assert team.repo.git("diff", "--name-only", "main", team.integration) == "src/app.py"


def test_a_repository_with_files_of_its_own_in_that_place_keeps_them_and_answers_lie_in_the_runs_folder(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.commit({".Swarm/config": "ours\n"})
    code, _ = swarm("dispatch", "health-audit-a", "--isolate", "--format", "json").data["agents"]
    assert code["outputPath"] == str(workspace.output("code"))
    (tree(workspace) / ".Swarm/config").write_text("edited\n")
    for name in ("code", "rest"):
        workspace.answer(name)
    data = swarm("collect", "--format", "json", exit=1).data
    assert [violation["file"] for violation in data["violations"]] == [".Swarm/config"]


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_link_in_the_place_of_the_answer_is_not_followed(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path, what: str
) -> None:
    dispatched.answer("code", FOUND)
    (tmp_path / "output.json").write_bytes(dispatched.output("code").read_bytes())
    dispatched.output("code").unlink()
    folder = tree(dispatched) / ".swarm"
    if what == "folder":
        (folder / ".gitignore").unlink()
        folder.rmdir()
        folder.symlink_to(tmp_path)
    else:
        (folder / "output.json").symlink_to(tmp_path / "output.json")
    dispatched.answer("rest")
    data = swarm("collect", "--format", "json", exit=1).data
    code = data["agents"][0]
    assert (code["status"] in {"invalid_output", "ownership_violation"}, code["findingsCount"]) == (True, 0)


def test_an_answer_that_nobody_collected_is_kept_when_its_tree_is_cleaned(swarm: Swarm, dispatched: Workspace) -> None:
    file = answer_in(dispatched, "code", FOUND)
    body = file.read_bytes()
    dispatched.answer("rest")
    save = swarm("status", "--format", "json").data["run"]["savePointTag"]
    swarm("rewind", save, "--apply", "--reason", "anew")
    swarm("clean", "--apply", "--reason", "tidy")
    assert not tree(dispatched).exists()
    assert dispatched.output("code").read_bytes() == body


def test_the_answer_of_an_agent_is_never_taken_for_that_of_its_successor(swarm: Swarm, dispatched: Workspace) -> None:
    file = tree(dispatched) / ".swarm/output.json"
    file.write_text("{")
    dispatched.answer("rest")
    swarm("collect", exit=1)
    (again,) = swarm("redrive", "1", "--apply", "--reason", "again", "--format", "json").data["redispatched"]
    assert (again["reused"], Path(again["outputPath"]).exists(), file.read_text()) == (False, False, "{")
    assert again["outputPath"] == str(tree(dispatched, "code.2") / ".swarm/output.json")


def test_findings_that_do_not_fit_the_prompt_lie_beside_the_answer(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.write({"swarm.toml": "[prompts]\nmax_bytes = 16384\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    prose = "It is wrong in many words. " * 14
    workspace.answer(
        "code", *({"file": "src/app.py", "symbol": f"s{n}", "description": f"{n} {prose}"} for n in range(60))
    )
    workspace.answer("rest")
    swarm("collect")
    code, _ = swarm("dispatch", "health-audit-a", "--isolate", "--format", "json").data["agents"]
    listed = tree(workspace, wave=2) / ".swarm/findings.json"
    assert len(json.loads(listed.read_text())) == 60
    assert f"`{listed}`" in Path(code["promptPath"]).read_text()
    assert repo.git("status", "--porcelain", cwd=tree(workspace, wave=2)) == ""
