"""Quarantine: a bundle of an agent's work, checked in a git folder of its own before anything of it enters ours.

The folder borrows the repository's objects and has nothing else of it. The bundle is copied first, so that nobody can
change it between two checks, and its pack is walked before git inflates a byte of it.
"""

import os
import resource
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from swarm.git import history
from swarm.git.blocking_files import MOST_TOGETHER, largest_file
from swarm.git.bundle_fault import BundleFault
from swarm.git.bundle_header import HASHES, read_header
from swarm.git.diff import changes
from swarm.git.objects_folder import make_objects_folder
from swarm.git.pack_walk import PackLimits, walk_pack
from swarm.git.repository import LINK_MODE, SUBMODULE_MODE, Repository, content_of, files_at
from swarm.git.runner import Git, GitError
from swarm.rules.safe_paths import LONGEST_PATH, link_problem, safe_path
from swarm.scratch import scratch_folder

MOST_OBJECTS: Final = 100_000
# git's own border between loose objects and a pack of its own (`transfer.unpackLimit`).
_MOST_LOOSE: Final = 100
# Checking holds an object and its delta base in memory, and maps the repository's packs.
_MEMORY: Final = 4 << 30
_SECONDS: Final = 120
_MOST_WORDS: Final = 300


class Checked(NamedTuple):
    """A checked bundle in its quarantine: the commit, how many objects it brought, and its pack."""

    commit: str
    objects: int
    pack: Path


