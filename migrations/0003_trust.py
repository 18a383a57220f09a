"""Trust: the sandbox of each attempt and verification. Findings: the ways in which an edited line is recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

COLUMNS = (
    # The backend is in `isolation` since the first version; NULL where an older build launched the attempt.
    ("attempts", "isolation_reason TEXT"),
    ("attempts", "policy TEXT"),
    # The tree object that an amend agent left; NULL where there was none to seal.
    ("attempts", "tree TEXT"),
    # NULL where no step ran, or an older build ran them.
    ("verifications", "isolation TEXT"),
    ("verifications", "isolation_reason TEXT"),
    ("verifications", "policy TEXT"),
)

_MATCHED = "matched_by = 'line_map' OR matched_by = 'moved'"
_MATCHED_EDITED = f"{_MATCHED} OR matched_by = 'rewritten' OR matched_by = 'reformatted' OR matched_by = 'moved_file'"


def apply(db: Database) -> None:
    _rebuild(db, "findings", _MATCHED, _MATCHED_EDITED)
    for table, column in COLUMNS:
        db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")


def _rebuild(db: Database, table: str, old: str, new: str) -> None:
    """Make a table anew with another condition, which SQLite cannot alter; its rows and indexes stay."""
    rows = db.execute("SELECT type, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL", [table]).fetchall()
    (text,) = [sql for kind, sql in rows if kind == "table"]
    # Without the generated columns, which no statement can write.
    columns = ", ".join(row[1] for row in db.execute(f"PRAGMA table_info({table})"))
    db.execute(text.replace(f"TABLE {table} (", f"TABLE {table}_3 (", 1).replace(old, new, 1))
    db.execute(f"INSERT INTO {table}_3 ({columns}) SELECT {columns} FROM {table}")  # noqa: S608
    db.execute(f"DROP TABLE {table}")
    db.execute(f"ALTER TABLE {table}_3 RENAME TO {table}")
    for kind, sql in rows:
        if kind == "index":
            db.execute(sql)
