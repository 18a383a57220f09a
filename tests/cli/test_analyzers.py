"""Several analyzers in a wave: each runs once over one tree, and none touches the findings of another."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from swarm.runtimes import programs
from tests.cli.scenes.launched_agents import outcomes
from tests.cli.test_dispatch import rows
from tests.conftest import Repo, Swarm, Workspace

# A tool that reports each line with its word, in SARIF, and notes that it ran.
TOOL = """
import json, pathlib, sys
word, marks, rules = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
open(marks, "a").write("x")
if word == "fail":
    sys.exit(5)
files = sorted(str(file) for file in pathlib.Path(".").rglob("*") if file.is_file() and ".git" not in file.parts)
results = [
    {"ruleId": rules[0], "message": {"text": word}, "locations": [{"physicalLocation": {
        "artifactLocation": {"uri": file}, "region": {"startLine": number}}}]}
    for file in files
    for number, line in enumerate(open(file, errors="replace").read().splitlines(), 1) if word in line
]
print(json.dumps({"version": "2.1.0", "runs": [{
    "tool": {"driver": {"name": "t", "rules": [{"id": rule} for rule in rules]}},
    "artifacts": [{"location": {"uri": file}, "roles": ["analysisTarget"]} for file in files],
    "results": results}]}))
"""


class Tools:
    """Analyzers of swarm.toml, each with the file in which it marks its runs."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        self._repo, self._folder = repo, folder
        folder.mkdir()
        (folder / "tool.py").write_text(TOOL)

    def play(self, rule: str = "R1", **words: str) -> None:
        tables = []
        for name, word in words.items():
            argv = [sys.executable, str(self._folder / "tool.py"), word, str(self._folder / name), rule]
            tables.append(f'[runtimes.{name}]\nkind = "sarif"\nargv = {json.dumps(argv)}\n')
        (self._repo.root / "swarm.toml").write_text("".join(tables))

    def runs(self, name: str) -> int:
        file = self._folder / name
        return len(file.read_text()) if file.exists() else 0


@pytest.fixture
def tools(repo: Repo, tmp_path: Path) -> Tools:
    repo.commit({"src/app.py": "alpha = 1\nbeta = 2\n", "docs/a.md": "alpha\n", ".gitignore": "swarm.toml\nswarms/\n"})
    return Tools(repo, tmp_path / "tools")


def found(swarm: Swarm) -> dict[tuple[str, str, int], tuple[str, int]]:
    """Status and misses of each finding, by the tool's word, its file and its line."""
    listed = swarm("findings", "--status", "all", "--format", "json", exit=None).data["findings"]
    return {(item["description"], item["file"], item["line"]): item["status"] for item in listed}


def test_each_analyzer_runs_once_whatever_the_number_of_domains(
    swarm: Swarm, tools: Tools, workspace: Workspace
) -> None:
    tools.play(one="alpha", two="beta")
    swarm("audit", ".", "--runtime", "one,two", exit=1)
    assert (tools.runs("one"), tools.runs("two")) == (1, 1)
    assert len(rows(workspace.db, "SELECT id FROM agent_runs")) > 1
    assert rows(workspace.db, "SELECT tool, attempt, outcome FROM analyses ORDER BY tool") == [
        ("one", 1, "success"),
        ("two", 1, "success"),
    ]
    assert found(swarm) == {
        ("alpha", "src/app.py", 1): "new",
        ("alpha", "docs/a.md", 1): "new",
        ("beta", "src/app.py", 2): "new",
    }


def test_no_analyzer_touches_the_findings_of_another(swarm: Swarm, tools: Tools, repo: Repo) -> None:
    """Both call their rule by the same name, and one of them is asked alone while lines of both go."""
    tools.play(one="alpha", two="beta")
    swarm("audit", ".", "--runtime", "one,two", exit=1)
    repo.commit({"src/app.py": "gamma = 1\n"})
    assert swarm("audit", ".", "--runtime", "two", "--format", "json", exit=1).data["changed"]["fixed"] == 1
    assert found(swarm) == {
        ("alpha", "src/app.py", 1): "new",
        ("alpha", "docs/a.md", 1): "new",
        ("beta", "src/app.py", 2): "fixed",
    }
    swarm("audit", ".", "--runtime", "one", exit=1)
    assert found(swarm) == {
        ("alpha", "src/app.py", 1): "fixed",
        ("alpha", "docs/a.md", 1): "recurring",
        ("beta", "src/app.py", 2): "fixed",
    }


