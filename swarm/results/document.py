"""Result records as JSON documents, and the JSON Schemas of those documents, made from the records' types."""

import json
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from swarm.rules.findings import SEVERITIES

_SIMPLE = {str: "string", int: "integer", bool: "boolean", type(None): "null", float: "number"}

# The delta files of `verify-*` have a contract of their own, with these names in snake case.
AS_THEY_ARE: Final = {
    "ClaimRow": ("finding_id", "verified_via", "rule_id"),
    "ClaimsSummary": ("verified_via_distribution",),
}


def camel(name: str) -> str:
    """Return the key of a field: `run_id` becomes `runId`; names in capitals stay."""
    if name.isupper():
        return name
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part.title() for part in rest)


def document(value: Any) -> Any:
    """Return a result as JSON values.

    Keys of records are in camelCase, except those of `AS_THEY_ARE`; keys of mappings stay.
    """
    # Records before plain tuples: a NamedTuple is a tuple as well.
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        keys, compound = _form(type(value))
        made = dict(zip(keys, value, strict=True))
        # Most fields hold plain values, and a look at each would take longer than all the rest.
        for key in compound:
            if type(item := made[key]) not in _SIMPLE:
                # Most lists of most records are empty.
                made[key] = [] if item == () else document(item)
        return made
    if isinstance(value, tuple | list):
        return [item if type(item) in _SIMPLE else document(item) for item in value]
    if isinstance(value, Mapping):
        return {key: document(item) for key, item in value.items()}
    return value


def document_bytes(record: Any) -> bytes:
    """Return the bytes of a file that holds the document of a record; equal records give equal bytes."""
    return (json.dumps(document(record), indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogateescape")


def flat_document(record: Any) -> dict[str, Any]:
    """Return a record as JSON values whose fields are plain values: the same as `document`, without a look at each."""
    return dict(zip(_keys(record._fields, ()), record, strict=True))


# Cached: a list of 100,000 findings converts the names of its record a single time.
@cache
def _form(kind: Any) -> tuple[list[str], list[str]]:
    """Return the keys of a type of records, and those whose values may hold more than a plain value."""
    keys = _keys(kind._fields, AS_THEY_ARE.get(kind.__name__, ()))
    hints = [kind.__annotations__.get(field) for field in kind._fields]
    parts = [get_args(hint) if isinstance(hint, types.UnionType) else (hint,) for hint in hints]
    return keys, [key for key, part in zip(keys, parts, strict=True) if not all(each in _SIMPLE for each in part)]


@cache
def _keys(fields: tuple[str, ...], as_they_are: tuple[str, ...]) -> list[str]:
    return [name if name in as_they_are else camel(name) for name in fields]


def schema_of(kind: Any, name: str, title: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a record type, for the `data` of a verb unless a title names another document."""
    definitions: dict[str, Any] = {}
    body = _schema(kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://swarm-control-plane.dev/schemas/{name}.schema.json",
        "title": title or f"The data of `swarm {name} --format json`",
        **body,
        "$defs": dict(sorted(definitions.items())),
    }


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind in _SIMPLE:
        return {"type": _SIMPLE[kind]}
    if kind is object or kind is Any:
        return {}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return {"anyOf": [_schema(part, definitions) for part in arguments]}
    if origin in {tuple, list}:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    return _record_schema(kind, definitions)


def _record_schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__
    if name not in definitions:
        # Entered before the fields are read: a record may hold records of its own type.
        definitions[name] = {}
        hints = get_type_hints(kind, localns={name: kind})
        keys = _keys(kind._fields, AS_THEY_ARE.get(kind.__name__, ()))
        properties = {key: _schema(hints[field], definitions) for key, field in zip(keys, kind._fields, strict=True)}
        if "severity" in properties:
            properties["severity"] = {"enum": list(SEVERITIES)}
        definitions[name] = {
            "description": " ".join((kind.__doc__ or "").split()),
            "type": "object",
            "required": list(properties),
            "properties": properties,
        }
    return {"$ref": f"#/$defs/{name}"}
