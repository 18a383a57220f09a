"""Every file of settings, decisions, domains and owners of the corpus: refused with its code, or taken and harmless."""

import os
from pathlib import Path

import pytest

from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.hostile.cases import Case, cases
from tests.hostile.law import assert_lawful, assert_whole, checkout

pytestmark = pytest.mark.sweep

FAMILIES = ("settings", "decisions", "maps", "codeowners", "projects")
READERS = (
    ("runtimes",),
    ("dispatch", "health-audit-a", "--dry-run"),
    ("dispatch", "health-audit-a", "--isolate", "--sparse"),
    ("verify", "--probe-only"),
)


def named(case: Case) -> str:
    return case.file.name.removesuffix(".recipe")


def held(answer: Answer, form: str = "text") -> Answer:
    assert_lawful(answer, form=form)
    return answer


def parted(folder: str) -> tuple[list[Case], list[Case]]:
    """Return the cases that are refused, and those that are taken."""
    every = cases(f"configs/{folder}")
    return [case for case in every if case.expected], [case for case in every if not case.expected]


def test_settings_that_are_none_are_refused_by_every_verb_that_reads_them(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    before = checkout(repo)
    for case in parted("settings")[0]:
        (workspace.folder / "swarm.toml").write_bytes(case.body)
        codes = {words: held(swarm(*words, exit=1)).code for words in READERS}
        assert codes == dict.fromkeys(READERS, case.expected["code"]), case.name
    assert checkout(repo) == before
    assert_whole(swarm, workspace.db)


@pytest.mark.parametrize("case", parted("settings")[1], ids=named)
def test_settings_that_are_lawful_and_hostile_do_no_harm(
    swarm: Swarm, repo: Repo, workspace: Workspace, case: Case
) -> None:
    (workspace.folder / "swarm.toml").write_bytes(case.body)
    before = checkout(repo)
    held(swarm("runtimes"))
    for words in (*READERS, ("launch", "--runtime", "x"), ("collect",)):
        held(swarm(*words, exit=None))
    if b"verify" in case.body:
        held(swarm("verify", exit=None))
    assert checkout(repo) == before
    assert_whole(swarm, workspace.db)


def test_settings_that_are_no_file_keep_nobody_waiting(swarm: Swarm, workspace: Workspace, tmp_path: Path) -> None:
    place = workspace.folder / "swarm.toml"
    os.mkfifo(place)
    assert held(swarm("runtimes", exit=1)).code == "CONFIG_INVALID"
    place.unlink()
    place.symlink_to("/dev/zero")
    assert held(swarm("runtimes", exit=1)).code == "CONFIG_INVALID"
    place.unlink()
    place.mkdir()
    assert held(swarm("runtimes", exit=1)).code == "CONFIG_INVALID"
    place.rmdir()
    (tmp_path / "elsewhere.toml").write_text('[runtimes.mine]\nkind = "command"\nargv = ["true"]\n')
    place.symlink_to(tmp_path / "elsewhere.toml")
    assert "mine" in held(swarm("runtimes")).out


def test_decisions_are_refused_whole_or_taken(swarm: Swarm, collected: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "decisions.toml"
    for case in cases("configs/decisions"):
        file.write_bytes(case.body)
        answer = held(swarm("triage", "--import", file, exit=None))
        assert (answer.exit, answer.code) == ((1, case.expected["code"]) if case.expected else (0, None)), case.name
        held(swarm("triage", "--import", file, "--force", "--format", "json", exit=None), "json")
    for words in (("findings", "--status", "all"), ("status",), ("history", "1")):
        held(swarm(*words, exit=None))
    assert_whole(swarm, collected.db)


def test_a_file_that_is_no_list_of_domains_is_refused_whole(swarm: Swarm, repo: Repo, tmp_path: Path) -> None:
    for case in parted("maps")[0]:
        file = tmp_path / named(case)
        file.write_bytes(case.body)
        assert held(swarm("init", ".", "--domains-from", file, exit=1)).code == case.expected["code"], case.name
        assert repo.git("tag") == ""


@pytest.mark.parametrize("case", parted("maps")[1], ids=named)
def test_a_map_that_is_lawful_and_hostile_is_taken(swarm: Swarm, repo: Repo, tmp_path: Path, case: Case) -> None:
    file = tmp_path / named(case)
    file.write_bytes(case.body)
    held(swarm("init", ".", "--domains-from", file))
    for words in (("domains",), ("domains", "--check"), ("dispatch", "health-audit-a", "--isolate", "--auto-freeze")):
        held(swarm(*words))
    assert_whole(swarm, repo.root / "swarms/control-plane.db")


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "none"])
@pytest.mark.parametrize("name", ["map.json", "map.toml"])
def test_domains_from_what_is_no_file_keep_nobody_waiting(swarm: Swarm, tmp_path: Path, name: str, kind: str) -> None:
    place = tmp_path / name
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "folder":
        place.mkdir()
    assert held(swarm("init", ".", "--domains-from", place, exit=1)).code == "CONFIG_INVALID"


@pytest.mark.parametrize("case", cases("configs/codeowners"), ids=named)
def test_a_codeowners_file_gives_a_map_or_none(swarm: Swarm, repo: Repo, case: Case) -> None:
    repo.commit({"CODEOWNERS": case.body})
    answer = held(swarm("init", ".", "--domains-from", "codeowners", exit=None))
    assert (answer.exit, answer.code) == ((1, case.expected["code"]) if case.expected else (0, None))
    if not case.expected:
        for words in (("domains",), ("domains", "--check"), ("domains", "--who", "src/app.py")):
            held(swarm(*words))
        held(swarm("dispatch", "health-audit-a", "--auto-freeze", exit=None))
        assert_whole(swarm, repo.root / "swarms/control-plane.db")


@pytest.mark.parametrize("case", cases("configs/projects"), ids=named)
def test_the_settings_of_a_project_under_audit_never_stop_the_audit(swarm: Swarm, repo: Repo, case: Case) -> None:
    repo.commit({"pyproject.toml": case.body, "src/pyproject.toml": case.body, "src/ruff.toml": case.body})
    before = checkout(repo)
    answer = held(swarm("audit", ".", exit=None))
    assert answer.exit in {1, 3}
    held(swarm("verify", "--probe-only", exit=None))
    assert checkout(repo) == before
    assert_whole(swarm, repo.root / "swarms/control-plane.db")
