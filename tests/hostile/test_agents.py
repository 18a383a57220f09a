"""Hostile audit agents: edits that hide, links that lead away, refs that disappear."""

import os
from pathlib import Path

import pytest

from tests.conftest import Repo, Swarm, Workspace

LINE = "def load(path, seen=[]):"


def tree(workspace: Workspace, domain: str = "code") -> Path:
    return workspace.folder / workspace.run / "worktrees" / f"w1-{domain}"


def ended(swarm: Swarm, workspace: Workspace) -> tuple[str, list[str]]:
    workspace.answer("code")
    workspace.answer("rest")
    data = swarm("collect", "--format", "json", exit=None).data
    return data["waveStatus"], [violation["file"] for violation in data["violations"]]


def test_an_edit_of_equal_size_and_time_is_seen(swarm: Swarm, dispatched: Workspace) -> None:
    file = tree(dispatched) / "src/app.py"
    before = file.stat()
    file.write_text(file.read_text().replace("import os", "import sh"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ended(swarm, dispatched) == ("failed", ["src/app.py"])


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_an_edit_of_the_checkout_that_an_index_flag_hides_is_seen(
    swarm: Swarm, repo: Repo, dispatched: Workspace, flag: str
) -> None:
    repo.git("update-index", flag, "src/app.py")
    repo.write({"src/app.py": "evil = 1\n"})
    assert ended(swarm, dispatched) == ("failed", ["src/app.py"])


def test_a_branch_whose_commits_are_lost_and_a_save_point_that_moves_are_seen(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.git("branch", "feature", repo.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "alone"))
    (tag,) = repo.git("tag", "--list", "swarm-save-*").split()
    swarm("dispatch", "health-audit-a", "--isolate")
    repo.git("branch", "-D", "feature")
    repo.git("tag", "-f", tag, repo.git("commit-tree", "HEAD^{tree}", "-m", "another"))
    assert ended(swarm, workspace) == ("failed", [".git/refs/heads/feature", f".git/refs/tags/{tag}"])


def test_a_commit_a_branch_and_a_tag_of_the_coordinator_are_nobodys_offence(
    swarm: Swarm, repo: Repo, dispatched: Workspace
) -> None:
    repo.commit({"new.txt": "new\n"})
    repo.git("branch", "later")
    repo.git("tag", "v2")
    assert ended(swarm, dispatched) == ("collected", [])


def test_a_link_in_place_of_a_file_of_the_record_is_replaced_and_not_followed(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    script = f"for f in events.jsonl record.json; do ln -s {victim} $(dirname {{output_file}})/attempt-1/$f; done"
    repo.write({"swarm.toml": f'[runtimes.evil]\nkind = "command"\nargv = ["sh", "-c", "{script}"]\n'})
    swarm("dispatch", "health-audit-a", "--isolate")
    swarm("launch", "--runtime", "evil", exit=3)
    assert victim.read_text() == "precious"
    assert list(workspace.folder.glob("swarm-*/wave-1/*/attempt-1/record.json"))[0].is_file()  # noqa: RUF015


def test_a_link_in_place_of_the_folder_of_an_answer_is_invalid_and_nothing_is_written_behind_it(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "output.json").write_text('{"domain": "code", "summary": "s", "stage": "A", "findings": []}')
    script = f"d=$(dirname {{output_file}}); mv $d $d.away; ln -s {elsewhere} $d"
    repo.write({"swarm.toml": f'[runtimes.evil]\nkind = "command"\nargv = ["sh", "-c", "{script}"]\n'})
    swarm("dispatch", "health-audit-a", "--isolate")
    answer = swarm("launch", "--runtime", "evil", "--format", "json", exit=3)
    assert {a["attempts"][0]["errorCode"] for a in answer.data["agents"]} == {"FOLDER_REPLACED"}
    assert [entry.name for entry in elsewhere.iterdir()] == ["output.json"]
    assert swarm("collect", exit=1).out.startswith("Wave 1 (health-audit-a): 0 of 2 agents complete")


def test_a_hand_written_answer_behind_a_linked_folder_is_invalid(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("rest")
    dispatched.answer("code")
    folder = dispatched.output("code").parent
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(folder.with_name("moved"))
    agents = swarm("collect", "--format", "json", exit=1).data["agents"]
    assert [(a["domain"], a["status"], [e["code"] for e in a["errors"]]) for a in agents] == [
        ("code", "invalid_output", ["PATH_UNSAFE"]),
        ("rest", "complete", []),
    ]


def test_no_git_is_run_in_a_tree_after_the_git_folder_was_changed(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.write(
        {
            "tool.sh": f"git -C {repo.root} config core.fsmonitor x\ncat {repo.root}/log.json\n",
            "log.json": '{"runs": [{"tool": {"driver": {"name": "s"}}, "results": []}]}',
            "swarm.toml": f'[runtimes.s]\nkind = "sarif"\nargv = ["sh", "{repo.root}/tool.sh"]\n',
        }
    )
    data = swarm("audit", ".", "--runtime", "s", "--format", "json", exit=1).data
    assert data["waveStatus"] == "failed"
    assert (workspace.folder / workspace.run / "worktrees" / "w1.shared").is_dir()


def test_white_space_put_in_between_is_no_fix(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    repo.commit({"src/app.py": (repo.root / "src/app.py").read_text().replace(LINE, "def load(path, seen = [ ]):")})
    swarm("dispatch", "health-audit-a", "--isolate")
    collected.answer("code", wave=2)
    collected.answer("rest", wave=2)
    counts = swarm("collect", "--format", "json").data["findings"]
    assert (counts["fixed"], counts["unverified"]) == (0, 1)


def test_since_shows_a_syntax_error_at_the_end_of_a_changed_file(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"src/app.py": "x = 1\n"})
    repo.commit({"src/app.py": "x = (1,\n"})
    found = swarm("audit", ".", "--since", "HEAD~1", "--format", "json", exit=3).data["digest"]["findings"]
    assert "invalid-syntax" in {finding["ruleId"] for finding in found}
