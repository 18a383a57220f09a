"""The schema of each version as text, and the comparison of a file's schema with it.

A view, a trigger, a CHECK or a computed column of somebody else would run with every statement on the file.
"""

import sqlite3
from pathlib import Path
from typing import Final

from swarm import errors, shipped
from swarm.store.backups import remedy

# sqlite-utils has quoted the names of indexes in several ways.
_QUOTES: Final = str.maketrans("", "", '[]"`')


def schema_of(conn: sqlite3.Connection) -> list[str]:
    """Return a line for each object of a file's schema, in order."""
    rows = conn.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
    return [_line(*row) for row in rows]


def _line(kind: object, name: object, table: object, sql: object) -> str:
    # By words, at a third of the time of a pattern: every command that opens a control plane does this.
    text = " ".join(str(sql or "").split())
    return f"{kind} {name} of {table}: {text.translate(_QUOTES) if kind == 'index' else text}"


def text_file(version: int) -> Path:
    """Return the file that holds the schema of a version."""
    return shipped.migrations() / f"schema-{version}.txt"


def hold_to_schema(lines: list[str], version: int, path: Path) -> None:
    """Refuse a file with an object that its version does not have in the same words. Raises ControlPlaneForeign."""
    expected = set(text_file(version).read_text(encoding="utf-8").splitlines())
    strange = [line for line in lines if line not in expected]
    # A missing object runs nothing; `ledger verify` finds what a missing trigger let somebody edit.
    if strange:
        problem = f"version {version} has no {errors.shortened(strange[0])}"
        raise errors.ControlPlaneForeign(path=str(path), problem=problem, remedy=remedy(path))
