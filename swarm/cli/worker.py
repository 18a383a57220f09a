"""`swarm worker`."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.results.worker import WorkerResult
from swarm.show import text
from swarm.workspace import refuse_agents


@verb()
@click.option(
    "--credentials",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Credentials that `swarm engine invite` wrote.",
)
@click.option("--engine", metavar="URL", help="Address of the engine, where it is not that of the credentials.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Take orders of this tag alone; repeatable.")
@click.option("--slots", type=click.IntRange(1, 256), default=1, metavar="N", help="Orders at once; by default 1.")
@click.option("--cache", type=click.Path(path_type=Path), metavar="DIR", help="Folder for bases, else your cache.")
@click.option("--most", type=click.IntRange(0), metavar="N", help="End after so many orders.")
def command(
    call: Call,
    credentials: Path,
    engine: str | None,
    tags: tuple[str, ...],
    slots: int,
    cache: Path | None,
    most: int | None,
) -> None:
    """Take orders from an engine, work on them on this machine, and send the results; ends with Ctrl-C.

    A worker launches the runtimes of its own swarm.toml, in its own sandbox and with its own logins: an order names a
    runtime and nothing else. It needs no repository and no control plane.
    """
    from swarm.engine.place import read_credentials
    from swarm.waves.worker.worker import worker

    refuse_agents(call.folder, os.environ)
    own = read_credentials(call.folder / credentials)
    if engine is not None:
        own = own._replace(url=_address(engine))
    folder = call.folder / cache if cache else _cache_folder()
    taken = worker(own, call.config(), slots=slots, cache=folder, tags=tags, most=most)
    result = WorkerResult(own.name, own.url, tags or own.tags, taken)
    call.answer(result, lambda: _lines(result))


def _address(word: str) -> str:
    """Return the address of an engine. Raises CliUsage."""
    try:
        parts = urlsplit(word)
        is_address = parts.scheme in {"tls", "nats"} and bool(parts.hostname) and parts.port is not None
    except ValueError:
        is_address = False
    if not is_address:
        raise usage(f"--engine takes tls://HOST:PORT; got '{word}'", "worker")
    return word


def _lines(result: WorkerResult) -> Iterator[str]:
    yield f"{result.name} took {text.counted(result.orders, 'order')} from {result.url}"


def _cache_folder() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore a relative path.
    base = Path(named) if os.path.isabs(named) else Path.home() / ".cache"  # noqa: PTH117
    return base / "swarm" / "bases"
