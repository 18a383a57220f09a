"""Files that an audit looks at, and the runtimes that are ready to look at them, before a control plane is opened."""

from functools import partial
from importlib import import_module
from pathlib import Path

from swarm.ahead import begun
from swarm.config import Config
from swarm.git.repository import Repository, files_at
from swarm.git.working_files import WorkingFiles, working_files
from swarm.rules.phases import Phase
from swarm.runtimes import registry
from swarm.runtimes.registry import Ready
from swarm.waves.audit.looked_at import refuse_nothing_to_look_at
from swarm.workspace import Workspace, exclude_patterns


def files_as_they_are(workspace: Workspace, repository: Repository) -> WorkingFiles:
    """Make the commit of a checkout's files, without the live state of the workspace. Raises as `working_files`."""
    return working_files(repository, exclude_patterns(workspace, repository.root))


def ready_at(repository: Repository, names: str | None, config: Config, phase: Phase) -> tuple[Ready, ...]:
    """Return the named runtimes, else the analyzers that are here and read files of HEAD. Raises as `all_ready`."""
    if names is None:
        paths = [file.path for file in files_at(repository.git, repository.head) if file.is_file]
        names = registry.picked(config, repository.root, paths, phase)
    return registry.all_ready(names, config, phase)


def ready_or_refuse(
    workspace: Workspace, repository: Repository, folder: Path, names: str | None, config: Config, phase: Phase
) -> tuple[Ready, ...]:
    """Return the runtimes of an audit, none where a wave in flight decides.

    Refuses a runtime that cannot be launched, or has no file to look at, before a database is made.
    """
    if names is None and config.runtimes:
        return ()
    ready = ready_at(repository, names, config, phase)
    if not workspace.database.exists():
        refuse_nothing_to_look_at(repository, ready, folder, is_named=names is not None)
    # While the caller waits for the disk to take a new control plane.
    begun(partial(import_module, "swarm.waves.audit.audit"))
    return ready
