"""Access to an engine: by its name in `swarm.toml`, by its address, or by a file, the credentials of a coordinator."""

import difflib
import hashlib
import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.documents import read_bounded
from swarm.engine.authority import pair_of
from swarm.engine.place import Credentials, own_credentials, read_credentials, recorded
from swarm.engine.subjects import COORDINATOR
from swarm.engines_config import LEASE_SECONDS, MOST_RESULT_MIB, EngineConfig

# The word for no engine: agents are processes of this machine.
LOCAL: Final = "local"
_PORT: Final = "4222"
_OTHERS: Final = 0o077
_MOST_BYTES: Final = 64 * 1024


class Access(NamedTuple):
    """The credentials for an engine, how long a silent worker keeps an order, and the bytes of a result's objects."""

    credentials: Credentials
    lease_seconds: int = LEASE_SECONDS
    most_bytes: int = MOST_RESULT_MIB << 20


def access_to(named: str, config: Config, folder: Path) -> Access:
    """Return the access to an engine of `swarm.toml`, to that of this machine, or by a file of credentials.

    A name counts before a file: a repository brings files, and an untrusted `swarm.toml` names nothing. Raises
    ConfigUntrusted, EngineUnknown, EngineRefused, ScaleUnavailable.
    """
    engines = config.hosts.engines
    if named in engines:
        return _configured(named, engines[named])
    config.hold_to_trusted(f"engines.{named}")
    if "://" in named:
        return _at(named, config)
    if os.sep in named or (folder / named).is_file():
        return Access(read_credentials(folder / Path(named).expanduser()))
    near = difflib.get_close_matches(named, [*engines, LOCAL], 1)
    known = f"[engines] of swarm.toml has {', '.join(sorted(engines))}" if engines else "swarm.toml has no [engines]"
    guess = f"; did you mean {near[0]}?" if near else ""
    raise errors.EngineUnknown(problem=f"nothing is called '{errors.shortened(named)}': {known}{guess}")


def _at(url: str, config: Config) -> Access:
    address = _address(url)
    for name, engine in config.hosts.engines.items():
        if _address(engine.url) == address:
            return _configured(name, engine)
    own = recorded()
    if own is not None and _address(own.url) == address:
        return Access(own_credentials())
    ours = f"that of this machine is at {own.url}" if own else "no engine was made on this machine"
    raise errors.EngineUnknown(problem=f"{ours}; for another, name its credentials, or put it into [engines]")


def _configured(name: str, engine: EngineConfig) -> Access:
    """Return the access to an engine of `swarm.toml`. Raises EngineUnknown, EngineRefused, ScaleUnavailable."""
    limits = (engine.lease_seconds, engine.max_result_mib << 20)
    url = _address(engine.url)
    if engine.key is not None:
        return Access(_by_key(engine, engine.key, url), *limits)
    own = recorded()
    if own is None or _address(own.url) != url:
        problem = f"[engines.{name}] has no `key`, and {url} is not the engine of this machine"
        raise errors.EngineUnknown(problem=problem)
    return Access(own_credentials(), *limits)


def _by_key(engine: EngineConfig, key: Path, url: str) -> Credentials:
    authority = _text(engine.ca) if engine.ca else ""
    text = _text(key)
    if stat.S_IMODE(key.stat().st_mode) & _OTHERS:
        raise errors.EngineRefused(problem=f"other users can use {key}; `chmod 600 {key}` closes it")
    if text.startswith("{"):
        own = read_credentials(key)
        return own._replace(url=url, authority=authority or own.authority)
    try:
        pair = pair_of(text)
    except ValueError as error:
        raise errors.EngineRefused(problem=f"{key} holds neither a key nor credentials") from error
    return Credentials(
        name=COORDINATOR,
        url=url,
        # Of the key: two coordinators of a cluster do not meet.
        plane=hashlib.sha256(pair.public.encode()).hexdigest()[:8],
        seed=pair.seed,
        authority=authority,
        coordinator=pair.public,
    )


def _text(file: Path) -> str:
    try:
        return read_bounded(file, _MOST_BYTES).decode("utf-8", "replace").strip()
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit) as error:
        raise errors.EngineRefused(problem=f"{file} cannot be read") from error


def _address(url: str) -> str:
    """Return an address in the spelling by which attempts are known: always TLS, and with its port."""
    rest = url.partition("://")[2].rstrip("/")
    has_port = ":" in rest.rpartition("]")[2]
    return f"tls://{rest}" if has_port else f"tls://{rest}:{_PORT}"
