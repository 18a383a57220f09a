"""Backend `landlock`: the kernel's own restriction of a process, by the package `nono-py`.

It holds rights to files and closes the network. It cannot make an empty folder in the place of another, so home and
the temporary folder are moved by variables; it leaves no loopback, hides no list of processes, and does not close
sockets that are files.
"""

import json
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from swarm.rules.sandbox_policy import Network, Policy, Right, covers_any
from swarm.runtimes.processes import probe

NAME: Final = "landlock"
LACKS: Final = "it can neither hide the list of processes nor close sockets that are files"
_START: Final = Path(__file__).with_name("landlock_start.py")
_PROBE_SECONDS: Final = 20.0
_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm")


@cache
def works() -> str | None:
    """Return why Landlock starts nothing here, `None` where it does: it is really started, once a process."""
    from importlib.util import find_spec

    if find_spec("nono_py") is None:
        return "nono-py is not installed"
    begin = command(Policy({"/var/tmp": Right.HIDDEN}), "/")  # noqa: S108
    said = probe([*begin, "/bin/sh", "-c", "exit 0"], _PROBE_SECONDS)
    return None if said is None else said[-1]


def command(policy: Policy, private: str) -> list[str]:
    """Return the arguments that stand before those of a program; `private` is its folder for home and for `/tmp`."""
    places = dict(policy.places) | {private: Right.WRITABLE}
    places |= {f"/dev/{name}": Right.WRITABLE for name in _DEVICES}
    read: list[str] = []
    write: list[str] = []
    for path, right in _grants("/", Policy(places)):
        (write if right is Right.WRITABLE else read).append(path)
    rights = {"read": read, "write": write, "network": policy.network is Network.ALLOWED}
    # `-I`: neither variables nor the folder of the program may change this Python's imports.
    return [sys.executable, "-I", str(_START), json.dumps(rights)]


def _grants(path: str, policy: Policy) -> Iterator[tuple[str, Right]]:
    """Yield the largest folders with a single right: Landlock only adds rights, so what lies around a gap is named."""
    right = policy.right_to(path)
    within = [place for place in policy.places if place != path and covers_any(path, [place])]
    others = {place: found for place in within if (found := policy.right_to(place)) is not right}
    # A folder in which new files may be made is granted whole, unless a git folder or something hidden lies in it.
    is_evidence = all(found is Right.READABLE and not place.endswith("/.git") for place, found in others.items())
    if not others or (right is Right.WRITABLE and is_evidence):
        if right in {Right.READABLE, Right.WRITABLE}:
            yield path, right
        return
    if right in {Right.HIDDEN, Right.PRIVATE}:
        # Only the places below it, without a look at what else is there.
        for place in within:
            if not any(covers_any(other, [place]) for other in within if other != place):
                yield from _grants(place, policy)
        return
    try:
        names = sorted(os.listdir(path))  # noqa: PTH208
    except OSError:
        return
    for name in names:
        entry = os.path.join(path, name)  # noqa: PTH118
        # A link is no right: its target has its own.
        if not os.path.islink(entry):  # noqa: PTH114
            yield from _grants(entry, policy)
