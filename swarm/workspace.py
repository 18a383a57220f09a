"""Where a control plane is, and the names of what lies beside it."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors

FILE_NAME: Final = "control-plane.db"
FOLDER_NAME: Final = "swarms"
# Set by `launch` for every process that it starts.
AGENT_VARIABLE: Final = "SWARM_ATTEMPT"
_AGENT_TREE: Final = re.compile(r"/swarm-\d+-[0-9a-f]+/worktrees/[^/]+(?:/|$)")


class Workspace(NamedTuple):
    """The folder of a control plane."""

    database: Path

    @property
    def folder(self) -> Path:
        """The folder that holds the database, and one folder a run."""
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

    def tree(self, run_id: str, number: int, domain: str | None) -> Path:
        """Return the place of a domain's worktree, or of the tree that a wave's analyzers share."""
        name = f"w{number}-{domain}" if domain else f"w{number}.shared"
        return self.run_folder(run_id) / "worktrees" / name


def find_workspace(database: str | None, environment: Mapping[str, str], folder: Path) -> Workspace:
    """Return the workspace: `--db`, else `SWARM_DB`, else the nearest one upward, else `./swarms`."""
    named = database or environment.get("SWARM_DB")
    if named:
        return Workspace(Path(os.path.abspath(folder / Path(named).expanduser())))  # noqa: PTH100
    for parent in (folder, *folder.parents):
        candidate = parent / FOLDER_NAME / FILE_NAME
        if candidate.exists():
            return Workspace(candidate)
    return Workspace(folder / FOLDER_NAME / FILE_NAME)


def exclude_patterns(workspace: Workspace, root: Path) -> list[str]:
    """Return the ignore patterns for the live state of a workspace that lies inside a repository."""
    folder = workspace.folder.resolve()
    if not folder.is_relative_to(root):
        return []
    inside = folder.relative_to(root).as_posix()
    begin = "/" if inside == "." else "/" + re.sub(r"([\\*?\[\]])", r"\\\1", inside) + "/"
    name = workspace.database.name
    return [f"{begin}{name}*", f"{begin}backups/", f"{begin}swarm-*/"]


def refuse_agents(folder: Path, environment: Mapping[str, str]) -> None:
    """Keep an agent from the control plane that watches it. Raises InsideAgentWorktree."""
    inside = _AGENT_TREE.search(f"{folder}/")
    if inside or environment.get(AGENT_VARIABLE):
        raise errors.InsideAgentWorktree(path=str(folder))
