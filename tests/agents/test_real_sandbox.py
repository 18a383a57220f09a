"""Real coding agents in the sandbox: what a command of theirs reaches, and that their work is taken all the same."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.agents.conftest import FINDING, Run, asked_domain, settings_of
from tests.agents.model_server import model_server
from tests.agents.programs import Program
from tests.agents.steps import Edit, Say, Shell, Step
from tests.conftest import Repo

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]
# Each of two agents, which work side by side, removes an import of its own file.
OWN = {"backend": ("src/app.py", "import os"), "tests": ("tests/test_app.py", "import sys")}
# A command of an agent in its tree: it tries what it must not reach, and writes down what it came to.
PROBE = """
home=HOME project=PROJECT
git diff --quiet -- src && seen=tests/seen.txt || seen=src/seen.txt
reads() { if cat "$2" >/dev/null 2>&1 || ls "$2"/* >/dev/null 2>&1; then echo "reads $1"; else echo "no $1"; fi; }
writes() { if (echo x >"$2") 2>/dev/null; then echo "writes $1"; else echo "no writing of $1"; fi; }
{
  reads home "$home/secret"
  reads control-plane "$project/swarms/control-plane.db"
  ls -d "$project"/swarms/*/worktrees/*/ | grep -vxF "$PWD/"
  writes checkout "$project/evil"
  writes git "$project/.git/evil"
  before=$(git rev-parse HEAD); git add -A >/dev/null 2>&1; git commit -qm mine >/dev/null 2>&1
  test "$(git rev-parse HEAD)" = "$before" && echo "no commit"
} >"$seen"
"""
SEEN = ["no home", "no control-plane", "no writing of checkout", "no writing of git", "no commit"]


def test_an_agent_in_the_sandbox_reaches_nothing_of_others_and_its_work_is_taken_without_a_commit(
    project: Repo, run: Run, program: Program
) -> None:
    (Path.home() / "secret").write_text("hidden")
    probe = PROBE.replace("HOME", str(Path.home()), 1).replace("PROJECT", str(project.root), 1)
    files = {"probe.sh": probe, "swarm.toml": settings_of(program)}
    files["tests/test_app.py"] = "import sys\n\n\ndef test_nothing():\n    pass\n"
    if program.is_python:
        # Its model has no shell: the program itself runs a command after each edit.
        files[".aider.conf.yml"] = "auto-test: true\ntest-cmd: sh probe.sh\n"
    project.commit(files, "settings")

    def tries(text: str) -> Sequence[Step]:
        domain = asked_domain(text)
        file, line = OWN.get(domain, ("", ""))
        answer = {"domain": domain, "summary": "Done."}
        if "amend the domain" not in text:
            found = {**FINDING, "file": file, "quote": line, "description": f"{line} is not used."}
            return [Say(json.dumps({**answer, "stage": "A", "findings": [found] if file else []}))]
        (finding,) = set(re.findall(r'"id": "(F-[0-9a-f]+)", "severity"', text))
        fix = {"finding_id": finding, "description": "Removed the import.", "file": file}
        edit = Edit(file, f"{line}\n\n\n", "")
        end = Say(json.dumps({**answer, "fixes": [fix], "files_changed": [file], "skipped": []}))
        return [edit, end] if program.is_python else [edit, Shell("sh probe.sh"), end]

    with model_server(script=tries) as server:
        audit = run(server.base, "audit", ".", "--runtime", program.runtime)
        assert audit.exit == 1, audit.out + audit.err
        fix = run(server.base, "fix", "--all", "--runtime", program.runtime, "--format", "json")
    assert fix.exit == 0, fix.out + fix.err
    for domain, (file, line) in OWN.items():
        seen = project.git("show", f"{fix.data['branch']}:{file.partition('/')[0]}/seen.txt")
        assert (domain, seen.splitlines()) == (domain, SEEN)
        assert line not in project.git("show", f"{fix.data['branch']}:{file}")
