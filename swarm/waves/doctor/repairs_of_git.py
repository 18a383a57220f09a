"""Worktrees, branches and records of git that belong to no agent, and their removal where nothing is lost."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from swarm.files import is_in_place
from swarm.git import refs, worktree_list, worktrees
from swarm.git.repository import Repository
from swarm.git.runner import Git, GitError
from swarm.git.worktree_list import Placement
from swarm.locks import is_held
from swarm.results.doctor import LeftAlone
from swarm.rules.ref_names import branches_of, head_ref, tree_branch
from swarm.store import agent_runs, waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.clean import remnants
from swarm.waves.clean.judgement import AT_RISK, Judged, judge
from swarm.waves.clean.remnants import Remnant
from swarm.waves.doctor.repairs_of_locks import locks_of_run
from swarm.waves.doctor.repairs_of_workspace import Step
from swarm.waves.trees import scratch_tree
from swarm.waves.trees.worktrees import worktree_lock_file
from swarm.workspace import SCRATCH, Workspace, name_before_removal, wave_of_tree


class Site(NamedTuple):
    """A run with its repository and its workspace, whose worktrees are checked."""

    store: Store
    workspace: Workspace
    run: Run
    repository: Repository

    @property
    def folder(self) -> Path:
        """The folder of the run's worktrees."""
        return self.workspace.trees_folder(self.run.id)


def strays(store: Store, workspace: Workspace, run: Run, repository: Repository) -> Iterator[Step | LeftAlone]:
    """Yield the worktrees, branches, records of git and locks of a run that belong to nobody; nothing is changed.

    Yields nothing while a process makes or removes worktrees: its half-made trees would look like strays.
    """
    if is_held(worktree_lock_file(repository)):
        return
    site = Site(store, workspace, run, repository)
    if is_in_place(site.folder, workspace.folder):
        yield from _trees(site)
    yield from _debris(repository, site.folder.resolve())
    yield from _branches(site)
    yield from _folderless(site)
    yield from locks_of_run(run, repository, site.folder)


def _judged(site: Site, name: str, branch: str | None) -> Judged | None:
    """Judge a stray as `clean` does, for a removal that takes at most `branch` with it."""
    # Read anew for each stray: an earlier step may have removed a ref that held the commits.
    here = remnants.ground(site.store.conn, site.repository, site.workspace, site.run)
    base = dict(waves.left_shared_trees(site.store.conn, site.run.id)).get(str(site.folder / name))
    own = branch if branch in here.tips else None
    return judge(here.keeping_all_but(own), Remnant(name, wave_of_tree(name), here.folder / name, own, base))


def _loses_nothing(judged: Judged | None) -> bool:
    return judged is None or judged.state != AT_RISK


def _trees(site: Site) -> Iterator[Step | LeftAlone]:
    known = waves.trees_in_use(site.store.conn, site.run.id)
    for place in sorted(site.folder.iterdir()):
        # A folder that `clean` has renamed is deleted by the next `clean`.
        is_being_removed = name_before_removal(place.name) is not None
        if str(place) in known or is_being_removed or scratch_tree.is_in_use(place):
            continue
        if place.is_symlink() or not place.is_dir():
            yield LeftAlone("worktrees", f"{place} is no folder that swarm made", "look into it, and remove it by hand")
        # A scratch tree in use was passed over above, so its process is dead.
        elif place.name.startswith(SCRATCH):
            what = f"remove the scratch tree {place}, whose process is dead"
            yield Step("scratch", what, partial(_remove_scratch, site.repository, place))
        elif _is_empty(site, place):
            what = f"remove the worktree {place}, which is as new and of no agent"
            yield Step("worktrees", what, partial(_remove_tree, site, place))
        else:
            what = f"{place} belongs to no agent, and work may be in it"
            yield LeftAlone("worktrees", what, f"`swarm clean {site.run.id}` tells what, and saves it")


def _remove_scratch(repository: Repository, place: Path) -> bool:
    # Checked again: the plan may be minutes old, and a process can take the same name.
    if scratch_tree.is_in_use(place) or place.is_symlink():
        return False
    with suppress(GitError):
        worktree_list.forget(repository.git, place)
    # Git may not know the tree, and then only the folder is left to remove.
    shutil.rmtree(place, ignore_errors=True)
    return not place.exists()


