"""The log of one stream of a step: clean of secrets, bounded, with its beginning and its end kept."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from swarm.builds.tests_ran import LINE_CHARACTERS
from swarm.runtimes.redaction import Redactor

LOG_BYTES: Final = 64 * 1024 * 1024
TAIL_BYTES: Final = 256 * 1024
EXCERPT_CHARACTERS: Final = 8000
_HEAD_CHARACTERS: Final = 2000
_HELD: Final = 64 * 1024
_WIDEST: Final = 4  # bytes of a character in UTF-8


class Log:
    """A file that a stream is copied to; beyond its bound only the end of the stream is kept."""

    def __init__(self, file: Path, redactor: Redactor) -> None:
        # Made anew and never through a link: what was verified here before may have put one in its place.
        file.unlink(missing_ok=True)
        self._stream = file.open("x+b")
        self._redactor = redactor
        self._room = LOG_BYTES
        self._pending = b""
        self._tail = b""
        self._dropped = 0

    def add(self, chunk: bytes) -> None:
        """Take more of the stream."""
        self._pending += chunk
        # A private key spans lines, so a little is held back; a line without end is cut.
        held = self._pending.rfind(b"\n", 0, max(0, len(self._pending) - _HELD))
        if held >= 0:
            self._write(self._pending[: held + 1])
            self._pending = self._pending[held + 1 :]
        elif len(self._pending) > 4 * _HELD:
            self._write(self._pending)
            self._pending = b""

    def finish(self) -> None:
        """Write what is still held back; nothing may be added any more."""
        self._write(self._pending)
        self._pending = b""
        if self._dropped:
            self._stream.write(f"\n[{self._dropped:,} bytes left out]\n".encode())
        self._stream.write(self._tail)
        self._tail = b""
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def excerpt(self) -> str:
        """Return the log, its middle left out where it is longer than 8,000 characters."""
        size = self._stream.seek(0, os.SEEK_END)
        if size <= EXCERPT_CHARACTERS * _WIDEST and len(text := self._text(0, size)) <= EXCERPT_CHARACTERS:
            return text
        head = self._text(0, _HEAD_CHARACTERS * _WIDEST)[:_HEAD_CHARACTERS]
        told = "\n[…]\n"
        room = EXCERPT_CHARACTERS - len(head) - len(told)
        return head + told + self._text(max(0, size - room * _WIDEST), room * _WIDEST)[-room:]

    def lines(self) -> Iterator[str]:
        """Yield the lines of the log; one that is very long comes in pieces."""
        self._stream.seek(0)
        while line := self._stream.readline(LINE_CHARACTERS):
            yield line.decode("utf-8", "replace")

    def _text(self, start: int, size: int) -> str:
        self._stream.seek(start)
        return self._stream.read(size).decode("utf-8", "ignore")

    def _write(self, raw: bytes) -> None:
        body = self._redactor.clean(raw.decode("utf-8", "replace")).encode()
        kept, rest = body[: self._room], body[self._room :]
        self._room -= len(kept)
        self._stream.write(kept)
        if not rest:
            return
        whole = self._tail + rest
        self._tail = whole[-TAIL_BYTES:]
        self._dropped += len(whole) - len(self._tail)
