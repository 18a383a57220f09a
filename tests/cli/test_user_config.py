"""The user's own swarm.toml: below that of the workspace, and trusted as its owner's."""

import os
from pathlib import Path

import pytest

from tests.conftest import Repo, Swarm, Workspace

MINE = '[defaults]\nruntime = "mine"\n[launch]\njobs = 3\n[runtimes.mine]\nkind = "command"\nargv = ["true"]\n'
MIXED = '[launch]\ntimeout_seconds = 60\n[runtimes.mine]\nkind = "command"\nargv = ["false"]\n'


@pytest.fixture(autouse=True)
def _distrust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWARM_TRUST")


def write(text: str, folder: Path | None = None) -> Path:
    file = (folder or Path(os.environ["HOME"]) / ".config") / "swarm/swarm.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def runtimes(swarm: Swarm) -> dict[str, tuple[bool, list[str]]]:
    found = swarm("runtimes", "--json").data["runtimes"]
    return {each["name"]: (each["isDefault"], each["argv"]) for each in found if each["kind"] == "command"}


def test_it_holds_in_every_repository_without_a_record_of_trust(swarm: Swarm, repo: Repo) -> None:
    file = write(MINE)
    assert runtimes(swarm) == {"mine": (True, ["true"])}
    assert swarm("runtimes").out.splitlines()[-2] == f"Configured by: {file}"


def test_it_lies_where_the_variable_of_xdg_says(swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(MINE, tmp_path / "xdg")
    monkeypatch.setenv("XDG_CONFIG_HOME", "xdg")
    assert runtimes(swarm) == {}
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert list(runtimes(swarm)) == ["mine"]


def test_the_file_of_the_repository_stands_above_it_and_is_trusted_for_itself(swarm: Swarm, repo: Repo) -> None:
    own = write(MINE)
    repo.write({"swarm.toml": MIXED})
    # Nobody trusts the repository's file: the user's own runtime of that name is used for nothing in its place.
    assert swarm("audit", "--runtime", "mine", exit=2).code == "CONFIG_UNTRUSTED"
    swarm("trust", "--yes")
    assert runtimes(swarm) == {"mine": (True, ["false"])}
    assert swarm("runtimes").out.splitlines()[-2] == f"Configured by: {repo.root / 'swarm.toml'}, then {own}"


def test_a_home_inside_of_the_repository_is_the_repositorys(
    swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(MINE, repo.root / "home/.config")
    monkeypatch.setenv("HOME", str(repo.root / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(repo.root.parent / "state"))
    answer = swarm("audit", "--runtime", "mine", exit=2)
    assert answer.code == "CONFIG_UNTRUSTED"
    assert answer.err.count("home/.config/swarm/swarm.toml")


def test_the_default_runtime_is_launched_where_none_is_named(swarm: Swarm, workspace: Workspace) -> None:
    write(MINE)
    swarm("dispatch", "health-audit-a", "--isolate")
    launched = swarm("launch", "--json", exit=None).data["agents"]
    assert {attempt["runtime"] for agent in launched for attempt in agent["attempts"]} == {"mine"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[launhc]\n", "$: Additional properties are not allowed ('launhc' was unexpected); did you mean 'launch'?"),
        ("[launch]\njob = 1\n", "'job' was unexpected); did you mean 'jobs'?"),
        (
            "[sandbox]\nbackend = 'bwarp'\n",
            "is not one of ['auto', 'bwrap', 'landlock', 'none']; did you mean 'bwrap'?",
        ),
        ("[verify]\nadapter = 'pyton'\n", "is not one of ['python', 'node', 'rust', 'go']; did you mean 'python'?"),
        ("[launch]\nzzz = 1\n", "('zzz' was unexpected)"),
    ],
)
def test_a_misspelt_key_or_value_is_answered_with_the_nearest(swarm: Swarm, text: str, problem: str) -> None:
    write(text)
    error = swarm("runtimes", "--json", exit=1).document["error"]
    assert (error["code"], error["problem"].endswith(problem)) == ("CONFIG_INVALID", True), error
