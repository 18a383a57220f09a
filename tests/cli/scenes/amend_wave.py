"""A run in an amend wave, with its assigned findings, touched files and claimed fixes."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import Answer, Repo, Swarm, Workspace

PHASE = "health-amend-a"
MAP = [
    {"name": "code", "globs": ["src/**"]},
    {"name": "tests", "globs": ["tests/**"]},
    {"name": "api", "globs": ["lib/**"], "ownership": "bridge"},
    {"name": "docs", "globs": ["docs/**"], "ownership": "shared"},
    {"name": "ci", "globs": [".github/**"], "ownership": "coordinator"},
]
FILES = {
    "lib/api.py": "def call(port):\n    return port + 1\n",
    "docs/guide.md": "# A guid\n",
    ".github/ci.yml": "on: push\n",
}
LINE = "def load(path, seen=[]):"
MENDED = "def load(path, seen=None):"
# By what the tests call them; `nowhere` has no file, and is the domain's that reported it.
FOUND: dict[str, dict[str, Any]] = {
    "load": {"file": "src/app.py", "line": 5, "quote": LINE, "symbol": "load", "severity": "HIGH"},
    "eval": {"file": "src/tool.py", "line": 5, "quote": "    return eval('1')", "category": "security"},
    "assert": {"file": "tests/test_app.py", "line": 5, "quote": "    assert load", "category": "tests"},
    "port": {"file": "lib/api.py", "line": 2, "quote": "    return port + 1"},
    "guide": {"file": "docs/guide.md", "line": 1, "quote": "# A guid", "category": "docs"},
    "push": {"file": ".github/ci.yml", "line": 1, "quote": "on: push"},
    "readme": {"file": "README.md", "line": 1, "quote": "# A project", "category": "docs"},
    "nowhere": {"category": "docs", "severity": "LOW"},
}
AGENTS = ("code", "tests", "api")


class Amending(NamedTuple):
    """A run whose audit was collected, and the amend wave after it."""

    swarm: Swarm
    repo: Repo
    place: Workspace

    @property
    def run(self) -> str:
        return self.place.run

    @property
    def ids(self) -> dict[str, str]:
        """The id of each finding, by the name that it has here."""
        return dict(self.sql("SELECT description, finding_id FROM findings"))

    def sql(self, statement: str, *values: object) -> list[Any]:
        with sqlite3.connect(self.place.db) as conn:
            found = conn.execute(statement, values).fetchall()
        conn.close()
        return found

    def approve(self, *names: str) -> None:
        ids = self.ids
        self.swarm("approve", self.run, "--ids", ",".join(ids[name] for name in names))

    def dispatch(self, *options: str, phase: str = PHASE, exit: int = 0) -> Answer:  # noqa: A002
        return self.swarm("dispatch", self.run, phase, *options, "--format", "json", exit=exit)

    def assigned(self, answer: Answer) -> dict[str, list[dict[str, Any]]]:
        """Return the findings that each agent's prompt lists, line by line."""
        found = {}
        for agent in answer.data["agents"]:
            text = Path(agent["promptPath"]).read_text(encoding="utf-8")
            known = text.partition("## What to fix")[2].partition("## Your answer")[0]
            found[agent["domain"]] = [json.loads(line) for line in known.splitlines() if line.startswith('{"id"')]
        return found

    def tree(self, domain: str, wave: int = 2) -> Path:
        return self.place.folder / self.run / "worktrees" / f"w{wave}-{domain}"

    def branch(self, domain: str, wave: int = 2) -> str:
        return f"swarm/{self.run.rpartition('-')[2]}/w{wave}-{domain}"

    def edit(self, domain: str, path: str, text: str | None = None, wave: int = 2) -> None:
        """Write a file of an agent's tree; by default with a line more at its end."""
        file = self.tree(domain, wave) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{file.read_text() if file.exists() else ''}# more\n" if text is None else text)

    def mend(self, domain: str = "code", wave: int = 2) -> None:
        """Mend `load` in an agent's tree."""
        file = self.tree(domain, wave) / "src/app.py"
        file.write_text(file.read_text().replace(LINE, MENDED))

    def answer(self, domain: str, *fixed: str, files: tuple[str, ...] = (), wave: int = 2, **keys: Any) -> None:
        """Write an amend agent's output: the findings that it says it fixed, by their names here."""
        ids = self.ids
        fixes = [{"finding_id": ids[name], "description": "Mended."} for name in fixed]
        body = {"domain": domain, "summary": "Mended.", "fixes": fixes, "files_changed": list(files), **keys}
        self.place.output(domain, wave).write_text(json.dumps(body), encoding="utf-8")

    def collect(self, *, exit: int = 0, wave: int = 2) -> Any:  # noqa: A002
        """Let who has not answered answer that nothing was done, and collect."""
        for domain in AGENTS:
            if not self.place.output(domain, wave).exists():
                self.answer(domain, wave=wave)
        return self.swarm("collect", self.run, "--format", "json", exit=exit).data

    def claims(self) -> list[tuple[Any, ...]]:
        """Return the claimed files: domain, path, kind, whether git shows and the agent reports them, owner."""
        return self.sql(
            "SELECT domain, path, file_claims.kind, observed, reported, owner, violation FROM file_claims"
            " JOIN agent_runs ON agent_runs.id = agent_run_id ORDER BY agent_run_id, path"
        )

    def status(self, name: str) -> str:
        return str(self.sql("SELECT status FROM findings WHERE description = ?", name)[0][0])

    @contextmanager
    def behind(self) -> Iterator[sqlite3.Connection]:
        """Change the control plane behind swarm's back."""
        with sqlite3.connect(self.place.db) as conn:
            yield conn
        conn.close()


def fixes(data: Any) -> list[tuple[str, str, str]]:
    return [(fix["findingId"], fix["domain"], fix["verifiedVia"]) for fix in data["fixes"]]


def skipped(data: Any, *, unanswered: bool = False) -> list[tuple[str, str, str]]:
    """Return the fixes that were not taken; findings that an agent did not answer only on request."""
    reports = [(fix["findingId"], fix["domain"], fix["reason"]) for fix in data["skippedFixes"]]
    return [item for item in reports if unanswered or item[2] != "unanswered"]


def violations(data: Any) -> list[tuple[str, str, str]]:
    return [(violation["file"], violation["agentDomain"], violation["actualOwner"]) for violation in data["violations"]]
