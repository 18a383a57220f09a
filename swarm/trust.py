"""Trust: which executable parts of a `swarm.toml` count, by the records of `swarm trust` or by a digest.

Each record is a file of its own in the user's state folder, named by a digest of the place that it is for, so that two
`swarm trust` at once lose nothing.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.owners import other_owner

VARIABLE: Final = "SWARM_TRUST"
# Only the keys listed here are taken from a stranger: a key that a later version adds counts as executable until
# somebody has judged it and entered it.
_HARMLESS: Final = frozenset({"reads", "severities", "categories"})
_HARMLESS_WITHIN: Final[Mapping[str, frozenset[str]]] = {
    "defaults": frozenset(),
    # An engine has every prompt and the whole base: no stranger chooses it.
    "engines": frozenset(),
    "launch": frozenset({"jobs", "timeout_seconds", "attempts", "stalls"}),
    "prompts": frozenset({"max_bytes"}),
    "runtimes": frozenset({"ruff"}),
    "verify": frozenset({"adapter", "timeout_seconds"}),
    # A copy in its own tree shows an agent nothing that the checkout, which it may read, does not show.
    "worktrees": frozenset({"include", "timeout_seconds", "port_base"}),
}
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_BYTES: Final = 64 * 1024


class ConfigPlace(NamedTuple):
    """Place of a configuration: the path at which it is found, the file that the path leads to, and its owner."""

    path: Path
    real_path: Path
    owner: int


class TrustRecord(NamedTuple):
    """Record of a trusted configuration, as its file holds it."""

    path: str
    real_path: str
    owner: int
    digest: str
    trusted_at: str


class Trust(NamedTuple):
    """Trust of a call: the digests that its caller names, or everything, beside the records."""

    digests: frozenset[str] = frozenset()
    everything: bool = False

    def covers(self, place: ConfigPlace, digest: str) -> bool:
        """Say whether executable parts of a digest count at a place."""
        if self.everything or digest in self.digests:
            return True
        found = recorded(place)
        return found is not None and (found.real_path, found.owner, found.digest) == (
            str(place.real_path),
            place.owner,
            digest,
        )


def executable_parts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the executable parts of a configuration by their names, such as `runtimes.mine` and `verify.steps`."""
    parts: dict[str, Any] = {}
    for key, value in document.items():
        if key in _HARMLESS_WITHIN:
            harmless = _HARMLESS_WITHIN[key]
            parts |= {f"{key}.{inner}": part for inner, part in value.items() if inner not in harmless}
        elif key not in _HARMLESS:
            parts[key] = value
    return parts


def harmless_parts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without its executable parts."""
    whole = {key: document[key] for key in _HARMLESS if key in document}
    within = {
        key: {inner: part for inner, part in document[key].items() if inner in harmless}
        for key, harmless in _HARMLESS_WITHIN.items()
        if key in document
    }
    return whole | within


def digest_of(parts: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of executable parts; the order of keys in the file does not matter."""
    from hashlib import sha256

    # TOML's dates are the only values that JSON lacks.
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return sha256(text.encode()).hexdigest()


def given(option: str | None, environment: Mapping[str, str]) -> Trust:
    """Return the trust that `--trust`, else `SWARM_TRUST`, gives. Raises CliUsage for a word that is no digest."""
    name, value = ("--trust", option) if option is not None else (VARIABLE, environment.get(VARIABLE, ""))
    if value == "1":
        return Trust(everything=True)
    words = frozenset(value.lower().replace(",", " ").split()) - {"0"}
    if strange := sorted(word for word in words if not _DIGEST.fullmatch(word)):
        problem = f"{name} takes the digest that `swarm trust --check` prints, or 1; got '{strange[0]}'"
        raise errors.CliUsage(problem=errors.shortened(problem))
    return Trust(words)


def state_folder() -> Path:
    """Return the folder of this user's state, as platformdirs names it, without its import at each start."""
    named = os.environ.get("XDG_STATE_HOME", "")
    # A relative path would lie wherever the caller stands, and the XDG specification says to ignore it.
    if os.path.isabs(named):  # noqa: PTH117
        return Path(named) / "swarm"
    home = Path(os.path.expanduser("~"))  # noqa: PTH111
    return home / ("Library/Application Support" if sys.platform == "darwin" else ".local/state") / "swarm"


def record_file(path: Path) -> Path:
    """Return the file of the record for the path of a configuration."""
    from hashlib import sha256

    return state_folder() / "trust" / f"{sha256(os.fsencode(path)).hexdigest()[:32]}.json"


def recorded(place: ConfigPlace) -> TrustRecord | None:
    """Return the record for a place; `None` where there is none, or where the repository itself could have written it.

    Raises OwnedByAnotherUser, and TrustRecordUnusable for a file that is no record.
    """
    file = record_file(place.path)
    if not os.path.lexists(file) or lies_within(state_folder(), place.path.parent):
        return None
    found = _read(file)
    return found if found.path == str(place.path) else None


def records() -> list[TrustRecord]:
    """Return every record, by path. Raises as `recorded`."""
    return sorted(map(_read, (state_folder() / "trust").glob("*.json")))


def lies_within(folder: Path, place: Path) -> bool:
    """Say whether a folder lies in the checkout around a place, or below the place itself where there is none."""
    from swarm.workspace import checkout_around

    root = checkout_around(place) or place.resolve()
    return folder.resolve().is_relative_to(root)


def record(place: ConfigPlace, digest: str, at: str) -> Path:
    """Record a configuration as trusted, and return the file of the record.

    Raises TrustRecordUnusable where the state folder lies in the repository that the record would be about.
    """
    from swarm.files import write_whole

    file = record_file(place.path)
    if lies_within(file, place.path.parent):
        problem = f"it would lie in the repository of {place.path}, which could then write its own records"
        raise errors.TrustRecordUnusable(path=str(file), problem=problem, remedy="set XDG_STATE_HOME to another folder")
    if os.path.lexists(file):
        # A record that is damaged or somebody else's is refused, and not replaced unseen.
        _read(file)
    entry = TrustRecord(str(place.path), str(place.real_path), place.owner, digest, at)
    # Undecodable bytes of a path survive as the escapes of half a surrogate pair.
    write_whole(file, json.dumps(entry._asdict(), indent=2) + "\n")
    return file


def remove(path: Path) -> bool:
    """Remove the record for the path of a configuration, and say whether there was one."""
    file = record_file(path)
    if not os.path.lexists(file):
        return False
    file.unlink()
    return True


def _read(file: Path) -> TrustRecord:
    from swarm.documents import parse_bounded, read_bounded

    if (other := other_owner(file, file.parent)) is not None:
        raise errors.OwnedByAnotherUser(path=str(other[0]), owner=other[1], what="a record of trust", word=str(file))
    try:
        document = parse_bounded(read_bounded(file, _MOST_BYTES), str(file))
        if not isinstance(document, dict) or document.keys() != set(TrustRecord._fields):
            raise TypeError("its keys are others")
        entry = TrustRecord(**document)
        if [type(value) for value in entry] != [str, str, int, str, str]:
            raise TypeError("a key has a value of another type")
    except (
        TypeError,
        errors.BoundedJsonReadFailed,
        errors.BoundedJsonSizeLimit,
        errors.BoundedJsonParseFailed,
    ) as error:
        remedy = f"`swarm trust --revoke` in the folder of the configuration removes it, or delete {file}"
        raise errors.TrustRecordUnusable(path=str(file), problem=f"it is no record: {error}", remedy=remedy) from error
    return entry
