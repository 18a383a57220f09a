"""Values at places of a document that may hold anything there."""

from typing import Any


def objects(listed: Any) -> list[dict[str, Any]]:
    """Return the objects of a value that is a list, else none."""
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def item(listed: Any, index: Any) -> dict[str, Any]:
    """Return the object at an index of a value that is a list, else an empty object."""
    number = whole(index)
    is_there = isinstance(listed, list) and number is not None and 0 <= number < len(listed)
    found = listed[number] if is_there else None
    return found if isinstance(found, dict) else {}


def at(document: Any, *keys: str) -> Any:
    """Return the value below some keys, `None` where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def word(document: Any, *keys: str) -> str:
    """Return the text below some keys, `""` where there is none."""
    found = at(document, *keys)
    return found if isinstance(found, str) else ""


def whole(value: Any) -> int | None:
    """Return a number that is whole, `None` for any other value: `3.0` is whole to JSON Schema, and `true` is not."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None
