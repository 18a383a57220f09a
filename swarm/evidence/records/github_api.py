"""The API of GitHub, asked for one workflow run: one request, no redirect, a bounded answer, 30 seconds in all."""

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from swarm import documents, errors

# GitHub Actions sets it on each machine, GitHub Enterprise to its own address.
BASE_VARIABLE: Final = "GITHUB_API_URL"
_BASE: Final = "https://api.github.com"
_TOKENS: Final = ("GITHUB_TOKEN", "GH_TOKEN")
SECONDS: Final = 30.0
_LATE: Final = f"no whole answer came within {SECONDS:.0f} s"
_MOST_BYTES: Final = 1024 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_TOKEN: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)
_OK: Final = 200
_MISSING: Final = 404


def workflow_run(repo: str, run_id: str, environment: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what the API knows of a workflow run, `None` where it knows none. Raises ProvenanceUnreachable."""
    base = (environment.get(BASE_VARIABLE) or _BASE).rstrip("/")
    url = f"{base}/repos/{repo}/actions/runs/{run_id}"
    status, body = _answer(url, _headers(environment, url))
    if status == _MISSING:
        return None
    if status != _OK:
        raise _unreachable(url, f"it answered with status {status}")
    try:
        document = documents.parse_bounded(body, url)
    except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit) as error:
        raise _unreachable(url, f"its answer is no JSON: {error.problem}") from error
    if not isinstance(document, dict):
        raise _unreachable(url, "its answer is no JSON object")
    return document


def _headers(environment: Mapping[str, str], url: str) -> dict[str, str]:
    headers = {"Accept": "application/vnd.github+json", "User-Agent": "swarm", "Connection": "close"}
    token = next((value for name in _TOKENS if (value := environment.get(name, "").strip())), None)
    if token is not None:
        # A line break would add headers; the text of the error must not repeat the token.
        if not _TOKEN.fullmatch(token):
            raise _unreachable(url, "the token of the environment holds characters that no token has")
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _answer(url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Return the status and the body of an answer. Raises ProvenanceUnreachable.

    A redirect is not followed: it would carry the token to a host that nobody has named.
    """
    connection = _connection(url)
    ended = threading.Timer(SECONDS, _end, (connection,))
    ended.daemon = True
    ended.start()
    try:
        connection.connect()
        if ended.finished.is_set():
            raise TimeoutError
        connection.request("GET", urlsplit(url).path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        is_late = ended.finished.is_set() or isinstance(error, TimeoutError)
        raise _unreachable(url, _LATE if is_late else str(error) or type(error).__name__) from error
    else:
        # A connection that was shut at the deadline can look like the end of an answer without a length.
        if ended.finished.is_set():
            raise _unreachable(url, _LATE)
    finally:
        ended.cancel()
        connection.close()
    if len(body) > _MOST_BYTES:
        raise _unreachable(url, f"its answer is longer than {_MOST_BYTES:,} bytes")
    return answer.status, body


def _connection(url: str) -> http.client.HTTPConnection:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _unreachable(url, str(error)) from error
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise _unreachable(url, f"{BASE_VARIABLE} is no plain address")
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=ssl.create_default_context())
    if parts.scheme == "http" and host in _LOOPBACK:
        return http.client.HTTPConnection(host, port, timeout=SECONDS)
    raise _unreachable(url, f"{BASE_VARIABLE} must begin with https://, or the token could be read on its way")


def _end(connection: http.client.HTTPConnection) -> None:
    """Shut a connection at the deadline: a server that sends a byte now and then meets every other time-out."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _unreachable(url: str, problem: str) -> "errors.ProvenanceUnreachable":
    remedy = f"check the network, {BASE_VARIABLE} and the token in {' or '.join(_TOKENS)}"
    return errors.ProvenanceUnreachable(url=url, problem=problem, remedy=remedy)
