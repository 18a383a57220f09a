"""`swarm init`: a clean repository becomes a run, with a save point and a draft map."""

import os
import re
import stat
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.scenes.documents import valid
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
        "created": True,
        "config": None,
        "agents": None,
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
    runs = [swarm("init", ".", "--new", "--format", "json").data["runId"] for _ in range(3)]
    assert [run["id"] for run in swarm("runs", "--format", "json").data] == runs[::-1]
    exclude = (repo.root / ".git/info/exclude").read_text().splitlines()
    assert len([line for line in exclude if line.startswith("/swarms/")]) == len(set(exclude) - {""}) == 6


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
    answer = swarm("init", ".", "--new", exit=1)
    assert "no more" in answer.err
    assert repo.git("tag", "--list") == before
    assert rows(db, "SELECT count(*) FROM runs") == [(1,)]


def test_a_second_run_is_made_only_where_it_is_asked_for(swarm: Swarm, repo: Repo) -> None:
    first = swarm("init", "--json").data["runId"]
    with nothing_changes(repo.root):
        data = valid(swarm("init", "--json"), "init", 0)
        said = swarm("init").out.splitlines()[0]
        assert swarm("init", "--repo", "org/other", exit=1).code == "RUN_OPEN"
    assert (data["runId"], data["created"], data["nextAction"]) == (first, False, f"swarm status {first}")
    assert said == f"Run open already: {first}; `swarm init --new` makes a second"
    second = swarm("init", "--new", "--json").data["runId"]
    assert [run["id"] for run in swarm("runs", "--json").data] == [second, first]


def test_of_two_at_once_one_makes_the_run(swarm: Swarm, swarm_process: Swarm, repo: Repo) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: swarm_process("init", "--json"), range(2)))
    assert sorted(answer.data["created"] for answer in answers) == [False, True]
    assert len({answer.data["runId"] for answer in answers}) == 1


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with a coding agent, and without the trust of everything."""
    monkeypatch.delenv("SWARM_TRUST")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("claude", "aider"):
        (folder / name).write_text("#!/bin/sh\necho 1.2.3\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.usefixtures("tools")
def test_a_configuration_names_the_tools_found_here_and_is_trusted(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"eslint.config.mjs": "export default [];\n", "tsconfig.json": "{}\n"})
    data = valid(swarm("init", "--config", "--json"), "init", 0)
    file = repo.root / "swarm.toml"
    assert (data["created"], data["config"]) == (True, str(file))
    text = file.read_text()
    assert '# runtime = "ruff"        # found here: ruff ' in text
    written = tomllib.loads(text)
    # A bundled agent needs no table: the file shows how to change its model.
    assert '# runtime = "claude"        # found here: claude 1.2.3' in text
    assert "# [runtimes.claude]" in text
    # tsc of PATH would need no word; it is not here, and no program of the repository.
    assert '# use = ["eslint"]\n' in text
    assert (list(written), written["verify"]) == (["defaults", "launch", "verify"], {"adapter": "python"})
    assert list(swarm("trust", "--check", "--json").data["parts"]) == []


@pytest.mark.usefixtures("tools")
def test_a_configuration_can_be_written_beside_an_open_run(swarm: Swarm, repo: Repo) -> None:
    run = swarm("init", "--json").data["runId"]
    data = valid(swarm("init", "--config", "--json"), "init", 0)
    assert (data["runId"], data["created"], data["nextAction"]) == (run, False, f"swarm status {run}")
    assert len(swarm("runs", "--json").data) == 1


def test_a_program_that_the_repository_brings_is_not_written_down(
    swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"bin/claude": "#!/bin/sh\n"})
    (repo.root / "bin/claude").chmod(0o755)
    repo.commit()
    monkeypatch.setenv("PATH", f"{repo.root / 'bin'}:{os.environ['PATH']}")
    swarm("init", "--config")
    assert "claude" not in (repo.root / "swarm.toml").read_text()
