"""`swarm audit --worktree`: the files of a checkout as they are, which no commit holds."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from swarm import errors
from tests.cli.scenes.launched_agents import Agents
from tests.conftest import Repo, Swarm

CLEAN = "def parse(text):\n    return int(text)\n"
UNUSED = "import os\n"


@pytest.fixture
def clean(repo: Repo) -> Repo:
    """A repository in which an audit of HEAD finds a single unused import."""
    repo.git("rm", "-q", "-r", "src", "tests")
    repo.commit({"app.py": CLEAN, "known.py": UNUSED, "lib/gone.py": "VALUE = 1\n", ".gitignore": "*.log\n"})
    return repo


def _git_state(repo: Repo) -> dict[str, str]:
    """Digests of what an audit must not touch: index, HEAD, the branch, their logs, and the stash."""
    folder = repo.root / ".git"
    places = [folder / name for name in ("index", "HEAD", "config", "MERGE_HEAD", "refs/heads", "logs")]
    places += folder.glob("sharedindex.*")
    files = [file for place in places for file in (place, *place.rglob("*")) if file.is_file()]
    return {str(file): sha256(file.read_bytes()).hexdigest() for file in files}


def _places(data: dict[str, Any]) -> list[str]:
    return [f"{each['ruleId']} {each['file']}:{each['line']}" for each in data["digest"]["findings"]]


def _snapshots(repo: Repo) -> list[str]:
    return repo.git("for-each-ref", "--format=%(objectname)", "refs/swarm/snapshots").split()


def test_files_are_looked_at_as_they_are_and_the_checkout_stays_untouched(swarm: Swarm, clean: Repo) -> None:
    # A first audit, before any run: the map covers new files, and the save point is HEAD.
    (clean.root / "lib/gone.py").unlink()
    clean.write(
        {
            "app.py": "# moved\n" + CLEAN.replace("int", "eval"),
            "known.py": "# moved\n" + UNUSED,
            "new/one.py": UNUSED,
            "staged.py": UNUSED,
            "announced.py": UNUSED,
            "hidden.log": "no file of anybody\n",
        }
    )
    clean.git("add", "staged.py")
    clean.git("add", "--intent-to-add", "announced.py")
    # Of a split index, git would write new parts into the git folder.
    clean.git("config", "core.splitIndex", "true")
    clean.git("update-index", "--split-index")
    nested = clean.root / "nested"
    clean.git("init", "-q", str(nested))
    (nested / "inner.py").write_text(UNUSED)
    os.mkfifo(clean.root / "pipe.py")
    hook = clean.root / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {clean.root}/hook-ran\n")
    hook.chmod(0o755)
    before, status = _git_state(clean), clean.git("status", "--porcelain")
    data = swarm("audit", ".", "--worktree", "--format", "json", exit=1).data
    edited = ["announced.py", "app.py", "known.py", "lib/gone.py", "new/one.py", "staged.py"]
    assert data["worktree"] == {"head": clean.head, "editedFiles": edited}
    assert data["editedFilesNotSeen"] == []
    assert _places(data) == [
        "S307 app.py:3",
        "F401 announced.py:1",
        "F401 known.py:2",
        "F401 new/one.py:1",
        "F401 staged.py:1",
    ]
    assert (_git_state(clean), clean.git("status", "--porcelain")) == (before, status)
    assert not (clean.root / "hook-ran").exists()
    assert _snapshots(clean) == [data["commit"]]
    assert clean.git("rev-parse", f"{data['commit']}^").strip() == clean.head
    tags = clean.git("for-each-ref", "--format=%(objectname)", "refs/tags").split()
    assert tags == [clean.head]


def test_identities_hold_between_head_and_the_files(swarm: Swarm, clean: Repo) -> None:
    (known,) = swarm("audit", ".", "--format", "json", exit=1).data["newIds"]
    clean.write({"known.py": "# moved\n" + UNUSED, "app.py": UNUSED + CLEAN})
    data = swarm("audit", ".", "--worktree", "--fail-on", "new", "--format", "json", exit=1).data
    (new,) = data["newSinceBaseline"]
    assert {f["findingId"]: (f["file"], f["line"], f["status"]) for f in data["digest"]["findings"]} == {
        known: ("known.py", 2, "recurring"),
        new: ("app.py", 1, "new"),
    }
    # The same files are the same commit: what is new stays new, and git's garbage collection takes nothing.
    clean.git("gc", "-q", "--prune=now")
    again = swarm("audit", ".", "--worktree", "--fail-on", "new", "--format", "json", exit=1).data
    assert (again["commit"], again["newSinceBaseline"]) == (data["commit"], [new])
    said = swarm("audit", "--worktree", "--since", "HEAD", "--baseline", "HEAD", "--fail-on", "new", exit=1).out
    assert "known.py:2" not in said
    assert f"Looked at the files as they are: commit {clean.head[:12]} with 2 edited files: app.py, known.py\n" in said
    assert "Compared with commit" in said
    outside = swarm("audit", "lib", "--worktree", "--format", "json").data
    assert (outside["digest"]["total"], outside["commit"]) == (0, data["commit"])
    # A plain audit looks at HEAD as always, and names the files that it does not see.
    plain = swarm("audit", ".", "--format", "json", exit=1).data
    assert (plain["commit"], plain["worktree"], plain["editedFilesNotSeen"]) == (
        clean.head,
        None,
        ["app.py", "known.py"],
    )
    assert [f["findingId"] for f in plain["digest"]["findings"]] == [known]
    # Committed, the finding has the id that it had before.
    clean.commit()
    committed = swarm("audit", ".", "--format", "json", exit=1).data
    assert {f["findingId"] for f in committed["digest"]["findings"]} == {known, new}
    # Nothing needs the snapshot any more, and the new commit has its files.
    (gone,) = swarm("clean", "--apply", "--reason", "done", "--format", "json").data["removable"]
    assert (gone["name"], gone["state"]) == (f"snapshots/{data['commit'][:12]}", "held_elsewhere")
    assert _snapshots(clean) == []
    swarm("undo", "--apply", "--reason", "one more look")
    assert _snapshots(clean) == [data["commit"]]


def test_a_snapshot_stays_while_it_is_needed_and_is_saved_where_no_commit_has_its_files(
    swarm: Swarm, clean: Repo
) -> None:
    clean.write({"app.py": UNUSED + CLEAN})
    first = swarm("audit", ".", "--worktree", "--format", "json", exit=1).data["commit"]
    # A look at uncommitted files promotes nothing; what `status` names next looks at HEAD.
    assert swarm("advance", "--check-only", exit=1).out.startswith(
        "BLOCK: wave 1 (health-audit-a) looked at uncommitted"
    )
    assert swarm("status", "--format", "json").data["assessment"]["nextAction"] == f"swarm audit {clean.root}"
    over = ("clean", "--apply", "--reason", "over", "--format", "json")
    # The digest of the newest wave reads it, and then the finding is followed from there.
    assert swarm(*over).data["removable"] == []
    clean.write({"app.py": CLEAN})
    swarm("audit", ".", exit=1)
    assert swarm(*over).data["removable"] == []
    assert _snapshots(clean) == [first]
    # The same finding is seen in other files: from there on it is followed.
    clean.write({"app.py": "\n" + UNUSED + CLEAN})
    swarm("audit", ".", "--worktree", exit=1)
    (saved,) = swarm(*over).data["removable"]
    assert (saved["commit"], saved["state"]) == (first, "at_risk")
    assert saved["why"] == ["uncommitted files, as a wave looked at them, that no commit has"]
    assert clean.git("rev-parse", saved["salvage"]).strip() == first
    assert first not in _snapshots(clean)
    swarm("ledger", "verify")


def test_with_nothing_edited_it_is_the_audit_of_head(swarm: Swarm, clean: Repo) -> None:
    answer = swarm("audit", ".", "--worktree", exit=1)
    assert f"of commit {clean.head[:12]}: 1 new" in answer.out
    assert f"Looked at the files as they are: commit {clean.head[:12]} with no edited file\n" in answer.out
    assert _snapshots(clean) == []


def test_an_interrupted_wave_of_a_snapshot_is_continued_or_finished_first(
    swarm: Swarm, clean: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean.write({"app.py": UNUSED + CLEAN})

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("swarm.waves.audit.launched_wave.launch_again", interrupted)
        swarm("audit", ".", "--worktree", exit=130)
    data = swarm("audit", ".", "--worktree", "--format", "json", exit=1).data
    assert (data["waveNumber"], data["finished"], data["worktree"]["editedFiles"]) == (1, None, ["app.py"])
    clean.write({"app.py": UNUSED * 2 + CLEAN})
    with monkeypatch.context() as patched:
        patched.setattr("swarm.waves.audit.launched_wave.launch_again", interrupted)
        swarm("audit", ".", "--worktree", exit=130)
    newest = next(commit for commit in _snapshots(clean) if commit != data["commit"])
    plain = swarm("audit", ".", "--format", "json", exit=1).data
    assert plain["finished"] == {"number": 2, "phase": "health-audit-a", "commit": newest, "status": "collected"}
    assert plain["commit"] == clean.head


def test_a_conflict_is_looked_at_with_its_markers(swarm: Swarm, clean: Repo) -> None:
    clean.git("switch", "-q", "-c", "other")
    clean.commit({"app.py": "VALUE = 1\n"})
    clean.git("switch", "-q", "-")
    clean.commit({"app.py": "VALUE = 2\n"})
    with pytest.raises(Exception, match="merge"):
        clean.git("merge", "-q", "other")
    before = _git_state(clean)
    data = swarm("audit", ".", "--worktree", "--format", "json", exit=3).data
    assert data["lookedAt"]["notRead"] == ["app.py"]
    assert data["worktree"]["editedFiles"] == ["app.py"]
    assert _git_state(clean) == before


def test_files_that_no_snapshot_can_hold_are_named(
    swarm: Swarm, clean: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clean.commit({".gitattributes": "*.up filter=up\n", "piped.py": "VALUE = 1\n"})
    clean.git("config", "filter.up.clean", f"touch {tmp_path}/filter-ran; cat")
    (clean.root / "piped.py").unlink()
    os.mkfifo(clean.root / "piped.py")
    clean.write({"app.py": UNUSED + CLEAN, "new.up": "text\n"})
    with (clean.root / "huge.py").open("wb") as huge:
        huge.truncate(1 << 40)
    answer = swarm("audit", ".", "--worktree", exit=1)
    assert "⚠ 3 edited files not looked at, since no snapshot can hold them: huge.py, new.up, piped.py\n" in answer.out
    assert not (tmp_path / "filter-ran").exists()
    # Git would wait for the pipe before it looked at anything.
    os.mkfifo(clean.root / "lib/.gitignore")
    refused = swarm("audit", ".", "--worktree", exit=1)
    assert refused.code == "GIT_FAILED"
    assert "git would wait for lib/.gitignore, which is no file" in refused.err
    (clean.root / "lib/.gitignore").unlink()
    # A tracked file is held to the limit as well, where git would have to read it.
    monkeypatch.setenv("SWARM_LARGEST_FILE", "1")
    clean.write({"known.py": UNUSED + "#" * (1 << 20)})
    limited = swarm("audit", ".", "--worktree", exit=1)
    assert "known.py is edited and holds more than 1 MiB" in limited.err
    assert len(_snapshots(clean)) == 1


def test_what_only_uncommitted_files_hold_is_fixed_by_nobody_before_it_is_committed(swarm: Swarm, clean: Repo) -> None:
    clean.write({"app.py": CLEAN.replace("int", "eval"), "new.py": UNUSED})
    found = swarm("audit", ".", "--worktree", "--format", "json", exit=1).data["digest"]["findings"]
    ids = {f["file"]: f["findingId"] for f in found}
    plan = swarm("fix", "--dry-run", ids["new.py"], exit=2)
    assert "its place is not at HEAD; commit it, or `swarm audit` looks again" in plan.err
    for file in ("app.py", "new.py"):
        swarm("approve", ids[file])
        refused = swarm("dispatch", "health-amend-a", "--isolate", exit=1)
        assert refused.code == "DISPATCH_ANCHORS_BROKEN"
        assert f"The place of 1 approved finding is gone at HEAD: {ids[file]}" in refused.err
        assert "commit the files that `swarm audit --worktree` looked at" in refused.err
        swarm("reopen", ids[file], "--reason", "first a commit", "--evidence", f"{file}:1")
    clean.commit()
    swarm("approve", ids["app.py"])
    swarm("dispatch", "health-amend-a", "--isolate")


def test_trees_of_agents_over_a_snapshot_are_cleaned_and_a_failed_dispatch_keeps_no_snapshot(
    swarm: Swarm, clean: Repo, agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.play("true")
    clean.write({"app.py": UNUSED + CLEAN})

    def conflict(*_: object) -> None:
        raise errors.StateConflict(subject="The domain map", expected="what it was", run_id="a run")

    with monkeypatch.context() as patched:
        patched.setattr("swarm.waves.dispatch.make_wave._record", conflict)
        swarm("audit", ".", "--worktree", "--runtime", "played", exit=1)
    assert _snapshots(clean) == []
    swarm("audit", ".", "--worktree", "--runtime", "played", exit=3)
    assert len(_snapshots(clean)) == 1
    swarm("clean", "--apply", "--reason", "done")
    assert clean.git("for-each-ref", "--format=%(refname)", "refs/heads/swarm") == ""
    said = swarm("audit", ".", "--worktree", "--format", "markdown", exit=1).out
    assert f"Commit {clean.head[:12]} and 2 edited files, compared with" in said
