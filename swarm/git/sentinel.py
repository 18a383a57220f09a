"""What must not change while agents work: the git folder that all trees share, and the primary checkout."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from swarm.git.blocking_files import traps
from swarm.git.path_text import path_bytes, path_text
from swarm.git.repository import Repository, status_entries
from swarm.git.runner import Git
from swarm.git.worktree_list import WORKTREES
from swarm.rules import ref_names

_FILES: Final = (
    "config",
    "config.worktree",
    "info/attributes",
    "info/exclude",
    "info/grafts",
    "info/sparse-checkout",
    "objects/info/alternates",
    "shallow",
)
# Beside what is compared of a worktree: where it is.
_PLACE: Final = "/place"


def fingerprint_common(common_dir: Path, run_id: str) -> dict[str, str]:
    """Return a digest of each thing in the common git folder that could make git run something or lie to us.

    Read as files, without git. Configuration, hooks, attributes, the links of every worktree, and the refs: a
    branch may move, as a commit by the coordinator is nobody's offence, but none may go, and no tag may move.
    """
    seen = {name: _digest(common_dir / name) for name in _FILES}
    for file in sorted(_below(common_dir / "hooks")):
        seen[str(file.relative_to(common_dir))] = _digest(file)
    for admin in sorted(_below(common_dir / WORKTREES, depth=1)):
        if admin.is_dir():
            for name in ("commondir", "gitdir", "config.worktree"):
                seen[f"worktrees/{admin.name}/{name}"] = _digest(admin / name)
            seen[f"worktrees/{admin.name}{_PLACE}"] = _place(admin)
    for file in sorted(_below(common_dir / "refs" / "replace")):
        seen[str(file.relative_to(common_dir))] = _digest(file)
    refs = _refs(common_dir)
    seen[ref_names.run_ref(run_id)] = refs.get(ref_names.run_ref(run_id), "")
    for name, commit in refs.items():
        if name.startswith(ref_names.TAGS):
            seen[name] = commit
        elif name.startswith(ref_names.HEADS) and not name.startswith(ref_names.ALL_RUNS):
            seen[name] = "there"
    return {name: value for name, value in seen.items() if value}


def differences(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return the names whose fingerprint is another now.

    A worktree that was added or removed whole is ours, and a new tag or branch harms nothing.
    """
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    still = {tree for tree in _worktrees(before) & _worktrees(now) if not _is_another(tree, before, now)}
    kept = (name for name in changed if (tree := _tree_of(name)) is None or (tree in still and not _is_place(name)))
    return [name for name in kept if name in before or not name.startswith((ref_names.TAGS, ref_names.HEADS))]


def fingerprint_primary(repository: Repository) -> dict[str, str]:
    """Return what is uncommitted or untracked in the primary checkout, each path with its state."""
    if endless := traps(repository.root, repository.common_dir):
        return dict.fromkeys(endless, "no file, and git would wait for it")
    porcelain = Git(repository.root).run(
        "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=dirty", filters=True
    )
    seen = {path: f"{letters} {_stat(repository.root, path)}" for letters, path in status_entries(porcelain)}
    # A flag in the index (assume-unchanged, skip-worktree) keeps a changed file out of the status.
    for entry in Git(repository.root).run("ls-files", "-v", "-z").split(b"\0"):
        if entry and not entry.startswith(b"H "):
            path = path_text(entry[2:])
            seen[path] = f"{entry[:1].decode()} {_stat(repository.root, path)}"
    return seen


def _worktrees(seen: dict[str, str]) -> set[str]:
    return {tree for name in seen if (tree := _tree_of(name))}


def _is_another(tree: str, before: dict[str, str], now: dict[str, str]) -> bool:
    """Say whether git gave a worktree the name of one that is gone, as it does for those of several runs."""
    was, is_now = (seen.get(f"worktrees/{tree}{_PLACE}", "") for seen in (before, now))
    return was not in {"", is_now} and not os.path.lexists(was)


def _place(admin: Path) -> str:
    """Return where a worktree's `.git` file is."""
    pointer = admin / "gitdir"
    return "" if pointer.is_symlink() else _content(pointer).decode("utf-8", "surrogateescape").removesuffix("\n")


def _is_place(name: str) -> bool:
    return name.startswith("worktrees/") and name.endswith(_PLACE)


def _tree_of(name: str) -> str | None:
    return name.split("/")[1] if name.startswith("worktrees/") else None


def _stat(root: Path, path: str) -> str:
    try:
        facts = os.lstat(os.path.join(os.fsencode(root), path_bytes(path)))  # noqa: PTH118
    except OSError:
        return "absent"
    return f"{facts.st_mode} {facts.st_size} {facts.st_mtime_ns}"


def _below(folder: Path, *, depth: int = 8) -> Iterator[Path]:
    if not depth or folder.is_symlink():
        return
    try:
        entries = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        # Others work in the same repository, and take away what they made.
        return
    for entry in entries:
        yield entry
        if depth > 1 and entry.is_dir() and not entry.is_symlink():
            yield from _below(entry, depth=depth - 1)


def _digest(file: Path) -> str:
    try:
        if file.is_symlink():
            return f"link to {file.readlink()}"
        if not file.is_file():
            return ""
        executable = "x" if file.stat().st_mode & 0o111 else "-"
        return executable + hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.is_file() else b""
    except FileNotFoundError:
        return b""


def _refs(common_dir: Path) -> dict[str, str]:
    """Return every ref with its commit, loose ones before packed ones, which they override.

    Looked for in this order: one that somebody packs meanwhile would be seen in neither place.
    """
    loose = {
        file.relative_to(common_dir).as_posix(): told.decode("utf-8", "replace").strip()
        for file in _below(common_dir / "refs")
        if not file.is_symlink() and not file.name.endswith(".lock") and (told := _content(file))
    }
    lines = _content(common_dir / "packed-refs").decode("utf-8", "surrogateescape").splitlines()
    packed = (line.partition(" ") for line in lines if not line.startswith(("#", "^")))
    return {name: commit for commit, _, name in packed if name} | loose
