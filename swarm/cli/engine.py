"""`swarm engine up`, `down`, `status`, `invite` and `revoke`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from swarm import stage_events
from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.cli.shared_options import shared_options
from swarm.results.engine import EngineResult, QueueShown, WorkerShown
from swarm.show import text
from swarm.show.escape import plain
from swarm.workspace import refuse_agents

if TYPE_CHECKING:
    from swarm.engine.access import Access
    from swarm.engine.place import Engine

_LAST_PORT: Final = 65535


@click.group(context_settings={"max_content_width": 100})
@shared_options(hidden=True)
def command() -> None:
    """Run the queue between this machine and those that work for it: a NATS server for a small team.

    It talks TLS by an authority of its own, knows each member by a key, keeps what it took on disk at once, and runs
    nothing that anybody sends. Its files are in your state folder. The extra `scale` brings what it needs.
    """


@verb(named="engine")
@click.option(
    "--listen", metavar="HOST[:PORT]", help="Address of a new engine; by default 127.0.0.1:4222, port 0: any."
)
@click.option("--foreground", is_flag=True, help="Stay until a signal, as systemd and containers expect it.")
def up(call: Call, listen: str | None, *, foreground: bool) -> None:
    """Start the engine, and make it where there is none; it goes on when this command ends.

    With --foreground it ends with this command, by Ctrl-C, SIGTERM or `swarm engine down`. Exit 1: its server failed.
    """
    from swarm.engine import engine

    refuse_agents(call.folder, os.environ)
    if foreground:
        _serve(call, listen)
        return
    found, started = engine.up(*_address(listen))
    result = _result(found, running=True)._replace(next_action="swarm engine invite NAME --tag TAG")
    word = "Started" if started else "It runs already:"
    call.answer(result, lambda: (f"{word} {result.url}", f"Next: {result.next_action}"))


def _serve(call: Call, listen: str | None) -> None:
    from swarm.engine import engine

    def began(url: str) -> None:
        stage_events.emit("engine_started", url=url)

    result = _result(engine.serve(*_address(listen), began), running=False)
    call.answer(result, lambda: (f"Ended {result.url}", f"Next: {result.next_action}"))


@verb(named="engine")
def down(call: Call) -> None:
    """End the engine; its members and what it keeps stay for the next `up`."""
    from swarm.engine import engine

    refuse_agents(call.folder, os.environ)
    found, ended = engine.down()
    result = _result(found, running=False)
    word = "Ended" if ended else "It did not run:"
    call.answer(result, lambda: (f"{word} {result.url}", f"Next: {result.next_action}"))


_on_option = click.option("--on", metavar="ENGINE", help="Another engine, as `launch --on` takes it.")


@verb(named="engine")
@_on_option
def status(call: Call, on: str | None) -> None:
    """Show whether the engine runs, what waits in it, and its workers. Exit 1: it does not run."""
    from swarm.engine import engine

    refuse_agents(call.folder, os.environ)
    if on is None:
        found, load = engine.waiting()
        result = _result(found, running=load is not None)
    else:
        access = _access(call, on)
        load = engine.load_of(access.credentials)
        result = _of_cluster(access)
    if load is not None:
        shown = tuple(QueueShown(each.tag, each.waiting, each.at_work, each.free) for each in load.queues)
        result = result._replace(orders=load.orders, results=load.results, tags=shown)
    call.answer(result, lambda: _lines(result), int(not result.running))


@verb(named="engine")
@click.argument("name")
@click.option("--tag", "tags", multiple=True, required=True, metavar="TAG", help="Kind of order to take; repeatable.")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="New file, by default NAME.credentials."
)
@_on_option
def invite(call: Call, name: str, tags: tuple[str, ...], output: Path | None, on: str | None) -> None:
    """Let a worker NAME connect, and write its credentials to a new file that only you can read.

    With --on the engine may be a cluster that somebody else runs: what its server has to know of the worker is printed.
    """
    from swarm.engine import engine

    refuse_agents(call.folder, os.environ)
    file, each = call.folder / (output or f"{name}.credentials"), tuple(dict.fromkeys(tags))
    access = None if on is None else _access(call, on)
    if access is None or engine.is_own(access.credentials):
        result = _result(engine.invite(name, each, file), running=True)
    else:
        from swarm.engine.cluster import invite_to

        result = _of_cluster(access)._replace(user=invite_to(access, name, each, file))
    result = result._replace(credentials=str(file))
    call.answer(result, lambda: _invited(name, result))


def _access(call: Call, on: str) -> "Access":
    from swarm.engine.access import access_to

    return access_to(on, call.config(), call.folder)


def _invited(name: str, result: EngineResult) -> Iterator[str]:
    yield f"Invited {name}: {plain(result.credentials or '')}"
    if result.user is not None:
        yield "The server of the cluster has to know this user:"
        yield json.dumps(result.user, indent=1)
    yield "Next: bring the file to its machine, and keep no copy"


@verb(named="engine")
@click.argument("name")
def revoke(call: Call, name: str) -> None:
    """End what the credentials of a worker NAME are good for; a connected worker is disconnected at once."""
    from swarm.engine import engine

    refuse_agents(call.folder, os.environ)
    found = engine.revoke(name)
    result = _result(found, running=engine.is_running())
    call.answer(result, lambda: (f"Revoked {plain(name)}", f"Next: {result.next_action}"))


def _address(listen: str | None) -> tuple[str | None, int | None]:
    """Return host and port of `--listen`; an IPv6 address stands in brackets. Raises CliUsage."""
    if listen is None:
        return None, None
    host, colon, port = listen.rpartition(":") if not listen.endswith("]") else (listen, "", "")
    if not colon:
        host, port = listen, ""
    is_port = port.isascii() and port.isdecimal() and int(port) <= _LAST_PORT
    host = host.removeprefix("[").removesuffix("]")
    if not host or (colon and not is_port):
        raise usage(f"--listen takes HOST or HOST:PORT; got '{listen}'", "engine")
    return host, int(port) if port else None


def _result(found: "Engine", *, running: bool) -> EngineResult:
    from swarm.engine.place import engine_folder

    return EngineResult(
        url=found.url,
        plane=found.plane,
        running=running,
        orders=None,
        results=None,
        workers=tuple(WorkerShown(name, own.tags) for name, own in sorted(found.workers.items())),
        folder=str(engine_folder()),
        credentials=None,
        next_action="swarm engine status" if running else "swarm engine up",
    )


def _of_cluster(access: "Access") -> EngineResult:
    own = access.credentials
    return EngineResult(
        url=own.url,
        plane=own.plane,
        running=True,
        orders=None,
        results=None,
        workers=(),
        folder="",
        credentials=None,
        next_action="swarm launch --on ENGINE",
    )


def _lines(result: EngineResult) -> Iterator[str]:
    yield f"{'Runs' if result.running else 'Does not run'}: {result.url}"
    if result.orders is not None and result.results is not None:
        waiting, kept = text.counted(result.orders, "order"), text.counted(result.results, "result")
        yield f"{waiting} waiting or worked on, {kept} kept"
    if result.workers:
        yield from text.table([(own.name, ", ".join(own.tags)) for own in result.workers], ("worker", "tags"))
    elif result.folder:
        yield "No worker was invited."
    # A tag with zeros alone stands in the table of workers above.
    busy = [(one.tag, str(one.waiting), str(one.at_work), str(one.free)) for one in result.tags if any(one[1:])]
    if busy:
        yield from text.table(busy, ("tag", "orders waiting", "worked on", "free slots"))
    is_own = result.running and result.folder
    yield f"Next: {'swarm engine invite NAME --tag TAG' if is_own else result.next_action}"


for name, made in {"up": up, "down": down, "status": status, "invite": invite, "revoke": revoke}.items():
    command.add_command(made, name)
