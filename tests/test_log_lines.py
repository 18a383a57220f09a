"""No line of output is a command of a CI system, whatever an agent, a file name or a commit says."""

import json
import tomllib

import pytest

from swarm import log_lines
from tests.conftest import Repo, Swarm, Workspace
from tests.hostile.law import commands_in

FORGED = "::error file=a.py,line=1::forged"
ANYWHERE = "words ##[group]x and ##vso[task.setvariable variable=a]b"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error::x", "\\::error::x"),
        (" \t::stop-commands::x", " \t\\::stop-commands::x"),
        ("\u3000::error::x", "\u3000\\::error::x"),
        ("\x1b[31m::error::x", "\x1b[31m\\::error::x"),
        ("one\n::error::x\ntwo", "one\n\\::error::x\ntwo"),
        ("a ##[error]x", "a ##\\[error]x"),
        ("##vso[task.complete]##teamcity[x]", "##vso\\[task.complete]##teamcity\\[x]"),
        ("std::vector and ## a heading [1]", "std::vector and ## a heading [1]"),
    ],
)
def test_a_command_is_shown_with_a_backslash_and_other_text_as_it_is(line: str, shown: str) -> None:
    assert log_lines.shown_lines(line) == shown


def test_a_document_keeps_its_values_and_holds_no_command() -> None:
    value = {"a": ANYWHERE, "##[b]": "\u2028::x \x85 \\##[c] é"}
    written = log_lines.exact(json.dumps(value, ensure_ascii=False))
    assert commands_in(written) == []
    assert json.loads(written) == value
    assert tomllib.loads(log_lines.exact('a = "##[x]"')) == {"a": "##[x]"}


def test_no_verb_prints_a_command_that_an_agent_or_a_repository_wrote(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.commit({"src/::error::x.py": "x = 1\n", "src/##[error]y.py": "y = 1\n"}, FORGED)
    swarm("dispatch", "health-audit-a")
    place = {"file": "src/::error::x.py", "line": 1}
    workspace.answer("code", {**place, "description": FORGED}, {**place, "severity": "LOW", "description": ANYWHERE})
    workspace.answer("rest", summary=FORGED)
    said = [swarm("collect")]
    first = swarm("findings", "--format", "json", exit=1).data["findings"][0]["findingId"]
    said.append(swarm("reject", first, f"--reason={FORGED}", exit=None))
    said.append(swarm("reject", "--ids", first, "--reason", f"{ANYWHERE}\n{FORGED}"))
    forms = [("findings", "--status", "all", "--format", form) for form in ("text", "markdown", "json", "sarif")]
    receipts = [("receipt", "--format", form) for form in ("text", "markdown", "json")]
    plain = [("status",), ("show", first), ("history", first), ("explain", first), ("events",), ("domains", "--check")]
    refused = [("show", FORGED), ("findings", f"--rule={FORGED}"), ("audit", ".", f"--since={FORGED}"), (FORGED,)]
    for words in (*forms, *receipts, *plain, *refused, ("findings", "--status", "all", "--export", "-")):
        said += [swarm(*words, exit=None), swarm(*words, exit=None, cwd=repo.root / "src")]
    assert [line for answer in said for line in commands_in(f"{answer.out}\n{answer.err}")] == []
    exported = tomllib.loads(said[-1].out)["decisions"]
    assert [decision["reason"] for decision in exported.values()] == [f"{ANYWHERE}\n{FORGED}"]
