"""Records of `completion`."""

from typing import NamedTuple


class Completion(NamedTuple):
    """A shell's completion script."""

    shell: str
    script: str
