"""Forms of signing keys: their names, their ids, their sizes."""

import hashlib
import re
from typing import Final

PUBLIC_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


def key_id(public: bytes) -> str:
    """Return the id of a key: the first 16 hexadecimal digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def is_key_name(word: str) -> bool:
    """Say whether a word can be the name of a key, and so of its file."""
    return _NAME.fullmatch(word) is not None
