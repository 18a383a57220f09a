"""The tree under proof has the submodules of its commit; and where a build is red, what the tree lacks is named."""

import sys
from pathlib import Path

import pytest

from tests.conftest import Repo, Swarm

STEP = """\
[[verify.steps]]
name = "check"
kind = "test"
argv = {argv}
"""


def step(script: str) -> dict[str, str]:
    return {"swarm.toml": STEP.format(argv=[sys.executable, "-c", f"{script}\nprint('Ran 1 test in 1s')"])}


def library(folder: Path, files: dict[str, str]) -> Repo:
    folder.mkdir(parents=True)
    made = Repo(folder)
    made.git("init", "-q", "-b", "main")
    made.commit(files, "library")
    return made


def add_submodule(repo: Repo, source: Repo, name: str) -> None:
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source.root), name)


@pytest.fixture
def lib(tmp_path: Path) -> Repo:
    return library(tmp_path / "lib", {"value.txt": "7\n"})


def test_a_submodule_is_there_at_its_recorded_commit(repo: Repo, swarm: Swarm, lib: Repo) -> None:
    add_submodule(repo, lib, "a folder/lib")
    repo.commit(step("assert open('a folder/lib/value.txt').read() == '7\\n'"))
    swarm("init", ".")
    inside = Repo(repo.root / "a folder" / "lib")
    # The checkout's submodule goes on, and has edits; the commit records what it recorded.
    inside.commit({"value.txt": "8\n"})
    inside.write({"value.txt": "9\n"})
    answer = swarm("verify", "--format", "json")
    assert (answer.data["verdict"], answer.data["note"]) == ("pass", None)
    assert (inside.root / "value.txt").read_text(encoding="utf-8") == "9\n"


def test_submodules_of_submodules_are_there_too(repo: Repo, swarm: Swarm, lib: Repo, tmp_path: Path) -> None:
    middle = library(tmp_path / "middle", {"README": "middle\n"})
    add_submodule(middle, lib, "deps/lib")
    middle.commit(message="with the library")
    add_submodule(repo, middle, "middle")
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
    repo.commit(step("assert open('middle/deps/lib/value.txt').read() == '7\\n'"))
    swarm("init", ".")
    assert swarm("verify", "--format", "json").data["verdict"] == "pass"


def test_a_submodule_that_was_cloned_with_its_git_folder_inside_is_there_too(
    repo: Repo, swarm: Swarm, lib: Repo
) -> None:
    repo.git("clone", "-q", str(lib.root), str(repo.root / "lib"))
    repo.write({".gitmodules": f'[submodule "lib"]\n\tpath = lib\n\turl = {lib.root}\n'})
    repo.commit(step("assert open('lib/value.txt').read() == '7\\n'"))
    swarm("init", ".")
    assert swarm("verify", "--format", "json").data["verdict"] == "pass"


@pytest.mark.parametrize("missing", ["folder", "commit"])
def test_a_submodule_that_the_checkout_lacks_is_named(repo: Repo, swarm: Swarm, lib: Repo, missing: str) -> None:
    add_submodule(repo, lib, "lib")
    repo.commit(step("open('lib/value.txt')"))
    swarm("init", ".")
    if missing == "folder":
        repo.git("submodule", "--quiet", "deinit", "--force", "lib")
    else:
        other = "1" * 40
        repo.git("update-index", "--cacheinfo", f"160000,{other},lib")
        repo.git("commit", "-q", "-m", "another commit of the library")
    answer = swarm("verify", "--format", "json", exit=1)
    lacks = "submodule lib (`git submodule update --init --recursive` fills the checkout)"
    assert answer.data["note"] == f"the tree under proof lacks {lacks}"


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


def test_pointers_packages_and_modules_that_a_red_build_lacks_are_named(repo: Repo, swarm: Swarm) -> None:
    files = {"data/model.bin": POINTER, "web/package.json": '{"dependencies": {"left-pad": "1"}}'}
    repo.commit({**files, **step("import a_module_that_nobody_installed")})
    swarm("init", ".")
    note = swarm("verify", "--format", "json", exit=1).data["note"]
    assert note == (
        "the tree under proof lacks content of the LFS files data/model.bin; "
        "node_modules for web/package.json (`npm ci` in your checkout installs them, or `[verify] setup` of swarm.toml); module a_module_that_nobody_installed "
        "(`[verify] setup` of swarm.toml installs what the tests need, as in your checkout `python -m pip install -e .` "
        "or `npm ci` does)"
    )


def test_a_build_that_passes_lacks_nothing(repo: Repo, swarm: Swarm) -> None:
    repo.commit({"data/model.bin": POINTER, **step("pass")})
    swarm("init", ".")
    assert swarm("verify", "--format", "json").data["note"] is None
