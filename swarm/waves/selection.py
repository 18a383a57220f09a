"""Selection of the run, the wave and the repository that a command means."""

import re
import sqlite3
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.store import agent_runs, findings, runs, waves
from swarm.store.findings import Finding
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.workspace import Workspace

LATEST: Final = "latest"
_MOST_SHOWN: Final = 5
_LARGEST: Final = 2**63 - 1


def is_wave_number(word: str) -> bool:
    """Say whether a word is a whole number, which is never a run."""
    return re.fullmatch(r"[0-9]+", word, re.ASCII) is not None


def wave_number(word: str) -> int:
    """Return the number of a word, at most SQLite's largest: no wave has a larger number."""
    # Compared by length: a number of a million digits must not reach `int`.
    digits = word.lstrip("0") or "0"
    return int(digits) if len(digits) < len(str(_LARGEST)) else _LARGEST


def select_run(conn: sqlite3.Connection, named: str | None, folder: Path) -> Run:
    """Return the run that a word means: an id, a unique prefix of the id or of its hex, `latest`, or nothing.

    Nothing means the newest run of the repository around `folder`, else the newest. Raises RunNotFound and
    RunAmbiguous.
    """
    if named is None:
        run = runs.newest_around(conn, folder) or runs.newest(conn)
    elif named == LATEST:
        run = runs.newest(conn)
    else:
        run = runs.find(conn, named) or _by_prefix(conn, named)
    if run is None:
        raise errors.RunNotFound(run_id=named or LATEST)
    return run


def _by_prefix(conn: sqlite3.Connection, prefix: str) -> Run | None:
    # A number always means a wave, also where a run's hex begins with these digits.
    if not prefix or is_wave_number(prefix):
        return None
    found = runs.beginning_with(conn, prefix)
    if len(found) > 1:
        shown = ", ".join(run.id for run in found[:_MOST_SHOWN]) + (", …" if len(found) > _MOST_SHOWN else "")
        raise errors.RunAmbiguous(received=prefix, count=len(found), matches=shown)
    return found[0] if found else None


def split_run_and_wave(words: tuple[str, ...]) -> tuple[str | None, int | None]:
    """Read `[RUN] [WAVE]`: a whole number is the wave, and anything else the run."""
    run = next((word for word in words if not is_wave_number(word)), None)
    wave = next((wave_number(word) for word in words if is_wave_number(word)), None)
    return run, wave


def select_wave(conn: sqlite3.Connection, run: Run, number: int | None) -> Wave:
    """Return a run's wave of this number, or its newest wave. Raises WaveNotFound."""
    wave = waves.newest(conn, run.id) if number is None else waves.numbered(conn, run.id, number)
    if wave is None:
        raise errors.WaveNotFound(run_id=run.id, number=number)
    return wave


def located(run: Run, repo_path: Path | None, folder: Path) -> Run:
    """Return a run with the `local_path` of its repository on this machine.

    `--repo-path`, else the stored path, else the checkout around `folder` if it holds the run's commit. Another
    repository at the stored path does not count. Raises RepoNotFound.
    """
    from swarm.git.repository import holds_commit, repository_at

    # The stored path is trusted only while its repository still holds the run's commit.
    if repo_path is None and Path(run.local_path).is_dir() and not _is_another(Path(run.local_path), run):
        return run
    try:
        repository = repository_at(repo_path or folder)
        if holds_commit(repository.git, run.commit_sha):
            return run._replace(local_path=str(repository.root))
    except (errors.RepoNotFound, errors.RepoNotGit, errors.RepoUnborn) as error:
        raise errors.RepoNotFound(path=str(repo_path or run.local_path)) from error
    raise errors.RepoNotFound(path=str(repo_path or run.local_path))


def _is_another(root: Path, run: Run) -> bool:
    """Say whether a folder's repository is not the run's: its history is whole, and lacks the run's commit."""
    from swarm.git.repository import holds_commit, is_whole
    from swarm.git.runner import Git

    git = Git(root)
    # A shallow clone may lack the commit and still be the run's repository.
    return not holds_commit(git, run.commit_sha) and is_whole(git)


def hold_to_place(conn: sqlite3.Connection, workspace: Workspace, run: Run) -> None:
    """Raise WorkspaceMoved where a run's folder was moved: prompts and worktrees hold absolute paths.

    A command that went on would write at the old place.
    """
    wave = waves.newest(conn, run.id)
    agents = agent_runs.current(conn, wave.id) if wave is not None else []
    now = workspace.run_folder(run.id)
    was = next((folder for agent in agents for folder in Path(agent.prompt_path).parents if folder.name == run.id), now)
    if was.exists() or not now.exists():
        return
    old, new = was, now
    # The common end is cut off: the message names the folder that was moved, not a file deep inside.
    while old.name == new.name and old.name:
        old, new = old.parent, new.parent
    raise errors.WorkspaceMoved(path=str(was), now=str(now), old=str(old), new=str(new), run_id=run.id)


def finding_named(conn: sqlite3.Connection, run: Run, named: str) -> Finding:
    """Return the finding of this id or unique prefix. Raises FindingNotFound."""
    found = findings.with_id(conn, run.id, named) if named else []
    if len(found) != 1:
        raise errors.FindingNotFound(run_id=run.id, finding_id=named)
    return found[0]
