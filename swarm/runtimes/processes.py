"""Identify launched processes, also after their supervisor has died, and end their groups."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from swarm.search_path import path_outside

TERM_SECONDS: Final = 10.0
# Nobody takes in what an agent whose supervisor is dead still writes.
ORPHAN_SECONDS: Final = 2.0
# A process that forks during a sweep is found by the next sweep.
_SWEEPS: Final = 20
# Process 1 is no process of an attempt, and `killpg(1)` would end every process of this user.
_INIT: Final = 1
_PROCESSES: Final = "/proc"
# Of the kernel's list of TCP sockets.
_LISTENING: Final = "0A"


def host() -> str:
    """Return the name of this machine; process ids mean nothing on another."""
    return socket.gethostname()


@cache
def boot() -> str:
    """Return the id of this boot and of the namespace of process ids, `""` where the system shows neither.

    The same pid and start time come again after a reboot, and in a container beside this process.
    """
    with contextlib.suppress(OSError):
        booted = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{booted} {Path('/proc/self/ns/pid').readlink()}"
    return ""


def start_of(pid: int) -> str | None:
    """Return when a process started, in the system's own terms, with the boot; `None` when it has ended.

    Pid and start identify a process for good: a later process with the same pid has another start.
    """
    started = _started(pid)
    return None if started is None else f"{started} {boot()}".strip()


def _started(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _start_by_ps(pid)
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields[19]


def _start_by_ps(pid: int) -> str | None:
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        env={**os.environ, "PATH": path_outside()},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=10,
    )
    return done.stdout.decode().strip() or None


def is_alive(pid: int | None, start: str | None) -> bool:
    """Say whether the process that this pid and start name is still there."""
    return pid is not None and pid > _INIT and start is not None and start_of(pid) == start


def leaders_with(variables: Mapping[str, str]) -> list[tuple[int, str]]:
    """Return pid and start of each group's leader with these environment variables, where the system shows them."""
    found = []
    for pid in all_with(variables):
        try:
            is_leader = os.getpgid(pid) == pid
        except OSError:
            continue
        if is_leader and (start := start_of(pid)):
            found.append((pid, start))
    return found


def all_with(variables: Mapping[str, str]) -> list[int]:
    """Return every other process with these environment variables, where the system shows them."""
    wanted = {os.fsencode(f"{name}={value}") for name, value in variables.items()}
    spared = {_INIT, os.getpid()}
    return [
        pid
        for pid, environment in _of_each("environ")
        # Nearly no process has one of them, and a search is cheaper than taking an environment apart.
        if all(each in environment for each in wanted)
        and wanted.issubset(environment.split(b"\0"))
        and pid not in spared
    ]


def by_variables(*names: str) -> dict[frozenset[tuple[str, str]], list[int]]:
    """Return every other process with any of these environment variables, by their values."""
    found: defaultdict[frozenset[tuple[str, str]], list[int]] = defaultdict(list)
    for pid, environment in _of_each("environ"):
        parts = (os.fsdecode(line).partition("=") for line in environment.split(b"\0"))
        own = frozenset((name, value) for name, _, value in parts if name in names)
        if own and pid != os.getpid():
            found[own].append(pid)
    return found


def end_all_with(variables: Mapping[str, str]) -> None:
    """Kill every process with these environment variables, where the system shows them, also outside of its group."""
    for _ in range(_SWEEPS):
        found = all_with(variables)
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _of_each(name: str) -> Iterator[tuple[int, bytes]]:
    """Yield each process with a file that the system shows of it, such as `environ`."""
    # Without a `Path` for each: every attempt that ends looks through all processes of the machine.
    for pid in os.listdir(_PROCESSES) if os.path.isdir(_PROCESSES) else ():  # noqa: PTH112, PTH208
        if pid.isdecimal():
            with contextlib.suppress(OSError), open(f"{_PROCESSES}/{pid}/{name}", "rb") as stream:  # noqa: PTH123
                yield int(pid), stream.read()


