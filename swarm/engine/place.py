"""The engine of this user: its folder, its record, and the credentials that it gives out."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.documents import parse_bounded, read_bounded
from swarm.engine.subjects import COORDINATOR, Plane, is_name
from swarm.files import make_folder, write_new, write_whole
from swarm.trust import state_folder

OWN: Final = "coordinator.json"
_RECORD: Final = "engine.json"
_MOST_BYTES: Final = 1 << 20
_OURS_ALONE: Final = 0o700


class Member(NamedTuple):
    """A worker that was invited: its public key, and the tags of the orders that it may take."""

    key: str
    tags: tuple[str, ...]


class Engine(NamedTuple):
    """An engine as its user's state folder records it.

    It listens on `host`, its members reach it as `name`, and `key` is the coordinator's public key.
    """

    plane: str
    host: str
    name: str
    port: int
    key: str
    workers: Mapping[str, Member]

    @property
    def url(self) -> str:
        """The address that clients connect to."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"tls://{name}:{self.port}"

    @property
    def names(self) -> Plane:
        """The names of its subjects and streams."""
        return Plane(self.plane)

    def document(self) -> dict[str, Any]:
        """Return the record as it is written."""
        workers = {name: {"key": own.key, "tags": list(own.tags)} for name, own in self.workers.items()}
        return {**self._asdict(), "workers": workers}


class Credentials(NamedTuple):
    """All that a member needs to connect: name, address, private key, the engine's authority, the coordinator's key."""

    name: str
    url: str
    plane: str
    seed: str
    authority: str
    coordinator: str
    tags: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        """The credentials as a file holds them."""
        return (json.dumps(self._asdict(), indent=1) + "\n").encode()


def hold_to_names(*words: str) -> None:
    """Refuse words that can be no names of workers or tags. Raises EngineRefused."""
    for word in words:
        if not is_name(word) or word == COORDINATOR:
            problem = f"'{errors.shortened(word)}' is no name: letters, digits, `-` and `_`, at most 64"
            raise errors.EngineRefused(problem=problem)


def engine_folder() -> Path:
    """Return the folder of the engine of this user."""
    return state_folder() / "engine"


def made_folder() -> Path:
    """Return the folder of the engine, which nobody else can read."""
    folder = engine_folder()
    make_folder(folder)
    folder.chmod(_OURS_ALONE)
    return folder


def recorded() -> Engine | None:
    """Return the engine of this user, `None` where none was made. Raises EngineUnknown for an unusable record."""
    file = engine_folder() / _RECORD
    if not os.path.lexists(file):
        return None
    try:
        found = parse_bounded(read_bounded(file, _MOST_BYTES), str(file))
        workers = {name: Member(own["key"], tuple(own["tags"])) for name, own in found["workers"].items()}
        return Engine(**{**found, "workers": workers})
    except (errors.SwarmError, KeyError, TypeError, AttributeError) as error:
        raise errors.EngineUnknown(problem=f"{file} is no record of an engine") from error


def known() -> Engine:
    """Return the engine of this user. Raises EngineUnknown."""
    if (found := recorded()) is None:
        raise errors.EngineUnknown(problem="no engine was made on this machine")
    return found


def record(engine: Engine) -> None:
    """Write the record of an engine."""
    write_whole(engine_folder() / _RECORD, json.dumps(engine.document(), indent=1) + "\n")


def own_credentials() -> Credentials:
    """Return the coordinator's credentials for the engine of this user. Raises EngineRefused."""
    return read_credentials(engine_folder() / OWN)


def write_credentials(file: Path, credentials: Credentials) -> None:
    """Write credentials to a file that is not there yet, for this user alone. Raises OutputNotWritable."""
    try:
        write_new(file, credentials.body)
    except FileExistsError:
        problem = "another file is there, and would be lost"
        raise errors.OutputNotWritable(path=str(file), problem=problem) from None


def read_credentials(file: Path) -> Credentials:
    """Return the credentials of a file. Raises EngineRefused for a file that holds none."""
    try:
        found = parse_bounded(read_bounded(file, _MOST_BYTES), str(file))
        return Credentials(**{**found, "tags": tuple(found["tags"])})
    except (errors.SwarmError, KeyError, TypeError) as error:
        raise errors.EngineRefused(problem=f"{file} holds no credentials") from error
