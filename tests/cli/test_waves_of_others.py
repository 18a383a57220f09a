"""Waves in flight that this user did not dispatch on this machine are named, and never continued without a word."""

import gzip
import shutil
from pathlib import Path

import pytest

from swarm import wave_marks
from tests.cli.test_foreign_control_planes import sql
from tests.conftest import Repo, Swarm, Workspace

LAUNCHES = (("launch", "--runtime", "ruff"), ("collect",), ("resume",), ("revalidate", "--domain", "code:x.json"))


@pytest.fixture
def elsewhere(dispatched: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A wave in flight, seen by a user whose state folder has no mark of it."""
    monkeypatch.delenv("SWARM_TRUST")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of-another"))
    return dispatched


def rows(swarm: Swarm) -> object:
    return [swarm(*words, "--format", "json").data for words in (("events",), ("attempts",))]


def marks() -> list[str]:
    return sorted(file.name for file in wave_marks.state_folder().rglob("waves/*"))


def test_no_command_continues_a_wave_that_its_user_did_not_dispatch(swarm: Swarm, elsewhere: Workspace) -> None:
    before = rows(swarm)
    for words in LAUNCHES:
        verb, *rest = words
        assert swarm(verb, elsewhere.run, *rest, exit=2).code == "WAVE_FROM_ELSEWHERE"
    assert rows(swarm) == before


def test_status_names_the_wave_of_others_and_the_command_that_takes_it_over(
    swarm: Swarm, elsewhere: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = swarm("status", "--format", "json").data
    assert data["waves"]["current"]["fromElsewhere"] is True
    assert data["assessment"] == {
        "state": "BLOCKED",
        "blockers": ["this user did not dispatch the newest wave on this machine"],
        "nextAction": f"swarm trust --wave {elsewhere.run}",
    }
    monkeypatch.setenv("SWARM_TRUST", "1")
    data = swarm("status", "--format", "json").data
    assert (data["waves"]["current"]["fromElsewhere"], data["assessment"]["nextAction"]) == (
        False,
        f"swarm launch {elsewhere.run}",
    )


def test_an_audit_leaves_the_wave_of_others_alone_and_looks_at_head_in_a_run_of_its_own(
    swarm: Swarm, repo: Repo, elsewhere: Workspace
) -> None:
    first = swarm("audit", ".", "--format", "json", exit=1).data
    assert first["leftAlone"] == {"runId": elsewhere.run, "number": 1, "phase": "health-audit-a"}
    assert (first["runId"] != elsewhere.run, first["commit"]) == (True, repo.head)
    # However new the run of others claims to be, the next audit continues the user's own.
    sql(elsewhere.db, f"UPDATE runs SET seq = 1000 WHERE id = '{elsewhere.run}'")
    assert f"⚠ Left alone: wave 1 (health-audit-a) of run {elsewhere.run}" in swarm("audit", ".", exit=1).out
    assert swarm("status", elsewhere.run, "--format", "json").data["waves"]["current"]["status"] == "dispatched"
    assert len(swarm("runs", "--format", "json").data) == 2


def test_a_run_of_ones_own_begins_beside_it(swarm: Swarm, elsewhere: Workspace) -> None:
    swarm("init", "--new", ".")
    swarm("dispatch", "health-audit-a", "--isolate", "--auto-freeze")
    swarm("launch", "--runtime", "ruff")
    swarm("collect")
    assert swarm("status", elsewhere.run, "--format", "json").data["waves"]["current"]["status"] == "dispatched"


def test_a_word_on_the_wave_makes_it_its_users_own(swarm: Swarm, elsewhere: Workspace) -> None:
    assert swarm("trust", "--wave", elsewhere.run, "--check", exit=1).out.splitlines()[-1] == (
        f"⊘ Not dispatched by you on this machine. Next: swarm trust --wave {elsewhere.run}"
    )
    assert marks() == []
    taken = swarm("trust", "--wave", elsewhere.run, "--format", "json").data
    assert (taken["isTrusted"], taken["wave"]["number"], taken["wave"]["agents"]) == (True, 1, ["code", "rest"])
    swarm("trust", "--wave", elsewhere.run, "--check")
    swarm("launch", elsewhere.run, "--runtime", "ruff")
    swarm("collect", elsewhere.run)
    # The mark goes away with the wave.
    assert marks() == []
    assert swarm("trust", "--wave", elsewhere.run, exit=1).code == "LAUNCH_NO_WAVE"


def test_its_user_continues_a_wave_without_a_word(
    swarm: Swarm, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWARM_TRUST")
    swarm("dispatch", "health-audit-a", "--isolate")
    assert len(marks()) == 1
    swarm("resume", workspace.run)
    swarm("launch", "--runtime", "ruff")
    swarm("collect")
    assert marks() == []


def test_a_failed_wave_that_is_dispatched_again_here_is_its_users_own(
    swarm: Swarm, elsewhere: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARM_TRUST", "1")
    swarm("collect", exit=1)
    # What `collect` saw with another's word counts for that call alone.
    monkeypatch.delenv("SWARM_TRUST")
    before = rows(swarm)
    for words in (("resume",), ("redrive", "1"), ("redrive", "1", "--apply", "--reason", "again"), LAUNCHES[3]):
        assert swarm(*words, exit=2).code == "WAVE_FROM_ELSEWHERE"
    assert rows(swarm) == before
    data = swarm("status", "--format", "json").data
    assert data["assessment"]["nextAction"] == f"swarm trust --wave {elsewhere.run}"
    swarm("trust", "--wave", elsewhere.run)
    swarm("redrive", "1", "--apply", "--reason", "again")
    swarm("launch", "--runtime", "ruff")
    swarm("collect")


def test_a_rewound_wave_leaves_no_mark(swarm: Swarm, dispatched: Workspace) -> None:
    point = swarm("status", "--format", "json").data["run"]["savePointTag"]
    swarm("rewind", point, "--apply", "--reason", "begun anew")
    assert marks() == []


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE waves SET phase = 'health-audit-b'",
        "UPDATE waves SET dispatched = '2020-01-01T00:00:00.000Z'",
        "UPDATE waves SET number = 7",
    ],
)
def test_a_mark_is_for_the_wave_as_it_was_dispatched(
    swarm: Swarm, dispatched: Workspace, monkeypatch: pytest.MonkeyPatch, edit: str
) -> None:
    monkeypatch.delenv("SWARM_TRUST")
    sql(dispatched.db, edit)
    assert swarm("launch", exit=2).code == "WAVE_FROM_ELSEWHERE"


def test_marks_in_the_repository_of_the_wave_count_for_nothing(
    swarm: Swarm, repo: Repo, dispatched: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWARM_TRUST")
    shutil.copytree(wave_marks.state_folder(), repo.root / "state" / "swarm")
    monkeypatch.setenv("XDG_STATE_HOME", str(repo.root / "state"))
    assert swarm("launch", exit=2).code == "WAVE_FROM_ELSEWHERE"
    assert swarm("trust", "--wave", dispatched.run, exit=2).code == "TRUST_RECORD_UNUSABLE"


def test_without_a_state_folder_to_write_a_wave_is_dispatched_and_the_word_is_in_the_environment(
    swarm: Swarm, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWARM_TRUST")
    # A file in the place of the folder: to root, a folder without rights is as good as any.
    (tmp_path / "state").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # An audit dispatches and launches in a single call, and needs no mark.
    swarm("audit", ".", exit=1)
    swarm("dispatch", "health-audit-b", "--isolate")
    assert swarm("collect", exit=2).code == "WAVE_FROM_ELSEWHERE"
    refused = swarm("trust", "--wave", workspace.run, exit=2)
    assert "or set SWARM_TRUST=1" in refused.err
    monkeypatch.setenv("SWARM_TRUST", "1")
    swarm("collect", exit=1)


def test_old_marks_go_away(swarm: Swarm, workspace: Workspace) -> None:
    folder = wave_marks.state_folder() / "waves"
    folder.mkdir(parents=True)
    for number in range(wave_marks.MOST + 5):
        (folder / f"{number}.json").write_text("{}\n")
    swarm("dispatch", workspace.run, "health-audit-a")
    assert len(marks()) == wave_marks.MOST


def test_a_wave_in_flight_of_an_older_version_needs_a_word(
    swarm: Swarm, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWARM_TRUST")
    data = Path(__file__).parent.parent / "data" / "control-plane-v2.db.gz"
    workspace.db.write_bytes(gzip.decompress(data.read_bytes()))
    # Whoever brings a control plane can bring one of an older version, so an upgrade marks nothing.
    swarm("runs")
    assert marks() == []
