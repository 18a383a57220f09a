"""Repositories that are not plain clones: the whole loop ends right in them, or the first verb says why not."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import MAP
from tests.cli.scenes import merge_team
from tests.cli.scenes.merge_team import Team
from tests.conftest import SOURCE, Answer, Repo, Swarm, Workspace

pytestmark = pytest.mark.sweep

Make = Callable[[Path], Repo]
ODD: dict[str, Make] = {}


def odd(make: Make) -> Make:
    """Enter a kind of repository; its name is the function's."""
    ODD[make.__name__] = make
    return make


def plain(root: Path, *options: str) -> Repo:
    root.mkdir(parents=True)
    repo = Repo(root.resolve())
    repo.git("init", "-q", "-b", "main", "--template=", *options)
    repo.commit(SOURCE, "start")
    return repo


def allowed(repo: Repo, *words: str) -> None:
    """Run git where it may read a repository from the disk."""
    repo.git("-c", "protocol.file.allow=always", *words)


@odd
def with_a_submodule(tmp: Path) -> Repo:
    inner, repo = plain(tmp / "inner"), plain(tmp / "repo")
    allowed(repo, "submodule", "--quiet", "add", str(inner.root), "vendored")
    repo.commit(message="a submodule")
    return repo


@odd
def a_submodule(tmp: Path) -> Repo:
    return Repo(with_a_submodule(tmp).root / "vendored")


@odd
def a_shallow_clone(tmp: Path) -> Repo:
    origin = plain(tmp / "origin")
    origin.commit({"more.txt": "more\n"})
    origin.git("clone", "-q", "--depth=1", f"file://{origin.root}", str(tmp / "repo"))
    assert (tmp / "repo/.git/shallow").exists()
    return Repo(tmp / "repo")


@odd
def a_partial_clone(tmp: Path) -> Repo:
    origin = plain(tmp / "origin")
    origin.git("config", "uploadpack.allowFilter", "true")
    origin.commit({"src/tool.py": "gone later\n"})
    origin.commit({"src/tool.py": SOURCE["src/tool.py"]})
    origin.git("clone", "-q", "--filter=blob:none", f"file://{origin.root}", str(tmp / "repo"))
    return Repo(tmp / "repo")


@odd
def a_detached_head(tmp: Path) -> Repo:
    repo = plain(tmp / "repo")
    repo.git("checkout", "-q", "--detach")
    return repo


@odd
def a_linked_worktree(tmp: Path) -> Repo:
    main = plain(tmp / "main")
    main.git("worktree", "add", "-q", "-b", "side", str(tmp / "repo"))
    return Repo(tmp / "repo")


@odd
def sha256_objects(tmp: Path) -> Repo:
    return plain(tmp / "repo", "--object-format=sha256")


@odd
def reftable(tmp: Path) -> Repo:
    try:
        return plain(tmp / "repo", "--ref-format=reftable")
    except subprocess.CalledProcessError:
        pytest.skip("this git has no reftable")


@odd
def a_separate_git_folder(tmp: Path) -> Repo:
    return plain(tmp / "repo", "--separate-git-dir", str(tmp / "elsewhere.git"))


@odd
def a_work_tree_set_elsewhere(tmp: Path) -> Repo:
    repo = plain(tmp / "repo")
    shutil.move(repo.root / ".git", tmp / "bare.git")
    (repo.root / ".git").write_text(f"gitdir: {tmp / 'bare.git'}\n")
    repo.git("config", "core.worktree", str(repo.root))
    return repo


@odd
def with_alternates(tmp: Path) -> Repo:
    origin = plain(tmp / "origin")
    origin.git("clone", "-q", "--shared", str(origin.root), str(tmp / "repo"))
    return Repo(tmp / "repo")


@odd
def packed(tmp: Path) -> Repo:
    repo = plain(tmp / "repo")
    repo.git("gc", "-q")
    return repo


@odd
def of_another_user(tmp: Path) -> Repo:
    repo = plain(tmp / "repo")
    try:
        for folder, folders, files in os.walk(repo.root):
            for name in (".", *folders, *files):
                os.chown(Path(folder, name), 12345, 12345)
    except PermissionError:
        pytest.skip("only root may give a repository away")
    return repo


@odd
def with_a_split_index(tmp: Path) -> Repo:
    repo = plain(tmp / "repo")
    repo.git("update-index", "--split-index")
    return repo


@odd
def seen_through_a_link(tmp: Path) -> Repo:
    repo = plain(tmp / "real")
    (tmp / "repo").symlink_to(repo.root)
    return Repo(tmp / "repo")


@pytest.fixture
def team(request: pytest.FixtureRequest, tmp_path: Path, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> Team:
    # For the git of this test; ours does not see it.
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    repo = ODD[request.param](tmp_path / "odd")

    def called(*words: str, exit: int | None = 0, cwd: Path | None = None) -> Answer:  # noqa: A002
        return swarm(*words, exit=exit, cwd=cwd or repo.root)

    # A linked worktree uses the control plane of its main checkout.
    home = repo.root.parent / "main" if request.param == "a_linked_worktree" else repo.root
    return Team(called, repo, Workspace("", home / "swarms", home / "swarms/control-plane.db"))


# One of each way in which a checkout and its git folder can stand to each other; `make soak` tries them all.
ALWAYS = {
    "with_a_submodule",
    "a_submodule",
    "a_shallow_clone",
    "a_linked_worktree",
    "sha256_objects",
    "of_another_user",
}


@pytest.mark.parametrize(
    "team", [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.soak) for name in ODD], indirect=True
)
def test_the_whole_loop_ends_right(team: Team, tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    file.write_text(json.dumps(MAP))
    swarm, repo = team.swarm, team.repo
    run = swarm("init", "--new", "src", "--domains-from", file, "--format", "json").data["runId"]
    team = team._replace(place=team.place._replace(run=run))
    (team.place.folder / "swarm.toml").write_text(merge_team.STEP)
    swarm("dispatch", "health-audit-a", "--auto-freeze", "--isolate", cwd=repo.root / "src")
    team.place.answer("code", merge_team.LOAD, merge_team.NAME)
    team.place.answer("rest", merge_team.TITLE)
    swarm("collect")
    swarm("clean", "--apply", "--reason", "over")
    swarm("approve", "--all")
    swarm("dispatch", "health-amend-a", "--isolate")
    team.edit("code", {"src/app.py": merge_team.MENDED})
    team.edit("rest", {"README.md": merge_team.RETITLED}, commit=True)
    ids = team.ids()
    team.collect(code=(ids["def load"],), rest=(ids["# A project"],))
    swarm("merge")
    publishes = repo.git("rev-parse", "--abbrev-ref", "HEAD") != "HEAD"
    swarm("merge", "--publish", exit=0 if publishes else 2)
    swarm("verify")
    swarm("advance", "--override", "--reason", "one finding is left")
    rewound = swarm("rewind", run.replace("swarm-", "swarm-save-", 1), exit=0 if publishes else 1)
    assert rewound.code == (None if publishes else "REWIND_REFUSED")
    swarm("clean", "--apply", "--reason", "over")
    swarm("ledger", "replay", "--check")
    assert (
        team.file_at(f"refs/heads/{team.integration}" if not publishes else "HEAD", "README.md") + "\n"
        == merge_team.RETITLED
    )
    assert repo.git("worktree", "list").count("w2-") == 0
    assert repo.git("status", "--porcelain", "--untracked-files=no") == ""
