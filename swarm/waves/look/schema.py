"""`schema`: the JSON Schema of a verb's data or of a file."""

from swarm import documents, errors
from swarm.results.schema import SchemaResult


def schema(name: str | None) -> SchemaResult:
    """Return a schema by its name, with or without `.schema.json`; without a name, all names. Raises SchemaUnknown."""
    names = documents.schema_names()
    if name is None:
        return names
    base = name.removesuffix(".json").removesuffix(".schema")
    if base not in names:
        raise errors.SchemaUnknown(received=name)
    return documents.schema(base)
