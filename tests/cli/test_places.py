"""Work trees, branch names and objects that are not as in a plain clone: right, or refused before a file is written."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import MAP
from tests.conftest import SOURCE, Repo, Swarm
from tests.sweeping import swept

EDITED = SOURCE["src/app.py"] + "# hours of my own work\n"


def hint_of(error: str) -> str:
    """Return the command between the first backquotes of a hint."""
    hint = next(line for line in error.splitlines() if line.startswith("  Next: "))
    return hint.split("`")[1]


def begin(swarm: Swarm, tmp_path: Path, cwd: Path) -> str:
    """Make a run with a frozen map, and return its id."""
    file = tmp_path / "map.json"
    file.write_text(json.dumps(MAP))
    run: str = swarm("init", "--new", ".", "--domains-from", file, "--format", "json", cwd=cwd).data["runId"]
    swarm("domains", "--freeze", cwd=cwd)
    return run


def tops(root: Path) -> dict[str, str]:
    """Return what git takes for the top level in each worktree of an agent, by the tree's name."""
    found = {}
    for tree in sorted(root.glob("swarms/swarm-*/worktrees/*")):
        found[tree.name] = Repo(tree).git("rev-parse", "--show-toplevel")
    return found


@pytest.fixture
def set_elsewhere(repo: Repo, tmp_path: Path) -> Repo:
    """A checkout whose git folder lies elsewhere, with a `core.worktree` that linked trees inherit."""
    shutil.move(repo.root / ".git", tmp_path / "store.git")
    (repo.root / ".git").write_text(f"gitdir: {tmp_path / 'store.git'}\n")
    repo.git("config", "core.worktree", str(repo.root))
    repo.git("config", "extensions.worktreeConfig", "true")
    return repo


def test_an_inherited_work_tree_setting_leads_no_tree_into_the_checkout(
    set_elsewhere: Repo, swarm: Swarm, tmp_path: Path
) -> None:
    run = begin(swarm, tmp_path, set_elsewhere.root)
    set_elsewhere.write({"src/app.py": EDITED})
    swarm("dispatch", "health-audit-a", "--isolate")
    trees = set_elsewhere.root / "swarms" / run / "worktrees"
    assert tops(set_elsewhere.root) == {name: str(trees / name) for name in ("w1-code", "w1-rest")}
    assert (set_elsewhere.root / "src/app.py").read_text() == EDITED
    assert (trees / "w1-code/src/app.py").read_text() == SOURCE["src/app.py"]


def test_a_work_tree_setting_in_an_included_file_leads_no_tree_into_the_checkout(
    repo: Repo, swarm: Swarm, tmp_path: Path
) -> None:
    (tmp_path / "more").write_text(f"[core]\n\tworktree = {repo.root}\n[extensions]\n\tworktreeConfig = true\n")
    repo.git("config", "include.path", str(tmp_path / "more"))
    repo.git("config", "extensions.worktreeConfig", "true")
    run = begin(swarm, tmp_path, repo.root)
    repo.write({"src/app.py": EDITED})
    swarm("dispatch", "health-audit-a", "--isolate")
    trees = repo.root / "swarms" / run / "worktrees"
    assert tops(repo.root) == {name: str(trees / name) for name in ("w1-code", "w1-rest")}
    assert (repo.root / "src/app.py").read_text() == EDITED


@pytest.mark.parametrize("is_per_tree", [True, False])
def test_a_submodule_keeps_its_git_folder(repo: Repo, swarm: Swarm, tmp_path: Path, is_per_tree: bool) -> None:
    repo.commit({"config": "settings of the application\n", "hooks/post-commit": "#!/bin/sh\n"})
    outer = tmp_path / "outer"
    outer.mkdir()
    Repo(outer).git("init", "-q", "-b", "main")
    Repo(outer).git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo.root), "inner")
    Repo(outer).commit(message="a submodule")
    inner = Repo(outer / "inner")
    if is_per_tree:
        inner.git("config", "extensions.worktreeConfig", "true")
    kept = (outer / ".git/modules/inner/config").read_bytes()
    assert swarm("audit", ".", exit=1, cwd=inner.root).code is None
    assert (outer / ".git/modules/inner/config").read_bytes() == kept
    assert not (outer / ".git/modules/inner/src").exists()
    assert inner.git("status", "--porcelain", "--untracked-files=no") == ""


def test_a_copy_whose_git_works_on_the_original_is_refused_and_the_hint_helps(
    repo: Repo, swarm: Swarm, tmp_path: Path
) -> None:
    repo.git("config", "core.worktree", str(repo.root))
    copy = tmp_path / "a copy"
    shutil.copytree(repo.root, copy, symlinks=True)
    refused = swarm("audit", ".", exit=1, cwd=copy)
    assert refused.code == "REPO_NOT_GIT"
    assert f"git takes {repo.root} for the work tree of {copy}" in refused.err
    assert not (repo.root / "swarms").exists()
    subprocess.run(["sh", "-c", hint_of(refused.err)], check=True)
    assert swarm("audit", ".", exit=1, cwd=copy).code is None
    assert not (repo.root / "swarms").exists()


