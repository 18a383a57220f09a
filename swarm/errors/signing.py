"""Errors of keys and signatures."""

from typing import ClassVar

from swarm.errors.catalogue import ExtraMissing, Severity, SwarmError


class SigningUnavailable(ExtraMissing):
    code = "SIGNING_UNAVAILABLE"
    severity = Severity.MEDIUM
    text = "Signatures need the package `cryptography`, which is not installed"
    advice = "install the extra `signing` by the installer of swarm; the hint is its command"
    exit_code = 2
    when = "a key, a signature or its check was asked for without the extra `signing`"
    extra: ClassVar[str] = "signing"


class KeyExists(SwarmError):
    code = "KEY_EXISTS"
    severity = Severity.MEDIUM
    text = "There is a key of the name {name}, and no key is ever replaced"
    advice = "choose another name; `swarm keys list` lists those that are there"
    when = "`keys new` with the name of a key that is there"
    name: str
    path: str


class KeyNotFound(SwarmError):
    code = "KEY_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "No key to sign with: {problem}"
    advice = "`swarm keys list` lists your keys; `swarm keys new` makes one"
    when = "a signing key was named that this user does not have, or none where there are several or none"
    received: str
    problem: str


class KeyUnusable(SwarmError):
    code = "KEY_UNUSABLE"
    severity = Severity.HIGH
    text = "{path} cannot be used as a signing key: {problem}"
    advice = "{remedy}"
    exit_code = 2
    when = "a file that is to hold a signing key is damaged, open to other users, or no private key of ed25519"
    path: str
    problem: str
    remedy: str


class KeyInsideRepository(SwarmError):
    code = "KEY_INSIDE_REPOSITORY"
    severity = Severity.HIGH
    text = "Signing keys would lie inside of the repository {root}, and go along with its commits and copies"
    advice = "set XDG_CONFIG_HOME to a folder of yours outside of any repository"
    exit_code = 2
    when = "the user's configuration folder lies in a checkout of git"
    path: str
    root: str


class PubkeyMalformed(SwarmError):
    code = "PUBKEY_MALFORMED"
    severity = Severity.HIGH
    text = "'{received}' is no public key: {problem}"
    advice = "give 64 hexadecimal digits or a PEM file; `swarm keys show` prints both"
    exit_code = 2
    when = "a public key is neither 64 hexadecimal digits nor a file with an ed25519 key as PEM"
    received: str
    problem: str
