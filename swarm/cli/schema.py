"""`swarm schema`."""

import json
from collections.abc import Iterable

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import verb
from swarm.results.schema import SchemaResult


@verb()
@click.argument("name", required=False, shell_complete=completions.schemas)
def command(call: Call, name: str | None) -> None:
    """Print the JSON Schema called NAME, of a verb's data or of a file; without NAME, list the names."""
    from swarm.waves.look.schema import schema

    result = schema(name)
    call.answer(result, lambda: _lines(result))


def _lines(result: SchemaResult) -> Iterable[str]:
    return result if isinstance(result, list) else [json.dumps(result, indent=2, ensure_ascii=False)]