def test_a_work_tree_around_the_folder_that_is_no_checkout_is_refused(repo: Repo, swarm: Swarm, tmp_path: Path) -> None:
    repo.git("config", "core.worktree", str(tmp_path))
    refused = swarm("audit", ".", exit=1, cwd=repo.root)
    assert refused.code == "REPO_NOT_GIT"
    assert f"git takes {tmp_path} for the work tree of {repo.root}" in refused.err


@pytest.mark.parametrize("name", swept(["swarm", "swarm/HEX", "swarm/HEX/w1-code/mine"]))
@pytest.mark.parametrize("is_packed", [True, False])
def test_a_branch_in_the_way_of_a_branch_of_swarm_is_named_with_the_way_out(
    repo: Repo, swarm: Swarm, tmp_path: Path, name: str, is_packed: bool
) -> None:
    run = begin(swarm, tmp_path, repo.root)
    branch = name.replace("HEX", run.rpartition("-")[2])
    repo.git("branch", branch)
    if is_packed:
        repo.git("pack-refs", "--all")
    refused = swarm("dispatch", "health-audit-a", "--isolate", exit=1)
    assert refused.code == "ISOLATION_FAILED"
    assert f"beside the branch {branch}\n" in refused.err
    assert hint_of(refused.err) == f"git branch -m {branch} NEWNAME"
    assert not (repo.root / "swarms" / run).exists()
    repo.git("branch", "-m", branch, "mine")
    swarm("dispatch", "health-audit-a", "--isolate")


def test_a_tag_called_like_the_branch_of_a_tree_is_no_start_of_the_tree(
    repo: Repo, swarm: Swarm, tmp_path: Path
) -> None:
    run = begin(swarm, tmp_path, repo.root)
    repo.commit({"src/app.py": "x = 1\n"})
    for name in ("main", f"swarm/{run.rpartition('-')[2]}/w1-code"):
        repo.git("tag", name, "HEAD~1")
    swarm("dispatch", "health-audit-a", "--isolate")
    tree = Repo(repo.root / "swarms" / run / "worktrees/w1-code")
    assert (tree.head, tree.git("status", "--porcelain")) == (repo.head, "")


def partial(origin: Repo, place: Path, *options: str) -> Repo:
    """Clone without blobs, and check out `src` alone."""
    origin.git("config", "uploadpack.allowFilter", "true")
    origin.git("config", "uploadpack.allowAnySHA1InWant", "true")
    origin.git("clone", "-q", "--sparse", *options, f"file://{origin.root}", str(place))
    clone = Repo(place)
    clone.git("sparse-checkout", "set", "src")
    return clone


@pytest.mark.parametrize("options", [("--filter=blob:none",), ("--filter=blob:none", "--depth=1")])
def test_what_a_sparse_partial_clone_lacks_is_listed_with_the_command_that_fetches_it(
    repo: Repo, swarm: Swarm, tmp_path: Path, options: tuple[str, ...]
) -> None:
    repo.commit({"src/app.py": SOURCE["src/app.py"] + "# later\n"})
    clone = partial(repo, tmp_path / "part", *options)
    refused = swarm("audit", ".", exit=1, cwd=clone.root)
    assert refused.code == "ISOLATION_FAILED"
    assert f"lacks 2 files of commit {clone.head[:12]}: tests/test_app.py, web/index.html\n" in refused.err
    assert clone.git("worktree", "list").count("\n") == 0
    subprocess.run(["sh", "-c", hint_of(refused.err)], check=True, capture_output=True)
    assert swarm("audit", ".", exit=1, cwd=clone.root).code is None


def test_a_sparse_tree_needs_its_own_files_alone(repo: Repo, swarm: Swarm, tmp_path: Path) -> None:
    repo.commit({f"docs/{number}.md": f"{number}\n" for number in range(20)})
    clone = partial(repo, tmp_path / "part", "--filter=blob:none")
    file = tmp_path / "src.json"
    file.write_text(json.dumps([{"name": "code", "globs": ["src/**"]}]))
    run = swarm("init", ".", "--domains-from", file, "--format", "json", cwd=clone.root).data["runId"]
    swarm("dispatch", "health-audit-a", "--auto-freeze", "--isolate", "--sparse", cwd=clone.root)
    tree = clone.root / "swarms" / run / "worktrees/w1-code"
    assert sorted(path.name for path in tree.rglob("*.py")) == ["app.py", "tool.py"]


def test_a_clone_without_folders_is_refused_with_a_command_that_brings_them(
    repo: Repo, swarm: Swarm, tmp_path: Path
) -> None:
    clone = partial(repo, tmp_path / "part", "--filter=tree:0", "--no-checkout")
    refused = swarm("audit", ".", exit=1, cwd=clone.root)
    assert refused.code == "GIT_FAILED"
    subprocess.run(["sh", "-c", hint_of(refused.err)], check=True, capture_output=True)
    clone.git("checkout", "-q")
    assert swarm("audit", ".", exit=1, cwd=clone.root).code is None
