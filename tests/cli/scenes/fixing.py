"""A run with open findings, and an agent that fixes them as its test says."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.cli.scenes import merge_team
from tests.conftest import Answer, Repo, Swarm, Workspace

# It finds in its prompt what it was given, does what `edits.json` says for its domain, and claims to have fixed all.
AGENT = """
import json, os, pathlib, re, sys
here = pathlib.Path(sys.argv[0]).parent
(here / "calls").open("a").write(os.environ["SWARM_DOMAIN"] + "\\n")
plan = json.loads((here / "edits.json").read_text())
if plan["exit"]:
    sys.exit(plan["exit"])
for name, text in plan["edits"].get(os.environ["SWARM_DOMAIN"], {}).items():
    pathlib.Path(name).write_text(text)
ids = sorted(set(re.findall(r"F-[0-9a-f]{8}", pathlib.Path(sys.argv[1]).read_text()))) if plan["claims"] else []
fixes = [{"finding_id": i, "description": "Mended."} for i in ids]
body = {"domain": os.environ["SWARM_DOMAIN"], "summary": "Mended.", "fixes": fixes, "files_changed": []}
pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(body))
"""
RIGHT = {"code": {"src/app.py": merge_team.MENDED}, "rest": {"README.md": merge_team.RETITLED}}


class Fixing(NamedTuple):
    """A run whose audit found something in two domains, nothing of it approved."""

    swarm: Swarm
    repo: Repo
    place: Workspace

    @property
    def folder(self) -> Path:
        """The folder of the agent."""
        return folder_in(self.repo)

    @property
    def branch(self) -> str:
        return f"swarm/{self.place.run.rpartition('-')[2]}/integration"

    def plays(
        self,
        edits: dict[str, dict[str, str]] | None = None,
        *,
        exit: int = 0,  # noqa: A002
        claims: bool = True,
    ) -> None:
        """Say what the agent of each domain does; by default everything right."""
        plan = {"edits": RIGHT if edits is None else edits, "exit": exit, "claims": claims}
        (self.folder / "edits.json").write_text(json.dumps(plan))

    @property
    def calls(self) -> list[str]:
        """The domains whose agents were launched, in the order of their names."""
        file = self.folder / "calls"
        return sorted(file.read_text().split()) if file.exists() else []

    def fix(self, *words: str, exit: int | None = 0) -> Answer:  # noqa: A002
        return self.swarm("fix", *words, "--format", "json", exit=exit)

    def ids(self) -> dict[str, str]:
        return merge_team.Team(self.swarm, self.repo, self.place).ids()

    def rows(self, statement: str, *values: object) -> list[Any]:
        return merge_team.Team(self.swarm, self.repo, self.place).rows(statement, *values)


def prepare(swarm: Swarm, repo: Repo, place: Workspace) -> Workspace:
    """Make such a run: `load` in code, the title in rest."""
    folder = folder_in(repo)
    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    argv = json.dumps([sys.executable, str(folder / "agent.py"), "{prompt_file}"])
    played = f'[runtimes.played]\nkind = "command"\nargv = {argv}\n'
    merge_team.Team(swarm, repo, place).prove_with(played + merge_team.STEP)
    Fixing(swarm, repo, place).plays()
    swarm("dispatch", "health-audit-a")
    place.answer("code", merge_team.LOAD)
    place.answer("rest", merge_team.TITLE)
    swarm("collect")
    return place


def folder_in(repo: Repo) -> Path:
    """Return the folder of the agent, which nobody watches."""
    return repo.root / ".git" / "played"
