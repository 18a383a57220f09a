"""Kill points for tests of recovery: every lasting step passes a point.

`SWARM_FAILPOINT=NAME` ends the process with SIGKILL at the point of that name, `NAME:2` at its second pass, and
`*:17` at the 17th of all points. With `SWARM_FAILPOINT_LOG=FILE` the name of each passed point is appended to that
file. Git calls and commits call `failpoint("NAME")` before and after; an audit hook of Python passes a point just
before each change of a file. With neither variable set, a failpoint is an empty function.
"""

import os
import sys
from collections.abc import Callable

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {
    "open": "file.open",
    "os.rename": "file.rename",
    "os.remove": "file.remove",
    "os.chmod": "file.chmod",
    "os.truncate": "file.truncate",
    "os.link": "file.link",
    "os.symlink": "file.symlink",
    "os.mkdir": "folder.make",
    "os.rmdir": "folder.remove",
    "subprocess.Popen": "process.start",
}


class _Armed:
    """The armed point, the passes that remain, and the log of passed points."""

    name = ""
    remaining = 0
    log = ""


def arm(name: str, count: int, log: str = "") -> None:
    """End the process at the `count`th pass of a named point, `*` for any; log the passed points to `log`.

    For a fork of a process that was started with points: in any other process they are empty functions.
    """
    _Armed.name, _Armed.remaining, _Armed.log = name, count, log


def _pass(name: str) -> None:
    if _Armed.log:
        handle = os.open(_Armed.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(handle, f"{name}\n".encode())
        os.close(handle)
    if _Armed.name not in {name, "*"}:
        return
    _Armed.remaining -= 1
    if _Armed.remaining == 0:
        import signal

        os.kill(os.getpid(), signal.SIGKILL)


def _pass_by(name: str) -> None:
    """Do nothing: no failpoint is armed."""


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    name = _CHANGES.get(event)
    if name is None or (event == "open" and not _is_written(*arguments)) or _is_of_the_interpreter(arguments):
        return
    _pass(name)


def _is_written(path: object, _mode: object = None, flags: object = 0) -> bool:
    name = os.fsdecode(path) if isinstance(path, str | bytes) else ""
    writes = isinstance(flags, int) and bool(flags & _WRITING)
    return writes and name not in {"", os.devnull, _Armed.log}


def _is_of_the_interpreter(arguments: tuple[object, ...]) -> bool:
    """Tell whether a change is one of Python's bytecode files: only the first import writes them, no work of ours."""
    return any("__pycache__" in os.fsdecode(item) for item in arguments if isinstance(item, str | bytes))


def _alive() -> bool:
    name, _, count = os.environ.get("SWARM_FAILPOINT", "").partition(":")
    arm(name, int(count or 1), os.environ.get("SWARM_FAILPOINT_LOG", ""))
    return bool(name or _Armed.log)


failpoint: Callable[[str], None] = _pass_by
if _alive():
    failpoint = _pass
    sys.addaudithook(_watch)
