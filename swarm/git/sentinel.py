"""Fingerprints of what must not change while agents work: the git folder that all trees share, and the checkout."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from swarm.git.blocking_files import traps
from swarm.git.path_text import path_bytes, path_text
from swarm.git.repository import Repository, status_entries
from swarm.git.runner import Git, GitError
from swarm.git.worktree_list import WORKTREES
from swarm.rules import ref_names
from swarm.scratch import scratch_folder

# Files that git follows to other objects or attributes. `config` is compared by its keys where those can be read.
_FILES: Final = (
    "config",
    "config.worktree",
    "info/attributes",
    "info/exclude",
    "info/grafts",
    "objects/info/alternates",
)
# Beside what is compared of a worktree: where it is.
PLACE: Final = "/place"
# Before each key of the configuration in the fingerprints.
KEY: Final = "config "
_SECRET: Final = re.compile(r"(?<=://)[^/@\s]*(?=@)")
_LONGEST_VALUE: Final = 200
# A file above this is compared by size and times: reading it at each collect would cost more than it shows.
_LARGEST: Final = 1 << 26
_MOST_BYTES: Final = 1 << 28


def fingerprint_common(common_dir: Path, run_id: str) -> dict[str, str]:
    """Return a state for each thing in the common git folder that could make git run something or lie to us.

    Settings by key, hooks, attributes, the links of every worktree, and the refs with their commits. No file of the
    folder is taken as configuration to read them.
    """
    seen = {name: _digest(common_dir / name) for name in _FILES}
    seen |= {f"{KEY}{key}": value for key, value in settings_of(common_dir / "config").items()}
    for file in sorted(_below(common_dir / "hooks")):
        seen[str(file.relative_to(common_dir))] = _digest(file)
    for admin in sorted(_below(common_dir / WORKTREES, depth=1)):
        if admin.is_dir():
            for name in ("commondir", "gitdir", "config.worktree"):
                seen[f"worktrees/{admin.name}/{name}"] = _digest(admin / name)
            seen[f"worktrees/{admin.name}{PLACE}"] = _place(admin)
    for file in sorted(_below(common_dir / "refs" / "replace")):
        seen[str(file.relative_to(common_dir))] = _digest(file)
    refs = _refs(common_dir)
    seen[ref_names.run_ref(run_id)] = refs.get(ref_names.run_ref(run_id), "")
    for name, commit in refs.items():
        is_ours = name.startswith(ref_names.ALL_RUNS)
        if name.startswith((ref_names.TAGS, ref_names.HEADS)) and not is_ours:
            seen[name] = commit
    return {name: value for name, value in seen.items() if value}


def settings_of(file: Path) -> dict[str, str]:
    """Return the settings of a configuration file, by key; includes are named and not followed.

    Values of a key stand in one line; credentials in addresses are left out. Empty where git cannot read the file,
    which is then compared as a whole.
    """
    if file.is_symlink() or not file.is_file():
        return {}
    with scratch_folder() as folder:
        # Outside of any repository: git would read its configuration before it answers.
        git = Git(folder)
        try:
            listed = git.run("config", "--file", str(file), "--no-includes", "--list", "-z")
        except GitError:
            return {}
    found: dict[str, str] = {}
    for entry in listed.split(b"\0"):
        key, _, value = entry.decode("utf-8", "surrogateescape").partition("\n")
        if key:
            value = shown_value(value)
            found[key] = f"{found[key]}; {value}" if key in found else value
    return found


def shown_value(value: str) -> str:
    """Return a setting's value as fingerprints hold it: bounded, without credentials."""
    return _shortened(_SECRET.sub("…", value))


def _shortened(value: str) -> str:
    if len(value) <= _LONGEST_VALUE:
        return value or "''"
    digest = hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{value[:_LONGEST_VALUE]}… ({digest})"


