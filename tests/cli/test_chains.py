"""Chains of runtimes and agent manifests: what is launched of them, and what `swarm runtimes` says about them."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.scenes.launched_agents import OUTPUT, attempts
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

MANIFEST = """
name = "fixer"
[model]
preferred = ["absent", {runtime = "second", model = "big"}]
[trust]
network = "none"
scope = ["/opt"]
[observability]
cost_limit = 1.5
"""


def command(name: str, script: Path) -> str:
    argv = json.dumps([sys.executable, str(script)])
    return f'[runtimes.{name}]\nkind = "command"\nargv = {argv}\n'


@pytest.fixture
def config(repo: Repo, tmp_path: Path) -> str:
    """Two commands that answer with their own name, and a command that is not there."""
    parts = ['[runtimes.absent]\nkind = "command"\nargv = ["no-such-program-anywhere"]\n']
    for name in ("first", "second"):
        script = tmp_path / f"{name}.py"
        script.write_text(OUTPUT + f"write(summary={name!r})")
        parts.append(command(name, script))
    return "".join(parts)


def launched(swarm: Swarm, *dispatched: str) -> dict[str, str]:
    """Dispatch a wave and launch it; return the runtime of each agent's first attempt."""
    swarm("dispatch", "health-audit-a", "--isolate", *dispatched)
    return {domain: own[0]["runtime"] for domain, own in attempts(swarm("launch", "--json")).items()}


def shown(swarm: Swarm, *options: str) -> dict[str, list[tuple[str, bool, str | None]]]:
    chains = swarm("runtimes", *options, "--json").data["chains"]
    return {
        chain["subject"]: [(entry["runtime"], entry["isChosen"], entry["whyNot"]) for entry in chain["entries"]]
        for chain in chains
    }


def test_each_agent_is_launched_with_the_first_entry_that_is_here(
    swarm: Swarm, repo: Repo, workspace: Workspace, config: str
) -> None:
    chains = '[chains]\nevery = ["absent", "first"]\n[chains.domains]\ncode = ["second", "first"]\n'
    (repo.root / "swarm.toml").write_text(config + chains)
    assert launched(swarm) == {"code": "second", "rest": "first"}
    assert json.loads(workspace.output("code").read_text())["summary"] == "second"


def test_a_runtime_that_is_named_goes_before_every_chain(
    swarm: Swarm, repo: Repo, workspace: Workspace, config: str
) -> None:
    (repo.root / "swarm.toml").write_text(config + '[chains]\nevery = ["second"]\n')
    assert launched(swarm, "--runtime", "first") == {"code": "first", "rest": "first"}


def test_a_manifest_gives_an_agent_its_chain(swarm: Swarm, repo: Repo, workspace: Workspace, config: str) -> None:
    (repo.root / "agents").mkdir()
    (repo.root / "agents/fixer.agent").write_text(MANIFEST.replace('network = "none"', 'network = "allowed"'))
    domains = '[chains]\nevery = ["first"]\n[agents.domains]\ncode = "agents/fixer.agent"\n'
    (repo.root / "swarm.toml").write_text(config + domains)
    assert launched(swarm) == {"code": "second", "rest": "first"}


