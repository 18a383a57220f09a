"""The environment that a launched process sees: an allowlist, never ours as it is."""

import os
from collections.abc import Mapping
from typing import Final

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


def agent_environment(added: Mapping[str, str], *, passed: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the allowed part of our environment, the variables named in `passed`, and `added`."""
    kept = {name: os.environ[name] for name in (*_ALLOWED, *passed) if name in os.environ}
    return {**kept, "NO_COLOR": "1", **added}
