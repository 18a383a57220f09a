"""Real coding agents in the sandbox: what a command of theirs reaches, and that their work is taken all the same."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.agents.conftest import FINDING, Run, asked_domain, settings_of, works
from tests.agents.model_server import model_server
from tests.agents.programs import Program
from tests.agents.steps import Edit, Say, Shell, Step
from tests.conftest import Repo

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]
# A command of an agent in its tree: it tries what it must not reach, and writes down what it came to.
PROBE = """
home=HOME project=PROJECT seen=src/seen.txt
test -d src || exit 0
reads() { if cat "$2" >/dev/null 2>&1 || ls "$2"/* >/dev/null 2>&1; then echo "reads $1"; else echo "no $1"; fi; }
writes() { if echo x 2>/dev/null >"$2"; then echo "writes $1"; else echo "no writing of $1"; fi; }
{
  reads home "$home/secret"
  reads control-plane "$project/swarms/control-plane.db"
  for tree in "$project"/swarms/*/worktrees/w2-*; do
    test "$tree" = "$PWD" || reads sibling "$tree"
  done
  reads siblings "$project/swarms"
  writes checkout "$project/evil"
  writes sibling "$(dirname "$PWD")/evil"
  writes git "$project/.git/evil"
  before=$(git rev-parse HEAD); git add -A >/dev/null 2>&1; git commit -qm mine >/dev/null 2>&1
  test "$(git rev-parse HEAD)" = "$before" && echo "no commit"
} >"$seen"
"""
SEEN = ["no home", "no control-plane", "no siblings", *(f"no writing of {it}" for it in ("checkout", "sibling", "git"))]


def test_an_agent_in_the_sandbox_reaches_nothing_of_others_and_its_work_is_taken_without_a_commit(
    project: Repo, run: Run, program: Program
) -> None:
    (Path.home() / "secret").write_text("hidden")
    probe = PROBE.replace("HOME", str(Path.home()), 1).replace("PROJECT", str(project.root), 1)
    files = {"probe.sh": probe, "swarm.toml": settings_of(program)}
    if program.is_python:
        # Its model has no shell: the program itself runs a command after each edit.
        files[".aider.conf.yml"] = "auto-test: true\ntest-cmd: sh probe.sh\n"
    project.commit(files, "settings")
    second = {**FINDING, "id": "2", "file": "check.py", "line": 4, "quote": "print('1 passed')"}

    def tries(text: str) -> Sequence[Step]:
        if "amend the domain" not in text:
            return [_with(second, step) for step in works(text)]
        if asked_domain(text) != "backend":
            return [Say('{"domain": "%s", "summary": "s", "fixes": [], "skipped": []}' % asked_domain(text))]
        edit, answer = works(text)
        assert isinstance(edit, Edit)
        return [edit, answer] if program.is_python else [edit, Shell("sh probe.sh"), answer]

    with model_server(script=tries) as server:
        assert run(server.base, "audit", ".", "--runtime", program.runtime).exit == 1
        fix = run(server.base, "fix", "--all", "--runtime", program.runtime, "--format", "json")
    print(fix.out, fix.err, os.listdir(project.root))
    assert False
    assert project.git("show", f"{fix.data['branch']}:src/seen.txt").splitlines() == SEEN


def _with(finding: dict[str, object], step: Step) -> Step:
    return step
