"""Files, and parts of files, that an analyzer passes over without a finding, and often without a word."""

import json

import pytest

from tests.conftest import Repo, Swarm


def notebook(*source: str) -> str:
    cell = {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {}, "outputs": [], "source": source}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def workflow(run: str) -> str:
    return f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {run}\n"


TITLE = "echo ${{ github.event.issue.title }}"
# By file: its text before and after a change that fixes nothing, and whether the file is named as one that was not read.
PASSED_OVER: dict[str, tuple[str, str | bytes, bool]] = {
    "bytes.js": ("debugger;\n", b"debugger;\nvar x = '\xff';\n", True),
    "typed.ts": ("debugger;\n", "debugger;\nabstract class A { abstract x() { } }\n", True),
    "flow.js": ("debugger;\n", "/* @flow */ debugger;\nvar x = ;\n", False),
    "late_flow.js": ("debugger;\n", "debugger;\n// @flow\nvar x = ;\n", False),
    "a.vue": ("<script>\ndebugger;\n</script>\n", "<script lang='coffee'>\ndebugger;\n</script>\n", False),
    "Dockerfile": ("FROM a:1\nRUN echo $X\n", "FROM a:1\nRUN if true; then echo $X\n", True),
    "b.dockerfile": ("FROM a:1\nRUN echo $X\n", "# hadolint shell=powershell\nFROM a:1\nRUN echo $X\n", False),
    "c.dockerfile": ("FROM a:1\nRUN echo $X\n", 'FROM a:1\nSHELL ["/bin/pwsh"]\nRUN echo $X\n', False),
    ".github/workflows/a.yml": (workflow(TITLE), workflow("echo ${{ (github.event.issue.title }}"), False),
    "a.sh": ("#!/bin/sh\necho $1\n", "#!/bin/zsh\necho $1\n", True),
    "b.sh": ("#!/bin/sh\necho $1\n", "#!/bin/sh\ncat <<END\n$(echo $1)\n", True),
    "a.ipynb": (notebook("import os"), notebook("%%memit\n", "import os"), False),
    "b.ipynb": (notebook("import os"), notebook("%%memit\n", "import os").replace("%%", "\\u0025%"), False),
}
FIXED = {
    "ok.js": ("debugger;\n", "const shown = 1;\nexport { shown };\n"),
    "ok.vue": ("<script>\ndebugger;\n</script>\n", '<script lang="ts">\n</script>\n'),
    "ok.dockerfile": ("FROM a:1\nRUN echo $X\n", 'FROM a:1\nSHELL ["/bin/bash"]\nRUN echo "$X"\n'),
    "ok.ipynb": (notebook("import os"), notebook("%%time\n", "print(1)")),
}


@pytest.fixture
def audited(swarm: Swarm, repo: Repo) -> dict[str, str]:
    """One finding of each file, by file."""
    for name in ("src/app.py", "src/tool.py", "tests/test_app.py"):
        (repo.root / name).unlink()
    repo.commit({name: before for name, (before, *_) in (PASSED_OVER | FIXED).items()})
    swarm("audit", ".", exit=1)
    listed = swarm("findings", "--format", "json", exit=1).data["findings"]
    rules = ("no-debugger", "SC2086", "template-injection", "F401")
    return {item["file"]: item["findingId"] for item in listed if item["ruleId"].endswith(rules)}


def test_what_an_analyzer_passes_over_is_not_fixed(swarm: Swarm, repo: Repo, audited: dict[str, str]) -> None:
    assert audited.keys() == PASSED_OVER.keys() | FIXED.keys()
    for name, (_, after, _) in PASSED_OVER.items():
        (repo.root / name).write_bytes(after if isinstance(after, bytes) else after.encode())
    repo.commit({name: after for name, (_, after) in FIXED.items()})
    answer = swarm("audit", ".", "--format", "json", exit=3)
    listed = swarm("findings", "--status", "all", "--format", "json", exit=1).data["findings"]
    found = {item["findingId"]: (item["status"], item["reason"]) for item in listed}
    not_read = ("unverified", "the analyzer did not read the file")
    assert {name: found[audited[name]] for name in PASSED_OVER} == dict.fromkeys(PASSED_OVER, not_read)
    assert {name: found[audited[name]][0] for name in FIXED} == dict.fromkeys(FIXED, "fixed")
    assert answer.data["lookedAt"]["notRead"] == sorted(name for name, (_, _, named) in PASSED_OVER.items() if named)


def test_a_file_that_an_analyzer_does_not_survive_is_named_and_the_others_are_read(swarm: Swarm, repo: Repo) -> None:
    deep = "[" * 20_000 + "]" * 20_000
    repo.commit({"web/deep.ts": f"debugger;\nconst x = {deep};\n", "web/ok.js": "debugger;\n"})
    answer = swarm("audit", "web", "--runtime", "oxlint", "--format", "json", exit=3)
    assert [item["file"] for item in answer.data["digest"]["findings"]] == ["web/ok.js"]
    assert answer.data["lookedAt"]["notRead"] == ["web/deep.ts"]
