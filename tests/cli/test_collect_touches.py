"""Violations of an audit: agents that touch their worktree, the checkout or the git folder."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.scenes.collected import statuses, tree_of, violations
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.test_dispatch import rows
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

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


@pytest.mark.parametrize("what", swept(TOUCHES, first=4))
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


def test_a_violation_of_an_audit_is_reported_in_the_text(swarm: Swarm, dispatched: Workspace) -> None:
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


def _forget(dispatched: Workspace) -> None:
    with closing(sqlite3.connect(dispatched.db)) as conn, conn:
        conn.execute("UPDATE agent_runs SET worktree_path = NULL, worktree_branch = NULL WHERE domain = 'code'")


def _remove(dispatched: Workspace) -> None:
    shutil.rmtree(tree_of(dispatched, "code"))


@pytest.mark.parametrize("how", [_remove, _forget])
def test_an_isolated_agent_without_its_tree_is_a_violation(
    how: Callable[[Workspace], None], swarm: Swarm, dispatched: Workspace
) -> None:
    how(dispatched)
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


# --- work of the user's in the checkout, and everyday git -------------------------------------------------


@pytest.fixture
def with_own_work(swarm: Swarm, repo: Repo, workspace: Workspace) -> Workspace:
    repo.write({"src/app.py": "# hours of work\n", "notes.txt": "mine\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    return workspace


@pytest.mark.parametrize(
    ("commands", "words"),
    swept(
        [
            ([("stash", "-q", "-u")], "lies in stash@{0}"),
            ([("reset", "-q", "--hard"), ("clean", "-fdq")], "in no commit, stash or reflog"),
            ([("checkout", "-q", "--", "."), ("clean", "-fdq")], "in no commit, stash or reflog"),
            ([("add", "-A"), ("commit", "-qm", "x"), ("reset", "-q", "--hard", "HEAD~1")], "lies in HEAD@{1}"),
            (
                [("switch", "-q", "-f", "-C", "other"), ("restore", "."), ("clean", "-fdq")],
                "`git switch main` goes back",
            ),
        ]
    ),
)
def test_work_that_vanished_from_the_checkout_fails_the_wave_and_is_found(
    swarm: Swarm, repo: Repo, with_own_work: Workspace, commands: list[tuple[str, ...]], words: str
) -> None:
    for command in commands:
        repo.git(*command)
    with_own_work.answer("code")
    with_own_work.answer("rest")
    answer = swarm("collect", exit=1)
    assert "⊘ src/app.py was touched by the wave" in answer.out
    assert "⊘ notes.txt was touched by the wave" in answer.out
    assert words in answer.out


def test_work_that_was_committed_or_put_back_to_the_byte_is_not_touched(
    swarm: Swarm, repo: Repo, with_own_work: Workspace
) -> None:
    repo.git("add", "src/app.py")
    repo.git("commit", "-q", "-m", "my own")
    repo.write({"notes.txt": "other\n"})
    repo.write({"notes.txt": "mine\n"})
    with_own_work.answer("code")
    with_own_work.answer("rest")
    assert swarm("collect", "--format", "json").data["violations"] == []


def test_a_branch_that_was_switched_is_named(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    repo.git("switch", "-q", "-c", "other")
    dispatched.answer("code")
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert [(item["file"], item["detail"]) for item in answer.data["violations"]] == [
        ("HEAD", "main → other; `git switch main` goes back")
    ]


def _push_u(repo: Repo) -> None:
    repo.git("push", "-q", "-u", "origin", "main:feature")


def _editor_note(repo: Repo) -> None:
    repo.git("config", "--add", "branch.main.vscode-merge-base", "origin/main")


def _delete_merged(repo: Repo) -> None:
    repo.git("branch", "-q", "-d", "merged")


def _fetch_floating_tag(repo: Repo) -> None:
    origin = repo.git("remote", "get-url", "origin")
    repo.git("update-ref", "refs/tags/nightly", repo.git("rev-parse", "HEAD"), cwd=Path(origin))
    repo.git("fetch", "-q", "--tags", "--force")


def _add_a_fork(repo: Repo) -> None:
    repo.git("remote", "add", "fork", "https://example.org/fork.git")


def _describe_a_branch(repo: Repo) -> None:
    repo.git("config", "branch.main.description", "what it is for")


def _lfs_settings(repo: Repo) -> None:
    repo.git("config", "lfs.repositoryformatversion", "0")


@pytest.mark.parametrize(
    "act",
    swept(
        [
            _push_u,
            _editor_note,
            _delete_merged,
            _fetch_floating_tag,
            _add_a_fork,
            _describe_a_branch,
            _lfs_settings,
        ],
        first=3,
    ),
)
def test_everyday_git_of_the_user_fails_no_wave(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path, act: Callable[[Repo], None]
) -> None:
    repo.git("branch", "merged")
    repo.git("tag", "nightly", repo.git("commit-tree", "HEAD^{tree}", "-m", "of last night"))
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "remote.git"))
    repo.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    repo.git("fetch", "-q")
    swarm("dispatch", "health-audit-a", "--isolate")
    act(repo)
    workspace.answer("code")
    workspace.answer("rest")
    assert swarm("collect", "--format", "json").data["violations"] == []


def test_a_hook_that_a_tool_installs_fails_the_wave_until_somebody_answers_for_it(
    swarm: Swarm, repo: Repo, dispatched: Workspace
) -> None:
    hook = repo.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    dispatched.answer("code")
    dispatched.answer("rest")
    assert "⊘ .git/hooks/pre-commit was touched by the wave" in swarm("collect", exit=1).out
    done = swarm("revalidate", "--apply", "--reason", "pre-commit install, by me")
    assert "ℹ .git/hooks/pre-commit accepted: new" in done.out  # noqa: RUF001
    assert swarm("status", "--format", "json").data["waves"]["current"]["status"] == "collected"
