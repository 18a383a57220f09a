"""Scripts of the model server: the steps that it plays, and the requests that it plays them for."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Say(NamedTuple):
    """The model answers with a text, and its turn is over."""

    text: str
    thought: str = ""


class Edit(NamedTuple):
    """The model replaces a text of a file, by the tools that the program offers. `path` is relative to its folder."""

    path: str
    old: str
    new: str


class Write(NamedTuple):
    """The model writes a file. `path` is relative to the folder of the program, or absolute."""

    path: str
    content: str


class Shell(NamedTuple):
    """The model runs a command line."""

    line: str


class Call(NamedTuple):
    """The model calls a tool by its name, with any input, also one that no tool takes."""

    name: str
    input: Any


class Fail(NamedTuple):
    """The provider answers with a status; `retry_after` and `resets_at` are what it says on when to come again."""

    status: int
    message: str = "the script says so"
    retry_after: int | None = None
    resets_at: int | None = None


class Half(NamedTuple):
    """The provider begins to answer and closes the connection."""

    text: str = "I have begun, and "


class Silence(NamedTuple):
    """The provider accepts the request and never answers."""


Step = Say | Edit | Write | Shell | Call | Fail | Half | Silence
# The steps of a conversation, by the texts of its request.
Script = Callable[[str], Sequence[Step]]


class Request(NamedTuple):
    """A request as it came: its path, its headers in small letters, its JSON body, and the texts in it."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Return every text of the request, one after the other."""
        return "\n".join(texts_of(self.body))

    @property
    def model(self) -> str:
        """Return the model that is asked."""
        found = re.search(r"/models/([^:/]+):", self.path)
        return found[1] if found else str(self.body.get("model"))


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
