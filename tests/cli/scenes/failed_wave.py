"""A failed wave, and the calls that recover it."""

import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import Repo, Swarm, Workspace

WHY = ("--apply", "--reason", "it was the network")
FOUND = {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):", "symbol": "load"}


class Wave(NamedTuple):
    """A run whose newest wave is recovered."""

    swarm: Swarm
    repo: Repo
    place: Workspace

    def sql(self, statement: str, *values: object) -> list[Any]:
        with sqlite3.connect(self.place.db) as conn:
            found = conn.execute(statement, values).fetchall()
        conn.close()
        return found

    def do(self, *words: str, exit: int = 0) -> Any:  # noqa: A002
        return self.swarm(*words, "--format", "json", exit=exit).data

    def agents(self) -> list[tuple[int, str, str]]:
        return self.sql("SELECT id, domain, status FROM agent_runs ORDER BY id")

    def wave(self) -> str:
        return str(self.sql("SELECT status FROM waves ORDER BY id DESC")[0][0])

    def tree(self, name: str) -> Path:
        return self.place.folder / self.place.run / "worktrees" / name

    def answer(self, domain: str, *findings: dict[str, Any]) -> None:
        """Write the output of an agent's newest row."""
        (path,) = self.sql("SELECT output_path FROM agent_runs WHERE domain = ? ORDER BY id DESC", domain)[0]
        self.place.answer(domain, *findings)
        written = self.place.output(domain)
        if path != str(written):
            Path(path).write_text(written.read_text())

    @property
    def whole(self) -> dict[str, bytes]:
        """Every file of the workspace and every ref."""
        files = (f for f in self.place.folder.rglob("*") if f.is_file() and not f.name.endswith(".lock"))
        refs = {"refs": self.repo.git("for-each-ref").encode()}
        return {str(file): file.read_bytes() for file in files} | refs
