"""`swarm schema`."""

import json

import click

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.options import verb


@verb()
@click.argument("name", required=False)
def command(call: Call, name: str | None) -> None:
    """Print the JSON Schema called NAME, a verb's data or a file's form; without NAME, list them."""
    from swarm import documents

    names = documents.schema_names()
    if name is None:
        call.answer(names, lambda: names)
    base = name.removesuffix(".json").removesuffix(".schema")
    if base not in names:
        raise errors.SchemaUnknown(received=name)
    schema = documents.schema(base)
    call.answer(schema, lambda: [json.dumps(schema, indent=2, ensure_ascii=False)])
