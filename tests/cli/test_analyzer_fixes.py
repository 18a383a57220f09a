"""Fixes by analyzers of the table: by the edits of their reports, or file by file; nothing but what was approved."""

import json
import sys
from typing import Any

import pytest

from swarm.runtimes import programs
from tests.cli.scenes.amend_wave import PHASE
from tests.cli.test_dispatch import rows
from tests.conftest import Repo, Swarm, Workspace

# Reports each line with alpha, beta or gamma. Its fix of alpha removes the word, that of beta writes gamma in its
# place, and gamma it cannot fix.
WORDS = """#!{python}
import json, pathlib, re, sys
files = [word for word in sys.argv[1:] if word.endswith(".js")]
only = [word.partition("=")[2].rpartition("/")[2] for word in sys.argv if word.startswith("--only=")]
fixed = {{"alpha": "", "beta": "gamma"}}
def found(file):
    text = pathlib.Path(file).read_text()
    for match in re.finditer("alpha|beta|gamma", text):
        before = text[:match.start()]
        yield match, before.count("\\n") + 1, len(before) - (before.rfind("\\n") + 1) + 1, before
"""
BY_EDITS = (
    WORDS
    + """
def units(text):
    return len(text.encode("utf-16-le")) // 2
print(json.dumps([{{"filePath": str(pathlib.Path(file).resolve()), "messages": [
    {{"ruleId": match[0], "severity": 2, "message": match[0], "line": line, "column": column}}
    | ({{"fix": {{"range": [units(before), units(before) + len(match[0])], "text": fixed[match[0]]}}}}
       if match[0] in fixed else {{}})
    for match, line, column, before in found(file)]}} for file in files]))
"""
)
BY_FILE = (
    WORDS
    + """
for file in files if "--write" in sys.argv else ():
    text = pathlib.Path(file).read_text()
    for word in only:
        text = text.replace(word, fixed.get(word, word))
    pathlib.Path(file).write_text(text)
print(json.dumps({{"diagnostics": [
    {{"severity": "error", "message": match[0], "category": "lint/style/" + match[0],
      "location": {{"path": file, "start": {{"line": line, "column": column}}}}}}
    for file in files for match, line, column, _ in found(file)]}}))
"""
)
TEXT = "let \U0001d4b3 = alpha; // é\nlet b = beta;\nlet c = gamma;\n"


@pytest.fixture
def tool(repo: Repo, request: pytest.FixtureRequest) -> str:
    """A repository with an analyzer of its own, and a file with a word of each kind."""
    name, body = {"by edits": ("eslint", BY_EDITS), "by file": ("biome", BY_FILE)}[request.param]
    program = repo.root / f"node_modules/.bin/{name}"
    program.parent.mkdir(parents=True)
    program.write_text(body.format(python=sys.executable))
    program.chmod(0o755)
    repo.git("rm", "-q", "-r", ".")
    ignored = "node_modules/\nswarms/\n"
    repo.commit({".gitignore": ignored, ".eslintrc": "", "biome.json": "{}", "src/a.js": TEXT, "src/b.js": "alpha\n"})
    return str(name)


def amended(swarm: Swarm, workspace: Workspace, tool: str, *places: str) -> tuple[dict[str, str], set[str]]:
    """Approve findings by `file:line`; return why each was skipped, by its place, and the places that were fixed."""
    found = rows(workspace.db, "SELECT replace(file, 'src/', '') || ':' || line, finding_id FROM findings")
    ids = dict(found)
    swarm("approve", workspace.run, "--ids", ",".join(ids[place] for place in places))
    swarm("dispatch", PHASE, "--isolate", "--runtime", tool)
    swarm("launch")
    output: dict[str, Any] = json.loads(workspace.output("code", 2).read_text())
    named = {finding_id: place for place, finding_id in ids.items()}
    fixed = {named[fix["finding_id"]] for fix in output["fixes"]}
    skipped = {named[each["finding_id"]]: each["reason"] for each in output["skipped"]}
    assert fixed | skipped.keys() == set(places)
    return skipped, fixed


