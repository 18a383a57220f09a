"""Start a program under Landlock: this file is run by a Python of its own, and replaces itself by the program.

Its arguments are a JSON object (`read`, `write`: paths; `network`: whether it is open) and those of the program.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

# As in the sandbox of bubblewrap: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE.
KEPT = 0x4FB
_CAPABILITIES = 64
_DROP_FROM_BOUND = 24
_VERSION = 0x20080522


def main(arguments: list[str]) -> None:
    """Apply the restrictions to this process, then start the program in it."""
    import nono_py

    rights = json.loads(arguments[0])
    granted = nono_py.CapabilitySet()
    modes = {"read": nono_py.AccessMode.READ, "write": nono_py.AccessMode.READ_WRITE}
    for name, mode in modes.items():
        for path in rights[name]:
            grant = granted.allow_path if Path(path).is_dir() else granted.allow_file
            try:
                grant(path, mode)
            except (OSError, ValueError):
                # A file that vanished, a socket, a device: without a grant it stays closed.
                continue
    drop_capabilities()
    if rights["network"]:
        nono_py.apply_landlock(granted)
    else:
        granted.block_network()
        # Landlock alone closes TCP; the filter of system calls closes UDP and raw sockets as well.
        nono_py.apply_seccomp(granted)
    # Python ignores these for itself, and the program would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execv(arguments[1], arguments[1:])  # noqa: S606


def drop_capabilities() -> None:
    """Drop the capabilities of root that reach the machine: by the device of a disk root could read the whole disk."""
    if os.geteuid() != 0:
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(_CAPABILITIES):
        # The kernel knows fewer, and answers with an error for the rest.
        if not KEPT & 1 << number:
            libc.prctl(_DROP_FROM_BOUND, number, 0, 0, 0)
    words = ctypes.c_uint32 * 6
    # Effective, permitted and inheritable, the low halves first.
    if libc.capset((ctypes.c_uint32 * 2)(_VERSION, 0), words(KEPT, KEPT, 0, 0, 0, 0)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    main(sys.argv[1:])
