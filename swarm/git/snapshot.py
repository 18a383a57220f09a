"""Snapshots: a commit with its files and without its history, as a pack, and repositories made of such a pack."""

import os
import shutil
from pathlib import Path

from swarm.git.bundle_header import HASHES
from swarm.git.runner import Git
from swarm.rules.ref_names import head_ref

_BRANCH = "base"
# The heads of worktrees are written as files. git before 2.45 knows no other format, and takes no notice.
_REFS = {"GIT_DEFAULT_REF_FORMAT": "files"}
# An agent's work never depends on what a repository happens to have packed.
_EXACT = ("-c", "pack.useBitmaps=false", "-c", "pack.useSparse=false")


def snapshot_of(git: Git, commit: str) -> bytes:
    """Return a pack with a commit, its trees and its files."""
    listed = git.run("rev-list", "--objects", "--no-object-names", "--no-walk", commit)
    return git.run("pack-objects", "--stdout", "--quiet", "--threads=1", stdin=listed)


def make_repository(folder: Path, pack: bytes, commit: str) -> None:
    """Make a repository that holds a snapshot, at that commit; the folder appears once it is whole.

    Raises GitError.
    """
    begun = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir(parents=True)
    git = Git(begun)
    try:
        words = ("--quiet", f"--initial-branch={_BRANCH}", f"--object-format={HASHES[len(commit)]}")
        git.run("init", *words, environment=_REFS)
        # git looks for no parents of a commit that is named there. Before the check, which would look for them.
        (begun / ".git" / "shallow").write_text(f"{commit}\n")
        git.run("index-pack", "--stdin", "--strict", "--threads=1", stdin=pack)
        git.run("update-ref", head_ref(_BRANCH), commit)
        begun.rename(folder)
    finally:
        # On a disk that is full, what a failed call leaves would keep the next ones from their room.
        shutil.rmtree(begun, ignore_errors=True)


def write_bundle(git: Git, base: str, commit: str, ref: str, file: Path) -> int:
    """Write a bundle with a commit on a base, under a ref that exists for that long alone; return its size."""
    git.run("update-ref", ref, commit)
    try:
        git.run(*_EXACT, "bundle", "create", "--quiet", str(file), ref, f"^{base}")
        return file.stat().st_size
    finally:
        git.run("update-ref", "-d", ref)
