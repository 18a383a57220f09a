"""Guards of the source as a whole that need no look into it: what a start loads, and what git tracks."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Swarm, Workspace
from tests.guards.source import PACKAGE

HEAVY = ["jsonschema", "jsonschema_rs", "rich", "asyncio", "importlib.metadata", "wcmatch"]
START = """
import json, sys
from swarm.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def modules_of_a_start(*arguments: str, folder: Path) -> tuple[int, set[str]]:
    import json

    done = subprocess.run(
        [sys.executable, "-c", START, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    return code, set(loaded)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("runs",), ("status",), ("runs", "--help")])
def test_a_start_loads_nothing_heavy(workspace: Workspace, arguments: tuple[str, ...]) -> None:
    code, loaded = modules_of_a_start(*arguments, folder=workspace.folder)
    assert code == 0
    assert {"swarm.cli.main", "click"} <= loaded
    assert [name for name in HEAVY if name in loaded] == []
    # git and the findings cost a start more than all that these verbs read.
    assert [name for name in loaded if name.startswith(("swarm.git.", "swarm.store.findings", "subprocess"))] == []


@pytest.mark.parametrize("arguments", [("--help",), ("runs",), ("status",), ("findings",)])
def test_a_command_that_succeeds_loads_neither_errors_nor_git(
    workspace: Workspace, swarm: Swarm, arguments: tuple[str, ...]
) -> None:
    swarm("audit", "--runtime", "ruff", exit=1)
    code, loaded = modules_of_a_start(*arguments, folder=workspace.folder)
    assert code == int(arguments == ("findings",))
    assert {name for name in loaded if name.startswith("swarm.errors.")} == {"swarm.errors.catalogue"}
    unused = ("swarm.git.", "subprocess", "tempfile", "difflib", "hashlib", "click.shell_completion")
    assert [name for name in loaded if name.startswith(unused)] == []


def test_help_loads_no_verb_and_no_database(tmp_path: Path) -> None:
    _, loaded = modules_of_a_start("--help", folder=tmp_path)
    ours = {name for name in loaded if name.startswith("swarm.") and not name.startswith("swarm.errors.")}
    assert ours <= {
        *(
            "swarm.cli",
            "swarm.cli.call",
            "swarm.cli.error_text",
            "swarm.cli.main",
            "swarm.cli.shared_options",
            "swarm.cli.stdout",
            "swarm.log_lines",
            "swarm.cli.group",
            "swarm.cli.verbs",
        ),
        *("swarm.clock", "swarm.errors", "swarm.stage_events", "swarm.interruption", "swarm.workspace"),
    }
    assert "sqlite3" not in loaded


def test_a_start_that_loads_something_heavy_is_seen(workspace: Workspace) -> None:
    code, loaded = modules_of_a_start("init", "--config", folder=workspace.folder)
    assert (code, [name for name in HEAVY if name in loaded]) == (0, ["jsonschema_rs"])


def test_a_launch_on_this_machine_loads_nothing_of_an_engine(workspace: Workspace, swarm: Swarm) -> None:
    swarm("dispatch", "health-audit-a", "--runtime", "ruff")
    code, loaded = modules_of_a_start("launch", folder=workspace.folder)
    assert code == 0
    of_engines = (
        "nats",
        "nkeys",
        "nacl",
        "cryptography",
        "swarm.engine.link",
        "swarm.engine.server",
        "swarm.waves.hosts",
    )
    assert sorted(name for name in loaded if name.startswith(of_engines)) == []


@pytest.mark.skipif(not (PACKAGE.parent / ".git").exists(), reason="an archive has no index of git")
def test_no_file_that_git_ignores_is_tracked() -> None:
    listed = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    done = subprocess.run(listed, cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert done.stdout == ""
