"""Copied projects, clones and linked worktrees: the folder that the caller stands in wins, or the call is refused."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import Team
from tests.conftest import Answer, Repo, Swarm, Workspace


def everything(root: Path) -> dict[str, str]:
    """Return a digest of each file below a folder but the database's own files, by its path."""
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file() and not file.is_symlink()
    }


@pytest.fixture
def copied(repo: Repo, tmp_path: Path) -> Iterator[Path]:
    """The place of a copy, which `copy` makes; afterwards the original must be as it was then."""
    place = tmp_path / "copy"
    yield place
    assert (place / ".before").read_text() == repr(everything(repo.root))


def copy(repo: Repo, place: Path) -> None:
    shutil.copytree(repo.root, place, symlinks=True)
    (place / ".before").write_text(repr(everything(repo.root)))
    (place / ".git/info/exclude").write_text("/swarms/\n/.before\n")


def refused(answer: Answer, here: Path, other: Path) -> None:
    assert answer.code == "RUN_ELSEWHERE"
    assert f"This is {here}, and {other} " in answer.err


def test_a_second_audit_in_a_copy_goes_on_with_the_run_and_leaves_the_original(
    repo: Repo, swarm: Swarm, copied: Path
) -> None:
    swarm("audit", ".", exit=1)
    copy(repo, copied)
    there = Repo(copied)
    there.commit({"src/tool.py": "import json\n"})
    for _ in range(2):
        swarm("audit", ".", exit=1, cwd=copied)
    told = swarm("status", "--format", "json", cwd=copied).data
    assert (told["waves"]["total"], told["waves"]["current"]["dispatchSha"]) == (3, there.head)
    assert [run["waveCount"] for run in swarm("runs", "--format", "json", cwd=copied).data] == [3]


def test_the_whole_loop_in_a_copy_publishes_there(repo: Repo, swarm: Swarm, copied: Path) -> None:
    swarm("audit", ".", exit=1)
    swarm("approve", "--all", "--rule", "F401")
    copy(repo, copied)
    there, before = Repo(copied), repo.head
    swarm("dispatch", "health-amend-a", "--isolate", "--runtime", "ruff", cwd=copied)
    swarm("launch", cwd=copied)
    swarm("collect", cwd=copied)
    swarm("merge", "--publish", cwd=copied)
    assert there.git("rev-parse", "HEAD~1") == before
    assert "import os" not in (copied / "src/app.py").read_text()
    swarm("clean", "--apply", "--reason", "over", cwd=copied)
    swarm("doctor", "--fix", "--apply", "--reason", "tidy", cwd=copied)
    swarm("rewind", swarm("runs", "--format", "json", cwd=copied).data[0]["id"], cwd=copied)


@pytest.mark.parametrize(
    "words",
    [
        ("dispatch", "health-audit-b"),
        ("launch",),
        ("collect",),
        ("merge",),
        ("clean",),
        ("resume",),
        ("verify",),
        ("audit", "."),
        ("undo",),
        ("domains", "--unfreeze", "--reason", "mine"),
    ],
)
def test_a_copy_of_a_wave_in_flight_is_refused_and_the_original_goes_on(
    repo: Repo, swarm: Swarm, workspace: Workspace, copied: Path, words: tuple[str, ...]
) -> None:
    swarm("dispatch", "health-audit-a", "--isolate")
    copy(repo, copied)
    refused(swarm(*words, exit=1, cwd=copied), copied, repo.root)


def test_a_merge_in_a_copy_of_work_that_is_not_merged_is_refused(
    amended: Team, repo: Repo, swarm: Swarm, copied: Path
) -> None:
    copy(repo, copied)
    for words in (("merge",), ("clean", "--apply", "--force", "--reason", "over")):
        refused(swarm(*words, exit=1, cwd=copied), copied, repo.root)


def test_clean_and_doctor_in_a_copy_touch_no_tree_of_an_earlier_wave(
    amended: Team, repo: Repo, swarm: Swarm, copied: Path
) -> None:
    swarm("merge", "--publish")
    swarm("audit", ".", "--phase", "health-audit-b", exit=None)
    copy(repo, copied)
    swarm("clean", "--apply", "--force", "--reason", "over", exit=None, cwd=copied)
    swarm("doctor", "--fix", "--apply", "--reason", "tidy", exit=None, cwd=copied)
    assert amended.place.folder.joinpath(amended.place.run, "worktrees/w2-code/src/app.py").exists()


