"""Requests of browsers, read strictly and held to the address of a page."""

import hmac
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

_LINE: Final = re.compile(r"([A-Za-z]{1,16}) (/[!-~]*) HTTP/1\.[01]")
# RFC 9110, 5.6.2 and 5.5: a name is a token, a value has no controls; a folded line is refused. The blanks around a
# value are no part of the pattern: it would try each way to share 8,000 blanks between three groups, for minutes.
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)")
LOOPBACK: Final = "127.0.0.1"


class PageRequest(NamedTuple):
    """A request: its path without a query, and its headers by lower-case names."""

    method: str
    path: str
    headers: Mapping[str, str]


class RequestRefused(Exception):
    """A request that gets a status and nothing else."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status
        super().__init__(status.phrase)


class Address(NamedTuple):
    """The port of a page, and the secret name of its folder."""

    port: int
    token: str

    @property
    def url(self) -> str:
        """The address for a browser."""
        return f"http://{LOOPBACK}:{self.port}/{self.token}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names by which a browser may call the server."""
        return f"{LOOPBACK}:{self.port}", f"localhost:{self.port}"


def request_of(head: bytes) -> PageRequest:
    """Return the request of a head, which ends with an empty line. Raises RequestRefused."""
    line, *rest = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    first = _LINE.fullmatch(line)
    if first is None:
        raise RequestRefused(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for text in rest:
        found = _HEADER.fullmatch(text)
        # Of a header that stands twice, another reader could take the other value.
        if found is None or found[1].lower() in headers:
            raise RequestRefused(HTTPStatus.BAD_REQUEST)
        headers[found[1].lower()] = found[2].strip(" \t")
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return PageRequest(first[1], first[2].partition("?")[0], headers)


def place_of(request: PageRequest, address: Address) -> str:
    """Return the path of a request below the page's folder. Raises RequestRefused where it may not be answered."""
    headers = request.headers
    # Another site can point a name of its own at 127.0.0.1 (DNS rebinding); the browser then sends that name.
    if headers.get("host", "").lower() not in address.hosts:
        raise RequestRefused(HTTPStatus.MISDIRECTED_REQUEST)
    origin = headers.get("origin", "")
    if origin and origin.lower() not in {f"http://{host}" for host in address.hosts}:
        raise RequestRefused(HTTPStatus.FORBIDDEN)
    is_visit = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} and not is_visit:
        raise RequestRefused(HTTPStatus.FORBIDDEN)
    if request.method not in {"GET", "HEAD"}:
        raise RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED)
    token, slash, place = request.path[1:].partition("/")
    # In a time that does not depend on how much of the token is right.
    if not (hmac.compare_digest(token.encode(), address.token.encode()) and slash):
        raise RequestRefused(HTTPStatus.NOT_FOUND)
    return place
