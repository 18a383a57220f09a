"""The environment of a launched process: an allowlist, never the whole of ours."""

import os
from collections.abc import Mapping
from typing import Final

from swarm.search_path import absolute_path

_ALLOWED: Final = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "VIRTUAL_ENV",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


def allowed_environment(passed: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the allowed part of our environment, and the variables named in `passed`."""
    allowed = {name: os.environ[name] for name in (*_ALLOWED, *passed) if name in os.environ}
    return {**allowed, "PATH": absolute_path()}


def agent_environment(added: Mapping[str, str], *, passed: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the environment of an agent: the allowed variables, those named in `passed`, no colour, and `added`."""
    return {**allowed_environment(passed), "NO_COLOR": "1", **added}