def test_in_another_clone_the_clone_is_meant(
    repo: Repo, swarm: Swarm, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = Repo(tmp_path / "clone")
    repo.git("clone", "-q", str(repo.root), str(clone.root))
    clone.commit({"src/tool.py": "import json\n"})
    before = repo.git("for-each-ref")
    monkeypatch.setenv("SWARM_DB", str(workspace.db))
    sent = swarm("dispatch", "health-audit-a", "--isolate", "--format", "json", cwd=clone.root).data
    assert sent["dispatchSha"] == clone.head
    assert repo.git("for-each-ref") == before
    refused(swarm("collect", exit=1), repo.root, clone.root)
    swarm("collect", exit=1, cwd=clone.root)


def test_in_a_clone_inside_of_the_checkout_the_clone_is_meant(
    repo: Repo, swarm: Swarm, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = Repo(repo.root / "vendor/inner")
    repo.git("clone", "-q", str(repo.root), str(inner.root))
    inner.commit({"src/tool.py": "import json\n"})
    # The search upward ends at the root of the clone.
    assert swarm("status", exit=1, cwd=inner.root / "src").code == "CONTROL_PLANE_MISSING"
    monkeypatch.setenv("SWARM_DB", str(workspace.db))
    sent = swarm("dispatch", "health-audit-a", "--format", "json", cwd=inner.root / "src").data
    assert sent["dispatchSha"] == inner.head


def test_in_a_linked_worktree_that_worktree_is_meant_but_for_a_wave_of_another(
    repo: Repo, swarm: Swarm, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = Repo(tmp_path / "linked")
    repo.git("worktree", "add", "-q", "-b", "side", str(linked.root))
    linked.commit({"src/tool.py": "import json\n"})
    monkeypatch.setenv("SWARM_DB", str(workspace.db))
    sent = swarm("dispatch", "health-audit-a", "--isolate", "--dry-run", "--format", "json", cwd=linked.root).data
    assert sent["dispatchSha"] == linked.head
    swarm("dispatch", "health-audit-a", "--isolate")
    refused(swarm("collect", exit=1, cwd=linked.root), linked.root, repo.root)
    swarm("collect", exit=1)


def test_a_copied_worktree_that_shares_a_git_folder_is_refused(repo: Repo, swarm: Swarm, tmp_path: Path) -> None:
    linked, twin = Repo(tmp_path / "linked"), tmp_path / "twin"
    repo.git("worktree", "add", "-q", "-b", "side", str(linked.root))
    # A control plane of its own, which the copy has too.
    swarm("--db", "swarms/control-plane.db", "audit", ".", exit=1, cwd=linked.root)
    shutil.copytree(linked.root, twin, symlinks=True)
    for words in (("audit", "."), ("dispatch", "health-audit-a")):
        refused(swarm(*words, exit=1, cwd=twin), twin, linked.root)


def test_a_repository_of_another_history_does_not_win(
    repo: Repo, swarm: Swarm, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repo(tmp_path / "other")
    other.root.mkdir()
    other.git("init", "-q", "-b", "main")
    other.commit({"a.txt": "a\n"})
    monkeypatch.setenv("SWARM_DB", str(workspace.db))
    sent = swarm("dispatch", "health-audit-a", "--format", "json", cwd=other.root).data
    assert sent["dispatchSha"] == repo.head


@pytest.mark.parametrize("depth", [(), ("--depth=1",)], ids=["whole", "shallow"])
def test_a_committed_control_plane_goes_on_in_a_clone(
    repo: Repo, swarm: Swarm, tmp_path: Path, depth: tuple[str, ...]
) -> None:
    swarm("audit", ".", exit=1)
    found = swarm("findings", "--format", "json", exit=1).data["findings"]
    swarm("reject", "--ids", found[0]["findingId"], "--reason", "never changed")
    repo.git("add", "-f", "swarms/control-plane.db")
    repo.git("commit", "-q", "-m", "the control plane")
    clone = Repo(tmp_path / "elsewhere")
    # As CI clones: the commit that the run began at is missing from a shallow clone.
    repo.git("clone", "-q", *depth, f"file://{repo.root}", str(clone.root))
    swarm("audit", ".", "--fail-on", "new", cwd=clone.root)
    assert clone.git("status", "--porcelain", "--untracked-files=all").split("\n") == ["M swarms/control-plane.db"]
