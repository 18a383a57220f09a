"""Ed25519 by `cryptography`, which the extra `signing` installs: the only module that imports it."""

import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from swarm import errors
from swarm.documents import read_named
from swarm.rules.signatures import PUBLIC_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MOST_BYTES: Final = 64 * 1024


def _serialization() -> Any:
    """Return the module of key formats. Raises SigningUnavailable where the extra is not installed."""
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError as error:
        raise errors.SigningUnavailable from error
    return serialization


def generate() -> bytes:
    """Return a new private key as PEM (PKCS #8, without a passphrase)."""
    formats = _serialization()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    body: bytes = Ed25519PrivateKey.generate().private_bytes(
        formats.Encoding.PEM, formats.PrivateFormat.PKCS8, formats.NoEncryption()
    )
    return body


def public_of(private: bytes) -> bytes:
    """Return the 32 bytes of the public key of a private key. Raises ValueError for what is no such key."""
    return _private(private).public_key().public_bytes_raw()


def sign(private: bytes, message: bytes) -> bytes:
    """Return the signature of a message. Raises ValueError for what is no private key."""
    return _private(private).sign(message)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether a signature of a message was made by the private key of a public key."""
    _serialization()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_pem(public: bytes) -> str:
    """Return a public key as PEM, in the form that `openssl` reads."""
    formats = _serialization()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    body: bytes = Ed25519PublicKey.from_public_bytes(public).public_bytes(
        formats.Encoding.PEM, formats.PublicFormat.SubjectPublicKeyInfo
    )
    return body.decode()


def public_key(named: str, folder: Path) -> bytes:
    """Return the public key that a word names: 64 hexadecimal digits, or a PEM file. Raises PubkeyMalformed."""
    try:
        if len(named) == 2 * PUBLIC_BYTES:
            return binascii.unhexlify(named)
    except (binascii.Error, ValueError):
        pass
    try:
        return _public_from(read_named(folder / Path(named).expanduser(), _MOST_BYTES))
    except (ValueError, RuntimeError) as error:
        raise errors.PubkeyMalformed(received=named, problem=str(error)) from error


def _public_from(text: str) -> bytes:
    formats = _serialization()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key: Ed25519PublicKey = formats.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("it holds no public key in PEM form") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("its key is not of the kind ed25519")  # noqa: TRY004
    return key.public_bytes_raw()


def _private(pem: bytes) -> "Ed25519PrivateKey":
    formats = _serialization()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key: Ed25519PrivateKey = formats.load_pem_private_key(pem, password=None)
    # A key with a passphrase is a TypeError of the library.
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("it holds no private key in PEM form without a passphrase") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("its key is not of the kind ed25519")  # noqa: TRY004
    return key
