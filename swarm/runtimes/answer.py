"""Answer of an agent: the JSON object that it wrote or printed, bare, in text, in a fence, or in envelopes of its CLI.

A file and the printed output are read by the same function. Nothing is evaluated: text is JSON, or it is text.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from swarm import errors
from swarm.documents import explained, parse_bounded

_OPENING: Final = frozenset('{["')
_LISTS: Final = ("findings", "features", "fixes", "reviews")
# CLIs wrap their answer once or twice; a deeper wrapper is no wrapper.
_MOST_STRINGS: Final = 4
_MOST_LEVELS: Final = 16
_MOST_CANDIDATES: Final = 256
# What is not said in answer, in the streams of events of coding agents: words of others, tools, thoughts, plans. A
# prompt holds an example that looks like an answer, and a tool may print it.
_OTHERS: Final = frozenset(
    {
        *("user", "system", "developer", "tool", "tool_result", "tool_use", "tool_call", "tool_call_update"),
        *("function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output", "local_shell_call"),
        *("command_execution", "file_change", "mcp_tool_call", "web_search", "todo_list", "server_tool_use"),
        *("reasoning", "thinking", "redacted_thinking", "agent_thought_chunk", "user_message_chunk", "plan"),
    }
)
_KINDS: Final = ("role", "type", "sessionUpdate")
# Keys below which a stream holds a piece of the agent's text: Gemini CLI, the Agent Client Protocol, Claude Code.
_PIECES: Final = (("content",), ("params", "update", "content", "text"), ("event", "delta", "text"))
_BEGINNING: Final = re.compile(r'\{\s{0,1000}+"(?:[^"\\]|\\.){0,200}+"\s{0,100}+:', re.DOTALL)
_MOST_READINGS: Final = 8
_WINDOWS: Final = (1 << 8, 1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 62)
# json's own words for an error at the end of a window reach back at most this far: an escape or a number.
_MARGIN: Final = 16
# What an attempt costs by itself, in characters.
_ATTEMPT: Final = 16
_TOO_DEEP: Final = "it is nested too deep"
# Only finds where an object ends: numbers of any size pass, and are refused by the strict reading.
_LENIENT: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def answer_of(body: bytes, shown: str) -> Any:
    """Return the answer in a file of an agent, or the JSON value of the whole file where no answer is in it.

    Raises BoundedJsonSizeLimit and BoundedJsonParseFailed.
    """
    search = _Search(shown)
    try:
        whole = parse_bounded(body, shown)
    except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit) as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            raise
        text = body.decode("utf-8-sig")
        if (found := search.in_text(text, 0)) is not None:
            return found
        # A file that begins as JSON is JSON that does not parse.
        if search.problem is None or text.lstrip()[:1] in _OPENING:
            raise
        raise search.problem from error
    found = search.in_value(whole, 0)
    if found is None and search.problem is not None:
        raise search.problem
    return whole if found is None else found


def printed_answer(body: bytes) -> dict[str, Any] | None:
    """Return the answer in the output that a program printed, `None` where it printed no JSON object.

    Raises BoundedJsonParseFailed and BoundedJsonSizeLimit where it printed JSON that cannot be read.
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    search = _Search("stdout")
    found = None
    if text.lstrip()[:1] in _OPENING:
        # A line of a log may begin like that, too.
        with suppress(errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit):
            found = search.in_value(parse_bounded(text.encode(), "stdout"), 0)
    if found is None:
        found = search.in_text(text, 0)
    if found is None and (said := _joined_pieces(text)):
        found = search.in_text(said, 1)
    if found is None and search.problem is not None:
        raise search.problem
    return found


def _joined_pieces(text: str) -> str:
    """Return the text that a stream of events brings in pieces, `""` for any other text."""
    pieces: list[str] = []
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        try:
            event: Any = json.loads(line)
        except (ValueError, RecursionError):
            continue
        is_piece = event.get("delta") is True or "params" in event or "event" in event
        kinds = (event.get("role"), _below(event, ("params", "update", "sessionUpdate")))
        if is_piece and _OTHERS.isdisjoint(kind for kind in kinds if isinstance(kind, str)):
            pieces += filter(None, (_below(event, keys) for keys in _PIECES))
    return "".join(pieces)


def _below(value: Any, keys: Sequence[str]) -> str:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


