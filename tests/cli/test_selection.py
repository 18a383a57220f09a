"""Selection of a run: by id, prefix, hex or `latest`, or the newest; a whole number is a wave."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept


@pytest.fixture
def three(swarm: Swarm, repo: Repo) -> list[str]:
    """Three runs with ids that are known, oldest first."""
    ids = ["swarm-1700000001-aaaa1111", "swarm-1700000002-aaaa2222", "swarm-1600000000-bbbb3333"]
    for _ in ids:
        swarm("init", "--new")
    with sqlite3.connect(repo.root / "swarms/control-plane.db") as conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        for seq, run in enumerate(ids, 1):
            (old,) = conn.execute("SELECT id FROM runs WHERE seq = ?", (seq,)).fetchone()
            conn.execute("UPDATE domains SET run_id = ? WHERE run_id = ?", (run, old))
            conn.execute("UPDATE runs SET id = ? WHERE id = ?", (run, old))
    conn.close()
    return ids


def selected(swarm: Swarm, *words: str, cwd: Path | None = None) -> str:
    run: str = swarm("status", *words, "--format", "json", cwd=cwd).data["run"]["id"]
    return run


@pytest.mark.parametrize(
    ("word", "which"),
    [
        ("swarm-1700000001-aaaa1111", 0),
        ("swarm-1700000001", 0),
        ("swarm-16", 2),
        ("aaaa1111", 0),
        ("aaaa2", 1),
        ("b", 2),
        ("latest", 2),
        (None, 2),
    ],
)
def test_a_run_is_its_id_a_prefix_its_hex_latest_or_nothing(
    swarm: Swarm, three: list[str], word: str | None, which: int
) -> None:
    assert selected(swarm, *([word] if word else [])) == three[which]


def test_a_prefix_of_several_is_ambiguous_and_shows_them_newest_first(swarm: Swarm, three: list[str]) -> None:
    answer = swarm("status", "aaaa", exit=1)
    assert answer.code == "RUN_AMBIGUOUS"
    assert f"'aaaa' is the beginning of 2 runs: {three[1]}, {three[0]}" in answer.err


@pytest.mark.parametrize(
    "word", swept(["1", "1700000001", "0", "", "nothing", "SWARM-1700000001", "swarm-1700000001-aaaa1111x"])
)
def test_a_word_that_is_the_beginning_of_no_run_is_not_found(swarm: Swarm, three: list[str], word: str) -> None:
    assert swarm("status", word, exit=1).code == "RUN_NOT_FOUND"


def test_a_whole_number_is_a_wave_even_where_a_run_begins_so(swarm: Swarm, collected: Workspace) -> None:
    with_wave = swarm("findings", "1", "--format", "json", exit=1).data
    assert (with_wave["runId"], with_wave["waveNumber"]) == (collected.run, 1)
    assert swarm("findings", "2", exit=1).code == "WAVE_NOT_FOUND"
    assert swarm("findings", collected.run, "1", "--format", "json", exit=1).data == with_wave
    assert swarm("attempts", "1", "--format", "json").data["waveNumber"] == 1
    assert swarm("history", "1", "--format", "json").data["events"][0]["subject"] == "wave:1"


def test_nothing_means_the_newest_run_of_the_repository_around_the_folder(
    swarm: Swarm, repo: Repo, three: list[str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(repo.root, other, ignore=shutil.ignore_patterns("swarms"))
    db = str(repo.root / "swarms/control-plane.db")
    newest = swarm("--db", db, "init", str(other), "--format", "json").data["runId"]
    assert selected(swarm, "latest") == newest
    assert selected(swarm, cwd=repo.root / "src") == three[2]
    answer = swarm("--db", db, "status", "--format", "json", cwd=other / "src")
    assert answer.data["run"]["id"] == newest
    elsewhere = swarm("--db", db, "status", "--format", "json", cwd=tmp_path)
    assert elsewhere.data["run"]["id"] == newest


def test_the_newest_is_by_insertion_and_not_by_time(swarm: Swarm, three: list[str]) -> None:
    assert three[2] < three[0]
    assert [run["id"] for run in swarm("runs", "--format", "json").data] == three[::-1]


@pytest.mark.parametrize(
    "words",
    [("domains", "--unfreeze", "--reason", "x"), ("dispatch", "health-audit-a"), ("launch",), ("collect",)],
)
def test_a_verb_that_changes_something_says_which_run_it_took(
    swarm: Swarm, workspace: Workspace, words: tuple[str, ...]
) -> None:
    events = [event["runId"] for event in swarm(*words, exit=None).events if event["stage"] == "run_selected"]
    assert events == [workspace.run]
    named = swarm(words[0], workspace.run, *words[1:], exit=None)
    assert [event for event in named.events if event["stage"] == "run_selected"] == []


def test_without_a_run_there_is_none_to_be_found(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    with sqlite3.connect(workspace.db) as conn:
        conn.execute("DELETE FROM domains")
        conn.execute("DELETE FROM runs")
    conn.close()
    with nothing_changes(repo.root):
        assert swarm("status", exit=1).code == "RUN_NOT_FOUND"
        assert swarm("dispatch", "health-audit-a", exit=1).code == "DISPATCH_RUN_NOT_FOUND"
    assert swarm("runs").out == "No runs found.\n"


def test_a_zero_byte_database_counts_as_missing(swarm: Swarm, repo: Repo) -> None:
    repo.write({"swarms/control-plane.db": ""})
    assert swarm("status", exit=1).code == "CONTROL_PLANE_MISSING"
    assert swarm("runs").out == "No runs found.\n"
    swarm("init", ".")


@pytest.fixture
def linked(repo: Repo, tmp_path: Path) -> Path:
    """A linked worktree of the repository."""
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    return tmp_path / "linked"


def test_a_linked_worktree_means_the_control_plane_of_the_main_checkout(
    swarm: Swarm, repo: Repo, workspace: Workspace, linked: Path
) -> None:
    assert selected(swarm, cwd=linked / "src") == workspace.run
    made = swarm("init", "--json", cwd=linked).data
    assert made["localPath"] == str(linked)
    assert [run["id"] for run in swarm("runs", "--json").data] == [made["runId"], workspace.run]
    assert not (linked / "swarms").exists()
    # Each of the two is the newest run of its checkout.
    assert (selected(swarm, cwd=linked), selected(swarm)) == (made["runId"], workspace.run)


def test_a_linked_worktree_with_a_control_plane_of_its_own_keeps_it(
    swarm: Swarm, repo: Repo, workspace: Workspace, linked: Path
) -> None:
    own = swarm("--db", "swarms/control-plane.db", "init", "--json", cwd=linked).data["runId"]
    assert [run["id"] for run in swarm("runs", "--json", cwd=linked).data] == [own]


def test_a_git_file_that_its_repository_does_not_know_leads_nowhere(
    swarm: Swarm, repo: Repo, workspace: Workspace, linked: Path, tmp_path: Path
) -> None:
    forged = tmp_path / "forged"
    forged.mkdir()
    (forged / ".git").write_text((linked / ".git").read_text())
    assert swarm("runs", cwd=forged).out == "No runs found.\n"
