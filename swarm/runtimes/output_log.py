"""The log of one output stream: free of secrets, bounded, with its beginning and its end kept."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from swarm.runtimes.redaction import Redactor

TAIL_BYTES: Final = 256 * 1024
EXCERPT_CHARACTERS: Final = 8000
_HEAD_CHARACTERS: Final = 2000
_HELD: Final = 64 * 1024
# Bytes on each side of a cut that are searched for a secret across it; a private key of 16,384 bits has 13 KB.
_LONGEST_SECRET: Final = 16 * 1024
_WIDEST: Final = 4  # bytes of a character in UTF-8


class OutputLog:
    """A file that a stream is copied to; beyond `bound` bytes only the end of the stream is kept."""

    def __init__(self, file: Path, redactor: Redactor, *, bound: int) -> None:
        # Created anew, never opened through a link: an earlier process may have put a link in the log's place.
        file.unlink(missing_ok=True)
        self._stream = file.open("x+b")
        self._redactor = redactor
        self._room = bound
        self._pending = b""
        self._tail = bytearray()
        self._dropped = 0

    def add(self, chunk: bytes) -> None:
        """Append a chunk of the stream."""
        if not self._room:
            self._add_to_tail(chunk)
            return
        self._pending += chunk
        cut = self._between_secrets(_cut(self._pending))
        if cut:
            self._write(self._pending[:cut])
            self._pending = self._pending[cut:]
            if not self._room:
                self._add_to_tail(self._pending)
                self._pending = b""

    def finish(self) -> None:
        """Write the rest of the stream; nothing may be added afterwards."""
        self._write(self._pending)
        self._pending = b""
        # Cleaning costs more than printing does, so beyond the bound only the part that is kept is cleaned.
        tail = _whole_lines(bytes(self._tail)) if self._dropped else bytes(self._tail)
        body = self._cleaned(tail)
        kept = body if len(body) <= TAIL_BYTES else _whole_lines(body[-TAIL_BYTES:])
        dropped = self._dropped + (len(self._tail) - len(tail)) + (len(body) - len(kept))
        if dropped:
            self._stream.write(f"\n[{dropped:,} bytes left out]\n".encode())
        self._stream.write(kept)
        self._tail.clear()
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
        mark = "\n[…]\n"
        room = EXCERPT_CHARACTERS - len(head) - len(mark)
        return head + mark + self._text(max(0, size - room * _WIDEST), room * _WIDEST)[-room:]

    def end(self, size: int) -> str:
        """Return at most the last `size` bytes of the log as text."""
        return self._text(max(0, self._stream.seek(0, os.SEEK_END) - size), size).strip()

    def lines(self, longest: int) -> Iterator[str]:
        """Yield the lines of the log; a line of more than `longest` bytes comes in pieces."""
        self._stream.seek(0)
        while line := self._stream.readline(longest):
            yield line.decode("utf-8", "replace")

    def _text(self, start: int, size: int) -> str:
        self._stream.seek(start)
        return self._stream.read(size).decode("utf-8", "ignore")

    def _write(self, raw: bytes) -> None:
        body = self._cleaned(raw)
        self._stream.write(body[: self._room])
        self._stream.flush()
        rest = body[self._room :]
        self._room -= len(body) - len(rest)
        self._add_to_tail(rest)

    def _add_to_tail(self, raw: bytes) -> None:
        self._tail += raw
        most = TAIL_BYTES + _HELD
        if len(self._tail) > 2 * most:
            self._dropped += len(self._tail) - most
            del self._tail[:-most]

    def _between_secrets(self, cut: int) -> int:
        """Move a cut before a secret that it would divide: neither of the halves would be known for one."""
        # Of secrets only private keys, which `_cut` knows, and values of the environment go on over lines.
        if not cut or (self._pending[cut - 1 : cut] == b"\n" and not self._redactor.has_lines):
            return cut
        begin = max(0, cut - _LONGEST_SECRET)
        # A character for each byte: the place in the text is the place in the bytes.
        around = self._pending[begin : cut + _LONGEST_SECRET].decode("latin-1")
        return begin + self._redactor.begin_of_secret(around, cut - begin)

    def _cleaned(self, raw: bytes) -> bytes:
        return self._redactor.clean(raw.decode("utf-8", "replace")).encode()


def _cut(pending: bytes) -> int:
    """Return how many bytes can be cleaned on their own: whole lines, and no key without its end."""
    cut = pending.rfind(b"\n", 0, max(0, len(pending) - _HELD)) + 1
    begin = pending.rfind(b"-----BEGIN", 0, cut)
    if begin >= 0 and pending.rfind(b"-----END", 0, cut) < begin:
        cut = pending.rfind(b"\n", 0, begin) + 1
    # A line without end, and a key without end, must not fill the memory; what follows may be the rest of a secret.
    return cut if cut or len(pending) <= 4 * _HELD else len(pending) - _HELD


def _whole_lines(raw: bytes) -> bytes:
    """Return the text without the line, or the private key, whose beginning was dropped: it may be half a secret."""
    start = raw.find(b"\n") + 1
    end = raw.find(b"-----END")
    if end >= start and not 0 <= raw.find(b"-----BEGIN") < end:
        start = raw.find(b"\n", end) + 1 or len(raw)
    return raw[start:]
