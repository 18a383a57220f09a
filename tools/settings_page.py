"""Page of the keys of swarm.toml, made from its schema."""

from collections.abc import Iterator
from typing import Any

from tools.pages import wrapped

_INTRO = """# Keys of swarm.toml

[Configuration](configuration.md) shows a whole file and says where it is read from. `swarm schema swarm-toml` prints
the schema that this page is made from: `make generate` writes this page.

`NAME` stands for a name of yours, and `AGENT` for one of these coding agents:
"""
_AGENT = "#/$defs/agent"

Schema = dict[str, Any]


def settings_page(schema: Schema) -> str:
    """Return the page: a list of keys for each table of the file."""
    agents = [name for name, value in schema["properties"]["runtimes"]["properties"].items() if _is_agent(value)]
    parts = [f"{_INTRO}{wrapped(', '.join(f'`{name}`' for name in agents))}.\n"]
    for name, table in schema["properties"].items():
        meaning = f"\n{wrapped(table['description'])}\n" if "description" in table else ""
        parts.append(f"\n## {name}\n{meaning}\n")
        parts += [_line(key, value, schema) for key, value in _keys(name, _resolved(table, schema), schema)]
    return "".join(parts)


def _line(key: str, value: Schema, schema: Schema) -> str:
    said = f": {value['description']}" if "description" in value else ""
    return wrapped(f"- `{key}` ({_kind(value, schema)}){said}", "  ") + "\n"


def _is_agent(value: Schema) -> bool:
    return value.get("$ref") == _AGENT


def _keys(name: str, table: Schema, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the keys below a table that hold a value, those of tables within it too."""
    inner: dict[str, Schema] = {}
    for key, value in table.get("properties", {}).items():
        # All coding agents have the same keys.
        inner["AGENT" if _is_agent(value) else key] = value
    if isinstance(more := table.get("additionalProperties"), dict):
        # What is said of a table of names holds for each of them.
        inner["NAME"] = {**({"description": table["description"]} if "description" in table else {}), **more}
    for key, value in inner.items():
        found = _resolved(value, schema)
        if "properties" in found or isinstance(found.get("additionalProperties"), dict):
            yield from _keys(f"{name}.{key}", found, schema)
            continue
        yield f"{name}.{key}", found
        items = _resolved(found.get("items", {}), schema)
        if "properties" in items:
            yield from _keys(f"{name}.{key}[]", items, schema)


def _resolved(part: Schema, schema: Schema) -> Schema:
    """Return a part of the schema with what it refers to; what the part says itself counts first."""
    if "$ref" in part:
        found: Any = schema
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = {**_resolved(found, schema), **part}
    # The keys of an agent, unless its table says that it is a command.
    return {**part["else"], **part} if "else" in part else part


def _kind(value: Schema, schema: Schema) -> str:
    """Return in words what a value may be."""
    match value:
        case {"enum": choices}:
            return ", ".join(f"`{choice}`" for choice in choices)
        case {"const": choice}:
            return f"`{choice}`"
        case {"oneOf": kinds} | {"anyOf": kinds}:
            return ", or ".join(_kind(_resolved(kind, schema), schema) for kind in kinds)
        case {"type": "array", "items": items}:
            return f"list: {_kind(_resolved(items, schema), schema)}"
        case {"type": "object"}:
            return "table"
        case {"type": "integer" | "number" as kind}:
            return f"{kind}{_bounds(value)}"
    return str(value.get("type", "any"))


def _bounds(value: Schema) -> str:
    least, most = value.get("minimum"), value.get("maximum")
    match least, most:
        case None, None:
            return ""
        case _, None:
            return f", {least} or more"
    return f", {least} to {most}"
