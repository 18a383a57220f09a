"""Table `kv`: the schema's version, and notes of commands under keys of their own."""

import sqlite3
from collections.abc import Iterable
from typing import Final

VERSION_KEY: Final = "schema_version"


def value_of(conn: sqlite3.Connection, key: str) -> str | None:
    """Return the value of a key, `None` for an unknown key."""
    row = conn.execute("SELECT value FROM kv WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def values_below(conn: sqlite3.Connection, prefix: str) -> list[str]:
    """Return the values of all keys that begin with a prefix, in the order of the keys, which are ASCII."""
    # A range instead of LIKE uses the primary key; 0x7f follows every letter of a key.
    rows = conn.execute("SELECT value FROM kv WHERE key > ? AND key < ? ORDER BY key", (prefix, f"{prefix}\x7f"))
    return [value for (value,) in rows]


def keys_below(conn: sqlite3.Connection, prefix: str) -> list[str]:
    """Return the keys that begin with a prefix, in order."""
    rows = conn.execute("SELECT key FROM kv WHERE key > ? AND key < ? ORDER BY key", (prefix, f"{prefix}\x7f"))
    return [key for (key,) in rows]


def add(conn: sqlite3.Connection, key: str, value: str) -> None:
    """Write a value under a free key."""
    conn.execute("INSERT INTO kv (key, value) VALUES (?, ?)", (key, value))


def put(conn: sqlite3.Connection, key: str, value: str) -> None:
    """Write a value under a key, in the place of an earlier value."""
    conn.execute(
        "INSERT INTO kv (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
    )


def remove(conn: sqlite3.Connection, keys: Iterable[str]) -> None:
    """Remove keys with their values."""
    conn.executemany("DELETE FROM kv WHERE key = ?", ((key,) for key in keys))


def record_version(conn: sqlite3.Connection, number: int) -> None:
    """Record the version of the schema."""
    put(conn, VERSION_KEY, str(number))


def rewrite_version(conn: sqlite3.Connection) -> None:
    """Write the version as it is: the cheapest statement that fails on a file that is read-only."""
    conn.execute("UPDATE kv SET value = value WHERE key = ?", (VERSION_KEY,))
