"""The files of the user's checkout as they are, as a commit on top of HEAD; checkout, index and branch stay untouched.

Filters, hooks and drivers are not run. The same files on the same HEAD make the same commit.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from swarm import clock, errors
from swarm.git import history, merging
from swarm.git.agent_record import filtered_paths
from swarm.git.agent_work import changed_files, own_index, swollen, take_files
from swarm.git.blocking_files import blocking_files, largest_file, too_large
from swarm.git.diff import changes
from swarm.git.merging import Identity
from swarm.git.path_text import path_text
from swarm.git.repository import SUBMODULE_MODE, Repository
from swarm.git.runner import Git
from swarm.git.salvage import can_be_read, checkout_of

_MESSAGE: Final = "Files of a checkout as they were, for swarm audit --worktree\n"
_MOST_NAMED: Final = 5
# The first second of 2099: git reads no date after that year, though a commit can have any.
_LAST_MOMENT: Final = 4_070_908_800


class WorkingFiles(NamedTuple):
    """The files of a checkout as a commit: HEAD itself where nothing is edited.

    `edited` are the paths in which the commit differs from `head`. `left_out` are edited and not in the commit:
    submodules, files above the limit, files that cannot be read, and new files that a filter would have to change.
    """

    commit: str
    head: str
    edited: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def snapshot(self) -> str | None:
        """The commit, where it is not HEAD."""
        return self.commit if self.edited else None


def working_files(repository: Repository, ignored: Sequence[str] = ()) -> WorkingFiles:
    """Make the commit of a checkout's files: tracked ones, and new ones that neither git nor `ignored` patterns ignore.

    A file with a conflict is taken with its markers. No ref keeps the commit yet. Raises GitBlocked, GitError.
    """
    head, git = repository.head, repository.git
    _refuse_waiting(repository)
    with (
        checkout_of(repository) as here,
        own_index(here.common_dir, here.tree, head, here.kept_index, view=repository.view) as index,
    ):
        tree, left_out = _taken(index, repository, ignored)
    edited = sorted({change.new_path for change in changes(git, head, tree, renames=False)})
    if not edited:
        return WorkingFiles(head, head, (), left_out)
    commit = merging.commit_tree(git, tree, [head], _MESSAGE, Identity(_moment_of(git, head)))
    return WorkingFiles(commit, head, tuple(edited), left_out)


def _refuse_waiting(repository: Repository) -> None:
    """Refuse a checkout in which git would wait for a pipe, or read a huge file. Raises GitBlocked."""
    root = repository.root
    endless, large = blocking_files(root, repository.common_dir, largest_file())
    if endless:
        problem, remedy = f"git would wait for {_named(endless)}, which is no file", "remove it"
    elif grown := swollen(repository.git, repository.head, large):
        problem = f"{_named(grown)} is edited and holds more than {largest_file() >> 20} MiB"
        remedy = "commit it, or set SWARM_LARGEST_FILE to a larger number of MiB"
    else:
        return
    raise errors.GitBlocked(verb="update-index", problem=problem, path=str(root), remedy=remedy)


def _taken(git: Git, repository: Repository, ignored: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the tree of an index of HEAD with all edits, and the edited paths that are not in it."""
    root = repository.root
    changed, new = changed_files(git), _new_files(git, ignored)
    moved = {change.new_path for change in changed if change.new_mode == SUBMODULE_MODE}
    gone = [change.old_path for change in changed if change.letter == "D"]
    edited = [change.new_path for change in changed if change.letter != "D" and change.new_path not in moved]
    through = filtered_paths(git, [*edited, *new])
    wanted = [path for path in (*edited, *new) if path not in through and can_be_read(root, path)]
    large = too_large(root, wanted, largest_file())
    take_files(git, gone, [path for path in wanted if path not in large])
    tree = git.run("write-tree", filters=True).decode().strip()
    written = {change.new_path for change in changes(git, repository.head, tree, renames=False)}
    # A tracked file with a filter differs from its blob whether it is edited or not: the dispatch names those.
    missed = {*edited, *new, *moved} - written - through.intersection(edited)
    return tree, tuple(sorted(missed))


def _new_files(git: Git, ignored: Sequence[str]) -> list[str]:
    """Return the files that git does not track or ignore; a repository inside of the checkout is none of its files."""
    patterns = (f"--exclude={pattern}" for pattern in ignored)
    listed = git.run("ls-files", "--others", "--exclude-standard", *patterns, "-z", filters=True)
    return [path_text(path) for path in listed.split(b"\0") if path and not path.endswith(b"/")]


def _moment_of(git: Git, commit: str) -> str:
    """Return the time of a commit, which a commit on top of it takes over, so that it is the same commit again."""
    return clock.iso(min(max(history.moment_of(git, commit), 0), _LAST_MOMENT))


def _named(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_MOST_NAMED]) + (", …" if len(paths) > _MOST_NAMED else "")
