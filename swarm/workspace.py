"""Folder of the control plane, and the places and names of everything in it."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.owners import other_owner

FILE_NAME: Final = "control-plane.db"
FOLDER_NAME: Final = "swarms"
# Begins the name of a tree in which a commit is built, and in which no agent works.
SCRATCH: Final = "proof-"
# Folder in an agent's tree that the agent answers in; it ignores itself, so that `git add -A` leaves it out.
ANSWERS: Final = ".swarm"
# Set by `launch` for every process of an attempt.
AGENT_VARIABLE: Final = "SWARM_ATTEMPT"
_BEING_REMOVED: Final = ".gone-"
_NUMBERED: Final = re.compile(r"w([0-9]+)[-.].+", re.ASCII | re.DOTALL)
_OUTPUT: Final = b"SWARM_OUTPUT_FILE="
_MOST_ANCESTORS: Final = 128
_LONGEST_LINE: Final = 8192
_AGENT_TREE: Final = re.compile(r"/swarm-\d+-[0-9a-f]+/worktrees/[^/]+(?:/|$)")


class Workspace(NamedTuple):
    """The folder of a control plane."""

    database: Path

    @property
    def folder(self) -> Path:
        """The folder that holds the database and the folders of runs."""
        return self.database.parent

    def run_folder(self, run_id: str) -> Path:
        """Return the folder of everything else that a run writes."""
        return self.folder / run_id

    def wave_folder(self, run_id: str, number: int) -> Path:
        """Return the folder of a wave's prompts and outputs."""
        return self.run_folder(run_id) / f"wave-{number}"

    def launch_lock(self, run_id: str, number: int) -> Path:
        """Return the lock file of who works on a wave's agents."""
        return self.wave_folder(run_id, number) / "launch.lock"

    def merge_lock(self, run_id: str) -> Path:
        """Return the lock file of a run's merges."""
        return self.run_folder(run_id) / "merge.lock"

    def proofs_folder(self, run_id: str) -> Path:
        """Return the folder of a run's build logs and receipts."""
        return self.run_folder(run_id) / "proofs"

    def receipt_file(self, run_id: str, verification: int) -> Path:
        """Return the file of a verification's receipt."""
        return self.proofs_folder(run_id) / f"verification-{verification}.json"

    def attestation_folder(self, run_id: str, number: int, receipt_sha256: str) -> Path:
        """Return the folder of the signed receipt of a wave; a later receipt of the wave gets another."""
        return self.proofs_folder(run_id) / f"signed-{number}-{receipt_sha256[:12]}"

    def trees_folder(self, run_id: str) -> Path:
        """Return the folder of a run's worktrees."""
        return self.run_folder(run_id) / "worktrees"

    def tree(self, run_id: str, number: int, domain: str | None) -> Path:
        """Return the place of a domain's worktree, or of the tree that a wave's analyzers share."""
        return self.trees_folder(run_id) / tree_name(number, domain)


def answer_in(tree: Path) -> Path:
    """Return the place of an agent's answer inside of its tree."""
    return tree / ANSWERS / "output.json"


def has_answer(output_path: str, worktree: str | None) -> bool:
    """Say whether an agent has answered, in its tree or where answers are kept; links count."""
    return os.path.lexists(output_path) or (worktree is not None and os.path.lexists(answer_in(Path(worktree))))


def tree_name(number: int, domain: str | None) -> str:
    """Return the name of a domain's worktree, or of the tree that a wave's analyzers share."""
    return f"w{number}-{domain}" if domain else f"w{number}.shared"


def wave_of_tree(name: str) -> int | None:
    """Return the number of the wave whose worktree or branch has a name, `None` for other names."""
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) if found else None


def run_of_tree(tree: Path) -> str:
    """Return the id of the run that a worktree lies in."""
    return tree.parent.parent.name


def wave_folder_of(tree: Path) -> Path:
    """Return the folder of the wave that made a recorded worktree."""
    return tree.parent.parent / f"wave-{wave_of_tree(tree.name)}"


def removal_place(tree: Path) -> Path:
    """Return the place to which `clean` renames a worktree before deleting its files."""
    return tree.with_name(_BEING_REMOVED + tree.name)


def name_before_removal(name: str) -> str | None:
    """Return the name that a worktree had before `clean` renamed it, `None` for one that was not renamed."""
    return name.removeprefix(_BEING_REMOVED) if name.startswith(_BEING_REMOVED) else None


def workspace_above(agent_folder: Path) -> Path:
    """Return the workspace's folder as the recorded folder of an agent names it: workspace, run, wave, domain.

    Not the folder of the workspace at hand: a recorded path may name the same place by another link.
    """
    return agent_folder.parents[2]


def find_workspace(database: str | None, environment: Mapping[str, str], folder: Path) -> Workspace:
    """Return the workspace: `--db`, else `SWARM_DB`, else the nearest one upward, else `./swarms`.

    In a linked worktree of git without a workspace of its own, that of the main checkout. Raises LedOutside.
    """
    named = database or environment.get("SWARM_DB")
    if named:
        return Workspace(Path(os.path.abspath(folder / Path(named).expanduser())))  # noqa: PTH100
    for parent in _searched(folder):
        candidate = parent / FOLDER_NAME / FILE_NAME
        if candidate.exists():
            return _held_inside(Workspace(candidate))
    root = checkout_around(folder)
    main = None if root is None else _main_checkout(root)
    return _held_inside(Workspace((main or folder) / FOLDER_NAME / FILE_NAME))


