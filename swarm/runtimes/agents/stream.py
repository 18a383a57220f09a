"""Lines of JSON that coding agents print, and the parts of a conversation that their streams share."""

import json
import re
from typing import Any, Final

from swarm.rules.agent_events import MOST_COUNTED, AgentEvent, EventKind, Fault, cut
from swarm.runtimes.conversation import Heard

NOTHING: Final = Heard()
SIGN_OF_LIFE: Final = Heard((AgentEvent(EventKind.PLACEHOLDER),))
# A provider that refuses a credential refuses it again: programs that go on asking have failed after so many.
MOST_REFUSALS: Final = 2
MOST_RETRIES: Final = 6
_HALF_OF_A_PAIR: Final = re.compile(r"\\u[dD][89a-fA-F]")
# Words by which the inputs of tools name what they work on, the most telling first.
_TARGETS: Final = ("file_path", "filePath", "path", "notebook_path", "command", "cmd", "pattern", "url", "query")


def object_of(line: bytes) -> dict[str, Any] | None:
    """Return the object that a line of a stream holds, `None` for any other line."""
    if not line.lstrip().startswith(b"{"):
        return None
    text = line.decode("utf-8", "replace")
    try:
        found = json.loads(text)
        if _HALF_OF_A_PAIR.search(text):
            # Half of a pair is no character: neither a file nor a database takes it.
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    # A number of any length is a ValueError, and any depth a RecursionError.
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def text_in(document: object, *keys: str) -> str:
    """Return the text at a path of keys, empty where another value or none is there."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, str) else ""


def number_in(document: object, *keys: str) -> float | None:
    """Return the number at a path of keys, `None` where another value or none is there."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    if not isinstance(document, int | float) or isinstance(document, bool):
        return None
    # Not every number of JSON is a number of Python: `1e999` is infinite, and `NaN` is none.
    return document if abs(document) < MOST_COUNTED else None


def count_in(document: object, *keys: str) -> int | None:
    """Return the number at a path of keys as a count."""
    found = number_in(document, *keys)
    return int(found) if found is not None else None


def list_in(document: object, *keys: str) -> list[Any]:
    """Return the list at a path of keys, empty where another value or none is there."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, list) else []


def target_in(tool_input: object) -> str:
    """Return what a tool works on, as its input says."""
    return cut(next((found for key in _TARGETS if (found := text_in(tool_input, key))), ""))


def shown_input(tool_input: object) -> str:
    """Return the input of a tool as text."""
    return cut(tool_input if isinstance(tool_input, str) else json.dumps(tool_input, ensure_ascii=False))


def end_of_turn(text: str | None) -> Heard:
    """Return the end of a turn, with the last answer where there is one."""
    ended = AgentEvent(EventKind.TURN_ENDED)
    return Heard((ended, AgentEvent(EventKind.FINAL, text=cut(text))) if text else (ended,))


class OneWay:
    """The side of a conversation in which a program takes a prompt, and asks nothing."""

    keeps_input_open = False

    def __init__(self, prompt: bytes) -> None:
        self._prompt = prompt

    def opening(self) -> bytes:
        """Return the prompt."""
        return self._prompt

    def logged(self, line: bytes) -> Heard:
        """Return nothing: the stream of the program says why it asks its provider again."""
        del line
        return NOTHING

    def permit(self, call: str, decision: str) -> Heard:
        """Return nothing: without a terminal the program asks nobody."""
        del call, decision
        return NOTHING

    def cancel(self) -> bytes:
        """Return nothing: its stdin is closed."""
        return b""


class Retries:
    """The requests that a program repeats, until it has repeated enough of them."""

    def __init__(self) -> None:
        self._refusals = 0
        self._count = 0

    def again(self, text: str, fault: Fault, status: int | None, resets_at: float | None) -> AgentEvent:
        """Return the event of a repeated request: an error once they are too many."""
        self._count += 1
        self._refusals += fault is Fault.CREDENTIAL
        is_enough = self._refusals >= MOST_REFUSALS or self._count >= MOST_RETRIES
        kind = EventKind.ERROR if is_enough else EventKind.RETRY
        return AgentEvent(kind, text=cut(text), fault=fault, status=status, resets_at=resets_at)

    def progressed(self) -> None:
        """Take an answer of the provider: what it refused before does not count any more."""
        self._refusals = self._count = 0
