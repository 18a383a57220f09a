"""Pages of the reference that are made from the code: verbs, errors, JSON documents."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import click

from swarm.cli.main import swarm as group
from swarm.cli.verbs import SECTIONS
from swarm.errors import CATALOGUE, ICONS

WIDTH = 120
_MADE = "`make generate` writes this page"
_ENVELOPE = (
    "With `--format json` (or `--json`) every verb prints one document: `ok`, `command`, `exitCode`, `meta`, and then "
    "`data`, or `error` with `code`, `message` and `hint`. This page has the keys of the data of each verb."
)
_STABLE = (
    "`swarm schema VERB` prints the whole schema, with the keys of the inner objects. Keys are added, never changed or "
    "removed."
)


def verbs_page() -> str:
    """Return the page of verbs: a table of them, then the help of each."""
    context = click.Context(group, info_name="swarm")
    parts = [f"# Verbs\n\n`swarm VERB --help` prints the same on a terminal. Made from it: {_MADE}.\n"]
    for section, verbs in SECTIONS.items():
        parts.append(f"\n| {section} | |\n| --- | --- |\n")
        parts += [f"| [`{name}`](#swarm-{name}) | {_cell(line)} |\n" for name, line in verbs.items()]
    for section, verbs in SECTIONS.items():
        parts.append(f"\n## {section}\n")
        for name in verbs:
            command = group.get_command(context, name)
            if command is None:
                raise AssertionError(name)
            parts += _verb(command, click.Context(command, info_name=name, parent=context))
    return "".join(parts)


def _verb(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the help of a verb, and of each verb below it."""
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"\n### {context.command_path}\n\n```text\n{context.command_path} {usage}\n```\n"
    for paragraph in textwrap.dedent(command.help or "").strip().split("\n\n"):
        yield f"\n{wrapped(paragraph)}\n"
    yield "\n"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        # The option that every verb has says nothing of this one.
        if record and record[0] != "--help":
            yield wrapped(f"- `{record[0]}`: {record[1]}", "  ") + "\n"
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _verb(inner, click.Context(inner, info_name=name, parent=context))


def errors_page() -> str:
    """Return the page of errors, made from the catalogue."""
    intro = "Every failure has a code, a message and a next step. `swarm explain CODE` prints the same."
    parts = [f"# Errors\n\n{intro}\nMade from the catalogue in `swarm/errors/`: {_MADE}.\n"]
    for code, kind in sorted(CATALOGUE.items()):
        text, advice = _form(kind.text), _form(kind.advice)
        parts.append(
            f"\n## {code}\n\n"
            f"- Severity: {ICONS[kind.severity]} {kind.severity}; exit code {kind.exit_code}\n"
            f"{wrapped(f'- When: {kind.when}', '  ')}\n{wrapped(f'- Says: {text}', '  ')}\n"
            f"{wrapped(f'- Next: {advice}', '  ')}\n"
        )
    return "".join(parts)


def _form(text: str) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", r"`<\1>`", text)


def documents_page(verbs: Mapping[str, dict[str, Any]], files: Mapping[str, dict[str, Any]]) -> str:
    """Return the page of JSON documents: the data of each verb, and the files that swarm reads and writes."""
    parts = [f"# JSON documents\n\n{wrapped(_ENVELOPE)}\n\n{wrapped(_STABLE)} Made from the schemas: {_MADE}.\n"]
    parts += ["\n## Files\n\n| schema | document |\n| --- | --- |\n"]
    parts += [f"| `{name}` | {_cell(schema['title'])} |\n" for name, schema in files.items()]
    for verb, schema in verbs.items():
        parts += [f"\n## {verb}\n\n", *_data(schema)]
    return "".join(parts)


def _data(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of each form that the data of a verb can have."""
    definitions = schema["$defs"]
    is_list = schema.get("type") == "array"
    kinds = [kind["$ref"] for kind in schema.get("anyOf", [schema["items"] if is_list else schema]) if "$ref" in kind]
    if not kinds:
        yield "Any JSON value: the schema that was asked for.\n"
    for number, kind in enumerate(_named(kind, definitions) for kind in kinds):
        text = f"{kind['description']} {'Each item of the list has these keys.' if is_list else ''}"
        yield ("\n" if number else "") + wrapped(text) + "\n\n| key | value |\n| --- | --- |\n"
        yield from (f"| `{key}` | {_cell(_type(value, definitions))} |\n" for key, value in kind["properties"].items())


def _named(reference: str, definitions: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definitions[reference.rpartition("/")[2]]
    return found


def _type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return the type of a value in words, such as `list of string`."""
    match schema:
        case {"$ref": str(reference)}:
            named = _named(reference, definitions)
            return f"object: {re.split('[;.] ', named['description'])[0].rstrip('.')}"
        case {"anyOf": kinds}:
            return ", or ".join(_type(kind, definitions) for kind in kinds)
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items}:
            return f"list of {_type(items, definitions)}".replace("list of object: ", "list of objects: ")
        case _:
            return str(schema.get("type", "any value"))


def _cell(text: str) -> str:
    # Outside of code, `<repo>` would be taken for an element of HTML.
    return text.replace("|", "\\|").replace("<", "&lt;")


def wrapped(text: str, indent: str = "") -> str:
    """Return a paragraph in lines of at most 120 characters."""
    flat = " ".join(text.split())
    return textwrap.fill(flat, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