def _main_checkout(root: Path) -> Path | None:
    """Return the main checkout of a linked worktree, as the disk shows it; `None` for other checkouts."""
    pointer = root / ".git"
    if not pointer.is_file():
        return None
    try:
        own = (root / _line(pointer).removeprefix("gitdir: ")).resolve()
        common = (own / _line(own / "commondir")).resolve()
        # As git has it: the folder knows the worktree, so that a `.git` of an archive leads to no other repository.
        is_known = own.parent == common / "worktrees" and (own / _line(own / "gitdir")).resolve() == pointer.resolve()
    except (OSError, ValueError):
        return None
    # A bare repository has no checkout beside it.
    return common.parent if is_known and common.name == ".git" else None


def _line(file: Path) -> str:
    """Return the only line of a small file of git's. Raises OSError and ValueError where it is something else."""
    if not file.is_file():
        raise ValueError(file)
    with file.open("rb") as stream:
        return os.fsdecode(stream.read(_LONGEST_LINE).rstrip(b"\n"))


def _held_inside(workspace: Workspace) -> Workspace:
    """Return a workspace that nobody named. Raises LedOutside where links lead it out of the checkout around it.

    A repository can bring `swarms` as a link to any folder of its user.
    """
    root = checkout_around(workspace.folder.parent)
    for place in (workspace.folder, workspace.database):
        if root is not None and place.is_symlink():
            target = Path(os.path.realpath(place))
            if not target.is_relative_to(root):
                raise errors.LedOutside(path=str(place), target=str(target))
    return workspace


def _searched(folder: Path) -> Iterator[Path]:
    """Yield a folder and those above it: up to the root of its repository, else to the home folder or another owner.

    Above them lies what others may have put there, such as a `swarms/` in `/tmp`.
    """
    home = Path(os.path.realpath(os.path.expanduser("~")))  # noqa: PTH111
    first = other_owner(folder)
    for place in (folder, *folder.parents):
        other = other_owner(place)
        if other is not None and (first is None or other[1] != first[1]):
            return
        yield place
        if place == home or os.path.lexists(place / ".git"):
            return


def exclude_patterns(workspace: Workspace, root: Path) -> list[str]:
    """Return the ignore patterns for the live state of a workspace that lies inside a repository."""
    folder = workspace.folder.resolve()
    if not folder.is_relative_to(root):
        return []
    inside = folder.relative_to(root).as_posix()
    begin = "/" if inside == "." else "/" + re.sub(r"([\\*?\[\]])", r"\\\1", inside) + "/"
    return [f"{begin}{name}" for name in live_state(workspace)]


def live_state(workspace: Workspace) -> tuple[str, ...]:
    """Return the patterns of the entries of a workspace's folder that hold the state of its runs."""
    # Records, indexes and lessons are written beside waves, which watch the checkout for files that appear there.
    return f"{workspace.database.name}*", "backups/", "swarm-*/", "records/", "indexes/", "lessons/"


def refuse_agents(folder: Path, environment: Mapping[str, str], watching: Path | None = None) -> None:
    """Keep an agent from the control plane that watches it. Raises InsideAgentWorktree.

    `watching` is the folder of that control plane, `None` for what no agent of any may use.
    """
    if in_agents_tree(folder) or environment.get(AGENT_VARIABLE) or _is_launched_from(watching):
        raise errors.InsideAgentWorktree(path=str(folder))


def in_agents_tree(folder: Path) -> bool:
    """Say whether a path lies in a worktree that some control plane made."""
    return _AGENT_TREE.search(f"{folder}/") is not None


def _is_launched_from(watching: Path | None) -> bool:
    """Say whether an ancestor of this process, or the leader of its session, is a process of an attempt.

    The system shows the environment that a process was started with: an agent that drops the variable for a child
    still has it. Below an agent of another control plane this one may be used, as tests of swarm do.
    """
    begin = AGENT_VARIABLE.encode() + b"="
    for variables in _environments_above():
        if any(line.startswith(begin) for line in variables):
            outputs = [os.fsdecode(line.partition(b"=")[2]) for line in variables if line.startswith(_OUTPUT)]
            if watching is None or any(Path(output).is_relative_to(watching.resolve()) for output in outputs):
                return True
    return False


def _environments_above() -> Iterator[list[bytes]]:
    # The leader of the session is most often an ancestor too; a recycled pid can make the chain of parents a circle.
    waiting, seen = [os.getsid(0), os.getppid()], set[int]()
    while waiting and len(seen) < _MOST_ANCESTORS:
        pid = waiting.pop()
        if pid in seen:
            continue
        seen.add(pid)
        try:
            yield Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            yield []
        try:
            parent = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            parent = 0
        if parent > 1:
            waiting.append(parent)


def checkout_around(folder: Path) -> Path | None:
    """Return the folder of the nearest `.git` from a folder upward, as the disk shows it, without asking git."""
    real = folder.resolve()
    return next((place for place in (real, *real.parents) if os.path.lexists(place / ".git")), None)
