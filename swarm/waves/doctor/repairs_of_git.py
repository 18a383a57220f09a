"""What dispatches and git processes that died have left of worktrees and locks, and what takes it away."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from swarm.files import is_in_place
from swarm.git import refs, worktree_list, worktrees
from swarm.git.repository import Repository
from swarm.git.runner import Git, GitError
from swarm.git.worktree_list import Placement
from swarm.git.worktrees import Tree
from swarm.locks import holder_of, is_held
from swarm.results.doctor import LeftAlone
from swarm.rules.ref_names import TAGS, branches_of, head_ref, salvage_refs, tree_branch
from swarm.runtimes import processes
from swarm.store import waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.doctor.repairs_of_workspace import Step
from swarm.waves.trees import scratch_tree
from swarm.waves.trees.worktrees import worktree_lock_file
from swarm.workspace import SCRATCH, Workspace, name_before_removal, wave_of_tree

_BY_HAND: Final = "if no git is at work there, remove it by hand"


def strays(store: Store, workspace: Workspace, run: Run, repository: Repository) -> Iterator[Step | LeftAlone]:
    """Yield the worktrees, git's notes of worktrees, and locks of a run that nobody has any more; nothing is changed.

    While somebody makes or removes worktrees, nothing can be said of them, and nothing is.
    """
    if is_held(worktree_lock_file(repository)):
        return
    folder = workspace.trees_folder(run.id)
    if is_in_place(folder, workspace.folder):
        yield from _trees(store, run, repository, folder)
    yield from _debris(repository, folder.resolve())
    yield from _branches(store, run, repository)
    yield from _forgotten(store, run, repository, folder)
    yield from _locks(run, repository, folder)


def locks_of_all(repository: Repository) -> Iterator[LeftAlone]:
    """Yield the lock files of the whole repository, whose runs share them: they are told, and never touched."""
    if is_held(worktree_lock_file(repository)):
        return
    for name in ("index.lock", "HEAD.lock", "packed-refs.lock", "config.lock"):
        if (repository.common_dir / name).exists():
            yield LeftAlone("locks", f"{repository.common_dir / name} keeps git from writing there", _BY_HAND)


def _trees(store: Store, run: Run, repository: Repository, folder: Path) -> Iterator[Step | LeftAlone]:
    known = waves.trees_in_use(store.conn, run.id)
    shared = dict(waves.left_shared_trees(store.conn, run.id))
    for place in sorted(folder.iterdir()):
        # `clean` goes on by itself with what it renamed.
        is_being_removed = name_before_removal(place.name) is not None
        if str(place) in known or is_being_removed or scratch_tree.is_in_use(place):
            continue
        if place.is_symlink() or not place.is_dir():
            yield LeftAlone("worktrees", f"{place} is no folder that swarm made", "look into it, and remove it by hand")
        elif place.name.startswith(SCRATCH):
            told = f"remove the scratch tree {place}, whose process is dead"
            yield Step("scratch", told, partial(_remove_scratch, repository, place))
        elif _is_empty(run, repository.git, place, shared.get(str(place))):
            told = f"remove the worktree {place}, which is as new and of no agent"
            yield Step("worktrees", told, partial(_remove_tree, store, run, repository, place))
        else:
            told = f"{place} belongs to no agent, and work may be in it"
            yield LeftAlone("worktrees", told, f"`swarm clean {run.id}` tells what, and saves it")


def _remove_scratch(repository: Repository, place: Path) -> bool:
    if scratch_tree.is_in_use(place) or place.is_symlink():
        return False
    with suppress(GitError):
        worktree_list.forget(repository.git, place)
    shutil.rmtree(place, ignore_errors=True)
    return not place.exists()


def _is_empty(run: Run, git: Git, place: Path, commit: str | None) -> bool:
    """Say whether a folder holds nothing: no file, or those of a commit that something else holds too."""
    if not any(place.iterdir()):
        return True
    found = _made_as(run, git, place)
    if found is None or (commit is not None and found[1] != commit):
        return False
    tree, head = found
    return _is_held_elsewhere(git, head, tree.branch) and worktrees.holds_nothing(git, tree, head)


def _made_as(run: Run, git: Git, place: Path) -> tuple[Tree, str] | None:
    """Return a tree with the branch that dispatch gives it, and the commit that it is at, as git has it written."""
    noted = next((one for one in worktree_list.placements(git) if one.path == place.resolve()), None)
    if noted is None or noted.head is None or noted.locked is not None:
        return None
    branch = tree_branch(run.hex, place.name)
    if noted.branch not in {None, branch}:
        return None
    return Tree(place, noted.branch), noted.head


def _is_held_elsewhere(git: Git, commit: str, branch: str | None) -> bool:
    """Say whether a ref other than the tree's own branch holds a commit."""
    own = None if branch is None else head_ref(branch)
    return any(ref != own for ref in refs.refs_holding(git, commit))


def _remove_tree(store: Store, run: Run, repository: Repository, place: Path) -> bool:
    git = repository.git
    commit = dict(waves.left_shared_trees(store.conn, run.id)).get(str(place))
    if str(place) in waves.trees_in_use(store.conn, run.id) or not _is_empty(run, git, place, commit):
        return False
    found = _made_as(run, git, place)
    with suppress(GitError):
        worktree_list.forget(git, place)
    with suppress(OSError):
        place.rmdir()
    if place.exists():
        return False
    if found is not None and found[0].branch is not None and refs.tip_of(git, found[0].branch) == found[1]:
        refs.delete_branch(git, found[0].branch, found[1])
    return True


