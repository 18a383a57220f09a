"""Watch over a process that supervises attempts: this file is run by a Python of its own, beside the supervisor.

It reads a pipe whose other end the supervisor alone holds: each line has the number of an attempt, with its mark and
the leaders of its groups, or nothing once the attempt has ended. The end of the pipe is the death of the supervisor,
whose process id is its argument.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Wait for the death of the supervisor, and end the attempts that it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    attempts: dict[int, dict[str, Any]] = {}
    for line in sys.stdin.buffer:
        try:
            number, attempt = json.loads(line)
        except ValueError:
            # Cut off where the pipe was full.
            continue
        if attempt is None:
            attempts.pop(number, None)
        else:
            attempts[number] = attempt
    if attempts:
        # Imported for a supervisor that died, which is rare: each launch starts a watchdog.
        sys.path.insert(0, str(Path(__file__).parent.parent.parent))
        from swarm.runtimes import processes

        leaders = [(pid, start) for attempt in attempts.values() for pid, start in attempt["leaders"]]
        processes.end_attempts(leaders, [attempt["mark"] for attempt in attempts.values()])


if __name__ == "__main__":
    main()
