"""`swarm init`: a clean repository becomes a run, with a save point and a draft map."""

import re
import stat
import subprocess
from pathlib import Path

import pytest

from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.test_dispatch import rows
from tests.conftest import RefusedRows, Repo, Swarm


def test_a_run_is_shown_whole(swarm: Swarm, repo: Repo) -> None:
    data = swarm("init", ".", "--repo", "org/name", "--format", "json").data
    run = data["runId"]
    assert re.fullmatch(r"swarm-[0-9]+-[0-9a-f]{8}", run)
    assert data == {
        "runId": run,
        "repo": "org/name",
        "localPath": str(repo.root),
        "commitSha": repo.head,
        "branch": "main",
        "savePointTag": run.replace("swarm-", "swarm-save-"),
        "domains": data["domains"],
        "unmatched": [],
        "nextAction": f"swarm domains {run} --freeze",
    }
    assert [(d["name"], d["ownership"], d["matchedFiles"]) for d in data["domains"]] == [
        ("tests", "owned", 1),
        ("docs", "owned", 1),
        ("frontend", "owned", 1),
        ("backend", "owned", 2),
        ("rest", "owned", 0),
    ]


def test_the_text_begins_with_the_run_and_ends_with_the_next_command(swarm: Swarm) -> None:
    lines = swarm("init", ".").out.splitlines()
    run = lines[0].removeprefix("Run created: ")
    assert lines[-1] == f"Next: swarm domains {run} --freeze"
    swarm("domains", run, "--freeze")


def test_the_save_point_is_a_tag_at_head(swarm: Swarm, repo: Repo) -> None:
    tag = swarm("init", ".", "--format", "json").data["savePointTag"]
    assert repo.git("rev-parse", f"refs/tags/{tag}") == repo.head


def test_the_database_and_its_folder_are_for_this_user_alone(swarm: Swarm, repo: Repo) -> None:
    swarm("init", ".")
    folder = repo.root / "swarms"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "control-plane.db").stat().st_mode) == 0o600


def test_a_workspace_inside_the_repository_stays_out_of_its_status(swarm: Swarm, repo: Repo) -> None:
    swarm("init", ".")
    assert repo.git("status", "--porcelain") == ""
    repo.write({"swarms/notes.md": "kept\n"})
    assert repo.git("status", "--porcelain", "--untracked-files=all") == "?? swarms/notes.md"


def test_it_may_be_called_any_number_of_times(swarm: Swarm, repo: Repo) -> None:
    runs = [swarm("init", ".", "--format", "json").data["runId"] for _ in range(3)]
    assert [run["id"] for run in swarm("runs", "--format", "json").data] == runs[::-1]
    exclude = (repo.root / ".git/info/exclude").read_text().splitlines()
    assert len([line for line in exclude if line.startswith("/swarms/")]) == 3


def test_a_sub_folder_means_its_repository(swarm: Swarm, repo: Repo) -> None:
    assert swarm("init", "src", "--format", "json").data["localPath"] == str(repo.root)


def test_untracked_files_do_not_matter_and_are_owned_by_no_one(swarm: Swarm, repo: Repo) -> None:
    repo.write({"src/untracked.py": "x = 1\n"})
    domains = swarm("init", ".", "--format", "json").data["domains"]
    assert sum(domain["matchedFiles"] for domain in domains) == 5


@pytest.mark.parametrize("change", ["edited", "staged", "deleted", "mode"])
def test_a_tracked_change_is_refused_and_nothing_is_made(swarm: Swarm, repo: Repo, change: str) -> None:
    file = repo.root / "src/app.py"
    match change:
        case "edited":
            file.write_text("# edited\n")
        case "staged":
            repo.write({"new.py": "x = 1\n"})
            repo.git("add", "new.py")
        case "deleted":
            file.unlink()
        case _:
            file.chmod(0o755)
    with nothing_changes(repo.root):
        assert swarm("init", ".", exit=1).code == "REPO_NOT_CLEAN"


def test_a_detached_head_is_fine(swarm: Swarm, repo: Repo) -> None:
    repo.git("checkout", "-q", "--detach")
    assert swarm("init", ".", "--format", "json").data["branch"] is None


def test_a_bare_repository_is_refused(swarm: Swarm, repo: Repo, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.root), str(tmp_path / "bare")], check=True)
    assert swarm("init", str(tmp_path / "bare"), exit=1).code == "REPO_NOT_GIT"


def test_the_database_may_be_named_by_option_and_by_variable(
    swarm: Swarm, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_option, by_variable = tmp_path / "a/x.db", tmp_path / "b/y.db"
    monkeypatch.setenv("SWARM_DB", str(by_variable))
    swarm("--db", str(by_option), "init", ".")
    assert (by_option.exists(), by_variable.exists()) == (True, False)
    swarm("init", ".")
    assert by_variable.exists()
    assert not (repo.root / "swarms").exists()


def test_every_file_that_the_draft_leaves_over_is_owned_by_rest(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"odd.xyz": "?", ".hidden": "?"})
    data = swarm("init", ".", "--format", "json").data
    assert data["unmatched"] == []
    assert [(d["name"], d["globs"], d["matchedFiles"]) for d in data["domains"]][-1] == ("rest", ["**"], 2)


def test_a_time_out_policy_is_kept(swarm: Swarm) -> None:
    swarm("init", ".", "--timeout", "2h")
    assert swarm("status", "--format", "json").data["run"]["timeoutPolicy"] == 7200


def test_a_failed_init_takes_its_tag_back(swarm: Swarm, repo: Repo, refused_rows: RefusedRows) -> None:
    swarm("init", ".")
    db = repo.root / "swarms/control-plane.db"
    before = repo.git("tag", "--list")
    refused_rows("INSERT ON runs")
    answer = swarm("init", ".", exit=1)
    assert "no more" in answer.err
    assert repo.git("tag", "--list") == before
    assert rows(db, "SELECT count(*) FROM runs") == [(1,)]
