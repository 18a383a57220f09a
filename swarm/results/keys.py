"""Records of `keys`."""

from typing import NamedTuple


class KeyShown(NamedTuple):
    """A signing key: its name, id, public key (hexadecimal and PEM) and file; `problem` says why it cannot be used."""

    name: str
    id: str | None
    public_key: str | None
    public_key_pem: str | None
    path: str
    problem: str | None = None


class KeysResult(NamedTuple):
    """Signing keys of this user, and the folder of their files."""

    folder: str
    keys: tuple[KeyShown, ...]
    next_action: str
