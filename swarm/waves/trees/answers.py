"""Answers that agents write inside of their own worktrees, and the copies that are kept in the run's folder."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.documents import read_bounded
from swarm.files import is_in_place, write_whole
from swarm.store.agent_runs import AgentRun
from swarm.store.waves import Wave
from swarm.workspace import ANSWERS, answer_in, wave_folder_of, wave_of_tree

_IGNORES_ITSELF: Final = "*\n"
_IGNORE_FILE: Final = ".gitignore"


def answer_file(agent: AgentRun, wave: Wave) -> Path:
    """Return where an agent writes its answer: in its own tree, else where the answer is kept."""
    if agent.worktree_path is not None and agent.worktree_branch is not None:
        tree = Path(agent.worktree_path)
        provided = wave.sentinel.provided.get(tree.name)
        if provided is not None and provided.answers:
            return answer_in(tree)
    return Path(agent.output_path)


def written_answer(agent: AgentRun, wave: Wave) -> Path:
    """Return the file that an agent without an attempt has answered in; both places are open to people."""
    file = answer_file(agent, wave)
    return file if os.path.lexists(file) else Path(agent.output_path)


def make_ready(tree: Path) -> None:
    """Make the folder of the answer in a tree, where it is missing. Raises WorkspaceNotWritable.

    Something else in its place stays there: then the agent has no place to answer, and its tree shows why.
    """
    folder = tree / ANSWERS
    try:
        folder.mkdir(exist_ok=True)
        with suppress(FileExistsError), (folder / _IGNORE_FILE).open("x", encoding="utf-8") as file:
            file.write(_IGNORES_ITSELF)
    except OSError as error:
        if not os.path.lexists(folder):
            problem = f"{ANSWERS}: {error.strerror}"
            raise errors.WorkspaceNotWritable(path=str(tree), problem=problem) from error


def keep_answer(tree: Path, kept: Path) -> None:
    """Copy the answer in a tree to its place in the run's folder; collect names the fault of an unreadable answer."""
    answer = answer_in(tree)
    # An agent may have put a link in the place of the folder.
    if is_in_place(answer.parent, tree):
        with suppress(errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit):
            write_whole(kept, read_bounded(answer))


def keep_before_removal(tree: Path) -> None:
    """Keep the answer in a tree that is about to be removed, unless one is kept already."""
    name = tree.name.removeprefix(f"w{wave_of_tree(tree.name)}-")
    kept = wave_folder_of(tree) / name / "output.json"
    if not os.path.lexists(kept) and kept.parent.is_dir():
        keep_answer(tree, kept)
