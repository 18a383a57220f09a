"""Journal of an attempt: the events of its agent, one JSON object a line, written while they come."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm.runtimes.redaction import Redactor

NAME: Final = "events.jsonl"
JOURNAL_BYTES: Final = 8 * 1024 * 1024
_END_BYTES: Final = 64 * 1024


class Tail(NamedTuple):
    """The last events of a journal, oldest first, the bytes that were read, and whether earlier events were left."""

    events: tuple[dict[str, Any], ...]
    size: int
    is_cut: bool


def tail(folder: Path, most_bytes: int = _END_BYTES, most_lines: int = JOURNAL_BYTES) -> Tail:
    """Return the last events of a journal, as far as the bounds hold whole lines of them."""
    try:
        with (folder / NAME).open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - most_bytes))
            body = stream.read(most_bytes)
    except OSError:
        return Tail((), 0, is_cut=False)
    lines = body.split(b"\n")[int(size > most_bytes) :]
    found = []
    for line in lines:
        # The last line may be half written.
        with contextlib.suppress(ValueError, RecursionError):
            document = json.loads(line)
            if isinstance(document, dict):
                found.append(document)
    kept = found[-most_lines:] if most_lines else []
    return Tail(tuple(kept), len(body), is_cut=size > most_bytes or len(kept) < len(found))


def append(folder: Path, event: Mapping[str, Any]) -> None:
    """Append an event to the journal of an attempt whose agent works on another machine, where secrets were masked."""
    body = (json.dumps(event, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    with contextlib.suppress(OSError):
        handle = os.open(folder / NAME, flags, 0o600)
        try:
            if os.fstat(handle).st_size + len(body) <= JOURNAL_BYTES:
                os.write(handle, body)
        finally:
            os.close(handle)


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
