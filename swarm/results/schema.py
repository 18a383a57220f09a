"""Data of `schema`: the list of names, or one JSON Schema, whose keys are those of JSON Schema itself."""

from typing import Any, TypeAlias

SchemaResult: TypeAlias = Any
