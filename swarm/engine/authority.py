"""The private authority of an engine, which alone its members trust, and the keys that they prove themselves with."""

import datetime as dt
import ipaddress
import os
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.clock import today

AUTHORITY: Final = "authority.pem"
CERTIFICATE: Final = "server.pem"
PRIVATE_KEY: Final = "server.key"
_NAME: Final = "swarm engine"
_DAYS: Final = 3650
# A machine whose clock is a little behind accepts the certificate all the same.
_SLACK_DAYS: Final = 1
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Pair(NamedTuple):
    """A key pair of a member: the seed of its private key, and its public key, as NATS writes them."""

    seed: str
    public: str


def new_pair() -> Pair:
    """Make a key pair. Raises ScaleUnavailable."""
    try:
        import nkeys
    except ImportError as error:
        raise errors.ScaleUnavailable(package="nkeys") from error
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    return Pair(seed.decode(), nkeys.from_seed(bytearray(seed)).public_key.decode())


def pair_of(seed: str) -> Pair:
    """Return the key pair of a seed. Raises ValueError for a text that is none, ScaleUnavailable."""
    try:
        import nkeys
    except ImportError as error:
        raise errors.ScaleUnavailable(package="nkeys") from error
    try:
        return Pair(seed, nkeys.from_seed(bytearray(seed, "ascii")).public_key.decode())
    except (nkeys.NkeysError, UnicodeEncodeError) as error:
        raise ValueError("it is no seed of a key") from error


def new_certificates(host: str) -> dict[str, bytes]:
    """Return the files of an authority and of a certificate for a host and for this machine.

    The authority's private key is forgotten, so that nobody can make another certificate. Raises ScaleUnavailable.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise errors.ScaleUnavailable(package="cryptography") from error
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _NAME)])
    begin = dt.datetime.combine(dt.date.fromisoformat(today()), dt.time(), dt.UTC)

    def signed(public: Any, subject: Any, *, is_authority: bool) -> Any:
        builder = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=subject,
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=begin - dt.timedelta(days=_SLACK_DAYS),
            not_valid_after=begin + dt.timedelta(days=_DAYS),
        ).add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True)
        if not is_authority:
            hosts = [_named(x509, each) for each in dict.fromkeys((host, *_LOOPBACK))]
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        return builder.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    of_server = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host[:64])])
    return {
        AUTHORITY: signed(authority_key.public_key(), name, is_authority=True),
        CERTIFICATE: signed(server_key.public_key(), of_server, is_authority=False),
        PRIVATE_KEY: server_key.private_bytes(serialization.Encoding.PEM, *form),
    }


def _named(x509: Any, host: str) -> Any:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
