"""Enclosure of a process: the policy that holds for it, and the backend that enforces the policy."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final, Literal, NamedTuple

from swarm import errors
from swarm.rules.sandbox_policy import Isolation, Network, Policy, Right, is_below, is_shown
from swarm.runtimes import bubblewrap, landlock
from swarm.runtimes.visible_programs import located, needs_of, toolchains
from swarm.scratch import scratch_folder

NONE: Final = "none"
Backend = Literal["auto", "bwrap", "landlock", "none"]
# Places of caches and settings: a folder that the sandbox closes is no place for them.
_FOLDER_VARIABLES: Final = (
    *("TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "GOCACHE"),
    # The state of coding agents, of which there is a copy in the place of the home folder.
    *("CLAUDE_CONFIG_DIR", "CODEX_HOME"),
)
# Toolchains that are found by the home folder, for a backend that moves it.
_TOOLCHAINS_BELOW_HOME: Final = {"RUSTUP_HOME": ".rustup"}
_SHARED_TEMPORARY: Final = "/tmp"  # noqa: S108


class Start(NamedTuple):
    """The arguments and the environment that a process is started with."""

    argv: Sequence[str]
    environment: Mapping[str, str]


class Enclosure(NamedTuple):
    """A policy and the name of its backend; `reason` says why there is none, `home` is the user's real home.

    `own_home` is a folder that programs find in the place of the real home; without it each program has an empty home.
    With `keeps`, every process that the program leaves is killed at its end: bwrap's own namespace of processes does
    that, and a keeper beside the program where there is none.
    """

    backend: str
    policy: Policy
    home: str
    reason: str | None = None
    own_home: Path | None = None
    keeps: bool = False

    @property
    def encloses(self) -> bool:
        """Whether a backend holds processes to the policy."""
        return self.backend != NONE

    @property
    def isolation(self) -> Isolation:
        """The facts of the enclosure that are recorded."""
        return Isolation(self.backend, self.reason, self.policy.digest)

    def opened(self, places: Iterable[tuple[str, Right]]) -> "Enclosure":
        """Return an enclosure with further places, also where the policy closes the folders around them."""
        real = {os.path.realpath(path): right for path, right in places}
        return self._replace(policy=self.policy._replace(places={**self.policy.places, **real}))

    def widened(self, places: Iterable[tuple[str, Right]]) -> "Enclosure":
        """Return an enclosure with further places, where the policy does not close or name them."""
        return self._replace(policy=self.policy._replace(places=dict(self.policy.places) | self._added(places)))

    def _added(self, places: Iterable[tuple[str, Right]]) -> dict[str, Right]:
        known, added = self.policy.places, dict[str, Right]()
        both = dict(known)
        for path, right in places:
            real = os.path.realpath(path)
            is_closed = any(is_below(real, closed) for closed in self.policy.closed)
            is_needless = right is Right.READABLE and is_shown(real, both)
            if real not in known and not is_closed and not is_needless and os.path.lexists(real):
                added[real] = both[real] = right
        return added

    def seen_by(self, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> "Enclosure":
        """Return the enclosure with what a program needs to start. Raises FileNotFoundError and PermissionError."""
        return self._showing(needs_of(argv, folder, environment), environment)

    def _showing(self, needs: Iterable[str], environment: Mapping[str, str]) -> "Enclosure":
        return self.widened((path, Right.READABLE) for path in (*needs, *toolchains(self.home, environment)))

    @contextmanager
    def start(self, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[Start]:
        """Give the start of a program within the enclosure, for as long as the program runs.

        Raises FileNotFoundError and PermissionError where the program could not be started without an enclosure.
        """
        keeper = _keeper() if self.keeps else []
        if self.backend == NONE:
            program = (located(argv[0], folder, environment), *argv[1:]) if keeper else argv
            yield Start([*keeper, *program], environment)
            return
        needs = list(needs_of(argv, folder, environment))
        wide = self._showing(needs, environment)
        inside = _inside(environment, wide.policy)
        # By its path: the sandbox must start the program that was found outside of it.
        program = (located(argv[0], folder, environment), *argv[1:])
        if self.backend == bubblewrap.NAME:
            links = _links([str(folder), *needs], wide.policy)
            behind = {self.home: str(self.own_home)} if self.own_home else {}
            yield Start([*bubblewrap.command(wide.policy, str(folder), links, behind), *program], inside)
            return
        with nullcontext(self.own_home) if self.own_home else scratch_folder() as private:
            places = {name: f"{self.home}/{place}" for name, place in _TOOLCHAINS_BELOW_HOME.items()}
            moved = {**places, **inside, "HOME": str(private), "TMPDIR": str(private)}
            yield Start([*keeper, *landlock.command(wide.policy, str(private)), *program], moved)

    def code_of(self, code: int) -> int:
        """Return the exit code of the program, negative for a signal, from that of the process that was started."""
        return bubblewrap.code_of(code) if self.backend == bubblewrap.NAME else code


# The caller's word, recorded on each attempt; a policy that swarm.toml demands does not give way to it.
_SWITCH: Final = "SWARM_SANDBOX"
_KEEPER: Final = Path(__file__).with_name("keeper.py")
UNENCLOSED: Final = Enclosure(NONE, Policy({}), "/")


def enclosure(policy: Policy, backend: Backend, reason: str | None, home: str) -> Enclosure:
    """Return the enclosure of a policy by the first backend that works here.

    Without a backend, a default policy is not enforced, and the enclosure says why. Raises IsolationUnavailable where
    the user demands the policy or names the backend.
    """
    if backend == NONE:
        return Enclosure(NONE, policy, home, reason)
    if backend == "auto" and not policy.is_tight and os.environ.get(_SWITCH) == NONE:
        return Enclosure(NONE, policy, home, f"{_SWITCH}={NONE} is in the environment of the caller")
    problems = []
    for name, works in BACKENDS.items():
        if backend not in {"auto", name}:
            continue
        problem = works() or _lacks(name, policy)
        if problem is None:
            return Enclosure(name, policy, home)
        problems.append(f"{name}: {problem}")
    problem = "; ".join(problems)
    if policy.is_tight or backend != "auto":
        raise errors.IsolationUnavailable(problem=problem)
    return Enclosure(NONE, policy, home, f"no sandbox works here ({problem})")


def backend_here() -> tuple[str, str | None]:
    """Return the first backend that works on this machine, else `none` and why no backend works."""
    problems = []
    for name, works in BACKENDS.items():
        if (problem := works()) is None:
            return name, None
        problems.append(f"{name}: {problem}")
    return NONE, "; ".join(problems)


BACKENDS: Final[Mapping[str, Callable[[], str | None]]] = {
    bubblewrap.NAME: bubblewrap.works,
    landlock.NAME: landlock.works,
}


def _keeper() -> list[str]:
    # Other systems have no way to take over orphans.
    return [sys.executable, "-I", "-S", str(_KEEPER)] if sys.platform == "linux" else []


def _lacks(name: str, policy: Policy) -> str | None:
    if policy.network is Network.HOSTS:
        return "it cannot hold the network to a list of hosts"
    return landlock.LACKS if name == landlock.NAME and policy.is_tight else None


def _inside(environment: Mapping[str, str], policy: Policy) -> dict[str, str]:
    found = {
        name: value
        for name, value in environment.items()
        if name not in _FOLDER_VARIABLES or policy.right_to(os.path.realpath(value)) is Right.WRITABLE
    }
    if not os.path.isdir(found.get("HOME", "")):  # noqa: PTH112
        # Many programs refuse to start without a home that exists.
        found["HOME"] = _SHARED_TEMPORARY
    return found


def _links(paths: Iterable[str], policy: Policy) -> dict[str, str]:
    """Return the links on the way to paths that would be missing inside, where their folder is emptied."""
    found: dict[str, str] = {}
    for path in paths:
        for place in reversed([Path(path), *Path(path).parents]):
            if place.is_symlink() and not is_shown(str(place), policy.places):
                found[str(place)] = os.path.realpath(place)
                break
    return found
