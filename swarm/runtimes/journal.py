"""Journal of an attempt: the events of its agent, one JSON object a line, written while they come."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from swarm.runtimes.redaction import Redactor

NAME: Final = "events.jsonl"
JOURNAL_BYTES: Final = 8 * 1024 * 1024
_END_BYTES: Final = 64 * 1024


def last_events(folder: Path) -> list[dict[str, Any]]:
    """Return the last events of a journal, oldest first, as far as its end of 64 KiB holds whole lines of them."""
    try:
        with (folder / NAME).open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _END_BYTES))
            lines = stream.read(_END_BYTES).split(b"\n")
    except OSError:
        return []
    found = []
    for line in lines[1:] if size > _END_BYTES else lines:
        # The last line may be half written.
        with contextlib.suppress(ValueError, RecursionError):
            document = json.loads(line)
            if isinstance(document, dict):
                found.append(document)
    return found


class Journal:
    """A file of events, free of secrets; of an agent that floods it, only the beginning is kept."""

    def __init__(self, folder: Path, redactor: Redactor) -> None:
        file = folder / NAME
        # Created anew, never opened through a link: an earlier process may have put a link in its place.
        file.unlink(missing_ok=True)
        self._stream = file.open("xb", buffering=0)
        self._redactor = redactor
        self._room = JOURNAL_BYTES

    def add(self, event: Mapping[str, Any]) -> None:
        """Append an event."""
        body = (self._redactor.clean(json.dumps(event, ensure_ascii=False)) + "\n").encode("utf-8", "replace")
        if len(body) > self._room:
            return
        self._room -= len(body)
        self._stream.write(body)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
