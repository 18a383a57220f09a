"""URIs and paths of logs, without the files: drives, hosts, percent signs and dot segments (RFC 3986, RFC 8089)."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_DRIVE: Final = re.compile(r"/?[A-Za-z]:[/\\]")
_HOSTS: Final = frozenset({"", "localhost"})


def path_of_uri(uri: str) -> str | None:
    """Return the path that a URI reference names, without percent signs; `None` for a URI of another place."""
    if _DRIVE.match(uri):
        return "/" + unquote(uri).replace("\\", "/").lstrip("/")
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return unquote(uri).replace("\\", "/")
    if scheme[1].lower() != "file":
        return None
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.netloc.lower() not in _HOSTS and not _DRIVE.match(f"{parts.netloc}/"):
        return None
    # `file://C:/x` is wrong and common.
    begin = f"/{parts.netloc}" if _DRIVE.match(f"{parts.netloc}/") else ""
    return begin + unquote(parts.path).replace("\\", "/")


def on_this_host(uri: str) -> str:
    """Return the relative path behind `file://`, where the host should stand; `""` for any other URI."""
    scheme = _SCHEME.match(uri)
    return unquote(uri.partition("://")[2]) if scheme is not None and scheme[1].lower() == "file" else ""


def without_dots(path: str) -> str:
    """Return a path without its dot segments, as RFC 3986 removes them; a path that climbs out keeps them."""
    kept: list[str] = []
    for step in path.split("/"):
        if step == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif step not in {"", "."}:
            kept.append(step)
    return ("/" if path.startswith("/") else "") + "/".join(kept)


def folded(path: str) -> str:
    """Return a path as it is compared: below a drive, names do not differ by case."""
    return path.casefold() if _DRIVE.match(f"{path}/") else path
