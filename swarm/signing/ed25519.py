"""Ed25519 by `cryptography`, which the extra `signing` installs: the only module that imports it."""

from typing import TYPE_CHECKING, Any

from swarm import errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


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


def public_pem(public: bytes) -> str:
    """Return a public key as PEM, in the form that `openssl` reads."""
    formats = _serialization()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    body: bytes = Ed25519PublicKey.from_public_bytes(public).public_bytes(
        formats.Encoding.PEM, formats.PublicFormat.SubjectPublicKeyInfo
    )
    return body.decode()


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
