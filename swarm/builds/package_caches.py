"""Caches of packages: the parts of them that a build in a sandbox reads, and the variables that lead tools to them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm.rules.sandbox_policy import Network, Policy, Right


class _Cache(NamedTuple):
    """A tool's cache: its place below home, else where a variable leads; and the parts that hold packages.

    Beside its parts a cache holds locks and temporary files, which the tool must be able to write. `online` says that
    the tool downloads packages also where it cannot write to its cache.
    """

    variable: str | None
    place: str
    parts: tuple[str, ...] = ()
    online: bool = False


_CACHES: Final = (
    _Cache("PIP_CACHE_DIR", ".cache/pip", online=True),
    # Without a variable: uv ends with an error where it cannot make a lock in its cache.
    _Cache(None, ".cache/uv", ("archive-*", "flat-index-*", "git-*", "sdists-*", "simple-*", "wheels-*")),
    _Cache("npm_config_cache", ".npm", ("_cacache/content-v*", "_cacache/index-v*")),
    # `credentials.toml` lies beside these.
    _Cache("CARGO_HOME", ".cargo", ("registry/*", "git/*", "config.toml", "config")),
    _Cache("GOMODCACHE", "go/pkg/mod"),
)
# Other variables by which tools find a folder to keep packages in.
_FOLDERS: Final = ("NPM_CONFIG_CACHE", "YARN_CACHE_FOLDER", "GOPATH")
# Without these, tools try the network again and again for minutes before they say that there is none.
_OFFLINE: Final = {
    "CARGO_NET_OFFLINE": "true",
    "GOPROXY": "off",
    "PIP_RETRIES": "0",
    "UV_OFFLINE": "1",
    "npm_config_offline": "true",
}


def cache_places(home: str, *, network: bool) -> Iterator[tuple[str, Right]]:
    """Yield the places of cached packages to read; with an open network tools fill caches of their own."""
    for cache in _CACHES:
        if cache.online or not network:
            folder = _folder(cache, home)
            places = [place for part in cache.parts for place in sorted(folder.glob(part))] if cache.parts else [folder]
            yield from ((str(place), Right.READABLE) for place in places)


def cache_variables(home: str, policy: Policy, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a build in a sandbox, with the variables by which tools use the caches that it has."""
    folders = {cache.variable: _folder(cache, home) for cache in _CACHES if cache.variable}
    found = {**environment, **{name: str(folder) for name, folder in folders.items() if folder.is_dir()}}
    if policy.network is not Network.ALLOWED:
        return {**_OFFLINE, **found}
    fillable = [cache.variable for cache in _CACHES if cache.variable and not cache.online]
    for name in (*fillable, *_FOLDERS):
        # A folder that cannot be written to fails every download; without the variable the tool makes one at home.
        if name in found and policy.right_to(os.path.realpath(found[name])) is not Right.WRITABLE:
            del found[name]
    return found


def _folder(cache: _Cache, home: str) -> Path:
    named = os.environ.get(cache.variable, "") if cache.variable else ""
    if not named and cache.variable == "GOMODCACHE" and os.environ.get("GOPATH"):
        named = os.path.join(os.environ["GOPATH"].split(os.pathsep)[0], "pkg", "mod")  # noqa: PTH118
    return Path(named) if os.path.isabs(named) else Path(home) / cache.place  # noqa: PTH117
