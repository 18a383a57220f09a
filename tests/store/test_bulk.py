"""Statements for very many rows: the table is as `executemany` would leave it, whatever the rows share."""

import sqlite3

from swarm.store.bulk import write_all

ROWS = 9_000


def test_rows_that_share_values_are_written_as_they_are() -> None:
    shared = ("it's '?' \"quoted\"; --", None, -7, True, "", "x" * 5_000, "a\0b", "日本")
    columns = ", ".join(f"c{number}" for number in range(len(shared)))
    conn = sqlite3.connect(":memory:")
    conn.execute(f"CREATE TABLE seen (id INTEGER PRIMARY KEY, own TEXT, {columns})")
    # The text changes in the second batch, and its last value is that of a batch of few rows.
    rows = [(number, f"{number}?" if number % 2 else "even", *shared) for number in range(ROWS)]
    rows = [(*row[:2], "other", *row[3:]) if 4_500 < row[0] < ROWS - 1 else row for row in rows]
    write_all(conn, f"INSERT INTO seen (id, own, {columns}) VALUES ({', '.join('?' * len(rows[0]))})", iter(rows))
    assert conn.execute("SELECT * FROM seen ORDER BY id").fetchall() == rows
    write_all(conn, "UPDATE seen SET own = ?, c2 = c2 + ? WHERE id = ?", (("it's", 1, row[0]) for row in rows))
    assert conn.execute("SELECT DISTINCT own, c2 FROM seen").fetchall() == [("it's", -6)]
    write_all(conn, "UPDATE seen SET own = ?", [])
