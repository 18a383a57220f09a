"""Compact JSON of values and rows, the text that hashes of the ledger cover."""

import json
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring
from types import NoneType
from typing import Any, Final

# A shared encoder: `json.dumps` with options makes an encoder for every call.
compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# An encoder call for each value of a row would cost more than the rest of its hash.
_AS_JSON: Final[dict[type, Callable[[Any], str]]] = {str: encode_basestring, int: str, NoneType: lambda _: "null"}


def compact_row(row: Sequence[object]) -> str:
    """Return texts, whole numbers and nulls as the compact JSON array that `json.dumps` makes of them, faster."""
    return f"[{','.join([_AS_JSON.get(type(value), compact)(value) for value in row])}]"


class Encoded(dict[str | int | None, str]):
    """Values as compact JSON, each encoded when it is first looked up."""

    def __missing__(self, value: str | int | None) -> str:
        self[value] = text = _AS_JSON.get(type(value), compact)(value)
        return text
