"""A submodule that an agent fills at its recorded commit is no edit; anything else in its folder is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_places import begin
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

UPDATE = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")


def filled(tree: Repo) -> None:
    tree.git(*UPDATE)


def on_a_branch(tree: Repo) -> None:
    filled(tree)
    tree.git("checkout", "-q", "-b", "mine", cwd=tree.root / "lib")


def on_a_packed_branch(tree: Repo) -> None:
    on_a_branch(tree)
    tree.git("pack-refs", "--all", cwd=tree.root / "lib")


def with_its_git_folder_inside(tree: Repo) -> None:
    (tree.root / "lib").rmdir()
    source = tree.git("config", "--file", ".gitmodules", "submodule.lib.url")
    tree.git("clone", "-q", source, "lib")


def edited(tree: Repo) -> None:
    filled(tree)
    (tree.root / "lib/lib.py").write_text("x = 2\n")


def with_a_new_file(tree: Repo) -> None:
    filled(tree)
    (tree.root / "lib/new.py").write_text("x = 2\n")


def with_an_edit_further_down(tree: Repo) -> None:
    filled(tree)
    (tree.root / "lib/deep/deep.py").write_text("x = 2\n")


def with_files_alone(tree: Repo) -> None:
    (tree.root / "lib/lib.py").write_text("x = 1\n")


def with_an_edit_that_its_index_hides(tree: Repo) -> None:
    edited(tree)
    tree.git("update-index", "--assume-unchanged", "lib.py", cwd=tree.root / "lib")


@pytest.fixture
def with_submodules(repo: Repo, tmp_path: Path) -> Repo:
    """The repository with a submodule `lib`, which has a submodule `deep` itself."""
    for name in ("deep", "lib"):
        inner = Repo(tmp_path / name)
        inner.root.mkdir()
        inner.git("init", "-q", "-b", "main")
        inner.commit({f"{name}.py": "x = 1\n"})
        if name == "lib":
            inner.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "deep"), "deep")
            inner.commit(message="a submodule")
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "lib"), "lib")
    repo.commit(message="a submodule")
    return repo


@pytest.mark.parametrize(
    ("act", "is_edit"),
    swept(
        [
            (filled, False),
            (with_an_edit_further_down, True),
            (on_a_branch, False),
            (on_a_packed_branch, False),
            (with_its_git_folder_inside, False),
            (edited, True),
            (with_a_new_file, True),
            (with_files_alone, True),
            (with_an_edit_that_its_index_hides, True),
        ],
        first=2,
    ),
)
def test_only_an_edit_in_a_submodule_counts(
    with_submodules: Repo, swarm: Swarm, tmp_path: Path, act: Callable[[Repo], None], is_edit: bool
) -> None:
    with_submodules.git(*UPDATE)
    run = begin(swarm, tmp_path, with_submodules.root)
    swarm("dispatch", "health-audit-a", "--isolate")
    folder = with_submodules.root / "swarms" / run
    act(Repo(folder / "worktrees/w1-code"))
    place = Workspace(run, folder.parent, folder.parent / "control-plane.db")
    place.answer("code")
    place.answer("rest")
    told = swarm("collect", "--format", "json", exit=int(is_edit)).data
    assert [item["file"] for item in told["violations"]] == (["lib"] if is_edit else [])
    swarm("clean", "--apply", "--reason", "over", exit=None)
    assert (folder / "worktrees/w1-code/lib/lib.py").exists()


@pytest.mark.parametrize("is_redirected", [False, True])
def test_the_first_to_fill_a_submodule_may_write_its_committed_address_and_no_other(
    with_submodules: Repo, swarm: Swarm, tmp_path: Path, is_redirected: bool
) -> None:
    with_submodules.git("submodule", "--quiet", "deinit", "--force", "lib")
    run = begin(swarm, tmp_path, with_submodules.root)
    swarm("dispatch", "health-audit-a", "--isolate")
    tree = Repo(with_submodules.root / "swarms" / run / "worktrees/w1-code")
    filled(tree)
    if is_redirected:
        tree.git("config", "submodule.lib.url", str(tmp_path / "deep"))
    place = Workspace(run, with_submodules.root / "swarms", with_submodules.root / "swarms/control-plane.db")
    place.answer("code")
    place.answer("rest")
    told = swarm("collect", "--format", "json", exit=int(is_redirected)).data
    assert [item["file"] for item in told["violations"]] == ([".git/config"] if is_redirected else [])
