"""Indexes that are left out while very many rows are written, and made again from all rows at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Below, dropping an index costs as much as it saves.
_FEWEST: Final = 1000


@contextmanager
def made_last(conn: sqlite3.Connection, table: str, changes: int, *names: str) -> Iterator[None]:
    """Leave out indexes of a table for a block that changes so many rows, where that is cheaper.

    To be called in the transaction of the block: the indexes are there for every other connection, and after an error.
    """
    # The newest row stands for the number of rows: to count them SQLite walks along a whole index.
    (rows,) = conn.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()  # noqa: S608
    # To sort a row costs a third of finding its place in an index, and all rows are sorted.
    if changes < max(_FEWEST, rows // 2):
        yield
        return
    marks = ", ".join("?" * len(names))
    where = f"type = 'index' AND tbl_name = ? AND name IN ({marks}) ORDER BY rowid"
    found = conn.execute(f"SELECT name, sql FROM sqlite_schema WHERE {where}", (table, *names)).fetchall()  # noqa: S608
    for name, _ in found:
        conn.execute(f"DROP INDEX {name}")
    yield
    for _, statement in found:
        conn.execute(statement)
