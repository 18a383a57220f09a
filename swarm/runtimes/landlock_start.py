"""Start a program under Landlock: this file is run by a Python of its own, and replaces itself by the program.

Its arguments are a JSON object (`read`, `write`: paths; `network`: whether it is open) and those of the program.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


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
    if rights["network"]:
        nono_py.apply_landlock(granted)
    else:
        granted.block_network()
        # Landlock alone closes TCP; the filter of system calls closes UDP and raw sockets as well.
        nono_py.apply_seccomp(granted)
    os.execv(arguments[1], arguments[1:])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
