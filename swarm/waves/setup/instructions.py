"""`init --agents`: instructions for coding agents that coordinate, in files of the repository that its user commits."""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm import documents, errors
from swarm.files import write_stream
from swarm.git.edits import ignored
from swarm.git.repository import Repository
from swarm.interruption import postponed
from swarm.results.init import InstructionFile
from swarm.rules.sealed_text import NotPlaced, Placed, sealed_whole, with_block

# Claude Code reads the first folder alone; Codex and Gemini CLI the second alone; OpenCode both, and shows one skill.
_SKILLS: Final = (".claude/skills/swarm/SKILL.md", ".agents/skills/swarm/SKILL.md")
_AGENTS: Final = "AGENTS.md"
FILES: Final = (*_SKILLS, _AGENTS)
_MOST_BYTES: Final = 1024 * 1024
_ANY_WRITE: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class _Found(NamedTuple):
    """The text of a file and its rights, both `None` where there is no file."""

    text: str | None
    mode: int | None


class _Planned(NamedTuple):
    file: Path
    found: _Found
    placed: Placed


def plan_instructions(repository: Repository, skill: str, agents: str) -> Sequence[_Planned]:
    """Return what is to be written into which file; a pure read.

    Raises InstructionsUnwritable, InstructionsEdited and InstructionsBroken.
    """
    return [_planned(repository.root, name, skill if name in _SKILLS else agents) for name in FILES]


def write_instructions(repository: Repository, skill: str, agents: str) -> tuple[InstructionFile, ...]:
    """Write all files, or none. Raises the errors of `plan_instructions`."""
    # Planned anew: the user may have saved a file since the first plan, which only refused early.
    plans = plan_instructions(repository, skill, agents)
    with postponed(), contextlib.ExitStack() as undo:
        for plan in plans:
            if plan.placed.change != "unchanged":
                undo.enter_context(_taken_back_on_error(plan))
                _write(plan.file, plan.placed.text, plan.found.mode)
    unseen = ignored(repository.git, FILES)
    return tuple(
        InstructionFile(name, plan.placed.change, plan.placed.part, name in unseen)
        for name, plan in zip(FILES, plans, strict=True)
    )


def _planned(root: Path, name: str, made: str) -> _Planned:
    file = root / name
    _hold_to_folders(root, file)
    found = _found(file)
    is_whole = name in _SKILLS
    part = f"the file {name}" if is_whole else f"swarm's block of {name}"
    placed = sealed_whole(found.text, made) if is_whole else with_block(found.text, made)
    match placed:
        case NotPlaced("edited"):
            raise errors.InstructionsEdited(path=str(file), part=part)
        case NotPlaced():
            raise errors.InstructionsBroken(path=str(file), begins=placed.begins, ends=placed.ends)
        case Placed():
            return _Planned(file, found, placed)


def _hold_to_folders(root: Path, file: Path) -> None:
    """Refuse a file whose folders are links or no folders, or where the last one that exists cannot be written."""
    last = place = root
    for name in file.parent.relative_to(root).parts:
        place /= name
        if place.is_symlink() or (os.path.lexists(place) and not place.is_dir()):
            raise errors.InstructionsUnwritable(path=str(file), problem=f"{place} is no folder of the repository")
        if place.is_dir() and not os.access(place, os.X_OK):
            raise errors.InstructionsUnwritable(path=str(file), problem=f"{place} cannot be entered")
        last = place if place.is_dir() else last
    _hold_to_write(file, last)


def _hold_to_write(file: Path, place: Path) -> int:
    """Return the rights of a place. For root every place is writable, so the rights that a user took away count too."""
    mode = place.stat().st_mode
    if not mode & _ANY_WRITE or not os.access(place, os.W_OK):
        raise errors.InstructionsUnwritable(path=str(file), problem=f"{place} is read-only")
    return stat.S_IMODE(mode)


def _found(file: Path) -> _Found:
    if not os.path.lexists(file):
        return _Found(None, None)
    text, problem = _text_of(file)
    if problem:
        raise errors.InstructionsUnwritable(path=str(file), problem=problem)
    return _Found(text, _hold_to_write(file, file))


def _text_of(file: Path) -> tuple[str, str]:
    """Return the text of a file, and the reason for which the file has none that could be kept."""
    try:
        text = documents.read_bounded(file, _MOST_BYTES).decode()
    except errors.BoundedJsonSizeLimit:
        return "", f"it is larger than {_MOST_BYTES:,} bytes"
    except errors.BoundedJsonReadFailed as error:
        return "", error.problem
    except UnicodeDecodeError:
        return "", "it is no UTF-8 text"
    return text, "it is no text" if "\0" in text else ""


def _write(file: Path, text: str, mode: int | None) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_stream(file, [text], mode=mode)
    except (OSError, errors.WorkspaceNotWritable) as error:
        raise errors.InstructionsUnwritable(path=str(file), problem=_reason(error)) from error


def _reason(error: OSError | errors.WorkspaceNotWritable) -> str:
    return error.problem if isinstance(error, errors.WorkspaceNotWritable) else error.strerror or str(error)


@contextlib.contextmanager
def _taken_back_on_error(plan: _Planned) -> Iterator[None]:
    missing = [folder for folder in plan.file.parents if not folder.exists()]
    try:
        yield
    except errors.SwarmError:
        with contextlib.suppress(OSError, errors.WorkspaceNotWritable):
            if plan.found.text is None:
                plan.file.unlink(missing_ok=True)
            else:
                write_stream(plan.file, [plan.found.text], mode=plan.found.mode)
            for folder in missing:
                folder.rmdir()
        raise
