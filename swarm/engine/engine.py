"""The engine of this user, made, started, ended, and opened to workers."""

import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.engine import server
from swarm.engine.authority import AUTHORITY, Pair, new_certificates, new_pair
from swarm.engine.link import EngineLink, administer
from swarm.engine.place import (
    Credentials,
    Engine,
    Member,
    engine_folder,
    known,
    made_folder,
    read_credentials,
    record,
    recorded,
    write_credentials,
)
from swarm.engine.subjects import COORDINATOR, is_name
from swarm.files import write_new
from swarm.locks import locked

HOST: Final = "127.0.0.1"
PORT: Final = 4222
_OWN: Final = "coordinator.json"
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104
_LOCK: Final = "engine"
_SECONDS: Final = 30.0


def up(host: str | None, port: int | None) -> tuple[Engine, bool]:
    """Make the engine where there is none, start it where it does not run; return it, and whether it was started.

    Raises EngineRefused for another address than that of its members, EngineUnreachable, ScaleUnavailable.
    """
    server.program()
    # What may be missing is asked for before a file is written.
    new = None if recorded() else _New(new_pair(), new_certificates(_name(host or HOST)))
    folder = made_folder()
    with locked(folder / _LOCK, "engine", timeout=_SECONDS):
        engine = recorded()
        if engine is None and new is not None:
            engine = _made(folder, host or HOST, PORT if port is None else port, new)
        if engine is None or (host or engine.host, port or engine.port) != (engine.host, engine.port):
            where = f"{engine.host}:{engine.port}" if engine else "no address"
            raise errors.EngineRefused(problem=f"it listens on {where}, which its members know")
        starts = server.process() is None
        if starts:
            server.start(engine)
        administer(_own(), EngineLink.make_streams)
    return engine, starts


class _New(NamedTuple):
    """The keys of an engine that is about to be made."""

    pair: Pair
    certificates: Mapping[str, bytes]


def _name(host: str) -> str:
    # Who listens on every address is reached by the name of the machine.
    return socket.getfqdn() if host in _EVERYWHERE else host


def _made(folder: Path, host: str, port: int, new: _New) -> Engine:
    # An engine that was begun and never recorded has no members.
    for file in (*new.certificates, _OWN):
        (folder / file).unlink(missing_ok=True)
    for file, body in new.certificates.items():
        write_new(folder / file, body)
    engine = Engine(
        plane=secrets.token_hex(4),
        host=host,
        name=_name(host),
        port=port or _free_port(host),
        key=new.pair.public,
        workers={},
    )
    write_credentials(folder / _OWN, _credentials(engine, COORDINATOR, new.pair.seed))
    record(engine)
    return engine


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])


def _own() -> Credentials:
    return read_credentials(engine_folder() / _OWN)


def _credentials(engine: Engine, name: str, seed: str, tags: tuple[str, ...] = ()) -> Credentials:
    return Credentials(
        name=name,
        url=engine.url,
        plane=engine.plane,
        seed=seed,
        authority=(engine_folder() / AUTHORITY).read_text(encoding="ascii"),
        coordinator=engine.key,
        tags=tags,
    )


def down() -> tuple[Engine, bool]:
    """End the server, and say whether it ran; members, orders and results stay. Raises EngineUnknown."""
    engine = known()
    with locked(engine_folder() / _LOCK, "engine", timeout=_SECONDS):
        return engine, server.stop()


def waiting() -> tuple[Engine, tuple[int, int] | None]:
    """Return the engine, with the orders that wait and the results that are kept; `None` where it does not run.

    Raises EngineUnknown, EngineUnreachable.
    """
    engine = known()
    return engine, None if server.process() is None else administer(_own(), EngineLink.waiting)


def invite(name: str, tags: tuple[str, ...], file: Path) -> Engine:
    """Open the engine to a worker, and write its credentials to a new file.

    Raises EngineRefused for a name that is taken or no name, EngineUnknown, EngineUnreachable, OutputNotWritable.
    """
    engine = _running()
    for word in (name, *tags):
        if not is_name(word) or word == COORDINATOR:
            problem = f"'{errors.shortened(word)}' is no name: letters, digits, `-` and `_`, at most 64"
            raise errors.EngineRefused(problem=problem)
    with locked(engine_folder() / _LOCK, "engine", timeout=_SECONDS):
        engine = known()
        if name in engine.workers:
            raise errors.EngineRefused(problem=f"it has a worker {name}; `swarm engine revoke {name}` ends that")

        async def make_queues(link: EngineLink) -> None:
            for tag in tags:
                await link.make_queue(tag)

        administer(_own(), make_queues)
        pair = new_pair()
        # First the file: credentials that the engine does not know do no harm, a worker without a file cannot come.
        write_credentials(file, _credentials(engine, name, pair.seed, tags))
        return _with(engine, {**engine.workers, name: Member(pair.public, tags)})


def revoke(name: str) -> Engine:
    """Close the engine to a worker, which is disconnected at once. Raises EngineRefused for a name that it has not."""
    known()
    with locked(engine_folder() / _LOCK, "engine", timeout=_SECONDS):
        engine = known()
        if name not in engine.workers:
            raise errors.EngineRefused(problem=f"it has no worker {errors.shortened(name)}")
        return _with(engine, {other: own for other, own in engine.workers.items() if other != name})


def _with(engine: Engine, workers: dict[str, Member]) -> Engine:
    changed = engine._replace(workers=workers)
    record(changed)
    server.reload(changed)
    return changed


def _running() -> Engine:
    engine = known()
    if server.process() is None:
        raise errors.EngineUnreachable(url=engine.url, problem="it does not run")
    return engine


def is_running() -> bool:
    """Say whether the server of the engine runs."""
    return server.process() is not None


def credentials_for(named: str, folder: Path) -> Credentials:
    """Return the coordinator's credentials for an address or in a file. Raises EngineUnknown, EngineRefused."""
    if "://" not in named:
        return read_credentials(folder / named)
    engine = known()
    if named.partition("://")[2] != engine.url.partition("://")[2]:
        raise errors.EngineUnknown(
            problem=f"that of this machine is at {engine.url}; for another, name its credentials"
        )
    return _own()
