"""Reports of tools: recorded from bandit, semgrep and ESLint, and in the forms that CodeQL, gosec and golangci-lint document."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from swarm.runtimes.own_tree import TreeFiles
from swarm.sarif.log import Read, read
from tests.conftest import Repo, Swarm

DATA = Path(__file__).parents[1] / "data"
PYTHON = """import hashlib
import subprocess


def digest(data):
    assert data, "empty"
    return hashlib.md5(data).hexdigest()


def run(command):
    return subprocess.call(
        command,
        shell=True,
    )
"""
SCRIPT = """var total = 0;

function add(a, b) {
  if (a == null) {
    return b;
  }
  return a + b;
}
"""
GO = """package web

func View(v Var, db *DB) {
\tresult := db.QueryAll(v.Request.Name)
\tvar data = template.HTML(v.TmplFile)
\trender(data, result)
}
"""
SOURCES = {"src/app.py": PYTHON, "src/app.js": SCRIPT, "src/view.go": GO}
# The command that was moved is one line now, one digest is mended, and the file has another name.
LATER = '''"""Digests and commands."""

import hashlib
import subprocess

LIMIT = 3


def digest(data):
    assert data, 'empty'
    return hashlib.sha256(data).hexdigest()


def run(command):
    return subprocess.call(command, shell=True)
'''


# Behind the code, so that git sees a rename and the reports name the same lines.
REST = "".join(f"\n\ndef step_{number}(value):\n    return value + {number}\n" for number in range(20))


def recorded(name: str, root: Path) -> Any:
    # ESLint names files by their absolute paths; its report was recorded in this folder.
    text = (DATA / "sarif" / f"{name}.sarif").read_text(encoding="utf-8")
    return json.loads(text.replace("file:///ci/repo", root.as_uri()))


def read_in(root: Path, name: str) -> Read:
    for path, content in SOURCES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    return read(recorded(name, root), TreeFiles((root,)))


REPORTS = {
    "bandit": [
        ("B404", "LOW", "quality", "src/app.py", 2, "import subprocess"),
        ("B101", "LOW", "quality", "src/app.py", 6, '    assert data, "empty"'),
        ("B324", "HIGH", "quality", "src/app.py", 7, "    return hashlib.md5(data).hexdigest()"),
        ("B602", "HIGH", "quality", "src/app.py", 13, "        shell=True,"),
    ],
    "semgrep": [
        ("eqeq", "MEDIUM", "quality", "src/app.js", 4, "  if (a == null) {"),
        ("weak-hash", "HIGH", "security", "src/app.py", 7, "    return hashlib.md5(data).hexdigest()"),
    ],
    "eslint": [
        ("no-var", "MEDIUM", "quality", "src/app.js", 1, "var total = 0;"),
        ("no-unused-vars", "HIGH", "quality", "src/app.js", 1, "var total = 0;"),
        ("no-unused-vars", "HIGH", "quality", "src/app.js", 3, "function add(a, b) {"),
        ("eqeqeq", "HIGH", "quality", "src/app.js", 4, "  if (a == null) {"),
    ],
    "codeql": [
        ("py/command-line-injection", "CRITICAL", "security", "src/app.py", 12, "        command,"),
        ("py/unused-import", "LOW", "quality", "src/app.py", 2, "import subprocess"),
    ],
    "gosec": [("G203", "HIGH", "security", "src/view.go", 5, "\tvar data = template.HTML(v.TmplFile)")],
    "golangci-lint": [
        ("errcheck", "HIGH", "quality", "src/view.go", 6, "\trender(data, result)"),
        ("gofmt", "MEDIUM", "quality", "src/view.go", 1, "package web"),
    ],
}
PROBLEMS = {
    "eslint": [
        "the tool reports an error (src/broken.js): Parsing error: Unexpected token (",
        "the tool says that it failed",
    ],
    "golangci-lint": ["0 is no column: the finding is kept without it"],
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_of_a_tool_is_read_as_the_tool_means_it(name: str, tmp_path: Path) -> None:
    found = read_in(tmp_path, name)
    keys = ("rule_id", "severity", "category", "file", "line", "quote")
    assert [tuple(finding.get(key) for key in keys) for finding in found.findings] == REPORTS[name]
    assert [part.message for part in found.refused] == PROBLEMS.get(name, [])


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "golangci-lint"])
def test_a_recorded_report_is_one_that_the_standard_allows(name: str) -> None:
    schema = json.loads((DATA / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    problems = jsonschema.Draft7Validator(schema).iter_errors(recorded(name, Path("/ci/repo")))
    assert [problem.message for problem in problems] == []


def test_links_in_messages_are_words_and_their_places_are_advice(tmp_path: Path) -> None:
    finding = read_in(tmp_path, "codeql").findings[0]
    assert (finding["description"], finding["recommendation"]) == (
        "This command line depends on a user-provided value.",
        "CWE-78\nSee src/app.py:10: user-provided value",
    )


def test_findings_of_a_tool_keep_their_identity_when_lines_move_a_file_is_renamed_and_code_is_reformatted(
    swarm: Swarm, repo: Repo, tmp_path: Path
) -> None:
    repo.commit({"src/app.py": PYTHON + REST})
    (tmp_path / "map.json").write_text('[{"name": "all", "globs": ["**"]}]')
    swarm("init", ".", "--domains-from", tmp_path / "map.json")

    def seen(report: str) -> dict[str, tuple[str, str]]:
        swarm("dispatch", "latest", "health-audit-a", "--isolate", "--auto-freeze")
        swarm("collect", "--domain", f"all:{DATA}/sarif/{report}.sarif")
        found = swarm("findings", "--status", "all", "--format", "json", exit=None).data["findings"]
        return {one["findingId"]: (one["ruleId"], one["status"]) for one in found}

    before = seen("bandit")
    repo.git("mv", "src/app.py", "src/digests.py")
    repo.commit({"src/digests.py": LATER + REST})
    after = seen("bandit-after")
    assert after.keys() == before.keys()
    assert sorted(after.values()) == [
        ("B101", "recurring"),
        ("B324", "fixed"),
        ("B404", "recurring"),
        ("B602", "recurring"),
    ]
