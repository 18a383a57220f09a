"""Files of other users: refused as git refuses them, and never found by the search upward."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm, Workspace

ANOTHER = 4711
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


def given(place: Path) -> Path:
    os.chown(place, ANOTHER, ANOTHER, follow_symlinks=False)
    return place


OWNED: dict[str, Callable[[Repo], Path]] = {
    "the root": lambda repo: repo.root,
    "the git folder": lambda repo: repo.root / ".git",
    "the workspace": lambda repo: repo.root / "swarms",
    "the database": lambda repo: repo.root / "swarms/control-plane.db",
    "the configuration": lambda repo: repo.root / "swarm.toml",
}


@as_root
@pytest.mark.parametrize("name", OWNED)
def test_what_belongs_to_another_user_is_refused_and_nothing_changes(
    swarm: Swarm, repo: Repo, workspace: Workspace, name: str
) -> None:
    repo.write({"swarm.toml": "[launch]\njobs = 2\n"})
    place = given(OWNED[name](repo))
    with nothing_changes(repo.root):
        answer = swarm("audit", ".", "--format", "json", exit=2)
    error = answer.document["error"]
    assert (error["code"], error["path"], error["owner"]) == ("OWNED_BY_ANOTHER_USER", str(place), ANOTHER)


@as_root
@pytest.mark.parametrize("verb", ["status", "runs", "findings", "domains", "events", "doctor"])
def test_verbs_that_look_do_not_open_the_workspace_of_another_user(
    swarm: Swarm, workspace: Workspace, verb: str
) -> None:
    given(workspace.db)
    assert swarm(verb, exit=2).code == "OWNED_BY_ANOTHER_USER"


@as_root
@pytest.mark.parametrize("value", ["{root}", "*", "{parent}/*"])
def test_safe_directory_makes_the_exception_that_it_makes_for_git(
    swarm: Swarm, repo: Repo, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    repo.write({"swarm.toml": "[launch]\njobs = 2\n"})
    for place in OWNED.values():
        given(place(repo))
    settings = tmp_path / "settings"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    settings.write_text(f"[safe]\n\tdirectory = {value.format(root=repo.root, parent=repo.root.parent)}\n")
    swarm("status")
    swarm("audit", ".", exit=1)
    settings.write_text(settings.read_text() + "\tdirectory =\n")
    assert swarm("status", exit=2).code == "OWNED_BY_ANOTHER_USER"


@as_root
def test_a_repository_cannot_vouch_for_itself(swarm: Swarm, repo: Repo) -> None:
    repo.git("config", "safe.directory", "*")
    given(repo.root)
    assert swarm("audit", ".", exit=2).code == "OWNED_BY_ANOTHER_USER"


@as_root
def test_files_of_the_caller_of_sudo_are_root_s_own(
    swarm: Swarm, repo: Repo, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(workspace.db)
    given(repo.root)
    monkeypatch.setenv("SUDO_UID", str(ANOTHER))
    swarm("status")
    swarm("audit", ".", exit=1)
    for word in ("0", f"-{ANOTHER}", f"{ANOTHER} ", "x", ""):
        monkeypatch.setenv("SUDO_UID", word)
        assert swarm("status", exit=2).code == "OWNED_BY_ANOTHER_USER"


def test_a_user_who_is_not_root_gains_nothing_by_the_variable_of_sudo(
    swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ANOTHER)
    monkeypatch.setenv("SUDO_UID", str(user))
    assert swarm("init", ".", exit=2).code == "OWNED_BY_ANOTHER_USER"


# --- the search upward -------------------------------------------------------------------------------------


@pytest.fixture
def above(repo: Repo, swarm: Swarm, tmp_path: Path) -> Path:
    """A workspace in the folder that holds the repository."""
    swarm("--db", tmp_path / "swarms/control-plane.db", "init", ".")
    return tmp_path


def test_the_search_for_a_workspace_ends_at_the_root_of_the_repository(swarm: Swarm, repo: Repo, above: Path) -> None:
    assert swarm("status", exit=1, cwd=repo.root / "src").code == "CONTROL_PLANE_MISSING"
    made = swarm("audit", ".", "--format", "json", exit=1).data["runId"]
    assert [run["id"] for run in swarm("runs", "--format", "json", cwd=repo.root).data] == [made]


def test_the_search_ends_at_the_home_folder(swarm: Swarm, above: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = above / "a"
    (home / "b").mkdir(parents=True)
    assert len(swarm("runs", "--format", "json", cwd=home / "b").data) == 1
    monkeypatch.setenv("HOME", str(home))
    assert swarm("runs", "--format", "json", cwd=home / "b").data == []


@as_root
def test_the_search_ends_where_the_owner_changes(swarm: Swarm, above: Path) -> None:
    folder = above / "a" / "b"
    folder.mkdir(parents=True)
    assert len(swarm("runs", "--format", "json", cwd=folder).data) == 1
    given(folder.parent)
    assert swarm("runs", "--format", "json", cwd=folder).data == []
