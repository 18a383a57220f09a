"""Messages of the Agent Client Protocol: their forms, and what is read in those that an agent sends.

An agent may send anything: a part of another form reads as a part that is not there.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from swarm.rules.agent_events import MOST_COUNTED, cut
from swarm.rules.sandbox_policy import is_below

# Where tools name the file or folder that they are about.
_PATH_KEYS: Final = ("file_path", "filePath", "filepath", "path", "absolute_path", "notebook_path", "cwd", "directory")
GRANTS: Final = {"once": ("allow_once", "allow_always"), "always": ("allow_always", "allow_once")}
_REFUSALS: Final = ("reject_once", "reject_always")


def line_of(message: Mapping[str, Any]) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def result_of(number: Any, result: Mapping[str, Any]) -> bytes:
    """Return the answer to a request of the agent."""
    return line_of({"jsonrpc": "2.0", "id": number, "result": result})


def notice_of(method: str, params: Mapping[str, Any]) -> bytes:
    """Return a message that wants no answer."""
    return line_of({"jsonrpc": "2.0", "method": method, "params": params})


def choice_of(request: Mapping[str, Any], decision: str) -> bytes:
    """Return the answer to a request: the first of its options that fits, else that it was cancelled."""
    options = {str(option.get("kind")): option.get("optionId") for option in reversed(request["options"])}
    for kind in GRANTS.get(decision, _REFUSALS):
        if kind in options:
            return result_of(request["id"], {"outcome": {"outcome": "selected", "optionId": options[kind]}})
    return result_of(request["id"], {"outcome": {"outcome": "cancelled"}})


def title_of(request: Mapping[str, Any]) -> str:
    """Return what a request for permission is about, in the words of the agent."""
    tool = request["tool"]
    return cut(str(tool.get("title") or tool.get("kind") or tool.get("toolCallId")))


def kind_of(tool: Mapping[str, Any]) -> str:
    """Return the kind of a tool call."""
    return str(tool.get("kind") or "other")


def paths_of(tool: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths that a tool call names."""
    for place in tables(tool.get("locations")):
        if isinstance(place.get("path"), str):
            yield place["path"]
    given = table(tool.get("rawInput"))
    yield from (given[key] for key in _PATH_KEYS if isinstance(given.get(key), str))


def is_inside(path: str, tree: str) -> bool:
    """Say whether a path that an agent names lies in its tree."""
    # By its words: what a path leads to may change after the question.
    return is_below(os.path.normpath(Path(tree) / os.path.expanduser(path)), tree)  # noqa: PTH111


def current_model(result: Mapping[str, Any]) -> str | None:
    """Return the model that a new session has, where the agent says."""
    for option in tables(result.get("configOptions")):
        if option.get("category") == "model" and isinstance(option.get("currentValue"), str):
            return str(option["currentValue"])
    current = table(result.get("models")).get("currentModelId")
    return current if isinstance(current, str) else None


def table(value: Any) -> Mapping[str, Any]:
    """Return a value that should be an object, an empty object for any other."""
    return value if isinstance(value, dict) else {}


def tables(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a value that should be a list of objects."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def whole(value: Any, default: int | None) -> int | None:
    """Return a value that should be a count."""
    return value if type(value) is int and 0 <= value < MOST_COUNTED else default