class _Search:
    """Search for the last answer in a text or a value; `problem` is the last JSON with a domain that is unreadable."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self.problem: errors.BoundedJsonParseFailed | errors.BoundedJsonSizeLimit | None = None

    def in_value(self, value: Any, strings: int, levels: int = 0) -> dict[str, Any] | None:
        """Return the answer that a JSON value is, or that its lists, objects and strings hold."""
        if isinstance(value, str):
            return self.in_text(value, strings + 1) if strings < _MOST_STRINGS and "domain" in value else None
        if isinstance(value, dict):
            if _rank(value):
                return value
            if not _OTHERS.isdisjoint(kind for name in _KINDS if isinstance(kind := value.get(name), str)):
                return None
            value = list(value.values())
        if levels >= _MOST_LEVELS or not isinstance(value, list):
            return None
        return _best(self.in_value(item, strings, levels + 1) for item in reversed(value))

    def in_text(self, text: str, strings: int) -> dict[str, Any] | None:
        """Return the answer among the JSON objects of a text.

        The strict reading follows the search, so that a duplicate key or a number that readers disagree on is refused.
        """
        broken: list[tuple[int, int, str]] = []
        found = deque(_objects_in(text, broken), maxlen=_MOST_CANDIDATES)
        best = _best(self._in_object(text[start:end], strings) for start, end in reversed(found))
        if best is None and self.problem is None and broken:
            _, end, reason = broken[0]
            problem = explained(json.JSONDecodeError(reason, text, end))
            self.problem = errors.BoundedJsonParseFailed(path=self._shown, problem=problem)
        return best

    def _in_object(self, text: str, strings: int) -> dict[str, Any] | None:
        try:
            value = parse_bounded(text.encode("utf-8", "surrogatepass"), self._shown)
        except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit) as error:
            self.problem = self.problem or error
            return None
        return self.in_value(value, strings)


def _best(found: Iterable[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return the first answer with a list of an answer, else the first answer."""
    first = None
    for answer in found:
        if answer is not None and _rank(answer) > 1:
            return answer
        first = first or answer
    return first


def _rank(value: dict[str, Any]) -> int:
    """Return how much an object looks like an answer: 2 with a list of an answer, 1 with a summary alone, else 0."""
    if "domain" not in value:
        return 0
    return 2 if any(name in value for name in _LISTS) else int("summary" in value)


def _objects_in(text: str, broken: list[tuple[int, int, str]]) -> Iterator[tuple[int, int]]:
    """Yield where the outermost objects of a text that speak of a domain begin and end.

    `broken` becomes the longest object with a domain that does not parse: its begin, where it breaks, the reason. The
    work is bounded by the length of the text, although the rest of a broken object is searched again.
    """
    at, shadow, left = 0, 0, _MOST_READINGS * len(text) + _WINDOWS[1]
    while left > 0 and (begin := _BEGINNING.search(text, at)) is not None:
        start = begin.start()
        end, reason, cost = _end_of(text, start)
        left -= cost
        at = start + 1 if reason else end
        if reason == _TOO_DEEP:
            # Every object inside is nearly as deep: only another line can hold an answer.
            at = text.find("\n", start) + 1 or len(text)
        if text.find("domain", start, end) < 0:
            continue
        if reason:
            shadow = max(shadow, end)
            if not broken or end - start > broken[0][1] - broken[0][0]:
                broken[:] = [(start, end, reason)]
        # A part of a broken answer is no answer.
        elif start >= shadow or text[start - 1] == "\n":
            yield start, end


def _end_of(text: str, start: int) -> tuple[int, str, int]:
    """Return where an object ends, or where it breaks with the reason, and the characters that were read."""
    cost = _ATTEMPT
    # Read in windows that grow: for each error json counts the lines of all the text before.
    for size in _WINDOWS:
        window = text[start : start + size]
        is_rest = start + size >= len(text)
        try:
            length = _LENIENT.raw_decode(window)[1]
            return start + length, "", cost + length
        except json.JSONDecodeError as error:
            is_cut = error.pos >= len(window) - _MARGIN or error.msg.startswith("Unterminated string")
            if is_rest or not is_cut:
                return start + error.pos, error.msg, cost + error.pos
        except RecursionError:
            return start + len(window), _TOO_DEEP, cost + len(window)
        cost += len(window)
    raise AssertionError