def _is_empty(site: Site, place: Path) -> bool:
    """Say whether a folder holds no file, or only files of a commit that another ref holds as well."""
    return not any(place.iterdir()) or _loses_nothing(_judged(site, place.name, _branch(site, place)))


def _branch(site: Site, place: Path) -> str:
    return tree_branch(site.run.hex, place.name)


def _remove_tree(site: Site, place: Path) -> bool:
    git = site.repository.git
    if str(place) in waves.trees_in_use(site.store.conn, site.run.id) or not _is_empty(site, place):
        return False
    judged = _judged(site, place.name, _branch(site, place))
    with suppress(GitError):
        worktree_list.forget(git, place)
    with suppress(OSError):
        # `rmdir` and not `rmtree`: a file that appeared since the check stays.
        place.rmdir()
    if place.exists():
        return False
    # An empty folder says nothing about the branch of its name: only a worktree of git's takes its branch along.
    if judged is not None and judged.head is not None and judged.tip is not None:
        refs.drop(git, head_ref(_branch(site, place)), judged.tip)
    return True


def _debris(repository: Repository, folder: Path) -> Iterator[Step]:
    """Yield the records of worktrees that a killed git was making or removing."""
    for admin in worktrees.debris(repository.common_dir, folder):
        what = f"remove {admin}, which a git that was killed left of a worktree"
        yield Step("worktrees", what, partial(_clear, repository, folder, admin))


def _clear(repository: Repository, folder: Path, admin: Path) -> bool:
    worktrees.clear_debris(repository.common_dir, folder)
    return not admin.exists()


def _branches(site: Site) -> Iterator[Step | LeftAlone]:
    """Yield the branches of agents that neither an agent nor a worktree has: their command died on the way."""
    git = site.repository.git
    known = agent_runs.branches_in_use(site.store.conn, site.run.id)
    held = {placed.branch for placed in worktree_list.placements(git)}
    for branch, commit in refs.branches_below(git, branches_of(site.run.hex)):
        name = branch.rpartition("/")[2]
        # A branch whose name is no tree of a wave was made by a person.
        if wave_of_tree(name) is None or branch in known or branch in held:
            continue
        if _is_held_elsewhere(git, commit, branch):
            what = f"remove the branch {branch}, which is of no agent and holds nothing"
            yield Step("worktrees", what, partial(_remove_branch, site, branch, commit))
        else:
            what = f"branch {branch} is of no agent, and has commits that are nowhere else"
            yield LeftAlone("worktrees", what, f"look into it: `git log {branch}`; `git branch -D {branch}` removes it")


def _is_held_elsewhere(git: Git, commit: str, branch: str) -> bool:
    """Say whether any ref but a branch, tags and the stash included, holds a commit."""
    return any(ref != head_ref(branch) for ref in refs.refs_holding(git, commit))


def _remove_branch(site: Site, branch: str, commit: str) -> bool:
    is_free = branch not in agent_runs.branches_in_use(site.store.conn, site.run.id)
    if not is_free or not _is_held_elsewhere(site.repository.git, commit, branch):
        return False
    refs.delete_branch(site.repository.git, branch, commit)
    return True


def _folderless(site: Site) -> Iterator[Step | LeftAlone]:
    """Yield git's records of worktrees whose folders were deleted."""
    flying = waves.in_flight(site.store.conn, site.run.id)
    real = site.folder.resolve()
    for placed in worktree_list.placements(site.repository.git):
        if placed.path.parent != real or placed.path.exists():
            continue
        # A wave in flight may be making the folder at this moment.
        if flying is not None and wave_of_tree(placed.path.name) == flying.number:
            continue
        if _can_be_forgotten(site, placed):
            what = f"let git forget the worktree {placed.path}, whose folder is gone"
            yield Step("worktrees", what, partial(_forget, site, placed))
        else:
            what = f"git knows the worktree {placed.path}, whose folder is gone, and work may hang on it"
            yield LeftAlone("worktrees", what, f"`swarm clean {site.run.id}` tells what, and saves it")


def _can_be_forgotten(site: Site, placed: Placement) -> bool:
    # Every branch stays, so the branch of the worktree holds its commits.
    return placed.head is not None and _loses_nothing(_judged(site, placed.path.name, None))


def _forget(site: Site, placed: Placement) -> bool:
    if placed.path.exists() or not _can_be_forgotten(site, placed):
        return False
    worktree_list.forget(site.repository.git, placed.path)
    return True
