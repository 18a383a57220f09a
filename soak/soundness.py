"""Invariants of a control plane and its repository once no process works on them."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from soak.calls import git, together
from soak.processes import left_running


def unsound(root: Path) -> list[str]:
    """Return what is wrong with the control plane, the repository, and what was left lying about."""
    return [*unsound_tables(root, "ledger replay --check"), *_repository(root), *_left_over(root)]


def unsound_tables(root: Path, *verbs: str) -> list[str]:
    """Return what SQLite, the ledger, and these verbs say is wrong with the control plane."""
    found = [] if rows(root, "PRAGMA integrity_check") == [("ok",)] else ["integrity_check fails"]
    found += [f"foreign_key_check: {row}" for row in rows(root, "PRAGMA foreign_key_check")]
    answers = together(root, [verb.split() for verb in ("ledger verify", *verbs)])
    return found + [str(answer) for answer in answers if answer.exit]


def rows(root: Path, statement: str, *values: object) -> list[Any]:
    """Return the rows of a query on the control plane."""
    with closing(sqlite3.connect(root / "swarms" / "control-plane.db", timeout=30)) as conn:
        return conn.execute(statement, values).fetchall()


def _repository(root: Path) -> Iterator[str]:
    found = git(root, "fsck", "--no-dangling", "--no-progress", "--strict", expect=(0, 1, 2, 3, 4, 8)).strip()
    if found:
        yield f"git fsck says: {found[:400]}"
    if changed := git(root, "status", "--porcelain", "--untracked-files=all").strip():
        yield f"the checkout is not clean: {changed[:400]}"
    known = set(rows(root, "SELECT worktree_path FROM agent_runs UNION SELECT shared_tree FROM waves"))
    for tree in trees_of(root):
        if (str(tree),) not in known:
            yield f"a worktree that no row knows: {tree}"
        if not (tree / ".git").exists():
            yield f"git lists a worktree that is gone: {tree}"
    known = set(rows(root, "SELECT worktree_branch FROM agent_runs"))
    known |= {(f"swarm/{run.rpartition('-')[2]}/integration",) for (run,) in rows(root, "SELECT id FROM runs")}
    for branch in branches_of(root):
        if (branch,) not in known and "/salvaged-" not in branch:
            yield f"a branch that no row knows: {branch}"
    tags = {(tag,) for tag in git(root, "tag", "--list", "swarm-save-*").split()}
    if odd := tags ^ set(rows(root, "SELECT save_point_tag FROM runs")):
        yield f"save points and runs differ: {odd}"


def trees_of(root: Path) -> list[Path]:
    """Return the worktrees of the repository that are below its workspace."""
    listed = git(root, "worktree", "list", "--porcelain").splitlines()
    found = [Path(line.removeprefix("worktree ")) for line in listed if line.startswith("worktree ")]
    return [tree for tree in found if tree.is_relative_to(root / "swarms")]


def branches_of(root: Path) -> list[str]:
    """Return the branches that are ours."""
    return git(root, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/swarm/").split()


def _is_hot(file: Path) -> bool:
    """Say whether a file is a journal that must be played back: one that was not begun in earnest begins with zeros."""
    return file.name.endswith("-journal") and file.is_file() and file.read_bytes()[:1] not in {b"", b"\0"}


def _left_over(root: Path) -> Iterator[str]:
    from swarm.locks import is_held

    for file in sorted((root.parent / "tmp").iterdir()):
        yield f"a temporary file was left: {file.name}"
    for place, folders, files in os.walk(root):
        here = Path(place)
        for name in (*folders, *files):
            whole = here / name
            ours = name in {"control-plane.db.lock", "launch.lock", "merge.lock", "swarm-worktrees.lock"}
            if (name.endswith((".lock", ".tmp", "-wal", ".part")) and not ours) or _is_hot(whole):
                yield f"left behind: {whole.relative_to(root)}"
            if ours and is_held(whole):
                yield f"still held: {whole.relative_to(root)}"
    yield from (f"still running: {item}" for item in left_running(root.parent))
