"""Files that a new worktree of an agent gets beside those of the commit.

None of it is the agent's work, and what the agent changes in a copy stays in its tree.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.config import Config
from swarm.documents import read_bounded
from swarm.files import is_in_place
from swarm.git.path_text import path_bytes
from swarm.git.repository import Repository
from swarm.git.untracked import untracked_matching
from swarm.git.worktrees import Tree
from swarm.runtimes.redaction import secret_values
from swarm.store.wave_documents import Provided
from swarm.waves.trees.answers import make_ready
from swarm.workspace import ANSWERS, Workspace, live_state

PATTERNS: Final = ".worktreeinclude"
MOST_FILES: Final = 1000
MOST_BYTES: Final = 64 * 1024 * 1024
_LONGEST: Final = 64 * 1024
_OF_VARIABLES: Final = re.compile(r"\.env(?:rc|\..+)?|.+\.env")
_PAIR: Final = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*[=:][ \t]*["']?(.*?)["']?[ \t]*\r?$""", re.MULTILINE
)


def files_to_include(repository: Repository, workspace: Workspace, config: Config) -> tuple[str, ...]:
    """Return the untracked files of a checkout that each agent's tree gets a copy of.

    Links out of the checkout are left out, and so is the workspace. Raises ConfigInvalid where there are too many.
    """
    patterns = [*_lines_of(repository.root / PATTERNS), *config.worktrees.include]
    if not patterns:
        return ()
    found = untracked_matching(repository, "\n".join(patterns))
    files = [path for path in found if _may_be_copied(repository.root, workspace, path)]
    size = sum(_size(repository.root, path) for path in files)
    if len(files) > MOST_FILES or size > MOST_BYTES:
        problem = f"the files to include are {len(files):,} with {size >> 20:,} MiB; at most {MOST_FILES:,} files"
        problem = f"{problem} with {MOST_BYTES >> 20} MiB are copied into a worktree"
        source = config.source if config.worktrees.include and config.source else repository.root / PATTERNS
        raise errors.ConfigInvalid(path=str(source), problem=problem)
    return tuple(files)


def provide(
    repository: Repository, trees: Sequence[Tree], included: Sequence[str], *, answers: bool
) -> dict[str, Provided]:
    """Give new trees copies of files of the checkout, and with `answers` a folder to answer in.

    Returns what each tree got, by its name. Raises WorkspaceNotWritable.
    """
    found = {}
    for tree in trees:
        # Without a branch it is a tree that several agents share.
        if tree.branch is not None:
            found[tree.path.name] = Provided(_copied(repository.root, tree.path, included), answers=answers)
            if answers:
                make_ready(tree.path)
    return found


def tracks_answers(paths: Iterable[str]) -> bool:
    """Say whether a commit has files in the place of the folder that agents answer in, in any case of letters."""
    return any(path.partition("/")[0].casefold() == ANSWERS for path in paths)


def secrets_in(root: Path, tree: Path, provided: Provided) -> set[str]:
    """Return the values in copied `.env` files whose names say that they are secret, in the checkout and in a tree."""
    named = [path for path in provided.included if _OF_VARIABLES.fullmatch(path.rpartition("/")[2])]
    texts = [_beginning(folder / path) for path in named for folder in (root, tree)]
    return secret_values((found[1], found[2]) for text in texts for found in _PAIR.finditer(text))


def _beginning(file: Path) -> str:
    """Return the text of a file up to a bound, `""` for anything but a regular file."""
    try:
        with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123
            return stream.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _lines_of(file: Path) -> list[str]:
    if not file.is_file() or file.is_symlink():
        return []
    return read_bounded(file, _LONGEST).decode("utf-8", "surrogateescape").splitlines()


def _may_be_copied(root: Path, workspace: Workspace, path: str) -> bool:
    first = path.partition("/")[0]
    folder = workspace.folder.resolve()
    if folder == root:
        is_ours = any(fnmatchcase(first, pattern.rstrip("/")) for pattern in live_state(workspace))
    else:
        is_ours = (root / path).is_relative_to(folder)
    return not is_ours and first not in {".git", ANSWERS} and (not _is_link(root, path) or _stays_inside(root, path))


def _is_link(root: Path, path: str) -> bool:
    return os.path.islink(_place(root, path))  # noqa: PTH114


def _stays_inside(root: Path, path: str) -> bool:
    """Say whether a link leads to a place in the checkout by a relative path, which leads to the tree's own copy."""
    target = os.readlink(_place(root, path))  # noqa: PTH115
    real = os.path.realpath(_place(root, path))
    return not os.path.isabs(target) and real.startswith(os.fsencode(root) + b"/")  # noqa: PTH117


def _place(root: Path, path: str) -> bytes:
    return os.path.join(os.fsencode(root), path_bytes(path))  # noqa: PTH118


def _size(root: Path, path: str) -> int:
    try:
        return os.lstat(_place(root, path)).st_size
    except OSError:
        return 0


def _copied(root: Path, tree: Path, included: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(path for path in included if _copy(root, tree, path))
    except OSError as error:
        problem = f"a copy of {error.filename!r} could not be made: {error.strerror}"
        raise errors.WorkspaceNotWritable(path=str(tree), problem=problem) from error


def _copy(root: Path, tree: Path, path: str) -> bool:
    """Copy a file with its mode; say whether it was copied: never over a file of the commit or through a link."""
    source, target = _place(root, path), _place(tree, path)
    if os.path.lexists(target):
        return False
    folder = Path(os.fsdecode(os.path.dirname(target)))  # noqa: PTH120
    folder.mkdir(parents=True, exist_ok=True)
    if not is_in_place(folder, tree):
        return False
    try:
        mode = os.lstat(source).st_mode
        shutil.copyfile(source, target, follow_symlinks=False)
    except FileNotFoundError:
        # Removed since it was listed.
        return False
    if stat.S_ISREG(mode):
        os.chmod(target, stat.S_IMODE(mode) & 0o777)  # noqa: PTH101
    return True
