"""Domains of a map and their ownership classes."""

import re
from enum import StrEnum
from typing import NamedTuple

# Name in the place of a domain, for a violation whose agent is unknown.
WHOLE_WAVE = "the wave"
NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Ownership(StrEnum):
    """Ownership classes: they decide which agents may edit the files of a domain, and if the domain has an agent."""

    OWNED = "owned"
    BRIDGE = "bridge"
    SHARED = "shared"
    COORDINATOR = "coordinator"

    @property
    def has_agent(self) -> bool:
        """True where a wave gives the domain an agent."""
        return self in {Ownership.OWNED, Ownership.BRIDGE}


class Domain(NamedTuple):
    """A named list of globs with an ownership class."""

    name: str
    ownership: Ownership
    globs: tuple[str, ...]
    description: str = ""
