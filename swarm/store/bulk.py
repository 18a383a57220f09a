"""Statements that are executed for very many rows, and records taken apart into columns."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

# Rows a batch: large enough that a statement for each batch costs nothing, small enough to spare memory.
_BATCH: Final = 1000
# Below, SQLite would read as many statements as rows.
_FEWEST: Final = 100
_LONGEST: Final = 100

Column = Sequence[Any]
Item = TypeVar("Item")


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items in lists of the length in which rows are written."""
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def columns_of(records: Sequence[NamedTuple]) -> dict[str, Column]:
    """Return the values of records of a type by field: to walk along a column costs a tenth of naming each value."""
    return dict(zip(records[0]._fields, zip(*records, strict=True), strict=True))


def write_all(conn: sqlite3.Connection, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Execute a statement for each row, as `executemany` does; each `?` of the statement stands for a value."""
    for batch in batches(rows):
        if len(batch) < _FEWEST:
            conn.executemany(statement, batch)
        else:
            write_columns(conn, statement, list(zip(*batch, strict=True)))


def write_columns(conn: sqlite3.Connection, statement: str, columns: Sequence[Column]) -> None:
    """Execute a statement for each row of a batch, which is given by its columns.

    A value that all rows of a batch share becomes a part of the statement: to bind a value takes as long as to write
    it, and half of the columns of a wave's rows have a single value.
    """
    if len(columns[0]) < _FEWEST:
        conn.executemany(statement, zip(*columns, strict=True))
        return
    pieces = statement.split("?")
    shared = [_shared(column) for column in columns]
    text = "".join(piece + ("?" if word is None else word) for piece, word in zip(pieces, shared, strict=False))
    bound = [column for column, word in zip(columns, shared, strict=True) if word is None]
    conn.executemany(text + pieces[-1], zip(*bound, strict=True))


def _shared(column: Column) -> str | None:
    """Return the only value of a column as SQL, `None` where the values differ or the value is better bound."""
    value = column[0]
    # The last value first: in most columns that differ, it differs from the first.
    if value != column[-1] or column.count(value) < len(column):
        return None
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    # SQLite reads a statement up to its first NUL; in a text only the quotation mark has to be doubled.
    if isinstance(value, str) and len(value) <= _LONGEST and "\0" not in value:
        return "'" + value.replace("'", "''") + "'"
    return None
