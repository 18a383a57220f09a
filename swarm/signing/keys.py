"""The user's signing keys: one file each in the user's configuration folder, never inside of a repository.

A key has no passphrase: its file is readable by its user alone, and agents have no home in the sandbox.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.config import of_user
from swarm.documents import read_bounded
from swarm.files import write_new
from swarm.owners import other_owner
from swarm.rules.signatures import is_key_name, key_id
from swarm.signing import ed25519
from swarm.workspace import checkout_around

_SUFFIX: Final = ".pem"
_MOST_BYTES: Final = 64 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class SigningKey(NamedTuple):
    """A private key with its place. `private` is its PEM, `public` the 32 bytes of its public key."""

    name: str
    path: Path
    private: bytes
    public: bytes

    @property
    def id(self) -> str:
        """The id of the key."""
        return key_id(self.public)


def keys_folder() -> Path:
    """Return the folder of the user's keys. Raises KeyInsideRepository."""
    folder = of_user(os.environ) / "keys"
    # A repository that holds its user's home would take the keys along with every commit and copy.
    if (root := checkout_around(folder)) is not None:
        raise errors.KeyInsideRepository(path=str(folder), root=str(root))
    return folder


def new(name: str) -> SigningKey:
    """Make a key of a free name. Raises KeyExists, KeyInsideRepository, KeyUnusable, SigningUnavailable."""
    file = keys_folder() / f"{name}{_SUFFIX}"
    if not is_key_name(name):
        remedy = "name it by up to 64 letters, digits, `-`, `_` and `.`, as in `swarm keys new release`"
        raise errors.KeyUnusable(path=errors.shortened(name), problem="it is no name of a key", remedy=remedy)
    private = ed25519.generate()
    try:
        write_new(file, private)
    except FileExistsError:
        raise errors.KeyExists(name=name, path=str(file)) from None
    return SigningKey(name, file, private, ed25519.public_of(private))


def files() -> list[Path]:
    """Return the files of all keys, by name. Raises KeyInsideRepository."""
    return sorted(file for file in keys_folder().glob(f"*{_SUFFIX}") if is_key_name(file.stem))


def read(file: Path) -> SigningKey:
    """Return the key of a file. Raises KeyUnusable, OwnedByAnotherUser, SigningUnavailable."""
    if (other := other_owner(file)) is not None:
        raise errors.OwnedByAnotherUser(path=str(file), owner=other[1], what="a signing key", word=str(file))
    remedy = "`swarm keys new NAME` makes a key of your own"
    try:
        private = read_bounded(file, _MOST_BYTES)
        if stat.S_IMODE(file.stat().st_mode) & _OTHERS:
            other_key = f"make another; this key may be known, and `chmod 600 {file}` keeps it"
            raise errors.KeyUnusable(path=str(file), problem="other users can use it", remedy=other_key)
        return SigningKey(file.name.removesuffix(_SUFFIX), file, private, ed25519.public_of(private))
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit) as error:
        raise errors.KeyUnusable(path=str(file), problem=error.problem, remedy=remedy) from error
    except (OSError, ValueError) as error:
        raise errors.KeyUnusable(path=str(file), problem=str(error), remedy=remedy) from error


def usable(found: Iterable[Path]) -> Iterator[SigningKey]:
    """Yield the keys of files; one that cannot be used is no reason against the others."""
    for file in found:
        with suppress(errors.KeyUnusable, errors.OwnedByAnotherUser):
            yield read(file)


def key_named(word: str, folder: Path) -> SigningKey:
    """Return a key by its name, its id or the path of its file; without a word, the only key of the user.

    Raises KeyNotFound, and what `read` raises.
    """
    if os.sep in word:
        return read(folder / Path(word).expanduser())
    found = files()
    if not word:
        if len(found) != 1:
            names = ", ".join(file.stem for file in found)
            problem = f"there are several, so name one of {names}" if found else "this user has none"
            raise errors.KeyNotFound(received=word, problem=problem)
        return read(found[0])
    for file in found:
        if file.stem == word:
            return read(file)
    for key in usable(found):
        if key.id == word.lower():
            return key
    raise errors.KeyNotFound(received=word, problem=f"this user has none of the name or id '{errors.shortened(word)}'")
