"""Backend `bwrap`: mount, process, IPC and network namespaces made by bubblewrap."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from swarm.ahead import begun
from swarm.rules.sandbox_policy import Network, Policy, Right
from swarm.runtimes.processes import probe

NAME: Final = "bwrap"
_PROBE_SECONDS: Final = 10.0
# Without a terminal of its own a process cannot type into ours, so `--new-session` is not needed; and it would take
# the program out of the group that a deadline ends.
_BASE: Final = ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--ro-bind", "/", "/")
# The kernel's own file systems, private to the sandbox, after every other mount of the machine.
_KERNEL: Final = ("--dev", "/dev", "--proc", "/proc")
# Files of the kernel for the whole machine, which root could write to without any capability: a program named in
# `sys/kernel/core_pattern` is started outside of every sandbox.
_OF_ROOT: Final = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "driver", "mtrr")
# Root keeps what tests of root need inside its own files, and nothing that reaches the machine.
_ROOTS: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "NET_BIND_SERVICE")
_FIRST_SIGNAL_CODE: Final = 128
_MOST_SIGNALS: Final = 64


@cache
def asked() -> Callable[[], str | None]:
    """Begin to find out whether bubblewrap works, and return a function that waits for the answer of `works`."""
    return begun(_works)


def works() -> str | None:
    """Return why bubblewrap starts nothing here, `None` where it does: it is really started, once a process."""
    return asked()()


def _works() -> str | None:
    program = shutil.which("bwrap")
    if program is None:
        return "bwrap is not installed"
    policy = Policy({"/tmp": Right.PRIVATE, "/var/tmp": Right.HIDDEN})  # noqa: S108
    said = probe([*command(policy, "/", {}), "true"], _PROBE_SECONDS)
    return None if said is None else said[0]


def command(
    policy: Policy, folder: str, links: Mapping[str, str], behind: Mapping[str, str] | None = None
) -> list[str]:
    """Return the arguments that stand before those of a program.

    `links` are made where a path leads through a link; `behind` names the folder that is seen in a private place.
    """
    network = () if policy.network is Network.ALLOWED else ("--unshare-net",)
    mounts, emptied = _mounts(policy, behind or {})
    made = [word for link, target in links.items() for word in ("--symlink", target, link)]
    return [
        shutil.which("bwrap") or "bwrap",
        *_BASE,
        *network,
        *_KERNEL,
        *_kernel_of_root(),
        *mounts,
        *made,
        # Last: until here bwrap makes the mount points in them.
        *(word for place in emptied for word in ("--remount-ro", place)),
        *_capabilities(),
        *("--chdir", folder, "--"),
    ]


def code_of(code: int) -> int:
    """Return the exit code of a program as its parent would see it: bwrap reports a signal as a shell does."""
    signal = code - _FIRST_SIGNAL_CODE
    return -signal if 0 < signal <= _MOST_SIGNALS else code


def _mounts(policy: Policy, behind: Mapping[str, str]) -> tuple[list[str], list[str]]:
    mounts: list[str] = []
    emptied: list[str] = []
    done: dict[str, Right] = {}
    for place, right in policy.in_order():
        above = Policy(done).right_to(os.path.dirname(place))  # noqa: PTH120
        done[place] = right
        match right:
            case Right.READABLE:
                mounts += () if above is Right.READABLE else ("--ro-bind", place, place)
            case Right.WRITABLE:
                mounts += ("--bind", place, place)
            case Right.HIDDEN | Right.PRIVATE if not os.path.isdir(place):  # noqa: PTH112
                mounts += ("--ro-bind", os.devnull, place)
            case Right.PRIVATE if place in behind:
                mounts += ("--bind", behind[place], place)
            case Right.HIDDEN | Right.PRIVATE:
                mounts += ("--tmpfs", place)
                emptied += (place,) if right is Right.HIDDEN else ()
    return mounts, emptied


def _kernel_of_root() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    return [word for name in _OF_ROOT for word in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")]


def _capabilities() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    return ("--cap-drop", "ALL", *(word for name in _ROOTS for word in ("--cap-add", f"CAP_{name}")))
