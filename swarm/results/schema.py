"""Data of `schema`: the list of names, or a JSON Schema, whose keys are those of JSON Schema."""

from typing import Any, TypeAlias

SchemaResult: TypeAlias = Any
