"""Snapshots of a merge: the checkout, branches, commits, rows and stray files."""

import sqlite3
from pathlib import Path
from typing import Any

from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.snapshots import everything_in
from tests.conftest import Answer, Repo


def checkout(root: Path) -> dict[str, Any]:
    """Everything of the primary checkout: its files, index and HEAD; not the workspace, nor objects and refs."""
    kept: dict[str, Any] = {
        name: what
        for name, what in everything_in(root).items()
        if not Path(name).is_relative_to("swarms") and not Path(name).is_relative_to(".git")
    }
    return kept | {name: (root / ".git" / name).read_bytes() for name in ("index", "HEAD", "config")}


def tips(repo: Repo) -> dict[str, str]:
    listed = repo.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
    return {name: tip for name, _, tip in (line.partition(" ") for line in listed)}


def first_parents(team: Team, revision: str, form: str = "%s") -> list[str]:
    return team.repo.git("log", "--first-parent", "--reverse", f"--format={form}", revision).splitlines()


def tree_of(team: Team, revision: str) -> dict[str, str]:
    """Every file of a commit with its content."""
    names = team.repo.git("ls-tree", "-r", "--name-only", "-z", revision).split("\0")
    return {name: team.repo.git("show", f"{revision}:{name}") + "\n" for name in names if name}


def states(answer: Answer) -> dict[str, str]:
    return {domain["domain"]: domain["state"] for domain in answer.data["domains"]}


def lasting(team: Team) -> dict[str, Any]:
    """Return the rows that a merge leaves, without times: the same however often it was begun."""
    with sqlite3.connect(team.place.db) as conn:
        found = {
            "merges": conn.execute("SELECT wave_id, ref, base, commit_sha, domains, dropped FROM merges").fetchall(),
            "claims": conn.execute("SELECT id, outcome FROM fix_claims ORDER BY id").fetchall(),
            "findings": conn.execute("SELECT finding_id, status, fixed_commit FROM findings ORDER BY id").fetchall(),
            "proofs": conn.execute("SELECT purpose, commit_sha, verdict, exit_code FROM verifications").fetchall(),
        }
    conn.close()
    return found


def left_behind(team: Team) -> list[str]:
    """Scratch trees and temporary files."""
    stray = [str(file) for file in team.place.folder.rglob("*.tmp")]
    stray += [str(tree) for tree in team.place.folder.glob("*/worktrees/proof-*")]
    return stray + [line for line in team.repo.git("worktree", "list").splitlines() if "proof-" in line]