def end_group(pid: int, start: str, *, grace: float = TERM_SECONDS) -> None:
    """End the group of a process: TERM, then KILL after `grace` seconds. A process that has ended is fine."""
    if not is_alive(pid, start) or not _leads_a_group_of_its_own(pid):
        return
    signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and is_alive(pid, start):
        time.sleep(0.02)
    end_descendants(pid)
    signal_group(pid, signal.SIGKILL)


def end_attempts(leaders: Sequence[tuple[int, str]], marks: Sequence[Mapping[str, str]]) -> None:
    """End the groups of attempts together, and every process that carries a mark of theirs.

    `leaders` are those that are known; one that was started in the last moment is found by its mark.
    """
    known = dict.fromkeys((*leaders, *(leader for mark in marks for leader in leaders_with(mark))))
    alive = [(pid, start) for pid, start in known if is_alive(pid, start) and _leads_a_group_of_its_own(pid)]
    for pid, _ in alive:
        signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + ORPHAN_SECONDS
    while time.monotonic() < deadline and any(is_alive(pid, start) for pid, start in alive):
        time.sleep(0.02)
    for pid, _ in alive:
        end_descendants(pid)
        signal_group(pid, signal.SIGKILL)
    for mark in marks:
        end_all_with(mark)


def end_descendants(pid: int) -> None:
    """Kill every process below a process that is there: while a keeper lives, those that left its group are below."""
    for _ in range(_SWEEPS):
        found = list(_below(pid)) if pid > _INIT else []
        for child in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
        if not found:
            return


def _below(pid: int) -> Iterator[int]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for each, stat in _of_each("stat"):
        fields = stat.rpartition(b")")[2].split()
        # A dead process that nobody waited for yet is no process to kill.
        if fields and fields[0] not in {b"Z", b"X"}:
            children[int(fields[1])].append(each)
    waiting = [pid]
    while waiting:
        found = children.pop(waiting.pop(), [])
        waiting += found
        yield from found


def _leads_a_group_of_its_own(pid: int) -> bool:
    """Say whether a process leads a group that this process is not in, as launch makes them."""
    try:
        return os.getpgid(pid) == pid != os.getpgrp()
    except OSError:
        return False


def probe(argv: Sequence[str], seconds: float) -> list[str] | None:
    """Start a program to see whether it works here: `None` where it exits 0, else what it printed about the failure."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [str(error)]
    if done.returncode == 0:
        return None
    return done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"it ends with {done.returncode}"]


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to every process of a group; a group that has ended is fine, and the group of process 1 is left.

    A leader that keeps a sandbox is spared by all but KILL: its end would kill the program before it could clean up.
    """
    if leader <= _INIT:
        return
    if number != signal.SIGKILL and _keeps_a_sandbox(leader):
        for pid in _members(leader):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _keeps_a_sandbox(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_bytes() == b"bwrap\n"
    except OSError:
        return False


def _members(leader: int) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # A process may end between two looks.
            if int(folder.name) != leader and os.getpgid(int(folder.name)) == leader:
                yield int(folder.name)


def listens(port: int) -> bool:
    """Say whether a program of this machine listens on a TCP port, where the system shows that."""
    return listens_at_any(range(port, port + 1))


def listens_at_any(ports: range) -> bool:
    """Say whether a program of this machine listens on one of some TCP ports, where the system shows that.

    Linux walks all of its sockets for each read of a table (5 to 10 ms), so that a table is read once for all ports.
    """
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            rows = [line.split() for line in Path(table).read_text(encoding="ascii").splitlines()[1:]]
            if any(row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) in ports for row in rows):
                return True
    return False


def works_below(program: str, folders: Sequence[Path]) -> bool | None:
    """Say whether a program of this name works below these folders; `None` where the system does not show that."""
    proc = Path("/proc")
    if not (proc / "self" / "cwd").exists():
        return None
    for folder in proc.glob("[0-9]*"):
        try:
            name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
            place = (folder / "cwd").readlink()
        except OSError:
            continue
        if name == program and any(place.is_relative_to(below) for below in folders):
            return True
    return False