def _debris(repository: Repository, folder: Path) -> Iterator[Step]:
    """Yield what a git that was killed has left of worktrees which it was making, or removing."""
    for admin in worktrees.debris(repository.common_dir, folder):
        told = f"remove {admin}, which a git that was killed left of a worktree"
        yield Step("worktrees", told, partial(_clear, repository, folder, admin))


def _clear(repository: Repository, folder: Path, admin: Path) -> bool:
    worktrees.clear_debris(repository.common_dir, folder)
    return not admin.exists()


def _branches(store: Store, run: Run, repository: Repository) -> Iterator[Step | LeftAlone]:
    """Yield the branches of agents that no agent has, nor a worktree: who made or removed them died on the way."""
    known = waves.branches_in_use(store.conn, run.id)
    held = {one.branch for one in worktree_list.placements(repository.git)}
    for branch, commit in refs.branches_below(repository.git, branches_of(run.hex)):
        if wave_of_tree(branch.rpartition("/")[2]) is None or branch in known or branch in held:
            continue
        if _is_held_elsewhere(repository.git, commit, branch):
            told = f"remove the branch {branch}, which is of no agent and holds nothing"
            yield Step("worktrees", told, partial(_remove_branch, store, run, repository, branch, commit))
        else:
            told = f"branch {branch} is of no agent, and has commits that are nowhere else"
            yield LeftAlone("worktrees", told, f"look into it: `git log {branch}`; `git branch -D {branch}` removes it")


def _remove_branch(store: Store, run: Run, repository: Repository, branch: str, commit: str) -> bool:
    is_free = branch not in waves.branches_in_use(store.conn, run.id)
    if not is_free or not _is_held_elsewhere(repository.git, commit, branch):
        return False
    refs.delete_branch(repository.git, branch, commit)
    return True


def _forgotten(store: Store, run: Run, repository: Repository, folder: Path) -> Iterator[Step | LeftAlone]:
    """Yield what git has written down of worktrees whose folders are gone."""
    flying = waves.in_flight(store.conn, run.id)
    begin = f"w{flying.number}" if flying else None
    real = folder.resolve()
    for one in worktree_list.placements(repository.git):
        if one.path.parent != real or one.path.exists():
            continue
        if begin is not None and one.path.name.startswith((f"{begin}-", f"{begin}.")):
            continue
        if _holds_nothing_more(repository, one):
            told = f"let git forget the worktree {one.path}, whose folder is gone"
            yield Step("worktrees", told, partial(_forget, repository, one))
        else:
            told = f"git knows the worktree {one.path}, whose folder is gone, and work may hang on it"
            yield LeftAlone("worktrees", told, f"`swarm clean {run.id}` tells what, and saves it")


def _holds_nothing_more(repository: Repository, one: Placement) -> bool:
    """Say whether nothing is lost with git's note of a tree: its HEAD is held by a ref, and its index adds nothing."""
    git = repository.git
    admin = worktree_list.admin_of(repository.common_dir, one.path)
    if admin is None or one.head is None or one.locked is not None or not _is_held_elsewhere(git, one.head, None):
        return False
    return worktree_list.stages_nothing(git, admin, one.head)


def _forget(repository: Repository, one: Placement) -> bool:
    if one.path.exists() or not _holds_nothing_more(repository, one):
        return False
    worktree_list.forget(repository.git, one.path)
    return True


def _locks(run: Run, repository: Repository, folder: Path) -> Iterator[Step | LeftAlone]:
    """Yield the lock files of git, in what is swarm's own, that stay behind when their process is killed.

    They are removed where the process that made them is known to be dead: a git of the command that held our lock when
    they were made.
    """
    for lock in sorted(_own_locks(run, repository, folder)):
        made = _stamp(lock)
        if made is not None and _is_dead(repository, made, folder):
            told = f"remove {lock}, which a git of ours left behind when it was killed"
            yield Step("locks", told, partial(_remove_lock, repository, lock, made, folder))
        else:
            yield LeftAlone("locks", f"{lock} keeps git from writing there", _BY_HAND)


def _own_locks(run: Run, repository: Repository, folder: Path) -> Iterator[Path]:
    common = repository.common_dir
    yield from (common / head_ref(branches_of(run.hex))).rglob("*.lock")
    yield from (common / TAGS).glob(f"{run.save_point_tag}.lock")
    yield from (common / salvage_refs(run.id)).rglob("*.lock")
    for one in worktree_list.placements(repository.git):
        if one.path.parent == folder.resolve() and (admin := worktree_list.admin_of(common, one.path)) is not None:
            yield from admin.glob("*.lock")


def _stamp(file: Path) -> tuple[int, int] | None:
    """Return which file this is and when it was written, in nanoseconds; `None` where there is none."""
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
    return made[1] >= signed[1] and _no_git_works(repository, folder)


def _no_git_works(repository: Repository, folder: Path) -> bool:
    places = [repository.root, repository.common_dir, folder.resolve()]
    return processes.works_below("git", places) is False


def _remove_lock(repository: Repository, lock: Path, made: tuple[int, int], folder: Path) -> bool:
    # By now our own lock is ours, and no longer tells who held it; the file must be the one that was looked at.
    if _stamp(lock) != made or not _no_git_works(repository, folder):
        return False
    lock.unlink(missing_ok=True)
    return True