def test_one_line_with_one_rule_name_of_two_tools_is_two_findings(
    swarm: Swarm, tools: Tools, workspace: Workspace
) -> None:
    tools.play(one="beta", two="beta")
    for _ in range(2):
        swarm("audit", ".", "--runtime", "one,two", exit=1)
    marked = rows(workspace.db, "SELECT analyzer, sightings FROM findings ORDER BY analyzer")
    assert [(analyzer.split()[0], sightings) for analyzer, sightings in marked] == [("one", 2), ("two", 2)]


def test_what_one_analyzer_found_is_kept_when_another_fails(swarm: Swarm, tools: Tools, workspace: Workspace) -> None:
    tools.play(one="alpha", two="fail")
    answer = swarm("audit", ".", "--runtime", "one,two", exit=3)
    assert "was not looked at: RUNTIME_FAILED: two: exit code 5" in answer.out
    assert found(swarm) == {("alpha", "src/app.py", 1): "new", ("alpha", "docs/a.md", 1): "new"}
    tools.play(one="alpha", two="beta")
    swarm("audit", ".", "--runtime", "one,two", exit=1)
    assert found(swarm)["alpha", "src/app.py", 1] == "recurring"
    assert found(swarm)["beta", "src/app.py", 2] == "new"


def test_an_analyzer_that_failed_proves_nothing(swarm: Swarm, tools: Tools, repo: Repo) -> None:
    tools.play(one="alpha", two="beta")
    swarm("audit", ".", "--runtime", "one,two", exit=1)
    repo.commit({"src/app.py": "gamma = 1\n"})
    tools.play(one="fail", two="beta")
    swarm("audit", ".", "--runtime", "one,two", exit=3)
    assert found(swarm)["alpha", "src/app.py", 1] == "unverified"


def test_an_analyzer_that_failed_is_tried_again_with_the_others(
    swarm: Swarm, tools: Tools, workspace: Workspace
) -> None:
    tools.play(one="alpha", two="fail")
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "one,two")
    assert {end[-1][0] for end in outcomes(swarm("launch", "--format", "json", exit=3)).values()} == {"runtime_error"}
    tools.play(one="alpha", two="beta")
    swarm("resume", "--apply", "--reason", "again", exit=None)
    again = outcomes(swarm("launch", "--format", "json", exit=None))
    assert {end[-1][0] for end in again.values()} == {"success"}
    assert swarm("collect", "--format", "json").data["findings"]["new"] == 3
    assert rows(workspace.db, "SELECT tool, max(attempt) FROM analyses GROUP BY tool") == [("one", 2), ("two", 2)]


def test_an_agent_runs_beside_no_analyzer(swarm: Swarm, tools: Tools, repo: Repo) -> None:
    tools.play(one="alpha")
    file = repo.root / "swarm.toml"
    file.write_text(file.read_text() + '[runtimes.agent]\nkind = "command"\nargv = ["true"]\n')
    answer = swarm("audit", ".", "--runtime", "one,agent", exit=2)
    assert answer.code == "CLI_USAGE"
    assert "--runtime takes a single agent or several analyzers; agent is no analyzer" in answer.err
    assert not (repo.root / "swarms").exists()


def test_what_a_person_hands_in_is_no_analyzer_s_finding(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "ruff")
    swarm("launch")
    place = {"id": "1", "severity": "LOW", "category": "bug", "description": "d", "file": "src/app.py", "line": 5}
    output: dict[str, Any] = {
        "domain": "code",
        "stage": "A",
        "summary": "s",
        "findings": [{**place, "analyzer": "ruff"}],
    }
    (tmp_path / "mine.json").write_text(json.dumps(output))
    swarm("collect", "--domain", f"code:{tmp_path / 'mine.json'}")
    assert rows(workspace.db, "SELECT DISTINCT analyzer FROM findings WHERE description = 'd'") == [(None,)]


# A program called eslint that reports one finding for each file that it is given.
ESLINT = """#!{python}
import json, sys
print(json.dumps([{{"filePath": file, "messages": [
    {{"ruleId": "eqeqeq", "severity": 2, "message": "Expected '===' here.", "line": 1, "column": 1}}]}}
    for file in sys.argv[sys.argv.index("--") + 1:]]))
"""


@pytest.fixture
def eslint(repo: Repo) -> Repo:
    """A repository that configures eslint, with an eslint of its own that git does not track."""
    repo.git("rm", "-q", "-r", ".")
    repo.commit(
        {"a.js": "a == b;\n", "eslint.config.mjs": "export default [];\n", ".gitignore": "node_modules/\nswarms/\n"}
    )
    program = repo.root / "node_modules/.bin/eslint"
    program.parent.mkdir(parents=True)
    program.write_text(ESLINT.format(python=sys.executable))
    program.chmod(0o755)
    return repo


