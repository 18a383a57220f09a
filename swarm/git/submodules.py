"""The files of submodules, written into a worktree, which git makes with empty folders for them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from swarm.git.objects_folder import make_objects_folder
from swarm.git.path_text import path_bytes
from swarm.git.repository import SUBMODULE_MODE, files_at, is_filled, submodules_at
from swarm.git.runner import Git, GitError
from swarm.scratch import scratch_folder

MOST_NESTED: Final = 8
_REF: Final = "ref: "
_MOST_READ: Final = 16 * 1024 * 1024


def fill_submodules(git: Git, checkout: Path, tree: Path, commit: str, *, depth: int = 0) -> list[str]:
    """Write the submodules of a commit into a tree at their recorded commits, and return the paths left empty.

    The objects come from the submodules of the user's checkout; a submodule that the checkout lacks, or without the
    recorded commit, stays empty.
    """
    empty = []
    for file in files_at(git, commit) if depth < MOST_NESTED else []:
        if file.mode != SUBMODULE_MODE:
            continue
        name = os.fsdecode(path_bytes(file.path))
        place, source = tree / name, checkout / name
        objects = _objects_of(source)
        if objects is None or place.is_symlink():
            empty.append(file.path)
            continue
        place.mkdir(parents=True, exist_ok=True)
        try:
            with _objects_alone(git, objects, place, file.blob) as inner:
                inner.run("read-tree", file.blob)
                inner.run("checkout-index", "--all", "--force", filters=True)
                nested = fill_submodules(inner, source, place, file.blob, depth=depth + 1)
        except GitError as error:
            if error.is_of_disk:
                raise
            empty.append(file.path)
        else:
            empty += [f"{file.path}/{path}" for path in nested]
    return empty


@contextmanager
def _objects_alone(git: Git, objects: Path, place: Path, commit: str) -> Iterator[Git]:
    # Not the submodule's own git folder: its configuration could name programs, and its index is the user's.
    with scratch_folder() as folder:
        bare = make_objects_folder(folder / "git", objects, commit)
        yield Git(place, git_dir=bare, index=folder / "index", view=git.view)


def edited_submodules(git: Git, tree: Path, commit: str, *, depth: int = 0) -> list[str]:
    """Return the submodules of a commit whose folders hold anything but the recorded commit, unedited.

    HEAD is read as a file, and the files are compared through an index of our own with the objects alone: git is not
    run where the submodule's configuration could name programs.
    """
    return [
        path
        for path, recorded in submodules_at(git, commit)
        if is_filled(tree, path) and not _is_at(git, tree / os.fsdecode(path_bytes(path)), recorded, depth)
    ]


def _is_at(git: Git, place: Path, recorded: str, depth: int) -> bool:
    folder = _git_folder_of(place)
    if folder is None or depth >= MOST_NESTED or _head_of(folder) != recorded:
        return False
    try:
        with _objects_alone(git, folder / "objects", place, recorded) as inner:
            inner.run("read-tree", recorded)
            inner.run("update-index", "-q", "--really-refresh", expect=(0, 1), filters=True)
            edited = inner.run("diff-files", "--raw", "-z", "--ignore-submodules=dirty", filters=True)
            new = inner.run("ls-files", "--others", "--exclude-standard", "-z", filters=True)
            return not edited and not new and not edited_submodules(inner, place, recorded, depth=depth + 1)
    except GitError:
        return False


def _head_of(folder: Path) -> str | None:
    """Return the commit that HEAD of a git folder names, through a loose or a packed branch; reads files alone."""
    head = _line_of(folder / "HEAD")
    if head is None or not head.startswith(_REF):
        return head
    name = head.removeprefix(_REF)
    if ".." in name or name.startswith("/"):
        return None
    if (loose := _line_of(folder / name)) is not None:
        return loose
    packed = _text_of(folder / "packed-refs") or ""
    return next((line.split(" ")[0] for line in packed.splitlines() if line.endswith(f" {name}")), None)


def _line_of(file: Path) -> str | None:
    text = _text_of(file)
    return None if text is None else text.strip()


def _text_of(file: Path) -> str | None:
    try:
        if not file.is_file() or file.stat().st_size > _MOST_READ:
            return None
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, ValueError):
        return None


def _objects_of(submodule: Path) -> Path | None:
    """Return the folder of a submodule's objects."""
    folder = _git_folder_of(submodule)
    return None if folder is None else folder / "objects"


def _git_folder_of(submodule: Path) -> Path | None:
    """Return the git folder of a submodule, as its `.git` folder or file names it."""
    pointer = submodule / ".git"
    try:
        if pointer.is_file():
            words = pointer.read_text(encoding="utf-8", errors="surrogateescape")
            pointer = submodule / words.removeprefix("gitdir:").strip()
        folder = pointer.resolve()
        return folder if (folder / "objects").is_dir() else None
    except (OSError, RuntimeError, ValueError):
        return None
