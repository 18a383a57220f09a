"""Notebooks: the lines of the file in which the rows of each code cell are written (nbformat 4)."""

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

SUFFIX: Final = ".ipynb"
# An open string ends with its line, or each of its quotes would be tried to the end of the line.
_SIGN: Final = re.compile(r'"(?:[^"\\\n]++|\\.)*+"?+|[\[\]{},:\n]')
_SOURCE: Final = ("cells", "", "source")
_TYPE: Final = ("cells", "", "cell_type")
_DEEPEST: Final = len(_SOURCE) + 1
# Cells of these magics hold Python; a cell of any other magic holds another language.
_PYTHON_MAGICS: Final = frozenset({"capture", "debug", "prun", "pypy", "python", "python3", "time", "timeit"})
_MAGIC: Final = re.compile(r"\s*%%([A-Za-z0-9_]+)")


class _Value(NamedTuple):
    """A text of a notebook: the keys that lead to it, its line in the file, and its content."""

    keys: tuple[str, ...]
    line: int
    text: str


def code_cells(text: str) -> dict[int, tuple[int, ...]]:
    """Return, by the number of each Python cell among all cells, the file's line of each of its rows.

    A cell that ends with a line feed has an empty last row, as in the source that tools make of the cells. A text that
    is no notebook has no cells.
    """
    cells: dict[int, list[_Value]] = {}
    number = 0
    for value in _values(text):
        if not value.keys:
            number += 1
        else:
            cells.setdefault(number, []).append(value)
    return {
        number: tuple(_rows([value for value in values if value.keys != _TYPE]))
        for number, values in cells.items()
        if _is_python(values)
    }


def _is_python(values: list[_Value]) -> bool:
    if not any(value.keys == _TYPE and value.text == "code" for value in values):
        return False
    first = next((value.text for value in values if value.keys != _TYPE), "")
    magic = _MAGIC.match(first)
    return magic is None or magic[1] in _PYTHON_MAGICS


def _rows(sources: list[_Value]) -> Iterator[int]:
    last = 0
    for source in sources:
        yield from [source.line] * source.text.count("\n")
        last = 0 if source.text.endswith("\n") else source.line
    # The row behind the last line feed.
    if sources:
        yield last or sources[-1].line


def _values(text: str) -> Iterator[_Value]:
    """Yield the sources and types of cells; a value without keys begins a cell."""
    # A parser of JSON does not give lines: read the brackets and texts alone.
    keys: list[str] = []
    is_object: list[bool] = []
    is_key = False
    line = 1
    for found in _SIGN.finditer(text):
        sign = found[0]
        match sign[0]:
            case "\n":
                line += 1
            case "{" | "[":
                if sign == "{" and len(keys) == len(_SOURCE) - 1 and tuple(keys) == _SOURCE[:2]:
                    yield _Value((), line, "")
                is_object.append(sign == "{")
                keys.append("")
                is_key = is_object[-1]
            case "}" | "]" if is_object:
                is_object.pop()
                keys.pop()
                is_key = False
            case ",":
                is_key = bool(is_object) and is_object[-1]
            case '"' if is_key:
                keys[-1] = _text_of(sign)
                is_key = False
            case '"' if len(keys) <= _DEEPEST and tuple(keys[:3]) in {_SOURCE, _TYPE}:
                yield _Value(tuple(keys[:3]), line, _text_of(sign))
            case _:
                pass


def _text_of(sign: str) -> str:
    try:
        text = json.loads(sign)
    except ValueError:
        return sign
    return text if isinstance(text, str) else sign