def fingerprint_primary(repository: Repository, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the uncommitted and untracked files of the primary checkout, each with its state.

    A state is mode, size, blob and times: the blob that git would make of the file (`is_same_content` compares it), so
    that a file put back is what it was. States in `known` with the same times are taken over unread.
    """
    if endless := traps(repository.root, repository.common_dir):
        return dict.fromkeys(endless, "no file, and git would wait for it")
    git = repository.git
    porcelain = git.run(
        "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=dirty", filters=True
    )
    paths = {path: letters for letters, path in status_entries(porcelain)}
    # A flag in the index (assume-unchanged, skip-worktree) keeps a changed file out of the status.
    for entry in git.run("ls-files", "-v", "-z").split(b"\0"):
        if entry and not entry.startswith(b"H "):
            paths.setdefault(path_text(entry[2:]), entry[:1].decode())
    staged = _staged(git) if any(letters[:1] not in " ?" for letters in paths.values()) else {}
    states = {path: _shape(repository.root, path) for path in sorted(paths)}
    states |= _blobs(git, repository.root, states, known or {})
    return {path: f"{state} staged {staged[path]}" if path in staged else state for path, state in states.items()}


def is_same_content(before: str, now: str) -> bool:
    """Say whether a file is as it was, whatever its times, and what was staged of it is not lost."""
    content, _, staged = before.partition(" staged ")
    content_now, _, staged_now = now.partition(" staged ")
    is_kept = staged in {"", staged_now, blob_of(before)}
    return is_kept and _without_times(content) == _without_times(content_now)


def blob_of(state: str) -> str | None:
    """Return the blob that git would make of a file in this state, `None` for one that was not read."""
    words = state.split(" ")
    return words[2] if len(words) > 2 and words[0] != "absent" and words[2] != "-" else None  # noqa: PLR2004


def _without_times(state: str) -> list[str]:
    words = state.split(" ")
    # Of a file that was too large to be read, the times are all there is.
    return words if "-" in words else words[:3]


def _shape(root: Path, path: str) -> str:
    """Return the state of a file before it is read."""
    try:
        facts = os.lstat(os.path.join(os.fsencode(root), path_bytes(path)))  # noqa: PTH118
    except OSError:
        return "absent"
    return f"{facts.st_mode:o} {facts.st_size} - {facts.st_mtime_ns}/{facts.st_ctime_ns}/{facts.st_ino}"


def _blobs(git: Git, root: Path, states: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return the states of the files that can be read, with the blob of each."""
    found: dict[str, str] = {}
    asked: list[str] = []
    left = _MOST_BYTES
    for path, state in states.items():
        if state == "absent":
            continue
        mode, size, _, times = state.split(" ")
        before = known.get(path, "").partition(" staged ")[0].split(" ")
        if before[:2] == [mode, size] and before[3:] == [times]:
            found[path] = " ".join(before)
        elif stat.S_ISLNK(int(mode, 8)):
            place = os.path.join(os.fsencode(root), path_bytes(path))  # noqa: PTH118
            link = git.run("hash-object", "--stdin", "--no-filters", stdin=os.readlink(place))  # noqa: PTH115
            found[path] = f"{mode} {size} {link.decode().strip()} {times}"
        elif stat.S_ISREG(int(mode, 8)) and int(size) <= min(_LARGEST, left) and "\n" not in path:
            left -= int(size)
            asked.append(path)
    if asked:
        lines = b"".join(path_bytes(path) + b"\n" for path in asked)
        try:
            blobs = git.run("hash-object", "--stdin-paths", stdin=lines, filters=True).decode().split()
        except GitError:
            # A file that cannot be read, or that went away meanwhile: times have to do for all of them.
            return found
        for path, blob in zip(asked, blobs, strict=True):
            mode, size, _, times = states[path].split(" ")
            found[path] = f"{mode} {size} {blob} {times}"
    return found


def _staged(git: Git) -> dict[str, str]:
    """Return the blobs that are staged and not committed, by path."""
    from swarm.git.diff import raw_changes

    listed = git.run("diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "HEAD", filters=True)
    return {change.new_path: change.new_blob for change in raw_changes(listed)}


def _place(admin: Path) -> str:
    """Return where a worktree's `.git` file is."""
    pointer = admin / "gitdir"
    return "" if pointer.is_symlink() else _content(pointer).decode("utf-8", "surrogateescape").removesuffix("\n")


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
        file.relative_to(common_dir).as_posix(): commit.decode("utf-8", "replace").strip()
        for file in _below(common_dir / "refs")
        if not file.is_symlink() and not file.name.endswith(".lock") and (commit := _content(file))
    }
    lines = _content(common_dir / "packed-refs").decode("utf-8", "surrogateescape").splitlines()
    packed = (line.partition(" ") for line in lines if not line.startswith(("#", "^")))
    return {name: commit for commit, _, name in packed if name} | loose
