"""Lock files that a killed git left behind, and their removal where the maker is known to be dead."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from swarm.git import worktree_list
from swarm.git.repository import Repository
from swarm.locks import holder_of, is_held
from swarm.results.doctor import LeftAlone
from swarm.rules.ref_names import TAGS, branches_of, head_ref, salvage_refs
from swarm.runtimes import processes
from swarm.store.runs import Run
from swarm.waves.doctor.repairs_of_workspace import Step
from swarm.waves.trees.worktrees import worktree_lock_file

_BY_HAND: Final = "if no git is at work there, remove it by hand"


def locks_of_all(repository: Repository) -> Iterator[LeftAlone]:
    """Yield the lock files that all runs of a repository share; they are reported and never removed."""
    if is_held(worktree_lock_file(repository)):
        return
    # These may belong to a git of the user, whose process nobody can name.
    for name in ("index.lock", "HEAD.lock", "packed-refs.lock", "config.lock"):
        if (repository.common_dir / name).exists():
            yield LeftAlone("locks", f"{repository.common_dir / name} keeps git from writing there", _BY_HAND)


def locks_of_run(run: Run, repository: Repository, folder: Path) -> Iterator[Step | LeftAlone]:
    """Yield git's lock files on the run's own refs and worktrees, which stay behind when git is killed.

    A lock is removed where its maker is known to be dead: a git of the command that held the lock of worktrees when the
    file was made.
    """
    for lock in sorted(_own_locks(run, repository, folder)):
        # Inode and time name this very file: the next git makes a new lock under the same name.
        made = _stamp(lock)
        if made is not None and _is_dead(repository, made, folder):
            what = f"remove {lock}, which a git of ours left behind when it was killed"
            yield Step("locks", what, partial(_remove_lock, repository, lock, made, folder))
        else:
            yield LeftAlone("locks", f"{lock} keeps git from writing there", _BY_HAND)


def _own_locks(run: Run, repository: Repository, folder: Path) -> Iterator[Path]:
    common = repository.common_dir
    yield from (common / head_ref(branches_of(run.hex))).rglob("*.lock")
    yield from (common / TAGS).glob(f"{run.save_point_tag}.lock")
    yield from (common / salvage_refs(run.id)).rglob("*.lock")
    for placed in worktree_list.placements(repository.git):
        if (
            placed.path.parent == folder.resolve()
            and (admin := worktree_list.admin_of(common, placed.path)) is not None
        ):
            yield from admin.glob("*.lock")


def _stamp(file: Path) -> tuple[int, int] | None:
    """Return the inode of a file and its time of writing in nanoseconds, `None` for a missing file."""
    try:
        found = file.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _is_dead(repository: Repository, made: tuple[int, int], folder: Path) -> bool:
    ours = worktree_lock_file(repository)
    signed, pid = _stamp(ours), holder_of(ours).partition(" ")[0]
    if signed is None or not pid.isdecimal() or is_held(ours) or processes.start_of(int(pid)) is not None:
        return False
    # Only a lock that is younger than the dead command's signature was made by a git of that command.
    return made[1] >= signed[1] and _no_git_works(repository, folder)


def _no_git_works(repository: Repository, folder: Path) -> bool:
    places = [repository.root, repository.common_dir, folder.resolve()]
    return processes.works_below("git", places) is False


def _remove_lock(repository: Repository, lock: Path, made: tuple[int, int], folder: Path) -> bool:
    # This call has signed the lock of worktrees, so its previous holder is unknown: compare the file itself.
    if _stamp(lock) != made or not _no_git_works(repository, folder):
        return False
    lock.unlink(missing_ok=True)
    return True
