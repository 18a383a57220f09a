"""An amend wave for the tests of `merge` and `verify`: agents that edit their trees and answer by hand."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import SOURCE, Answer, Repo, Swarm, Workspace

# Red when any source says BROKEN; else one test ran.
STEP = """[[verify.steps]]
name = "check"
kind = "test"
argv = ["sh", "-c", "! grep -rqs BROKEN src docs README.md && echo 1 ran"]
count_pattern = '^(\\d+) ran'
"""
LOAD = {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):", "symbol": "load"}
NAME = {"file": "src/app.py", "line": 13, "quote": "    return undefined_name", "symbol": "name", "severity": "LOW"}
TITLE = {"file": "README.md", "line": 1, "quote": "# A project", "category": "docs"}
MENDED = SOURCE["src/app.py"].replace("seen=[]", "seen=None")
RETITLED = "# The project\n"


class Team(NamedTuple):
    """A run whose findings are approved, and the agents of its waves."""

    swarm: Swarm
    repo: Repo
    place: Workspace

    @property
    def run(self) -> str:
        return self.place.run

    @property
    def hex(self) -> str:
        return self.place.run.rpartition("-")[2]

    @property
    def integration(self) -> str:
        return f"swarm/{self.hex}/integration"

    def prove_with(self, toml: str) -> None:
        """Write the swarm.toml of the workspace, which git does not see."""
        exclude = self.repo.root / ".git/info/exclude"
        exclude.parent.mkdir(exist_ok=True)
        if "swarm.toml" not in (text := exclude.read_text() if exclude.exists() else ""):
            exclude.write_text(text + "swarm.toml\n")
        (self.place.folder / "swarm.toml").write_text(toml)

    def tree(self, domain: str, wave: int = 2) -> Path:
        return self.place.folder / self.run / "worktrees" / f"w{wave}-{domain}"

    def branch(self, domain: str, wave: int = 2) -> str:
        return f"swarm/{self.hex}/w{wave}-{domain}"

    def ids(self) -> dict[str, str]:
        """Every finding by the beginning of its line."""
        listed = self.swarm("findings", "--status", "all", "--format", "json", exit=None).data["findings"]
        return {(finding["quote"] or "").strip().partition("(")[0]: finding["findingId"] for finding in listed}

    def status_of(self, finding: str) -> str:
        shown: str = self.swarm("show", finding, "--format", "json").data["finding"]["status"]
        return shown

    def dispatch(self, phase: str = "health-amend-a") -> None:
        self.swarm("dispatch", self.run, phase, "--isolate")

    def edit(
        self, domain: str, files: Mapping[str, str | bytes | None], wave: int = 2, *, commit: bool = False
    ) -> None:
        """Write files in an agent's tree; `None` takes one away."""
        tree = self.tree(domain, wave)
        for name, content in files.items():
            file = tree / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink()
            else:
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if commit:
            self.repo.git("add", "-A", cwd=tree)
            self.repo.git("commit", "-q", "-m", f"{domain}'s own", cwd=tree)

    def answer(self, domain: str, *fixed: str, wave: int = 2, fix: Mapping[str, Any] = {}) -> None:
        """Write the output of an amend agent that says it has mended these."""
        body = {
            "domain": domain,
            "summary": "Mended.",
            "fixes": [{"finding_id": finding, "description": "Mended.", **fix} for finding in fixed],
            "files_changed": [],
        }
        file = self.place.output(domain, wave)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))

    def collect(self, wave: int = 2, **fixed: tuple[str, ...]) -> None:
        """Write both outputs and collect."""
        for domain in ("code", "rest"):
            self.answer(domain, *fixed.get(domain, ()), wave=wave)
        self.swarm("collect", self.run)

    def merge(self, *words: str, exit: int | None = 0) -> Answer:  # noqa: A002
        return self.swarm("merge", self.run, *words, "--format", "json", exit=exit)

    def rows(self, statement: str, *values: object) -> list[Any]:
        with sqlite3.connect(self.place.db) as conn:
            found = conn.execute(statement, values).fetchall()
        conn.close()
        return found

    def file_at(self, revision: str, name: str) -> str:
        return self.repo.git("show", f"{revision}:{name}")
