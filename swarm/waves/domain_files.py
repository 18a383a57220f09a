"""Reading domains from what a person writes: a TOML or JSON file, or `--globs`."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from swarm import errors
from swarm.rules.globs import regex_of
from swarm.rules.ownership import NAME_PATTERN, Domain, Ownership

_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:")


def parsed_globs(raw: str) -> tuple[str, ...]:
    """Return the globs of `--globs`. Raises CliInvalidGlobsError and DomainsInvalidGlob."""

    def refused(problem: str) -> errors.CliInvalidGlobsError:
        return errors.CliInvalidGlobsError(problem=problem, received=errors.shortened(raw))

    if not raw.strip():
        raise refused("received an empty value")
    try:
        globs = json.loads(raw)
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
    """Return a lawful name. Raises DomainsInvalidName."""
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

    A list of {name, globs, ownership, description}, or that under `domains`. Raises ConfigInvalid and what the
    parts raise.
    """
    from swarm.documents import check

    try:
        text = file.read_text(encoding="utf-8")
        document: Any = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
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
    names = [domain.name for domain in domains]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise errors.ConfigInvalid(path=str(file), problem=f"the domain '{twice}' stands there twice")
    return domains


def _json_type(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
