"""`swarm collect --bundle`: the work of an agent that ran on another machine."""

from pathlib import Path

import pytest

from tests.cli.errors.refusal import raises
from tests.cli.scenes.amend_wave import LINE, MENDED, Amending, violations
from tests.cli.scenes.snapshots import block_of, nothing_changes
from tests.conftest import Repo, Swarm


@pytest.fixture
def elsewhere(amending: Amending, tmp_path: Path) -> Repo:
    """A clone on another machine, on the branch of the agent of `code`."""
    return cloned(amending, tmp_path / "elsewhere")


def cloned(amending: Amending, root: Path) -> Repo:
    amending.repo.git("clone", "-q", ".", str(root))
    other = Repo(root)
    other.git("checkout", "-q", "-b", amending.branch("code"), amending.repo.head)
    return other


def bundled(amending: Amending, other: Repo, files: dict[str, str], name: str = "work") -> Path:
    other.commit(files, "work")
    file = other.root.parent / f"{name}.bundle"
    other.git("bundle", "create", "-q", str(file), f"{amending.repo.head}..{amending.branch('code')}")
    return file


def mended(other: Repo) -> dict[str, str]:
    return {"src/app.py": (other.root / "src/app.py").read_text().replace(LINE, MENDED)}


def test_work_of_another_machine_is_taken_judged_and_merged_as_work_of_this_one(
    amending: Amending, elsewhere: Repo
) -> None:
    file = bundled(amending, elsewhere, {**mended(elsewhere), "src/new.py": "NEW = 1\n"})
    amending.answer("code", "load", files=("src/app.py", "src/new.py"))
    for domain in ("tests", "api"):
        amending.answer(domain)
    data = amending.swarm("collect", amending.run, "--bundle", f"code:{file}", "--format", "json").data
    assert (data["waveStatus"], data["violations"]) == ("collected", [])
    assert [fix["verifiedVia"] for fix in data["fixes"]] == ["anchor"]
    assert [claim[1:5] for claim in amending.claims()] == [("src/app.py", "edit", 1, 1), ("src/new.py", "create", 1, 1)]
    # The agent's worktree holds the work, as if the agent had committed it there.
    tree = amending.tree("code")
    assert amending.repo.git("status", "--porcelain", cwd=tree) == ""
    assert amending.repo.git("rev-parse", "HEAD", cwd=tree) == elsewhere.head
    assert (tree / "src/new.py").read_text() == "NEW = 1\n"
    work = amending.sql("SELECT work FROM agent_runs WHERE domain = 'code' AND wave_id = 2")[0][0]
    assert work == elsewhere.git("rev-parse", "HEAD^{tree}")


def test_files_of_others_in_a_bundle_fail_the_wave_as_files_in_a_worktree_do(
    amending: Amending, elsewhere: Repo
) -> None:
    file = bundled(amending, elsewhere, {**mended(elsewhere), "tests/test_app.py": "def test(): pass\n"})
    amending.answer("code", "load", files=("src/app.py",))
    for domain in ("tests", "api"):
        amending.answer(domain)
    data = amending.swarm("collect", amending.run, "--bundle", f"code:{file}", "--format", "json", exit=1).data
    assert (data["waveStatus"], violations(data)) == ("failed", [("tests/test_app.py", "code", "tests")])


@raises("BUNDLE_REFUSED")
def test_a_bundle_that_is_refused_says_why_and_changes_nothing(
    amending: Amending, elsewhere: Repo, tmp_path: Path
) -> None:
    base, branch = amending.repo.head, amending.branch("code")
    bundled(amending, elsewhere, {"README.md": "first\n"})
    two = bundled(amending, elsewhere, mended(elsewhere), "two")
    with nothing_changes(amending.repo.root):
        answer = amending.swarm("collect", amending.run, "--bundle", f"code:{two}", exit=1)
    assert block_of(answer).splitlines() == [
        "ERROR [BUNDLE_REFUSED]: The bundle of code is refused (history): it is not a single commit on the wave's commit",
        f"  Path: {two}",
        f"  Next: make it of a single commit on the wave's: `git bundle create FILE {base}..{branch}`; nothing was taken",
    ]
    missing = tmp_path / "missing.bundle"
    with nothing_changes(amending.repo.root):
        answer = amending.swarm("collect", amending.run, "--bundle", f"code:{missing}", "--json", exit=1)
    error = answer.document["error"]
    assert (error["reason"], error["problem"]) == ("header", f"{missing} cannot be read: No such file or directory")
    with nothing_changes(amending.repo.root):
        answer = amending.swarm("collect", amending.run, "--bundle", f"nobody:{missing}", exit=1)
        assert answer.code == "COLLECT_UNKNOWN_DOMAIN"
        assert amending.swarm("collect", "--bundle", "code", exit=2).code == "CLI_USAGE"


def test_a_worktree_with_other_work_keeps_it_and_the_same_bundle_is_taken_twice(
    amending: Amending, elsewhere: Repo, swarm_process: Swarm
) -> None:
    file = bundled(amending, elsewhere, mended(elsewhere))
    again = cloned(amending, elsewhere.root.parent / "again")
    amending.edit("code", "src/tool.py")
    with nothing_changes(amending.repo.root):
        answer = amending.swarm("collect", amending.run, "--bundle", f"code:{file}", exit=1)
    tree = amending.tree("code")
    assert f"(worktree): {tree} holds other work: src/tool.py" in answer.err
    amending.repo.git("checkout", "-q", "src/tool.py", cwd=tree)
    for domain in ("code", "tests", "api"):
        amending.answer(domain)
    words = ("collect", amending.run, "--bundle", f"code:{file}", "--json")
    with nothing_changes(amending.repo.root):
        assert amending.swarm(*words, "--domain", "nobody:x", exit=1).code == "COLLECT_UNKNOWN_DOMAIN"
    # Killed between the branch and the files of the worktree.
    swarm_process(*words, exit=-9, SWARM_FAILPOINT="git.read-tree.before")
    assert amending.repo.git("rev-parse", amending.branch("code")) == elsewhere.head
    other = bundled(amending, again, {"README.md": "another\n"}, "another")
    with nothing_changes(amending.repo.root):
        answer = amending.swarm("collect", amending.run, "--bundle", f"code:{other}", exit=1)
    assert f"(worktree): {tree} holds other work: commit {elsewhere.head[:12]}" in answer.err
    assert amending.swarm(*words).data["waveStatus"] == "collected"
    assert amending.repo.git("status", "--porcelain", cwd=tree) == ""


def test_a_wave_without_worktrees_takes_no_bundle(audited: Amending, tmp_path: Path) -> None:
    audited.approve("load")
    audited.dispatch()
    (tmp_path / "work.bundle").write_bytes(b"")
    answer = audited.swarm("collect", audited.run, "--bundle", f"code:{tmp_path}/work.bundle", exit=1)
    assert "(worktree): wave 2 was dispatched without --isolate" in answer.err
