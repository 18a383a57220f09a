"""`swarm merge` and the attributes of the target: content merges as git would merge it, and no driver is run."""

from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.shared_files import team_of_two, work
from tests.conftest import Repo, Swarm
from tests.sweeping import swept

LINES = [f"{number}\n" for number in range(1, 41)]
AT_THE_TOP = "".join(["top\n", *LINES[1:]])
AT_THE_END = "".join([*LINES[:-1], "end\n"])
BOTH = "".join(["top\n", *LINES[1:-1], "end\n"])


@pytest.fixture
def team(swarm: Swarm, repo: Repo, tmp_path: Path) -> Team:
    repo.commit({"deps.lock": "".join(LINES), "deep/deps.lock": "".join(LINES), "log.md": "# Log\n"})
    return team_of_two(swarm, repo, tmp_path)


def edit_both_ends(team: Team, name: str = "deps.lock") -> None:
    work(team, {name: AT_THE_TOP}, {name: AT_THE_END})


@pytest.mark.parametrize("attribute", swept(["-merge", "binary", "merge=binary"]))
def test_a_file_that_git_does_not_merge_line_by_line_is_a_conflict(team: Team, attribute: str) -> None:
    edit_both_ends(team)
    team.repo.commit({".gitattributes": f"*.lock {attribute}\n"})
    error = team.merge(exit=1).document["error"]
    assert (error["code"], error["files"], error["domains"]) == ("MERGE_CONFLICT", ["deps.lock"], ["code", "rest"])


@pytest.mark.parametrize(
    ("files", "name"),
    swept(
        [
            ({"deep/.gitattributes": "deps.lock -merge\n"}, "deep/deps.lock"),
            ({".gitattributes": "[attr]whole -merge\n*.lock whole\n"}, "deps.lock"),
            ({".gitattributes": '"deps.lock" merge=text\n* -merge\n'}, "deps.lock"),
        ]
    ),
)
def test_attributes_of_folders_macros_and_later_lines_hold_as_in_git(
    team: Team, files: dict[str, str], name: str
) -> None:
    edit_both_ends(team, name)
    team.repo.commit(files)
    assert team.merge(exit=1).document["error"]["files"] == [name]


@pytest.mark.parametrize(
    "attribute", swept(["merge=text", "merge", "-text eol=lf", "merge=nobody", "conflict-marker-size=32"])
)
def test_attributes_by_which_git_merges_lines_change_nothing(team: Team, attribute: str) -> None:
    edit_both_ends(team)
    team.repo.commit({".gitattributes": f"*.lock {attribute}\n"})
    team.merge()
    assert team.file_at(team.integration, "deps.lock") == BOTH.rstrip()


def test_union_keeps_the_lines_of_both(team: Team) -> None:
    work(team, {"log.md": "# Log\ncode\n"}, {"log.md": "# Log\nrest\n"})
    team.repo.commit({".gitattributes": "log.md merge=union\n"})
    team.merge()
    assert team.file_at(team.integration, "log.md") == "# Log\ncode\nrest"


def test_attributes_of_the_user_and_of_the_git_folder_hold_as_in_git(
    swarm: Swarm, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"log.md": "# Log\n", "deps.lock": "".join(LINES)})
    own = tmp_path / "own"
    own.write_text("log.md merge=union\n")
    (tmp_path / "config").write_text(f"[core]\n\tattributesFile = {own}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    (repo.root / ".git/info").mkdir(exist_ok=True)
    (repo.root / ".git/info/attributes").write_text("*.lock -merge\n")
    team = team_of_two(swarm, repo, tmp_path)
    work(
        team, {"log.md": "# Log\ncode\n", "deps.lock": AT_THE_TOP}, {"log.md": "# Log\nrest\n", "deps.lock": AT_THE_END}
    )
    assert team.merge(exit=1).document["error"]["files"] == ["deps.lock"]


def test_a_configured_driver_is_named_and_not_run(team: Team, tmp_path: Path) -> None:
    edit_both_ends(team)
    team.repo.git("config", 'merge.np"m.driver', f"touch {tmp_path}/ran; cat")
    team.repo.commit({".gitattributes": '*.lock merge=np"m\n'})
    answer = team.merge("--publish", exit=1)
    assert answer.document["error"]["message"] == (
        "Wave 2 does not merge: deps.lock (domains code, rest); swarm does not run the merge driver 'np\"m' of deps.lock"
    )
    assert not (tmp_path / "ran").exists()
    # The hint leads to the end: git runs the driver where a person merges.
    for domain in ("code", "rest"):
        team.repo.git("merge", "-q", "--no-edit", "-X", "ours", team.branch(domain))
    assert (tmp_path / "ran").exists()
    assert team.merge("--publish").data["ref"] == "main"


def test_a_driver_for_a_file_that_a_single_agent_changed_is_in_nobody_s_way(team: Team) -> None:
    work(team, {"deps.lock": AT_THE_TOP}, {"deep/deps.lock": AT_THE_END})
    team.repo.git("config", "merge.npm.driver", "false")
    team.repo.commit({".gitattributes": "*.lock merge=npm\n"})
    team.merge()


def test_attributes_that_one_agent_writes_steer_no_merge_of_the_other_s_work(team: Team) -> None:
    work(team, {".gitattributes": "* merge=union\n", "log.md": "# Log\ncode\n"}, {"log.md": "# Log\nrest\n"})
    assert team.merge(exit=1).document["error"]["files"] == ["log.md"]
