"""An amend wave of two agents, `code` and `rest`, that may both edit every file but each other's own."""

from collections.abc import Mapping
from pathlib import Path

from tests.cli.scenes.merge_team import LOAD, STEP, TITLE, Team
from tests.conftest import Repo, Swarm, Workspace

_MAP = (
    '[{"name": "code", "globs": ["src/app.py"]}, {"name": "rest", "globs": ["README.md"]},'
    ' {"name": "all", "globs": ["**"], "ownership": "shared"}]'
)
Files = Mapping[str, str | bytes | None]


def team_of_two(swarm: Swarm, repo: Repo, folder: Path, toml: str = STEP) -> Team:
    """Return a team whose amend wave is dispatched, over the files that are committed by now."""
    mapped = folder / "map.json"
    mapped.write_text(_MAP)
    run = swarm("init", ".", "--domains-from", mapped, "--format", "json").data["runId"]
    swarm("domains", "--freeze")
    team = Team(swarm, repo, Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db"))
    team.prove_with(toml)
    swarm("dispatch", "health-audit-a")
    team.place.answer("code", LOAD)
    team.place.answer("rest", TITLE)
    swarm("collect")
    swarm("approve", "--all")
    team.dispatch()
    return team


def work(team: Team, code: Files, rest: Files) -> None:
    """Let both agents edit files, and collect."""
    team.edit("code", code)
    team.edit("rest", rest)
    team.collect()