def test_an_analyzer_that_runs_code_of_the_repository_runs_only_with_trust(
    swarm: Swarm, eslint: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm("audit", ".", "--runtime", "eslint", exit=1)
    assert set(found(swarm)) == {("Expected '===' here.", file, 1) for file in ("a.js", "eslint.config.mjs")}
    monkeypatch.delenv("SWARM_TRUST")
    assert swarm("audit", ".", "--runtime", "eslint", exit=2).code == "ANALYZER_UNTRUSTED"
    answer = swarm("runtimes", "--format", "json")
    (shown,) = [one for one in answer.data["runtimes"] if one["name"] == "eslint"]
    assert (shown["installed"], shown["path"]) == (False, None)


def test_a_program_that_git_tracks_is_never_run(swarm: Swarm, eslint: Repo) -> None:
    eslint.git("add", "-f", "node_modules")
    eslint.commit()
    assert swarm("audit", ".", "--runtime", "eslint", exit=127).code == "RUNTIME_NOT_FOUND"


def test_what_would_look_at_a_kind_of_file_is_said_with_its_installation(swarm: Swarm, eslint: Repo) -> None:
    eslint.commit({"main.go": "package main\n", "app.py": "x = 1\n", "mypy.ini": "[mypy]\n"})
    answer = swarm("audit", ".", "--runtime", "ruff")
    # Its program is in node_modules: what lacks is the word of its user, and no installation.
    use = '`use = ["{}"]` under [analyzers] of swarm.toml, then `swarm trust`'
    assert f"  eslint reads JavaScript (2): {use.format('eslint')}\n" in answer.out
    # Another analyzer read these files: the configuration of the repository is not answered by that.
    (line,) = [line for line in answer.out.splitlines() if line.startswith("  mypy reads Python (1): ")]
    assert line.endswith(use.format("mypy"))
    assert "  golangci-lint reads Go (1), with .golangci.yml in the repository: go install github.com" in answer.out
    seen = swarm("audit", ".", "--runtime", "ruff", "--format", "json").data["lookedAt"]
    assert seen["by"][0]["files"] == seen["by"][0]["asked"] == 1
    assert {each["kind"] for each in seen["wouldLook"]} >= {"Go"}


# --- an analyzer of the table, from its finding to the proof of its fix ---------------------------------------


SHELL = "#!/bin/sh\necho $1\n"


@pytest.fixture
def checked(swarm: Swarm, repo: Repo, workspace: Workspace) -> Repo:
    """A shell script without a suffix, with a finding of shellcheck."""
    if programs.bundled("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    repo.git("rm", "-q", "-r", ".")
    repo.commit({"src/run": SHELL, ".gitignore": "swarms/\n"})
    answer = swarm("audit", ".", exit=1)
    assert "Looked at by shellcheck" in answer.out
    return repo


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ('#!/bin/sh\necho "$1"\n', "fixed", 0),
        ("#!/bin/sh\n# shellcheck disable=SC2086\necho $1\n", "unverified", 1),
        ("#!/bin/sh\nif; echo\n", "unverified", 3),
    ],
    ids=["quoted", "turned off by a comment", "unreadable"],
)
def test_only_a_rescan_of_a_file_that_was_read_proves_a_fix(
    swarm: Swarm, checked: Repo, text: str, status: str, code: int
) -> None:
    checked.commit({"src/run": text})
    swarm("audit", ".", exit=code)
    (found_by_it,) = [
        item
        for item in swarm("findings", "--status", "all", "--format", "json", exit=None).data["findings"]
        if item["ruleId"] == "SC2086"
    ]
    assert found_by_it["status"] == status


def test_a_fix_is_verified_by_the_analyzer_that_found_the_defect(swarm: Swarm, checked: Repo) -> None:
    checked.commit({"src/run": '#!/bin/sh\necho "$1"\n'})
    swarm("audit", ".")
    assert swarm("verify-fixed", "--format", "json").data["summary"]["verified"] == 1
    checked.commit({"src/run": "#!/bin/sh\n# shellcheck disable=SC2086\necho $1\n"})
    assert swarm("verify-fixed", "--format", "json", exit=None).data["summary"]["verified"] == 0


def test_analyzers_of_ours_without_a_sandbox_are_no_news(swarm: Swarm, checked: Repo) -> None:
    assert "sandbox" not in swarm("audit", ".", exit=1).out
