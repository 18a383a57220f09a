"""Real coding agents against a model that plays a script: an audit, fixes that are merged and verified, failures.

`make agents` runs these. Each program is installed from its registry; where that cannot be reached, it is skipped.
"""

import pytest

from tests.agents.conftest import FILES, FINDING, Run, works
from tests.agents.model_server import ModelServer, model_server
from tests.agents.programs import Program
from tests.agents.steps import Fail, Half, Silence, Step
from tests.conftest import Repo

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]
NOWHERE = "http://127.0.0.1:9"


def test_an_audit_and_a_fix_by_real_tools_end_in_a_verified_branch(program: Program, project: Repo, run: Run) -> None:
    start = project.head
    with model_server(script=works) as server:
        audit = run(server.base, "audit", ".", "--runtime", program.runtime, "--format", "json")
        assert audit.exit == 1, audit.out + audit.err
        (finding,) = run(server.base, "findings", "--format", "json").data["findings"]
        assert (finding["file"], finding["line"], finding["description"]) == ("src/app.py", 1, FINDING["description"])
        fix = run(server.base, "fix", "--all", "--runtime", program.runtime, "--format", "json")
        assert fix.exit == 0, fix.out + fix.err
    assert_asked(server)
    branch = fix.data["branch"]
    assert project.git("diff", "--stat", f"{start}..{branch}", "--", "src").splitlines()[0].split()[0] == "src/app.py"
    assert project.git("show", f"{branch}:src/app.py") == "def load(path):\n    return open(path).read()"
    # The user's own branch and checkout stay as they were.
    assert (project.root / "src/app.py").read_text() == FILES["src/app.py"]


def assert_asked(server: ModelServer) -> None:
    assert {request.model for request in server.requests} <= {"claude-fake", "gpt-fake", "fake-model"}


# The codes that an attempt may end with, by what the provider does. A program that keeps silent about the cause of what
# it repeats is known by its idle time alone.
FAILURES: dict[str, tuple[Step | None, set[str]]] = {
    "401": (Fail(401, "invalid x-api-key"), {"CREDENTIAL_REFUSED"}),
    "429": (Fail(429, "usage limit reached", retry_after=1), {"QUOTA_EXHAUSTED"}),
    "429-with-a-reset": (Fail(429, "usage limit reached, try again in 2 hours", resets_at=1), {"QUOTA_EXHAUSTED"}),
    "500": (Fail(500, "internal error"), {"STALLED"}),
    "half": (Half(), {"STALLED", "BACKEND_UNREACHABLE"}),
    "silence": (Silence(), {"STALLED"}),
    "unreachable": (None, {"BACKEND_UNREACHABLE"}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_provider_that_fails_ends_an_attempt_with_its_code_and_leaves_no_process(
    project: Repo, run: Run, program: Program, failure: str
) -> None:
    step, codes = FAILURES[failure]
    with model_server(step or Silence()) as server:
        base = NOWHERE if step is None else server.base
        for command in (["init", "."], ["domains", "--freeze"], ["dispatch", "health-audit-a", "--isolate"]):
            assert run(base, *command).exit == 0
        answer = run(base, "launch", "--runtime", program.runtime, "--format", "json")
    attempts = [attempt for agent in answer.data["agents"] for attempt in agent["attempts"]]
    assert answer.exit == 3
    assert {attempt["exitClass"] for attempt in attempts} == {3}
    assert {attempt["errorCode"] for attempt in attempts} <= codes, attempts
