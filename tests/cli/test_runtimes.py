"""`swarm runtimes`: the runtimes of this machine and of swarm.toml, with their program or the reason why not."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm

BUILT_IN = [
    *("ruff", "oxlint", "shellcheck", "hadolint", "zizmor", "cppcheck", "eslint", "biome", "tsc", "mypy", "pyright"),
    *("bandit", "golangci-lint", "go-vet", "clippy", "rumdl", "typos", "sqlfluff", "tombi", "actionlint", "ast-grep"),
    "semgrep",
    *("claude", "codex", "aider"),
    *("opencode", "gemini", "copilot", "cursor", "qwen", "goose", "kimi", "claude-agent-acp", "codex-acp"),
]


def configured(repo: Repo, name: str, *argv: str) -> Path:
    """Write a swarm.toml with one runtime of the kind `command`."""
    file = repo.root / "swarm.toml"
    file.write_text(f'[runtimes.{name}]\nkind = "command"\nargv = {json.dumps(argv)}\n')
    return file


def test_every_built_in_analyzer_is_listed_without_a_configuration_and_nothing_is_made(
    swarm: Swarm, repo: Repo
) -> None:
    with nothing_changes(repo.root):
        data = valid(swarm("runtimes", "--format", "json"), "runtimes", 0)
    assert [one["name"] for one in data["runtimes"]] == BUILT_IN
    ruff = data["runtimes"][0]
    assert (ruff["name"], ruff["installed"], ruff["whyNot"]) == ("ruff", True, None)
    assert Path(ruff["path"]).is_file()
    assert ruff["version"]
    assert data["config"] is None


def test_a_runtime_of_the_configuration_is_found_by_its_program(swarm: Swarm, repo: Repo) -> None:
    file = configured(repo, "mine", sys.executable, "agent.py")
    data = valid(swarm("runtimes", "--format", "json"), "runtimes", 0)
    assert [runtime["name"] for runtime in data["runtimes"]] == [*BUILT_IN, "mine"]
    mine = data["runtimes"][-1]
    assert (mine["kind"], mine["installed"], mine["argv"]) == ("command", True, [sys.executable, "agent.py"])
    assert data["config"] == str(file)


def test_a_program_that_is_not_there_is_listed_with_the_reason(swarm: Swarm, repo: Repo) -> None:
    configured(repo, "absent", "no-such-program-anywhere")
    (absent,) = valid(swarm("runtimes", "absent", "--format", "json"), "runtimes", 0)["runtimes"]
    assert (absent["installed"], absent["path"]) == (False, None)
    assert "no-such-program-anywhere" in absent["whyNot"]
    assert absent["whyNot"] in swarm("runtimes", "absent").out


def test_a_name_lists_that_runtime_alone(swarm: Swarm, repo: Repo) -> None:
    configured(repo, "mine", sys.executable)
    assert [r["name"] for r in swarm("runtimes", "mine", "--format", "json").data["runtimes"]] == ["mine"]


@pytest.mark.parametrize("word", ["nothing", "", "RUFF", "ruff; true"])
def test_a_name_that_nothing_has_is_refused(swarm: Swarm, word: str) -> None:
    assert swarm("runtimes", word, exit=1).code == "RUNTIME_UNKNOWN"


def test_a_configuration_that_does_not_fit_its_schema_is_refused(swarm: Swarm, repo: Repo) -> None:
    (repo.root / "swarm.toml").write_text('[runtimes.mine]\nkind = "command"\n')
    assert swarm("runtimes", exit=1).code == "CONFIG_INVALID"


def test_control_characters_of_an_argument_reach_no_terminal(swarm: Swarm, repo: Repo) -> None:
    configured(repo, "mine", sys.executable, "a\x1b[2J\nforged")
    out = swarm("runtimes", "mine").out
    assert "\x1b" not in out
    assert "forged" not in [line.strip() for line in out.splitlines()]
