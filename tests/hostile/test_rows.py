"""Rows of a control plane that came with a repository: whatever a column holds, no verb runs, writes or prints it."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.snapshots import everything_in
from tests.conftest import Swarm
from tests.hostile.law import CANARY, assert_lawful

TEXTS: dict[str, object] = {
    "option": "--output=x",
    "climbs": "../../x",
    "absolute": "/etc/passwd",
    "switch": "-rf",
    "escape": "\x1b[31mred",
    "long": "x" * 1_000_000,
    "nul": "a\0b",
    "shell": f"$(touch {CANARY})",
    "unclosed": "{",
    "list": "[]",
    "object": "{}",
    "number": "1",
    "deep": "[" * 5_000,
    "nested": '[{"path": "../../x", "items": 1, "name": ["--output=x"]}]',
    "empty": "",
}
PARTS = 4
# Values of a text column; with all of them the sweep would take hours.
EACH = 1
NUMBERS = {"one": 1, "zero": 0, "negative": -1, "large": 2**62}
LOOKS = (
    *("status", "runs", "findings --status all", "events", "attempts", "doctor", "history wave:1", "show {finding}"),
    *("trends", "receipt", "domains", "lease list", "explain attempt:1", "ledger verify", "ledger replay --check"),
    *("clean", "clean --force", "rewind {point}", "undo", "resume", "redrive 1", "verify-fixed", "verify-approved"),
    *("advance --dry-run", "report -o {page}", "history {finding}", "trust --check"),
)
ACTS = ("launch", "collect", "audit .", "undo --apply --reason x", "clean --force --apply --reason x", "merge")


class Column(NamedTuple):
    """A column of the control plane."""

    table: str
    name: str
    kind: str


class Plane(NamedTuple):
    """A control plane in which every table has rows, as it was before its rows were changed."""

    swarm: Swarm
    team: Team
    kept: Path
    words: dict[str, str]

    def call(self, line: str) -> str | None:
        """Call a verb, and return what is wrong with its answer."""
        words = [word.format(**self.words) for word in line.split()]
        try:
            answer = self.swarm(*words, exit=None)
            assert_lawful(answer, form="ndjson" if words[0] == "events" else "text")
        except Exception as error:  # noqa: BLE001
            return f"{type(error).__name__}: {str(error)[:300]}"
        return None

    def restore(self) -> None:
        shutil.rmtree(self.team.repo.root)
        shutil.copytree(self.kept, self.team.repo.root, symlinks=True)

    def readers(self) -> dict[str, set[tuple[str, str]]]:
        """Return the columns that each verb reads: what another column holds cannot matter to the verb."""
        found: dict[str, set[tuple[str, str]]] = {}
        connect = sqlite3.connect
        for line in (*LOOKS, *ACTS):
            read = found[line] = set()

            def noting(code: int, table: str, column: str, *_: object, read: set[tuple[str, str]] = read) -> int:
                if code == sqlite3.SQLITE_READ:
                    read.add((table, column))
                return sqlite3.SQLITE_OK

            def listening(*words: Any, noting: Any = noting, **named: Any) -> sqlite3.Connection:
                conn = connect(*words, **named)
                conn.set_authorizer(noting)
                return conn

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sqlite3, "connect", listening)
                self.call(line)
        self.restore()
        return found


@pytest.fixture
def plane(amended: Team, swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plane:
    team = amended
    swarm("merge", team.run)
    swarm("verify", team.run, exit=None)
    swarm("defer", "--ids", next(iter(team.ids().values())), "--reason", "later", exit=None)
    swarm("clean", team.run, "--force", "--apply", "--reason", "tidy", exit=None)
    swarm("lease", "grant", team.run, "--domain", "code", "--file", "README.md", "--reason", "both", exit=None)
    swarm("dispatch", team.run, "health-audit-b", "--isolate", "--runtime", "ruff")
    swarm("launch", team.run)
    monkeypatch.delenv("SWARM_TRUST")
    kept = tmp_path / "kept"
    shutil.copytree(team.repo.root, kept, symlinks=True)
    point = swarm("status", team.run, "--format", "json").data["run"]["savePointTag"]
    words = {"finding": next(iter(team.ids().values())), "point": point, "page": str(tmp_path / "page.html")}
    return Plane(swarm, team, kept, words)


def columns(database: Path) -> Iterator[Column]:
    with closing(sqlite3.connect(database)) as conn:
        for (table,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
            for row in conn.execute(f"PRAGMA table_info({table})").fetchall():
                yield Column(table, row[1], row[2])


def put(database: Path, column: Column, value: object) -> bool:
    """Put a value into every row of a column, and say whether SQLite takes it."""
    with closing(sqlite3.connect(database)) as conn:
        conn.execute("PRAGMA ignore_check_constraints = ON")
        conn.execute("PRAGMA synchronous = OFF")
        for trigger in ("the_ledger_is_not_edited", "the_ledger_is_not_cut"):
            conn.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        try:
            conn.execute(f"UPDATE OR IGNORE {column.table} SET {column.name} = ?", (value,))
        except sqlite3.Error:
            return False
        conn.commit()
    return True


@pytest.mark.sweep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_value_of_a_row_runs_writes_or_prints(plane: Plane, tmp_path: Path, part: int) -> None:
    readers = plane.readers()
    before = outside(plane, tmp_path)
    wrong = {}
    for turn, (column, name, value) in enumerate(list(cases(plane.team.place.db))[part::PARTS]):
        # Verbs that work cost the most, and read whole rows: every third column of a table stands for the others.
        verbs = LOOKS if turn % 3 else (*LOOKS, *ACTS)
        lines = [line for line in verbs if (column.table, column.name) in readers[line]]
        if put(plane.team.place.db, column, value):
            found = {line: problem for line in lines if (problem := plane.call(line))}
            if (now := outside(plane, tmp_path)) != before:
                found["outside"] = str(sorted(before.keys() ^ now.keys())) or "changed"
            if found:
                wrong[f"{column.table}.{column.name} = {name}"] = found
        plane.restore()
    assert wrong == {}


def cases(database: Path) -> Iterator[tuple[Column, str, object]]:
    """Yield the columns of all tables, each with a few values: the values take turns, and each column has its own."""
    names = list(TEXTS)
    for position, column in enumerate(columns(database)):
        if column.kind == "TEXT":
            chosen = dict.fromkeys(names[(position * EACH + step) % len(names)] for step in range(EACH))
            yield from ((column, name, TEXTS[name]) for name in chosen)
        elif column.kind == "INTEGER":
            name = list(NUMBERS)[position % len(NUMBERS)]
            yield column, name, NUMBERS[name]


def outside(plane: Plane, tmp_path: Path) -> dict[str, object]:
    """Return everything beside the workspace, the git folder, the kept copy and the user's state."""
    root = plane.team.repo.root
    mine = {
        plane.kept,
        tmp_path / "home",
        tmp_path / "page.html",
        *(root / name for name in ("swarms", ".git", ".ruff_cache")),
    }
    items = (item for folder in (tmp_path, root) for item in folder.iterdir() if item not in {*mine, root})
    return {str(item): everything_in(item) if item.is_dir() else item.read_bytes() for item in items}
