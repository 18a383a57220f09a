"""Violations of an audit: agents that touch their worktree, the checkout or the git folder."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.collected import statuses, tree_of, violations
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.test_dispatch import rows
from tests.conftest import Repo, Swarm, Workspace

# --- an audit touches nothing ----------------------------------------------------------------------------


def _edit(tree: Path, repo: Repo) -> None:
    (tree / "src/app.py").write_text("# mended\n")


def _add(tree: Path, repo: Repo) -> None:
    (tree / "src/new.py").write_text("x = 1\n")


def _delete(tree: Path, repo: Repo) -> None:
    (tree / "src/app.py").unlink()


def _commit(tree: Path, repo: Repo) -> None:
    _edit(tree, repo)
    repo.git("commit", "-q", "-am", "mended", cwd=tree)


def _commit_and_restore(tree: Path, repo: Repo) -> None:
    _commit(tree, repo)
    repo.git("checkout", "-q", "HEAD~1", "--", ".", cwd=tree)


def _rename(tree: Path, repo: Repo) -> None:
    repo.git("mv", "src/app.py", "src/moved.py", cwd=tree)
    repo.git("commit", "-q", "-m", "moved", cwd=tree)


def _mode(tree: Path, repo: Repo) -> None:
    (tree / "src/app.py").chmod(0o755)


def _replace_by_link(tree: Path, repo: Repo) -> None:
    (tree / "src/app.py").unlink()
    (tree / "src/app.py").symlink_to("/etc/hostname")


def _assume_unchanged(tree: Path, repo: Repo) -> None:
    repo.git("update-index", "--assume-unchanged", "src/app.py", cwd=tree)
    _edit(tree, repo)


def _skip_worktree(tree: Path, repo: Repo) -> None:
    repo.git("update-index", "--skip-worktree", "src/app.py", cwd=tree)
    _edit(tree, repo)


def _same_size_and_time(tree: Path, repo: Repo) -> None:
    file = tree / "src/app.py"
    facts, body = file.stat(), file.read_bytes()
    file.write_bytes(body.replace(b"import os", b"import re"))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _staged(tree: Path, repo: Repo) -> None:
    _edit(tree, repo)
    repo.git("add", "-A", cwd=tree)
    (tree / "src/app.py").write_bytes((repo.root / "src/app.py").read_bytes())


TOUCHES: dict[str, tuple[Callable[[Path, Repo], None], list[str]]] = {
    "edits a file": (_edit, ["src/app.py"]),
    "adds a file": (_add, ["src/new.py"]),
    "deletes a file": (_delete, ["src/app.py"]),
    "commits": (_commit, ["src/app.py"]),
    "commits and restores its tree": (_commit_and_restore, ["src/app.py"]),
    "renames": (_rename, ["src/app.py", "src/moved.py"]),
    "changes a mode": (_mode, ["src/app.py"]),
    "makes a file a link": (_replace_by_link, ["src/app.py"]),
    "hides an edit as assumed unchanged": (_assume_unchanged, ["src/app.py"]),
    "hides an edit behind skip-worktree": (_skip_worktree, ["src/app.py"]),
    "hides an edit behind an equal time and size": (_same_size_and_time, ["src/app.py"]),
}


@pytest.mark.parametrize("what", TOUCHES)
def test_an_audit_agent_that_touches_its_tree_is_a_violation_and_its_work_stays(
    swarm: Swarm, repo: Repo, dispatched: Workspace, what: str
) -> None:
    touch, files = TOUCHES[what]
    tree = tree_of(dispatched, "code")
    touch(tree, repo)
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    with nothing_changes(tree):
        answer = swarm("collect", "--format", "json", exit=1)
    assert statuses(answer) == {"code": "ownership_violation", "rest": "complete"}
    owner = [(file, "code", "code") for file in files]
    assert violations(answer) == owner
    assert answer.data["agents"][0]["violations"] == files
    assert (answer.data["waveStatus"], answer.data["findings"]["new"]) == ("failed", 0)
    claims = rows(dispatched.db, "SELECT path, observed, violation FROM file_claims ORDER BY path")
    assert claims == [(file, 1, 1) for file in files]
    status = swarm("status", "--format", "json").data
    assert (status["violations"], status["assessment"]["state"]) == (len(files), "BLOCKED")


def test_a_violation_of_an_audit_is_told_in_the_text(swarm: Swarm, dispatched: Workspace) -> None:
    (tree_of(dispatched, "code") / "README.md").write_text("# mine\n")
    dispatched.answer("code")
    dispatched.answer("rest")
    lines = swarm("collect", exit=1).out.splitlines()
    assert "⊘ README.md was touched by code; an audit edits nothing" in lines
    assert "Wave status: failed" in lines


def test_files_that_git_ignores_are_no_violation(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.commit({".gitignore": "__pycache__/\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    cache = tree_of(workspace, "code") / "src/__pycache__"
    cache.mkdir()
    (cache / "app.pyc").write_bytes(b"x")
    workspace.answer("code")
    workspace.answer("rest")
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


def test_a_tree_that_is_gone_is_a_violation(swarm: Swarm, dispatched: Workspace) -> None:
    shutil.rmtree(tree_of(dispatched, "code"))
    dispatched.answer("code")
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert statuses(answer)["code"] == "ownership_violation"
    assert [problem["code"] for problem in answer.data["agents"][0]["errors"]] == ["WORKTREE_GONE"]


def test_a_git_file_that_leads_elsewhere_is_not_believed(
    swarm: Swarm, repo: Repo, dispatched: Workspace, tmp_path: Path
) -> None:
    decoy = tmp_path / "decoy"
    decoy.mkdir()
    repo.git("init", "-q", str(decoy))
    tree = tree_of(dispatched, "code")
    (tree / ".git").write_text(f"gitdir: {decoy}/.git\n")
    (tree / "src/app.py").write_text("# hidden\n")
    dispatched.answer("code")
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert ("src/app.py", "code", "code") in violations(answer)


# --- what all trees share --------------------------------------------------------------------------------


def _hook(repo: Repo, tree: Path) -> str:
    hook = repo.root / ".git/hooks/post-checkout"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    return ".git/hooks/post-checkout"


def _config(repo: Repo, tree: Path) -> str:
    repo.git("config", "core.fsmonitor", "touch ran", cwd=tree)
    return ".git/config"


def _attributes(repo: Repo, tree: Path) -> str:
    (repo.root / ".git/info/attributes").write_text("* filter=evil\n")
    return ".git/info/attributes"


def _save_point(repo: Repo, tree: Path) -> str:
    (tag,) = repo.git("tag", "--list", "swarm-save-*").split()
    other = repo.git("commit-tree", "-m", "other", "HEAD^{tree}", cwd=tree)
    repo.git("update-ref", f"refs/tags/{tag}", other, cwd=tree)
    return f".git/refs/tags/{tag}"


def _alternates(repo: Repo, tree: Path) -> str:
    (repo.root / ".git/objects/info/alternates").write_text("/elsewhere\n")
    return ".git/objects/info/alternates"


@pytest.mark.parametrize("plant", [_hook, _config, _attributes, _save_point, _alternates])
def test_a_changed_git_folder_is_a_violation_of_the_wave_and_nothing_planted_runs(
    swarm: Swarm, repo: Repo, dispatched: Workspace, plant: Callable[[Repo, Path], str]
) -> None:
    name = plant(repo, tree_of(dispatched, "code"))
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert violations(answer) == [(name, "the wave", "coordinator")]
    assert answer.data["waveStatus"] == "failed"
    assert list(repo.root.rglob("ran")) == []
    assert swarm("status", "--format", "json").data["violations"] == 1


@pytest.mark.parametrize("what", ["edited", "untracked"])
def test_a_change_of_the_primary_checkout_that_no_one_dispatched_is_a_violation(
    swarm: Swarm, repo: Repo, dispatched: Workspace, what: str
) -> None:
    name = {"edited": "src/app.py", "untracked": "src/planted.py"}[what]
    repo.write({name: "# planted\n"})
    dispatched.answer("code")
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert violations(answer) == [(name, "the wave", "primary checkout")]


def test_dirt_that_was_there_at_dispatch_is_nobodys_offence(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"src/app.py": "# in the works\n", "notes.txt": "mine\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code")
    workspace.answer("rest")
    assert swarm("collect", "--format", "json").data["violations"] == []


def test_a_commit_of_the_coordinator_is_nobodys_offence(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    repo.commit({"src/app.py": "# mended by hand\n"})
    dispatched.answer("code")
    dispatched.answer("rest")
    assert swarm("collect", "--format", "json").data["violations"] == []


def test_without_isolate_the_probe_is_degraded_and_says_so(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    swarm("dispatch", "health-audit-a")
    repo.write({"src/app.py": "# who did this?\n"})
    workspace.answer("code")
    workspace.answer("rest")
    answer = swarm("collect", "--format", "json")
    assert (answer.data["ownershipProbeDegraded"], answer.data["violations"]) == (True, [])
    assert [event["stage"] for event in answer.events if event["stage"] == "ownership_probe_degraded"] != []
    assert swarm("status", "--format", "json").data["waves"]["current"]["ownershipProbeDegraded"] is True