def in_tree(workspace: Workspace, file: str) -> str:
    return (workspace.folder / workspace.run / "worktrees/w2-code/src" / file).read_text()


@pytest.mark.parametrize("tool", ["by edits", "by file"], indirect=True)
def test_what_was_approved_is_fixed_and_what_brings_a_report_is_taken_back(
    swarm: Swarm, workspace: Workspace, tool: str
) -> None:
    swarm("audit", ".", "--runtime", tool, exit=1)
    skipped, fixed = amended(swarm, workspace, tool, "a.js:1", "a.js:2", "a.js:3")
    rule = "style/gamma" if tool == "biome" else "gamma"
    assert fixed == {"a.js:1"}
    assert skipped == {
        "a.js:2": f"its fix was taken back: it brings {rule} in line 2 (gamma)",
        "a.js:3": f"{tool} has no fix for {rule} here",
    }
    assert (in_tree(workspace, "a.js"), in_tree(workspace, "b.js")) == (TEXT.replace("alpha", ""), "alpha\n")
    collected = swarm("collect", "--format", "json").data
    assert (collected["waveStatus"], len(collected["fixes"])) == ("collected", 1)


@pytest.mark.parametrize("tool", ["by file"], indirect=True)
def test_a_file_is_put_back_where_its_fixer_would_fix_what_was_not_approved(
    swarm: Swarm, repo: Repo, workspace: Workspace, tool: str
) -> None:
    repo.commit({"src/a.js": "alpha\nlet x;\nalpha\n"})
    swarm("audit", ".", "--runtime", tool, exit=1)
    skipped, fixed = amended(swarm, workspace, tool, "a.js:3", "b.js:1")
    more = "style/alpha in line 1 (alpha), which was not given to this agent"
    assert skipped == {"a.js:3": f"its fix was taken back: it would also fix {more}"}
    assert fixed == {"b.js:1"}
    assert (in_tree(workspace, "a.js"), in_tree(workspace, "b.js")) == ("alpha\nlet x;\nalpha\n", "\n")


@pytest.mark.parametrize("tool", ["by edits"], indirect=True)
def test_edits_fix_a_finding_and_leave_its_equal_in_the_file(
    swarm: Swarm, repo: Repo, workspace: Workspace, tool: str
) -> None:
    repo.commit({"src/a.js": "alpha\nlet x;\nalpha\n"})
    assert "3 new (3 fixable" in swarm("audit", ".", "--runtime", tool, exit=1).out
    assert amended(swarm, workspace, tool, "a.js:3") == ({}, {"a.js:3"})
    assert in_tree(workspace, "a.js") == "alpha\nlet x;\n\n"


@pytest.mark.skipif(programs.bundled("oxlint") is None, reason="oxlint is not installed")
def test_oxlint_fixes_what_was_approved(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    source = "export const f = (q) => {\n  debugger;\n  return q == NaN;\n};\n"
    repo.commit({"src/a.js": source})
    out = swarm("audit", ".", "--runtime", "oxlint", exit=1).out
    assert "3:15  HIGH  eslint/use-isnan  Checking equality with NaN" in out
    assert "(1 fixable" in out
    skipped, fixed = amended(swarm, workspace, "oxlint", "a.js:2", "a.js:3")
    assert (skipped, fixed) == ({"a.js:2": "oxlint has no fix for eslint/no-debugger here"}, {"a.js:3"})
    assert in_tree(workspace, "a.js") == source.replace("q == NaN", "isNaN(q)")


@pytest.mark.skipif(programs.bundled("oxlint") is None, reason="oxlint is not installed")
def test_a_rule_of_oxlint_that_may_suggest_instead_of_fix_is_not_called_fixable(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"src/a.js": "export const f = (x) => {\n  if (!!x) return 1;\n  return x;\n};\n"})
    out = swarm("audit", ".", "--runtime", "oxlint", exit=1).out
    assert "eslint/no-extra-boolean-cast" in out
    assert "fixable" not in out
