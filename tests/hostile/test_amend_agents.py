"""Hostile amend agents: they edit files of others, hide the edits, and stop the checks."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import audited  # noqa: F401
from tests.cli.scenes.amend_wave import AGENTS, Amending, fixes, skipped, violations
from tests.cli.scenes.snapshots import everything_in

pytestmark = pytest.mark.sweep


@pytest.fixture
def amending(audited: Amending) -> Amending:  # noqa: F811
    """An isolated amend wave in flight."""
    audited.approve("load", "eval", "assert")
    audited.dispatch("--isolate")
    return audited


def _pipe_as_ignore_file(tree: Path) -> str:
    os.mkfifo(tree / "src/.gitignore")
    return "src/.gitignore"


def _pipe_as_attributes(tree: Path) -> str:
    os.mkfifo(tree / ".gitattributes")
    return ".gitattributes"


def _git_folder_in_other_letters(tree: Path) -> str:
    (tree / "src/.GIT").mkdir()
    (tree / "src/.GIT/config").write_text("[core]\n")
    return "src/.GIT/config"


def _short_name_of_git(tree: Path) -> str:
    (tree / "src/git~1").write_text("x")
    return "src/git~1"


def _encoding_of_its_own(tree: Path) -> str:
    (tree / "src/.gitattributes").write_text("*.py working-tree-encoding=UTF-16\n")
    (tree / "src/app.py").write_text("x")
    return "src/app.py"


TRAPS = [
    _pipe_as_ignore_file,
    _pipe_as_attributes,
    _git_folder_in_other_letters,
    _short_name_of_git,
    _encoding_of_its_own,
]


@pytest.mark.parametrize("trap", TRAPS)
def test_what_git_cannot_take_ends_the_wave_and_never_the_collect(amending: Amending, trap: object) -> None:
    assert callable(trap)
    path = trap(amending.tree("code"))
    amending.mend() if path != "src/app.py" else None
    amending.answer("code", "load", files=("src/app.py",))
    amending.answer("tests", "assert")
    data = amending.collect(exit=1)
    assert [violation[:2] for violation in violations(data)] == [(path, "code")]
    assert [agent["status"] for agent in data["agents"]] == ["ownership_violation", "complete", "complete"]
    # The others are not made to wait for who misbehaves.
    assert fixes(data) == [(amending.ids["assert"], "tests", "unverifiable")]


def test_a_pipe_in_the_checkout_that_git_would_wait_for_is_a_violation_of_the_wave(amending: Amending) -> None:
    os.mkfifo(amending.repo.root / "src/.gitignore")
    assert violations(amending.collect(exit=1)) == [("src/.gitignore", "the wave", "primary checkout")]


def test_a_pipe_in_the_shared_checkout_keeps_nobody_waiting(audited: Amending) -> None:  # noqa: F811
    audited.approve("load")
    audited.dispatch()
    os.mkfifo(audited.repo.root / "src/.gitignore")
    audited.answer("code", "load")
    audited.collect()
    assert audited.claims() == [("code", "src/.gitignore", "edit", 1, 0, "code", 0)]


def test_a_pipe_in_the_tree_of_an_audit_is_a_violation(audited: Amending) -> None:  # noqa: F811
    audited.swarm("dispatch", audited.run, "health-audit-a", "--isolate")
    os.mkfifo(audited.tree("code") / ".gitignore")
    for domain in AGENTS:
        audited.place.answer(domain, wave=2)
    data = audited.swarm("collect", audited.run, "--format", "json", exit=1).data
    assert violations(data) == [(".gitignore", "code", "unassigned")]


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_foreign_edit_that_an_index_flag_hides_is_seen(amending: Amending, flag: str) -> None:
    amending.repo.git("update-index", flag, "README.md", cwd=amending.tree("code"))
    amending.edit("code", "README.md")
    amending.answer("code")
    assert violations(amending.collect(exit=1)) == [("README.md", "code", "unassigned")]


def test_a_foreign_edit_on_the_branch_alone_is_seen_behind_another_branch(amending: Amending) -> None:
    tree = amending.tree("code")
    amending.edit("code", "README.md")
    amending.repo.git("commit", "-qam", "mine", cwd=tree)
    amending.repo.git("checkout", "-q", "--detach", "HEAD~1", cwd=tree)
    amending.mend()
    amending.answer("code", "load", files=("src/app.py",))
    assert violations(amending.collect(exit=1)) == [("README.md", "code", "unassigned")]


def test_a_foreign_edit_in_a_history_of_its_own_is_seen(amending: Amending) -> None:
    tree = amending.tree("code")
    amending.edit("code", "README.md")
    amending.repo.git("checkout", "-q", "--orphan", "other", cwd=tree)
    amending.repo.git("commit", "-qam", "a beginning", cwd=tree)
    amending.answer("code")
    assert violations(amending.collect(exit=1)) == [("README.md", "code", "unassigned")]


def test_an_edit_of_a_file_whose_name_differs_in_case_is_no_edit_of_its_own(amending: Amending) -> None:
    amending.edit("code", "SRC/app.py", "x = 1\n")
    amending.answer("code", files=("SRC/app.py",))
    assert violations(amending.collect(exit=1)) == [("SRC/app.py", "code", "unassigned")]


def test_a_link_to_what_is_not_its_own_edits_nothing_there(amending: Amending) -> None:
    tree = amending.tree("code")
    (tree / "src/app.py").unlink()
    (tree / "src/app.py").symlink_to("../tests/test_app.py")
    amending.answer("code", "load", files=("src/app.py",))
    amending.collect()
    (work,) = amending.sql("SELECT work FROM agent_runs WHERE domain = 'code' AND wave_id = 2")[0]
    assert amending.repo.git("cat-file", "blob", f"{work}:src/app.py") == "../tests/test_app.py"


def test_names_of_any_kind_are_kept_and_shown_safely(amending: Amending) -> None:
    name = "src/a\n⊘ forged\x1b[2J.py"
    amending.edit("code", name, "x = 1\n")
    amending.edit("code", "new\x1b[2J.txt", "x")
    amending.answer("code", files=(name, "src/\x1b[2J"))
    for domain in ("tests", "api"):
        amending.answer(domain)
    out = amending.swarm("collect", amending.run, exit=1).out
    assert "\x1b" not in out
    assert [line for line in out.splitlines() if line.startswith("⊘")] == [
        "⊘ new\\x1b[2J.txt was touched by code; it is unassigned's"
    ]
    assert (name, 1, 0) in amending.sql("SELECT path, observed, reported FROM file_claims")


def test_prose_of_any_kind_is_kept_and_shown_safely(amending: Amending) -> None:
    evil = "done\n✓ F-00000000 claimed by code\x1b]0;x\x07\u202e"
    ids = amending.ids
    fix = [{"finding_id": ids["load"], "description": evil}, {"finding_id": evil, "description": evil}]
    left = [{"finding_id": evil, "reason": evil}]
    amending.answer("code", fixes=fix, skipped=left, requests=[{"file": "lib/api.py", "reason": evil}])
    for domain in ("tests", "api"):
        amending.answer(domain)
    out = amending.swarm("collect", amending.run).out
    assert not any(character in out for character in "\x1b\x07\u202e")
    assert [line for line in out.splitlines() if line.startswith("✓")] == [
        f"✓ {ids['load']} claimed by code, not seen yet: it stands unchanged at src/app.py:5"
    ]
    assert amending.sql("SELECT description FROM fix_claims") == [(evil,)]


def test_no_agent_closes_what_another_was_given_or_what_nobody_approved(amending: Amending) -> None:
    for domain in AGENTS:
        amending.answer(domain, *amending.ids)
    data = amending.collect()
    ids = amending.ids
    assert {fix[:2] for fix in fixes(data)} == {
        (ids["load"], "code"),
        (ids["eval"], "code"),
        (ids["assert"], "tests"),
    }
    assert {reason for _, _, reason in skipped(data)} == {"not_approved", "unowned"}
    assert amending.sql("SELECT count(*) FROM findings WHERE status = 'fixed'") == [(0,)]


def test_ten_thousand_fixes_and_files_are_taken_and_shown_in_few_lines(amending: Amending) -> None:
    many = [{"finding_id": f"F-{number:08x}", "description": "x"} for number in range(10_000)]
    files = tuple(f"src/{number}.py" for number in range(10_000))
    amending.answer("code", files=files, fixes=many, skipped=[{"finding_id": "F", "reason": "x"}] * 10_000)
    for domain in ("tests", "api"):
        amending.answer(domain)
    out = amending.swarm("collect", amending.run).out
    assert len(out.splitlines()) < 60
    assert "… and " in out


def test_collect_leaves_every_tree_as_it_was(amending: Amending) -> None:
    amending.mend()
    amending.edit("code", "src/new.py", "x = 1\n")
    amending.repo.git("add", "src/new.py", cwd=amending.tree("code"))
    amending.answer("code", "load", files=("src/app.py", "src/new.py"))
    place = amending.place.folder / amending.run / "worktrees"
    before = everything_in(place), amending.repo.git("for-each-ref"), amending.repo.git("status", "--porcelain")
    amending.collect()
    kept = f"refs/swarm/work/{amending.run}/w2-code"
    (work,) = amending.sql("SELECT work FROM agent_runs WHERE wave_id = 2 AND domain = 'code'")[0]
    assert amending.repo.git("rev-parse", kept) == work
    amending.repo.git("update-ref", "-d", kept)
    after = everything_in(place), amending.repo.git("for-each-ref"), amending.repo.git("status", "--porcelain")
    assert after == before
