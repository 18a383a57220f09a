"""The engine of this user, made, started, ended, and opened to workers."""

import secrets
import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.engine import server
from swarm.engine.authority import AUTHORITY, Pair, new_certificates, new_pair
from swarm.engine.link import EngineLink, administer
from swarm.engine.place import (
    OWN,
    Credentials,
    Engine,
    Member,
    engine_folder,
    hold_to_names,
    known,
    made_folder,
    own_credentials,
    record,
    recorded,
    write_credentials,
)
from swarm.engine.queues import Queue, queues_of
from swarm.engine.streams import NO_STREAM, kept_messages, make_bucket, make_queue, make_streams
from swarm.engine.subjects import COORDINATOR
from swarm.files import write_new
from swarm.locks import locked

HOST: Final = "127.0.0.1"
PORT: Final = 4222
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
        administer(own_credentials(), partial(_make_all, engine))
    return engine, starts


async def _make_all(engine: Engine, link: EngineLink) -> None:
    """Make the streams of an engine, and the buckets of workers that an older swarm invited, which had one for all."""
    await make_streams(link)
    await link.ask(f"STREAM.DELETE.products_{engine.plane}", expect=(NO_STREAM,))
    for name in engine.workers:
        await make_bucket(link, name)


def serve(host: str | None, port: int | None, began: Callable[[str], None]) -> Engine:
    """Start the engine as `up` does, tell its address, and stay until it is ended, by a signal or by `down`.

    Raises EngineRefused where it runs already, EngineUnreachable where its server fails, and as `up`.
    """
    engine, is_new = up(host, port)
    if not is_new:
        raise errors.EngineRefused(problem=f"it runs already at {engine.url}; `swarm engine down` ends it")
    pid = server.process()
    if pid is None:
        raise errors.EngineUnreachable(url=engine.url, problem="its server ended at once")
    try:
        began(engine.url)
        server.wait(engine, pid)
    except KeyboardInterrupt:
        down()
    return engine


class _New(NamedTuple):
    """The keys of an engine that is about to be made."""

    pair: Pair
    certificates: Mapping[str, bytes]


def _name(host: str) -> str:
    # Who listens on every address is reached by the name of the machine.
    return socket.getfqdn() if host in _EVERYWHERE else host


def _made(folder: Path, host: str, port: int, new: _New) -> Engine:
    # An engine that was begun and never recorded has no members.
    for file in (*new.certificates, OWN):
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
    write_credentials(folder / OWN, _credentials(engine, COORDINATOR, new.pair.seed))
    record(engine)
    return engine


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])


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


class Load(NamedTuple):
    """The orders that wait or are worked on, the results that are kept, and the queues."""

    orders: int
    results: int
    queues: tuple[Queue, ...]


def load_of(credentials: Credentials) -> Load:
    """Return what an engine holds. Raises EngineRefused, EngineUnreachable, ScaleUnavailable."""

    async def look(link: EngineLink) -> Load:
        return Load(*await kept_messages(link), tuple((await queues_of(link)).values()))

    return administer(credentials, look)


def waiting() -> tuple[Engine, Load | None]:
    """Return the engine of this user and what it holds, `None` where it does not run.

    Raises EngineUnknown, EngineUnreachable.
    """
    engine = known()
    return engine, None if server.process() is None else load_of(own_credentials())


def invite(name: str, tags: tuple[str, ...], file: Path) -> Engine:
    """Open the engine to a worker, and write its credentials to a new file.

    Raises EngineRefused for a name that is taken or no name, EngineUnknown, EngineUnreachable, OutputNotWritable.
    """
    _hold_to_running()
    hold_to_names(name, *tags)
    with locked(engine_folder() / _LOCK, "engine", timeout=_SECONDS):
        engine = known()
        if name in engine.workers:
            raise errors.EngineRefused(problem=f"it has a worker {name}; `swarm engine revoke {name}` ends that")

        async def make_queues(link: EngineLink) -> None:
            await make_bucket(link, name)
            for tag in tags:
                await make_queue(link, tag)

        administer(own_credentials(), make_queues)
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


def _hold_to_running() -> None:
    engine = known()
    if not is_running():
        raise errors.EngineUnreachable(url=engine.url, problem="it does not run")


def is_own(credentials: Credentials) -> bool:
    """Say whether credentials are those of this user's own engine, whose server this machine runs."""
    own = recorded()
    return own is not None and own.key == credentials.coordinator


def is_running() -> bool:
    """Say whether the server of the engine runs."""
    return server.process() is not None
