"""The same run as everywhere, made with fewer calls: most tests of the command line begin with it."""

import json
from pathlib import Path

import pytest

from tests.conftest import Repo, Swarm, Workspace

MAP = [{"name": "code", "globs": ["src/**"]}, {"name": "rest", "globs": ["**"]}]


@pytest.fixture
def workspace(swarm: Swarm, repo: Repo, tmp_path: Path) -> Workspace:
    """A run with a frozen map of two domains, `code` and `rest`."""
    file = tmp_path / "map.json"
    file.write_text(json.dumps(MAP))
    run = swarm("init", ".", "--domains-from", file, "--format", "json").data["runId"]
    swarm("domains", "--freeze")
    folder = repo.root / "swarms"
    return Workspace(run, folder, folder / "control-plane.db")
