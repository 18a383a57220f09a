"""Domains from a person: a TOML or JSON file, a CODEOWNERS file, or `--globs`."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from swarm import errors
from swarm.git.path_text import path_text
from swarm.git.repository import Repository, TreeFile, content_of
from swarm.rules import codeowners
from swarm.rules.domains import NAME_PATTERN, Domain, Ownership
from swarm.rules.globs import regex_of

_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:")
# GitHub's places in its order, then GitLab's; GitHub reads no more than 3 MB.
CODEOWNERS: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_LONGEST_CODEOWNERS: Final = 3 * 1024 * 1024
_LONGEST_MAP: Final = 8 * 1024 * 1024


def parsed_globs(raw: str) -> tuple[str, ...]:
    """Return the globs of `--globs`. Raises CliInvalidGlobsError and DomainsInvalidGlob."""

    def refused(problem: str) -> "errors.CliInvalidGlobsError":
        return errors.CliInvalidGlobsError(problem=problem, received=errors.shortened(raw))

    if not raw.strip():
        raise refused("received an empty value")
    try:
        globs = json.loads(raw)
    # A deep nest of brackets makes the parser raise RecursionError.
    except (ValueError, RecursionError) as error:
        raise refused(f"'{errors.shortened(raw)}' is not valid JSON") from error
    if not isinstance(globs, list):
        raise refused(f"received {_json_type(globs)}")
    if not globs:
        raise refused("received an empty array")
    strange = next((glob for glob in globs if not isinstance(glob, str)), None)
    if strange is not None or None in globs:
        raise refused(f"received an array with {_json_type(strange)}")
    return checked_globs(globs)


def checked_globs(globs: list[str]) -> tuple[str, ...]:
    """Return globs that all compile. Raises DomainsInvalidGlob."""
    for glob in globs:
        try:
            regex_of(glob)
        except ValueError as error:
            raise errors.DomainsInvalidGlob(received=glob, problem=str(error)) from error
    return tuple(globs)


def checked_name(name: str) -> str:
    """Return a valid name. Raises DomainsInvalidName."""
    if not NAME_PATTERN.fullmatch(name):
        raise errors.DomainsInvalidName(received=name)
    return name


def checked_ownership(name: str) -> Ownership:
    """Return an ownership class. Raises DomainsInvalidOwnershipClass."""
    try:
        return Ownership(name)
    except ValueError:
        raise errors.DomainsInvalidOwnershipClass(received=name) from None


def domains_from_file(file: Path) -> list[Domain]:
    """Return the domains of a JSON or TOML file.

    The file holds a list of {name, globs, ownership, description}, bare or under `domains`. Raises ConfigInvalid, and
    the errors of names, classes and globs.
    """
    from swarm.documents import check, parse_bounded, parse_toml, read_named

    try:
        text = read_named(file, _LONGEST_MAP)
        document: Any = parse_toml(text) if file.suffix == ".toml" else parse_bounded(text.encode(), str(file))
    except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit) as error:
        raise errors.ConfigInvalid(path=str(file), problem=error.problem) from error
    except ValueError as error:
        raise errors.ConfigInvalid(path=str(file), problem=str(error)) from error
    listed: Any = document.get("domains") if isinstance(document, dict) else document
    if problem := check(listed, "domains-file"):
        raise errors.ConfigInvalid(path=str(file), problem=problem)
    domains = [
        Domain(
            checked_name(item["name"]),
            checked_ownership(item.get("ownership", "owned")),
            checked_globs(item["globs"]),
            item.get("description", ""),
        )
        for item in listed
    ]
    # The schema cannot demand unique names, and the table would refuse the second without naming the file.
    names = Counter(domain.name for domain in domains)
    twice = next((name for name, times in names.items() if times > 1), None)
    if twice is not None:
        raise errors.ConfigInvalid(path=str(file), problem=f"the domain '{twice}' stands there twice")
    return domains


def codeowners_rules(repository: Repository, files: Iterable[TreeFile]) -> list[codeowners.Rule]:
    """Return the rules of the first CODEOWNERS among the files of a commit. Raises CodeownersInvalid."""
    # From the commit and not from the disk; a link could lead out of the repository.
    blobs = {file.path: file.blob for file in files if file.is_file}
    path = next((place for place in CODEOWNERS if place in blobs), None)
    if path is None:
        raise errors.CodeownersInvalid(path="CODEOWNERS", problem=f"the commit has none of {', '.join(CODEOWNERS)}")
    body = content_of(repository.git, blobs[path], most=_LONGEST_CODEOWNERS)
    if body is None:
        raise errors.CodeownersInvalid(path=path, problem=f"it is longer than {_LONGEST_CODEOWNERS:,} bytes")
    try:
        # Decoded line by line: an odd byte in a line must not change the decoding of other lines.
        rules = codeowners.rules_of("\n".join(path_text(line) for line in body.split(b"\n")))
    except ValueError as error:
        raise errors.CodeownersInvalid(path=path, problem=str(error)) from error
    if not rules:
        raise errors.CodeownersInvalid(path=path, problem="there is no pattern in it")
    return rules


def _json_type(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
