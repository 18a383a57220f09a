"""`swarm merge --publish`: the target moves, and a checkout that publishing would run into is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import LOAD, MENDED, RETITLED, STEP, TITLE, Team
from tests.cli.scenes.merged import checkout, lasting, left_behind, states, tips, tree_of
from tests.cli.scenes.snapshots import block_of
from tests.conftest import SOURCE, Repo, Swarm, Workspace
from tests.sweeping import swept

# --- the target ------------------------------------------------------------------------------------------


def test_publishing_moves_the_target_and_its_clean_checkout(team: Team, amended: Team) -> None:
    team.repo.write({"notes.txt": "mine\n"})
    answer = team.merge("--publish")
    assert (answer.data["ref"], answer.data["published"]) == ("main", True)
    assert team.repo.head == answer.data["commit"] == tips(team.repo)["main"]
    assert team.repo.git("status", "--porcelain") == "?? notes.txt"
    assert (team.repo.root / "src/app.py").read_text() == MENDED
    assert (team.repo.root / "README.md").read_text() == RETITLED
    assert team.integration not in tips(team.repo)
    assert team.repo.git("symbolic-ref", "--short", "HEAD") == "main"


def test_what_was_integrated_is_published_later_without_a_second_build(team: Team, amended: Team) -> None:
    commit = team.merge().data["commit"]
    answer = team.merge("--publish")
    assert (answer.data["commit"], answer.data["ref"], team.repo.head) == (commit, "main", commit)
    assert states(answer) == {"code": "already", "rest": "already"}
    assert answer.data["gate"] is None
    assert [row[1] for row in lasting(team)["merges"]] == [team.integration, "main"]
    assert team.merge("--publish").data["summary"] == "Nothing to merge: everything is merged already."


def _edited(repo: Repo) -> None:
    repo.write({"web/index.html": "<p>mine</p>\n"})


def _staged(repo: Repo) -> None:
    _edited(repo)
    repo.git("add", "-A")


def _deleted(repo: Repo) -> None:
    (repo.root / "web/index.html").unlink()


def _mode(repo: Repo) -> None:
    (repo.root / "src/app.py").chmod(0o755)


def _hidden_edit(repo: Repo) -> None:
    repo.git("update-index", "--assume-unchanged", "src/app.py")
    repo.write({"src/app.py": "# mine\n"})


def _untracked(repo: Repo) -> None:
    repo.write({"src/new/deep.py": "# mine\n"})


def _untracked_file_for_a_folder(repo: Repo) -> None:
    repo.write({"src/new": "# mine\n"})


def _untracked_folder_for_a_file(repo: Repo) -> None:
    repo.write({"src/flat.py/mine.txt": "mine\n"})


def _link_in_the_way(repo: Repo) -> None:
    (repo.root / "src/new").symlink_to(repo.root.parent)


def _exclude(repo: Repo, pattern: str) -> None:
    with (repo.root / ".git/info/exclude").open("a") as stream:
        stream.write(f"{pattern}\n")


def _ignored(repo: Repo) -> None:
    _exclude(repo, "deep.py")
    _untracked(repo)


def _ignored_file_for_a_folder(repo: Repo) -> None:
    _exclude(repo, "new")
    _untracked_file_for_a_folder(repo)


def _ignored_folder_for_a_file(repo: Repo) -> None:
    _exclude(repo, "mine.txt")
    _untracked_folder_for_a_file(repo)


DIRTY = [
    _edited,
    _staged,
    _deleted,
    _mode,
    _hidden_edit,
    _untracked,
    _untracked_file_for_a_folder,
    _untracked_folder_for_a_file,
    _link_in_the_way,
    _ignored,
    _ignored_file_for_a_folder,
    _ignored_folder_for_a_file,
]


@pytest.fixture
def grown(team: Team) -> Team:
    """A collected wave that edits a file and makes two more, one of them in a new folder."""
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED, "src/new/deep.py": "x = 1\n", "src/flat.py": "x = 2\n"})
    team.collect(code=(team.ids()["def load"],))
    return team


@pytest.mark.parametrize("dirty", swept(DIRTY, first=2))
def test_a_checkout_that_publishing_would_run_into_is_refused_and_nothing_is_lost(
    team: Team, grown: Team, dirty: Callable[[Repo], None]
) -> None:
    dirty(team.repo)
    files = {name: what for name, what in checkout(team.repo.root).items() if name != "index"}
    status, head, state = team.repo.git("status", "--porcelain", "--ignored"), team.repo.head, lasting(team)
    answer = team.swarm("merge", "--publish", exit=1)
    assert block_of(answer).splitlines()[:3] == [
        (
            f"ERROR [PUBLISH_TARGET_DIRTY]: Branch main is checked out at {team.repo.root} with changes that publishing "
            "would run into"
        ),
        f"  Path: {team.repo.root}",
        "  Next: commit or stash them there, or publish without `--publish` to the integration branch",
    ]
    assert {name: what for name, what in checkout(team.repo.root).items() if name != "index"} == files
    assert (team.repo.git("status", "--porcelain", "--ignored"), team.repo.head) == (status, head)
    assert lasting(team) == state
    assert left_behind(team) == []


def test_a_target_that_is_not_checked_out_is_moved_alone(team: Team, amended: Team) -> None:
    team.repo.git("checkout", "-q", "-b", "elsewhere")
    team.repo.write({"README.md": "# In the works\n"})
    before = checkout(team.repo.root)
    answer = team.merge("--publish")
    assert (answer.data["ref"], tips(team.repo)["main"]) == ("main", answer.data["commit"])
    assert checkout(team.repo.root) == before


def test_a_target_whose_checkout_was_removed_is_moved(team: Team, amended: Team, tmp_path: Path) -> None:
    team.repo.git("checkout", "-q", "-b", "elsewhere")
    team.repo.git("worktree", "add", "-q", str(tmp_path / "other"), "main")
    shutil.rmtree(tmp_path / "other")
    assert team.merge("--publish").data["commit"] == tips(team.repo)["main"]


def test_a_target_of_ones_own_is_merged_on_top_of(team: Team, amended: Team) -> None:
    team.repo.git("branch", "release")
    answer = team.merge("--publish", "--target", "release")
    assert (answer.data["ref"], tips(team.repo)["release"]) == ("release", answer.data["commit"])
    assert tips(team.repo)["main"] == answer.data["base"]


def test_a_target_is_the_name_of_a_branch(team: Team, amended: Team) -> None:
    refs = tips(team.repo)
    for name in ("nope", "main^", "main~0", "main@{0}", "HEAD", "", "-x", "main\nmain"):
        assert team.merge("--publish", f"--target={name}", exit=2).code == "CLI_USAGE"
    assert tips(team.repo) == refs


def test_a_target_that_moved_is_merged_on_top_of(team: Team, amended: Team) -> None:
    moved = team.repo.commit({"web/index.html": "<p>more</p>\n"})
    answer = team.merge("--publish")
    assert answer.data["base"] == moved
    after = SOURCE | {"src/app.py": MENDED, "README.md": RETITLED, "web/index.html": "<p>more</p>\n"}
    assert tree_of(team, "main") == after


def test_a_target_that_moved_after_an_integration_is_brought_in_when_it_is_published(team: Team, amended: Team) -> None:
    team.merge()
    team.repo.commit({"web/index.html": "<p>more</p>\n"})
    answer = team.merge("--publish")
    assert team.repo.head == answer.data["commit"]
    after = SOURCE | {"src/app.py": MENDED, "README.md": RETITLED, "web/index.html": "<p>more</p>\n"}
    assert tree_of(team, "main") == after
    subject = team.repo.git("log", "-1", "--format=%s")
    assert subject == "Catch up with the target in wave 2 (health-amend-a)"


def test_on_a_detached_head_it_is_integrated_and_published_only_to_a_named_branch(
    swarm: Swarm, repo: Repo, tmp_path: Path
) -> None:
    repo.git("checkout", "-q", "--detach")
    mapped = tmp_path / "map.json"
    mapped.write_text('[{"name": "code", "globs": ["src/**"]}, {"name": "rest", "globs": ["**"]}]')
    run = swarm("init", ".", "--domains-from", mapped, "--format", "json").data["runId"]
    swarm("domains", "--freeze")
    folder = repo.root / "swarms"
    team = Team(swarm, repo, Workspace(run, folder, folder / "control-plane.db"))
    team.prove_with(STEP)
    swarm("dispatch", "health-audit-a")
    team.place.answer("code", LOAD)
    team.place.answer("rest", TITLE)
    swarm("collect")
    swarm("approve", "--all")
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED})
    team.collect()
    refused = team.merge("--publish", exit=2)
    assert refused.document["error"]["problem"] == (
        "--publish needs --target BRANCH: the run was made on a detached HEAD"
    )
    head = repo.head
    assert team.merge().data["ref"] == team.integration
    assert repo.head == head
    assert team.merge("--publish", "--target", "main").data["commit"] == tips(repo)["main"]
    assert repo.head == head


# --- what becomes of the findings ------------------------------------------------------------------------


def test_publishing_what_was_merged_before_says_how_much_it_is(team: Team, amended: Team) -> None:
    team.merge()
    assert team.merge("--publish").data["summary"] == "Wave 2 (health-amend-a): 2 of 2 agents' work published at main"


def test_a_sparse_checkout_of_the_user_s_own_stays_as_it_is(team: Team) -> None:
    git = team.repo.git
    git("status")
    git("sparse-checkout", "set", "--no-cone", "/src/", "!/src/tool.py")
    team.dispatch()
    assert (team.tree("rest") / "README.md").is_file()
    team.edit("code", {"src/app.py": MENDED, "src/tool.py": "def run():\n    return 1\n"})
    team.edit("rest", {"README.md": RETITLED, "web/new.html": "<p>new</p>\n"})
    team.collect(code=(team.ids()["def load"],))
    # The proof sees every file, the user as many as before.
    team.prove_with(STEP.replace("! grep", "test -f README.md && test -f web/new.html && ! grep"))
    team.merge("--publish")
    team.swarm("verify")
    assert sorted(file.name for file in team.repo.root.iterdir()) == [".git", "src", "swarms"]
    assert [file.name for file in (team.repo.root / "src").iterdir()] == ["app.py"]
    assert (team.repo.root / "src/app.py").read_text() == MENDED
    assert git("status", "--porcelain") == ""
    assert team.file_at("main", "web/new.html") == "<p>new</p>"