def test_every_chain_is_shown_with_the_reason_for_each_entry(
    swarm: Swarm, repo: Repo, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_OF_MINE", raising=False)
    chains = (
        '[chains]\nevery = ["absent", {runtime = "first", auth_source = "SECRET_OF_MINE"}, "second", "first"]\n'
        '[chains.phases]\nhealth-audit-a = ["nobody", "absent"]\n'
    )
    (repo.root / "swarm.toml").write_text(config + chains)
    assert shown(swarm, "--resolve") == {
        "every agent": [
            ("absent", False, "not installed: no-such-program-anywhere is not on PATH"),
            ("first", False, "no credential: the variable SECRET_OF_MINE is not set"),
            ("second", True, None),
            ("first", False, None),
        ],
        "phase health-audit-a": [
            ("nobody", False, "no runtime has this name"),
            ("absent", False, "not installed: no-such-program-anywhere is not on PATH"),
        ],
    }
    monkeypatch.setenv("SECRET_OF_MINE", "s3cr3t-value")
    assert shown(swarm, "--resolve")["every agent"][1] == ("first", True, None)
    lines = swarm("runtimes", "--resolve").out.splitlines()
    assert lines[0] == "✓ every agent: first"
    assert "⊘ phase health-audit-a: nothing can be launched" in lines
    assert "s3cr3t-value" not in "".join(lines)


def test_chains_of_a_file_that_nobody_trusts_are_not_followed(
    swarm: Swarm, repo: Repo, workspace: Workspace, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo.root / "swarm.toml").write_text('[chains]\nevery = ["claude"]\n')
    monkeypatch.delenv("SWARM_TRUST")
    assert swarm("runtimes", "--resolve", "--json").data["chains"] == []


@pytest.mark.parametrize(
    "text",
    [
        MANIFEST,
        "name: fixer\nmodel:\n  preferred: [absent, {runtime: second, model: big}]\ntrust: {network: none, scope: [/opt]}\n",
    ],
)
def test_a_manifest_in_toml_and_in_yaml_is_valid(swarm: Swarm, repo: Repo, config: str, text: str) -> None:
    (repo.root / "swarm.toml").write_text(config)
    file = repo.root / "fixer.agent"
    file.write_text(text)
    expected = [("absent", False, "not installed: no-such-program-anywhere is not on PATH"), ("second", True, None)]
    assert shown(swarm, "--validate", str(file)) == {"manifest": expected}
    folder = repo.root / "agent"
    folder.mkdir()
    file.rename(folder / "manifest.agent")
    assert shown(swarm, "--validate", str(folder)) == {"manifest": expected}


@pytest.mark.parametrize(
    ("text", "problems"),
    swept(
        [
            ("[model]\npreferred = []\n", ["$.model.preferred"]),
            (
                '[model]\npreferred = ["a"]\n[trust]\nnetwork = "maybe"\nfilesystem = 1\n',
                ["$.trust.network", "$.trust.filesystem"],
            ),
            ("model: [", ["neither TOML", "nor YAML"]),
            ("- a\n- b\n", ["no table of YAML"]),
            ("!!python/object/apply:os.system ['true']", ["nor YAML"]),
            ("[" * 5000, ["nor YAML"]),
            ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nmodel: {preferred: [*c]}\n", ["$"]),
            ("", ["$: 'model' is a required property"]),
        ]
    ),
)
def test_every_field_of_a_manifest_that_does_not_fit_is_named(
    swarm: Swarm, repo: Repo, text: str, problems: list[str]
) -> None:
    file = repo.root / "odd.agent"
    file.write_text(text)
    answer = swarm("runtimes", "--validate", str(file), exit=1)
    assert answer.code == "INVALID_MANIFEST"
    assert [part for part in problems if part not in answer.err] == []


def test_an_agent_is_added_to_the_users_own_configuration(swarm: Swarm, repo: Repo) -> None:
    file = Path(os.environ["HOME"]) / ".config/swarm/swarm.toml"
    data = swarm("runtimes", "--add", "opencode", "--model", "a/b", "--default", "--json").data
    assert (data["added"], [each["name"] for each in data["runtimes"]]) == (str(file), ["opencode"])
    before = file.read_text()
    assert data["runtimes"][0]["isDefault"] is True
    assert swarm("runtimes", "--add", "gemini").out.startswith(f"Added gemini to {file}\n")
    assert file.read_text().startswith(before)
    (opencode,) = swarm("runtimes", "opencode", "--json").data["runtimes"]
    assert (opencode["kind"], opencode["argv"]) == (
        "agent",
        ["opencode", "acp", "--print-logs", "--log-level", "ERROR"],
    )
    assert swarm("runtimes", "--add", "nobody", exit=1).code == "RUNTIME_UNKNOWN"
    assert swarm("runtimes", "--add", "goose", "--default", exit=1).code == "CONFIG_INVALID"


@pytest.mark.parametrize(
    "options",
    [
        ("ruff", "--resolve"),
        ("--add", "goose", "--resolve"),
        ("--model", "m"),
        ("--default",),
        ("ruff", "--add", "goose"),
    ],
)
def test_options_that_do_not_go_together_are_refused(swarm: Swarm, repo: Repo, options: tuple[str, ...]) -> None:
    assert swarm("runtimes", *options, exit=2).code == "CLI_USAGE"


def test_a_manifest_that_changes_is_trusted_anew(
    swarm: Swarm, repo: Repo, workspace: Workspace, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWARM_TRUST")
    file = repo.root / "fixer.agent"
    file.write_text(MANIFEST)
    (repo.root / "swarm.toml").write_text(config + '[agents.phases]\nhealth-audit-a = "fixer.agent"\n')
    swarm("trust", "--yes")
    assert list(shown(swarm, "--resolve")) == ["phase health-audit-a"]
    file.write_text(MANIFEST.replace("none", "allowed"))
    assert shown(swarm, "--resolve") == {}
    assert 'network = \\"allowed\\"' in swarm("trust", "--check", exit=1).out
    file.unlink()
    assert swarm("runtimes", "--resolve", exit=1).code == "FILE_NOT_FOUND"
