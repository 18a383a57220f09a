"""Policies of agents' processes, from the places of a repository and a workspace."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from swarm.builds.package_caches import cache_places
from swarm.config import Config
from swarm.git.places_for_agents import git_places
from swarm.git.repository import Repository
from swarm.git.worktree_list import admin_of
from swarm.rules.phases import is_audit
from swarm.rules.sandbox_policy import Right, Settings, is_below, merged, policy_of
from swarm.runtimes.agents.login import private_home
from swarm.runtimes.runtime import Job, Runtime
from swarm.runtimes.sandbox import Enclosure, enclosure
from swarm.workspace import Workspace, live_state

Place = tuple[str, Right]
# Folders of sockets, of other users and of temporary files. Who may talk to Docker or Incus may do everything.
_HIDDEN: Final = ("/run", "/home", "/root", "/media", "/var/lib/incus", "/var/lib/lxd", "/var/snap", "/var/lib/docker")
# Shared memory is a folder as well, and `TMPDIR` of many a build machine: what lies there must be named to be seen.
_PRIVATE: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
_RESOLVER: Final = "/etc/resolv.conf"


def attempt_enclosure(
    repository: Repository, workspace: Workspace, config: Config, runtime: Runtime, job: Job
) -> Enclosure:
    """Return the enclosure of an attempt: its tree, its own folder of the workspace, and nothing else of ours.

    Raises IsolationUnavailable.
    """
    added = config.runtimes.get(runtime.name)
    by_phase, by_domain = config.sandbox.phases.get(job.phase.value), config.sandbox.domains.get(job.domain)
    # The model of a coding agent is on the network.
    usual = Settings(network=True) if runtime.agent else None
    tables = (usual, config.sandbox.settings, added and added.sandbox, by_phase, by_domain)
    settings = _absolute(merged(filter(None, tables)), repository.root)
    # Analyzers of ours read one tree side by side, and print their report; some fix files of an agent's tree.
    own = Right.READABLE if runtime.is_trusted else Right.WRITABLE
    tree = Right.WRITABLE if runtime.writes_tree and not is_audit(job.phase) else own
    # A verdict is about the commit as it is, and an agent that answers has nothing to write there.
    if settings.reads_only or job.is_review or (runtime.agent and is_audit(job.phase)):
        tree = Right.READABLE
    folder, report = job.output_path.parent, Right.WRITABLE if runtime.is_analyzer else Right.READABLE
    earlier = set(_entries(folder)) - {job.output_path, job.attempt_folder}
    places = [
        (str(job.tree), tree),
        (str(job.prompt_path), Right.READABLE),
        (str(folder), own),
        # What earlier attempts left is evidence.
        *((str(entry), Right.READABLE) for entry in earlier),
        (str(job.attempt_folder), Right.READABLE if runtime.is_trusted else report),
    ]
    commit = bool(settings.commit)
    every = [*places, *_around(repository, job.tree, commit=commit)]
    # Analyzers of ours leave no process behind.
    return _enclosure(every, settings, config, workspace, repository)._replace(keeps=not runtime.is_trusted)


@contextmanager
def agent_home(runtime: Runtime) -> Iterator[Path | None]:
    """Give a folder with a private copy of a coding agent's login, for an enclosure to show in the place of home.

    All attempts of an agent in a launch share it: a session is gone on with where its program wrote it down.
    """
    if runtime.agent is None:
        yield None
        return
    with private_home(runtime.agent, os.environ, Path(_home())) as folder:
        yield folder


def build_enclosure(repository: Repository, workspace: Workspace, config: Config) -> Enclosure:
    """Return the enclosure of builds, without their trees: equal settings give equal digests of the policy.

    Raises IsolationUnavailable.
    """
    settings = _absolute(merged((config.sandbox.settings, config.verify.sandbox)), repository.root)
    places = [*_around(repository, None, commit=False), *cache_places(_home(), network=settings.network is True)]
    return _enclosure(places, settings, config, workspace, repository)


def of_tree(enclosure: Enclosure, repository: Repository, tree: Path) -> Enclosure:
    """Return the enclosure of programs that build a scratch tree."""
    return enclosure.opened([*_records(repository, tree), (str(tree), Right.WRITABLE)])


def to_read(enclosure: Enclosure, repository: Repository, *folders: Path) -> Enclosure:
    """Return the enclosure of programs that read a scratch tree and other folders, and write to none of them."""
    records = _records(repository, folders[0])
    return enclosure.opened([*records, *((str(folder), Right.READABLE) for folder in folders)])


def _records(repository: Repository, tree: Path) -> list[Place]:
    admin = admin_of(repository.common_dir, tree)
    return [(str(admin), Right.READABLE)] if admin else []


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _enclosure(
    places: Sequence[Place], settings: Settings, config: Config, workspace: Workspace, repository: Repository
) -> Enclosure:
    ours = [os.path.realpath(place) for place in _ours(workspace, repository)]
    every = [*places, *_machine(), *((place, Right.HIDDEN) for place in ours)]
    policy = policy_of(_there(every), settings, ours)
    return enclosure(policy, config.sandbox.backend, config.sandbox.reason, _home())


def _machine() -> Iterator[Place]:
    yield from ((place, Right.HIDDEN) for place in _HIDDEN)
    yield from ((place, Right.PRIVATE) for place in _PRIVATE)
    for name in ("XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"):
        if os.environ.get(name):
            yield os.environ[name], Right.HIDDEN
    for home in {_home(), _home_of_account()} - {"/"}:
        yield home, Right.PRIVATE
    # A link into /run where systemd resolves names; without the network it is of no use, and of no harm.
    yield _RESOLVER, Right.READABLE


def _around(repository: Repository, tree: Path | None, *, commit: bool) -> Iterator[Place]:
    """Yield what lies around a tree: the checkout and the git folder to read, without the folders of other trees."""
    root = str(repository.root)
    # A checkout around the home folder would show the home folder.
    if not is_below(_home(), root):
        yield root, Right.READABLE
    yield from ((str(place), right) for place, right in git_places(repository.common_dir, tree, commit=commit))


def _ours(workspace: Workspace, repository: Repository) -> Iterator[Path]:
    """Yield the workspace, or its entries where the workspace is the checkout or lies above it."""
    folder = workspace.folder
    if not is_below(os.path.realpath(repository.root), os.path.realpath(folder)):
        yield folder
        return
    yield from (entry for pattern in live_state(workspace) for entry in folder.glob(pattern))


def _there(places: Iterable[Place]) -> Iterator[Place]:
    for path, right in places:
        real = os.path.realpath(path)
        if os.path.exists(real):  # noqa: PTH110
            yield real, right


def _absolute(settings: Settings, root: Path) -> Settings:
    def real(paths: tuple[str, ...]) -> tuple[str, ...]:
        expanded = [os.path.realpath(root / Path(path).expanduser()) for path in paths]
        return tuple(path for path in expanded if os.path.exists(path))  # noqa: PTH110

    return settings._replace(
        readable=real(settings.readable), writable=real(settings.writable), hidden=real(settings.hidden)
    )


def _home() -> str:
    return os.path.realpath(os.environ.get("HOME") or _home_of_account())


def _home_of_account() -> str:
    import pwd

    try:
        return os.path.realpath(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        return "/"
