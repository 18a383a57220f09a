"""Programs that git brings are no judges: `verify` uses no interpreter and no runner that the repository tracks."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Answer, Repo, Swarm

RED = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 2)\n"
GREEN = RED.replace("2", "1")
LIAR = "#!/bin/sh\necho lied >> {mark}\necho 'Ran 5 tests in 0.1s' >&2\necho 'Tests: 5 passed, 5 total'\n"
JEST = '{"scripts": {"test": "jest"}}'


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


def bring(repo: Repo, mark: Path, names: Mapping[str, bool], files: Mapping[str, str]) -> None:
    """Commit files, and programs that pass whatever they are asked; those that are `False` stay untracked."""
    # Without the other tests unittest is enough, which every Python has.
    repo.git("rm", "-r", "-q", ".")
    repo.commit({**files, ".gitignore": "swarms/\n"})
    for name, is_tracked in names.items():
        program = repo.root / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(LIAR.format(mark=mark))
        program.chmod(0o755)
        if is_tracked:
            repo.git("add", "-f", name)
    repo.git("commit", "-q", "--allow-empty", "-m", "programs")


def proved(swarm: Swarm, exit: int) -> Answer:  # noqa: A002
    swarm("init", "--new", ".")
    return swarm("verify", "--format", "json", exit=exit)


@pytest.mark.parametrize("named", [False, True])
def test_a_tracked_interpreter_is_passed_over_and_the_note_says_so(
    swarm: Swarm, repo: Repo, mark: Path, monkeypatch: pytest.MonkeyPatch, *, named: bool
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    folder = repo.root / ("tools/env" if named else ".venv")
    if named:
        # As `activate` leaves the shell of a user.
        monkeypatch.setenv("VIRTUAL_ENV", str(folder))
        monkeypatch.setenv("PATH", str(folder / "bin"), prepend=":")
    names = [f"{folder.relative_to(repo.root)}/bin/{name}" for name in ("python", "python3")]
    bring(repo, mark, dict.fromkeys(names, True), {"tests/test_a.py": RED})
    data = proved(swarm, 1).data
    assert data["verdict"] == "fail"
    assert data["note"] == f"the Python of {folder} is not used: git tracks it, or an agent's tree holds it"
    assert not mark.exists()


def test_an_environment_with_a_tracked_file_or_behind_a_tracked_link_is_passed_over(
    swarm: Swarm, repo: Repo, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    bring(repo, mark, {".venv/bin/python": False, ".venv/lib/sitecustomize.py": True}, {"tests/test_a.py": RED})
    assert proved(swarm, 1).data["verdict"] == "fail"
    (repo.root / ".venv").rename(repo.root / "env")
    repo.git("rm", "-q", "-r", "--cached", ".venv")
    (repo.root / ".venv").symlink_to("env")
    repo.git("add", "-f", ".venv")
    repo.git("commit", "-q", "-m", "link")
    assert proved(swarm, 1).data["verdict"] == "fail"
    assert not mark.exists()


def test_an_untracked_interpreter_is_used(
    swarm: Swarm, repo: Repo, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    bring(repo, mark, {".venv/bin/python": False}, {"tests/test_a.py": GREEN})
    program = repo.root / ".venv/bin/python"
    program.write_text(f'#!/bin/sh\necho used >> {mark}\nexec {sys.executable} "$@"\n')
    data = proved(swarm, 0).data
    assert (data["verdict"], data["note"]) == ("pass", None)
    assert mark.exists()


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm runs the scripts of package.json")
@pytest.mark.parametrize(
    "names",
    [
        {"node_modules/.bin/jest": True},
        {"node_modules/.bin/jest": False, "node_modules/jest/run.js": True},
    ],
)
def test_a_tracked_runner_of_node_is_missing(swarm: Swarm, repo: Repo, mark: Path, names: Mapping[str, bool]) -> None:
    bring(repo, mark, names, {"package.json": JEST})
    if len(names) == 2:
        link = repo.root / "node_modules/.bin/jest"
        link.unlink()
        link.symlink_to("../jest/run.js")
    data = proved(swarm, 1).data
    assert (data["verdict"], data["note"]) == (
        "tool_missing",
        "programs that git tracks are not used: node_modules/.bin/jest",
    )
    assert not mark.exists()


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm runs the scripts of package.json")
def test_a_tracked_link_in_the_place_of_installed_programs_leads_to_no_runner(
    swarm: Swarm, repo: Repo, mark: Path
) -> None:
    bring(repo, mark, {"tools/.bin/jest": True}, {"package.json": JEST})
    (repo.root / "node_modules").symlink_to("tools")
    repo.git("add", "-f", "node_modules")
    repo.git("commit", "-q", "-m", "link")
    assert proved(swarm, 1).data["verdict"] == "tool_missing"
    assert not mark.exists()
