"""Answers to browsers: heads, bodies in memory or in a file, and events."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Final, NamedTuple

_PIECE: Final = 64 * 1024
_NOTHING: Final = "default-src 'none'; frame-ancestors 'none'"
# No answer is kept by a cache, read by another site, shown in a frame, or named to another site.
_EACH: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Connection": "close",
}


class Spool:
    """A file without a name. It is closed when the last body of it is gone: a slow reader may hold an older state."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `__del__` closes it
        digest = sha256()
        self.size = 0
        for part in parts:
            digest.update(part)
            self.size += self._file.write(part)
        self._file.flush()
        self.digest = _short(digest.hexdigest())

    def __del__(self) -> None:
        """Close the file."""
        self._file.close()

    def pieces(self) -> Iterator[bytes]:
        """Yield the content; several readers may read at once."""
        for start in range(0, self.size, _PIECE):
            yield os.pread(self._file.fileno(), min(_PIECE, self.size - start), start)


class PageBody(NamedTuple):
    """Content of an answer, in memory or in a file, and the digest that tells its versions apart."""

    kind: str
    size: int
    digest: str
    content: bytes | Spool

    def pieces(self) -> Iterator[bytes]:
        """Yield the content."""
        return iter((self.content,)) if isinstance(self.content, bytes) else self.content.pieces()


class FindingsStep(NamedTuple):
    """A change of the findings as JSON, for a page that has the findings of the digest `since`."""

    since: str
    content: bytes


class Findings(NamedTuple):
    """The findings of a run, and the last changes that made them, oldest first."""

    whole: PageBody
    steps: tuple[FindingsStep, ...] = ()

    def followed_by(self, whole: PageBody, step: str | None) -> "Findings":
        """Return the next findings; without a step the pages that have these findings get them whole."""
        if whole.digest == self.whole.digest:
            return self
        if step is None:
            return Findings(whole)
        steps = [*self.steps, FindingsStep(self.whole.digest, step.encode("utf-8", "replace"))]
        # Steps longer than the whole would help nobody.
        most = max(whole.size, _PIECE)
        while sum(len(kept.content) for kept in steps) > most:
            del steps[0]
        return Findings(whole, tuple(steps))

    def since(self, digest: str) -> PageBody:
        """Return the changes since the findings of a digest, or the whole findings where they are not known."""
        # From the end: findings that were the same twice have the same digest.
        for start, step in reversed(list(enumerate(self.steps))):
            if step.since == digest:
                content = b'{"steps":[' + b",".join(step.content for step in self.steps[start:]) + b"]}"
                return PageBody(self.whole.kind, len(content), self.whole.digest, content)
        return self.whole


class Shown(NamedTuple):
    """A state of a run as its page shows it; `problem` says why a newer state cannot be read."""

    page: PageBody
    findings: Findings
    problem: str | None = None


def in_memory(kind: str, text: str) -> PageBody:
    """Return a text as a body."""
    content = text.encode("utf-8", "replace")
    return PageBody(kind, len(content), digest_of(content), content)


def in_a_file(kind: str, parts: Iterable[str]) -> PageBody:
    """Return a text of any size as a body."""
    spool = Spool(part.encode("utf-8", "replace") for part in parts)
    return PageBody(kind, spool.size, spool.digest, spool)


def digest_of(content: bytes) -> str:
    """Return the short digest of a content."""
    return _short(sha256(content).hexdigest())


def _short(digest: str) -> str:
    return digest[:16]


def head(status: HTTPStatus, headers: Mapping[str, str], policy: str = _NOTHING) -> bytes:
    """Return the head of an answer."""
    every = {**_EACH, "Content-Security-Policy": policy, **headers}
    lines = (f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in every.items()))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def refusal(status: HTTPStatus) -> bytes:
    """Return the whole answer to a refused request."""
    text = f"{status.phrase}\n".encode()
    more = {"Allow": "GET, HEAD"} if status is HTTPStatus.METHOD_NOT_ALLOWED else {}
    return head(status, {"Content-Type": "text/plain", "Content-Length": str(len(text)), **more}) + text
