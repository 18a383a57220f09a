"""Messages of SARIF: text, Markdown, or the string of a rule with its arguments (SARIF 2.1.0, 3.11)."""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from swarm.sarif.tools import Descriptor
from swarm.sarif.values import at, word

LONGEST: Final = 65_536
_MOST_PLACEHOLDERS: Final = 1000
_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([0-9]{1,4})\}")
# A link to a related location has the number of the location as its target (3.11.6).
_EMBEDDED_LINK: Final = re.compile(r"(?<!\\)\[((?:[^\[\]\\]|\\.){1,500})\]\([0-9]{1,9}\)")


def message_of(message: Any, descriptor: Descriptor, driver: Mapping[str, Any]) -> str:
    """Return a message as plain text, `""` where it has none. A long text is cut."""
    text = word(message, "text") or word(message, "markdown")
    arguments = at(message, "arguments")
    if not text and (name := word(message, "id")):
        string = _string(name, descriptor, driver)
        text = word(string, "text") or word(string, "markdown")
        arguments = arguments if isinstance(arguments, list) else []
    # Cut before anything is replaced: many results can share a string that is long.
    text = text[:LONGEST]
    # A text without arguments is no template: its braces are code.
    if isinstance(arguments, list):
        text = _filled(text, arguments)
    return _EMBEDDED_LINK.sub(r"\1", text)[:LONGEST].strip()


def _string(name: str, descriptor: Descriptor, driver: Mapping[str, Any]) -> Any:
    for holder, key in (
        (descriptor.described, "messageStrings"),
        (descriptor.component, "globalMessageStrings"),
        (driver, "globalMessageStrings"),
    ):
        if isinstance(found := at(holder, key, name), dict):
            return found
    return None


def _filled(template: str, arguments: list[Any]) -> str:
    parts: list[str] = []
    length = position = 0
    for found in islice(_PLACEHOLDER.finditer(template), _MOST_PLACEHOLDERS):
        # A placeholder that repeats a long argument must not cost more than what is kept.
        if length > LONGEST:
            break
        number = found[1]
        value = found[0][0] if number is None else _argument(arguments, int(number), found[0])
        parts += [template[position : found.start()], value]
        length += len(parts[-1]) + len(parts[-2])
        position = found.end()
    return "".join((*parts, template[position:]))


def _argument(arguments: list[Any], number: int, placeholder: str) -> str:
    value = arguments[number] if number < len(arguments) else placeholder
    return value[:LONGEST] if isinstance(value, str) else placeholder
