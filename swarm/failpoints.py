"""Kill points for the tests of recovery.

`SWARM_FAILPOINT=NAME` ends the process with SIGKILL where `failpoint("NAME")` stands; `NAME:2` ends it the
second time it is passed. Unset, a failpoint is an empty function.
"""

import os
from collections.abc import Callable

_armed, _, _count = os.environ.get("SWARM_FAILPOINT", "").partition(":")
_remaining = [int(_count or 1)]


def _die_at(name: str) -> None:
    if name != _armed:
        return
    _remaining[0] -= 1
    if _remaining[0] == 0:
        import signal

        os.kill(os.getpid(), signal.SIGKILL)


def _pass_by(name: str) -> None:
    """Do nothing: no failpoint is armed."""


failpoint: Callable[[str], None] = _die_at if _armed else _pass_by
