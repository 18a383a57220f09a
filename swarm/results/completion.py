"""Records of `completion`."""

from typing import NamedTuple


class Completion(NamedTuple):
    """The completion script of a shell."""

    shell: str
    script: str
