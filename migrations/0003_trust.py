"""Trust: the sandbox of each attempt and of each verification."""

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


def apply(db: Database) -> None:
    for table, column in COLUMNS:
        db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
