"""Files that take no disk and would take minutes to read: `collect` finds them by their size."""

import os
from pathlib import Path

import pytest

from tests.cli.scenes.amend_wave import Amending, violations

HUGE = 100 << 30
LARGE = "too large: more than 100 MiB"


def grow(file: Path, size: int = HUGE) -> None:
    with file.open("ab") as stream:
        stream.truncate(size)


def answered(amending: Amending) -> None:
    for domain in ("code", "tests", "api"):
        amending.answer(domain)


def test_a_new_file_of_100_gib_is_a_violation_and_is_never_read(amending: Amending) -> None:
    grow(amending.tree("code") / "src/big.py")
    answered(amending)
    lines = amending.swarm("collect", amending.run, exit=1).out.splitlines()
    assert f"⊘ src/big.py was touched by code; {LARGE}; SWARM_LARGEST_FILE sets the limit" in lines


def test_a_tracked_file_that_grows_to_100_gib_is_a_violation(amending: Amending) -> None:
    grow(amending.tree("code") / "src/app.py")
    assert violations(amending.collect(exit=1)) == [("src/app.py", "code", LARGE)]


def test_an_entry_without_a_size_does_not_make_git_read_a_file_of_100_gib(amending: Amending) -> None:
    tree = amending.tree("code")
    blob = amending.repo.git("hash-object", "-w", "--stdin", cwd=tree)
    for name in ("src/new.py", "src/app.py"):
        amending.repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", cwd=tree)
    grow(tree / "src/new.py")
    assert violations(amending.collect(exit=1)) == [("src/new.py", "code", LARGE)]


def test_the_user_sets_the_limit(amending: Amending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARM_LARGEST_FILE", "1")
    for at in range(22):
        grow(amending.tree("code") / f"src/part{at:02}.py", 1 << 20)
    grow(amending.tree("code") / "src/whole.py", (1 << 20) + 1)
    limit = "too large: more than 1 MiB"
    # Twenty files of the largest size are taken together, and no more.
    left = [f"src/{name}.py" for name in ("part20", "part21", "whole")]
    assert violations(amending.collect(exit=1)) == [(file, "code", limit) for file in left]


def test_a_large_file_that_git_ignores_is_no_violation(amending: Amending) -> None:
    amending.edit("code", "src/.gitignore", "*.bin\n")
    grow(amending.tree("code") / "src/cache.bin")
    amending.answer("code", files=("src/.gitignore",))
    assert amending.collect()["violations"] == []


def test_a_limit_that_is_no_number_of_mebibytes_is_refused(amending: Amending, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(amending)
    for limit in ("", "0", "-1", "ten", "\u0661", "9" * 40):
        monkeypatch.setenv("SWARM_LARGEST_FILE", limit)
        answer = amending.swarm("collect", amending.run, exit=1)
        assert f"SWARM_LARGEST_FILE is not a valid configuration: '{limit}' is no number of MiB" in answer.err


def test_a_tree_with_a_file_of_100_gib_is_kept_by_name_and_never_read(amending: Amending) -> None:
    grow(amending.tree("code") / "src/app.py")
    grow(amending.tree("tests") / "tests/new.py")
    amending.collect(exit=1)
    out = amending.swarm("clean", amending.run, "--force", "--apply", "--reason", "over", exit=1).out
    assert "git cannot keep src/app.py" in out
    assert "git cannot keep tests/new.py" in out
    assert (amending.tree("tests") / "tests/new.py").stat().st_size == HUGE


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_many_files_that_cannot_be_read_are_all_named(amending: Amending) -> None:
    names = [f"src/closed{at:02}.py" for at in range(12)]
    for name in names:
        amending.edit("code", name, "x\n")
        (amending.tree("code") / name).chmod(0)
    amending.edit("code", "src/open.py", "x\n")
    assert violations(amending.collect(exit=1)) == [(name, "code", "cannot be taken") for name in names]
