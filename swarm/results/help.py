"""Records of `help`."""

from typing import NamedTuple


class HelpText(NamedTuple):
    """The help of a verb; `verb` is empty for the help of swarm itself."""

    verb: str
    text: str