@contextmanager
def quarantined(repository: Repository, bundle: Path, base: str, ref: str) -> Iterator[Checked]:
    """Give a checked bundle with a single commit on `base`, under `ref`. Raises BundleFault, OSError, GitError.

    Nothing of the bundle is in the repository yet: `admit` brings it in.
    """
    with scratch_folder() as folder:
        copy, limits = folder / "bundle", _limits()
        _copy(bundle, copy, limits.total)
        header = read_header(copy, base, ref)
        hash_name = HASHES[len(base)]
        facts = walk_pack(copy, header.length, hash_name, limits)
        git = _borrowing(repository, folder, base)
        pack = _indexed(git, copy, header.length)
        sent = _sent(git, pack, copy.stat().st_size - header.length - len(base) // 2)
        _hold_history(git, header.tip, base, sent)
        _hold_tree(Git(git.folder, git_dir=folder / "git", index=folder / "index"), header.tip)
        _hold_entries(git, header.tip, base)
        yield Checked(header.tip, facts.objects, pack)


def admit(repository: Repository, checked: Checked) -> None:
    """Bring the objects of a checked bundle into the repository; no ref leads to them yet. Raises GitError."""
    verb = ("unpack-objects", "-q") if checked.objects <= _MOST_LOOSE else ("index-pack", "--stdin")
    with checked.pack.open("rb") as stream:
        _held(repository.git, *verb, stdin=stream)


def _limits() -> PackLimits:
    largest = largest_file()
    return PackLimits(MOST_OBJECTS, largest, MOST_TOGETHER * largest)


def _copy(bundle: Path, copy: Path, most: int) -> None:
    # Neither a pipe nor a device: reading one would wait, or never end.
    handle = os.open(bundle, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream, copy.open("wb") as target:
        facts = os.fstat(stream.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise BundleFault("header", "it is no regular file")
        if facts.st_size > most:
            raise BundleFault("size", f"it has {facts.st_size:,} bytes; {most:,} are the limit")
        shutil.copyfileobj(stream, target)


def _borrowing(repository: Repository, folder: Path, base: str) -> Git:
    objects = folder / "objects"
    (objects / "info").mkdir(parents=True)
    (folder / "kept").symlink_to(repository.common_dir / "objects")
    (objects / "info" / "alternates").write_text("../kept\n")
    bare = make_objects_folder(folder / "git", objects, base)
    if (repository.common_dir / "shallow").is_file():
        (bare / "shallow").symlink_to(repository.common_dir / "shallow")
    empty = folder / "tree"
    empty.mkdir()
    return Git(empty, git_dir=bare)


def _indexed(git: Git, copy: Path, start: int) -> Path:
    with copy.open("rb", buffering=0) as stream:
        stream.seek(start)
        try:
            # A thin pack gets the bases of its deltas from the repository.
            _held(git, "index-pack", "--stdin", "--fix-thin", "--strict", "--threads=1", stdin=stream)
        except GitError as error:
            if error.is_of_disk:
                raise
            raise BundleFault("fsck", error.stderr or f"git ended with {error.code}") from error
    (pack,) = (git.folder.parent / "objects" / "pack").glob("*.pack")
    return pack


def _held(git: Git, *arguments: str, stdin: IO[bytes]) -> None:
    """Run a git command on a pack with limits of memory and time. Raises GitError."""
    process = git.stream(*arguments, stdin=stdin, stderr=subprocess.PIPE)
    try:
        _limit(process.pid)
        _, words = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise GitError(arguments, -1, f"no answer within {_SECONDS} s", git.folder) from error
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        said = " ".join(words[:_MOST_WORDS].decode("utf-8", "replace").split())
        raise GitError(arguments, process.returncode, said, git.folder)


def _limit(pid: int) -> None:
    # Linux alone has `prlimit`; elsewhere the walk's limits and the deadline are what holds.
    if hasattr(resource, "prlimit"):
        resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.prlimit(pid, resource.RLIMIT_CPU, (_SECONDS, _SECONDS))


def _sent(git: Git, pack: Path, end: int) -> set[str]:
    """Return the objects that a bundle brought: git adds the bases of a thin pack behind them."""
    with pack.with_suffix(".idx").open("rb") as index:
        process = git.stream("show-index", stdin=index)
        listed, _ = process.communicate()
    entries = (line.split() for line in listed.decode().splitlines())
    return {words[1] for words in entries if int(words[0]) < end}


def _hold_history(git: Git, tip: str, base: str, sent: set[str]) -> None:
    if tip not in sent or git.text("cat-file", "-t", tip) != "commit":
        raise BundleFault("history", "its ref leads to no commit that it brings")
    if history.parents_of(git, tip) != [base]:
        raise BundleFault("history", "it is not a single commit on the wave's commit")
    needed = history.objects_between(git, base, tip)
    if stray := sent - needed:
        raise BundleFault("stray objects", f"{len(stray):,} of its objects belong to no file of its commit")
    if missing := needed - sent:
        raise BundleFault("history", f"its commit needs {len(missing):,} objects that it does not bring")


def _hold_tree(git: Git, tip: str) -> None:
    """Hold a commit to trees as git itself writes them: it reads other modes and empty folders without a word."""
    try:
        # Not by `read-tree`: its index remembers the trees as they were.
        git.run("update-index", "-z", "--index-info", stdin=git.run("ls-tree", "-r", "-z", "--full-tree", tip))
        made = git.text("write-tree")
    except GitError as error:
        raise BundleFault("fsck", error.stderr[:_MOST_WORDS]) from error
    if made != history.tree_of(git, tip):
        raise BundleFault("fsck", "its trees are not as git writes them")


def _hold_entries(git: Git, tip: str, base: str) -> None:
    """Hold the paths and links of a commit to the rules for those of agents."""
    tracked = {file.path for file in files_at(git, base)}
    changed = [change for change in changes(git, base, tip, renames=False) if change.letter != "D"]
    for change in changed:
        if change.new_mode == SUBMODULE_MODE:
            raise BundleFault("links", f"{change.new_path} is a submodule, which nobody could fetch")
        try:
            # Without links: git holds no path through a link of the same commit.
            safe = safe_path(change.new_path, tracked, frozenset())
        except ValueError as error:
            raise BundleFault("paths", f"{change.new_path}: {error}") from error
        if safe != change.new_path:
            raise BundleFault("paths", f"{change.new_path}: it is no plain path")
        if change.new_mode == LINK_MODE:
            target = content_of(git, change.new_blob, most=LONGEST_PATH)
            if problem := link_problem(change.new_path, target):
                raise BundleFault("links", f"{change.new_path}: {problem}")
