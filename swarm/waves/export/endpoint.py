"""An OTLP endpoint: spans are sent by HTTP, with a time-out, a bounded answer, and no redirect."""

import http.client
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from swarm import documents, errors

HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
_PATH: Final = "/v1/traces"
_SECONDS: Final = 10.0
_MOST_BYTES: Final = 64 * 1024
_FINE: Final = range(200, 300)


class Endpoint(NamedTuple):
    """The place of an endpoint; `headers` may hold a secret, and `shown` never does."""

    is_secure: bool
    host: str
    port: int | None
    path: str
    headers: Mapping[str, str]

    @property
    def shown(self) -> str:
        """The address without what may be a secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return f"{'https' if self.is_secure else 'http'}://{host}{port}{self.path}"


def endpoint_of(url: str, environment: Mapping[str, str]) -> Endpoint:
    """Return the endpoint of an address, with the headers of OpenTelemetry's variable. Raises ValueError.

    An address without a path means the path of traces, as it does for OpenTelemetry's own exporters.
    """
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"credentials of an endpoint belong into {HEADERS}, and not into its address")
    if not parts.hostname or not (parts.path.isascii() and parts.path.isprintable()) or " " in parts.path:
        raise ValueError("the address names no host, or its path is not of visible ASCII characters")
    path = parts.path if parts.path not in {"", "/"} else _PATH
    return Endpoint(parts.scheme == "https", parts.hostname, parts.port, path, _headers(environment.get(HEADERS, "")))


def _headers(text: str) -> dict[str, str]:
    """Return the headers of a list `name=value,name=value`, in which values are percent-encoded. Raises ValueError."""
    found = {}
    for pair in filter(str.strip, text.split(",")):
        name, equals, value = pair.partition("=")
        name, value = name.strip(), unquote(value.strip())
        # The text of the error must not repeat a value: it may be a token.
        if not equals or not name.replace("-", "").isalnum() or not (value.isascii() and value.isprintable()):
            raise ValueError(f"{HEADERS} is not of the form name=value,name=value")
        found[name] = value
    return found


def send(endpoint: Endpoint, text: str) -> tuple[int, str | None]:
    """Send a request; return the number of spans that were not taken, and the reason.

    Raises ExportUnreachable, ExportRefused.
    """
    make = http.client.HTTPSConnection if endpoint.is_secure else http.client.HTTPConnection
    connection = make(endpoint.host, endpoint.port, timeout=_SECONDS)
    headers = {**endpoint.headers, "Content-Type": "application/json", "User-Agent": "swarm"}
    try:
        connection.request("POST", endpoint.path, text.encode(), headers)
        answer = connection.getresponse()
        status, body = answer.status, answer.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise errors.ExportUnreachable(url=endpoint.shown, problem=str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if status not in _FINE:
        raise errors.ExportRefused(url=endpoint.shown, status=status)
    return _rejected(body)


def _rejected(body: bytes) -> tuple[int, str | None]:
    """Return the number of spans that an answer says were not taken, and its reason."""
    try:
        document = documents.parse_bounded(body, "the answer") if body.strip() else {}
    except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit):
        # The status has said that the spans were taken.
        return 0, None
    partial = document.get("partialSuccess") if isinstance(document, dict) else None
    if not isinstance(partial, dict):
        return 0, None
    count, reason = str(partial.get("rejectedSpans", 0)), partial.get("errorMessage")
    return int(count) if count.isdigit() and count.isascii() else 0, errors.shortened(str(reason)) if reason else None
