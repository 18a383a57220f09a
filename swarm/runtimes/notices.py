"""Notices for a person: the program of `[notify]` is run with a JSON document on its stdin."""

import json
import subprocess
import threading
from collections.abc import Sequence
from typing import Final

from swarm import stage_events

SCHEMA: Final = "swarm.attention/v1"
_SECONDS: Final = 10.0


def send(argv: Sequence[str], event: str, **facts: object) -> None:
    """Send a notice: `permission`, `stalled`, `parked` or `done`.

    It cannot break or delay a launch; its program has 10 s.
    """
    if argv:
        document = json.dumps({"schema": SCHEMA, "event": event, **facts}, default=str)
        # Not a process of asyncio: a notice at the end of a launch outlives the event loop.
        threading.Thread(target=_run, args=(tuple(argv), document)).start()


def _run(argv: Sequence[str], document: str) -> None:
    try:
        done = subprocess.run(
            argv,
            input=document.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
            start_new_session=True,
        )
        problem = f"exit code {done.returncode}" if done.returncode else None
    except subprocess.TimeoutExpired:
        problem = f"no end within {_SECONDS:.0f} s"
    except (OSError, ValueError) as error:
        problem = str(error)
    if problem:
        stage_events.emit("notice_failed", program=argv[0], problem=problem)
