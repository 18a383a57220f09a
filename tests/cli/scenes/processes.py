"""Processes that leave their session, and the wait for their end."""

import sys
import time
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


DETACHED = """import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for number in range(3): os.close(number)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""


def detaching(tmp_path: Path) -> str:
    """A shell script that starts a process which leaves its parent, its group, its session and its output."""
    (tmp_path / "leave.py").write_text(DETACHED)
    wait = f"while ! test -s {tmp_path}/gone; do sleep 0.02; done"
    return f"{sys.executable} {tmp_path}/leave.py {tmp_path}/gone; {wait}"


def assert_ends(pid: int) -> None:
    deadline = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


# Puts the process that launched an agent into `$launcher`: on Linux a keeper stands between the two.
LAUNCHER = (
    "launcher=$PPID; if grep -qs keeper.py /proc/$PPID/cmdline; then launcher=$(cut -d ' ' -f 4 /proc/$PPID/stat); fi"
)
