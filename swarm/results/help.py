"""Records of `help`."""

from typing import NamedTuple


class HelpText(NamedTuple):
    """The help of a verb, or a page of the documentation; `verb` is empty for a page, and for swarm itself."""

    verb: str
    text: str
    topic: str | None = None
