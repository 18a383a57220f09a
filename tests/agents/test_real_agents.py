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
    # Gemini CLI chooses among its own models.
    asked = {request.model for request in server.requests if not request.model.startswith("gemini-")}
    assert asked <= {"claude-fake", "gpt-fake", "fake-model"}


# The codes that an attempt may end with, by what the provider does.
FAILURES: dict[str, tuple[Step | None, set[str]]] = {
    "401": (Fail(401, "invalid x-api-key"), {"CREDENTIAL_REFUSED"}),
    "429": (Fail(429, "usage limit reached", retry_after=1), {"QUOTA_EXHAUSTED"}),
    "429-with-a-reset": (Fail(429, "usage limit reached, try again in 2 hours"), {"QUOTA_EXHAUSTED"}),
    "500": (Fail(500, "internal error"), {"STALLED"}),
    "half": (Half(), {"STALLED", "BACKEND_UNREACHABLE"}),
    "silence": (Silence(), {"STALLED"}),
    "unreachable": (None, {"BACKEND_UNREACHABLE"}),
}
REMEDIES = {
    "CREDENTIAL_REFUSED": "`swarm runtimes` names the variable: renew its value; a retry with the same value is refused"
    " again",
    "QUOTA_EXHAUSTED": "launch with fewer --jobs, or after the reset that the provider named",
    "BACKEND_UNREACHABLE": "check the network, its proxy, and the sandbox's `network` in swarm.toml",
}
STALLS = {
    "silence": {"provider_zero_progress"},
    "500": {"provider_error"},
    "half": {"provider_error", "provider_zero_progress"},
}
# Its words say that a limit is reached, and leave out until when.
HIDES_THE_RESET = {"codex"}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_provider_that_fails_ends_an_attempt_with_its_code_and_leaves_no_process(
    project: Repo, run: Run, program: Program, failure: str
) -> None:
    step, codes = FAILURES[failure]
    with model_server(step or Silence()) as server:
        base = NOWHERE if step is None else server.base
        for command in (["init", "."], ["domains", "--freeze"], ["dispatch", "health-audit-a", "--isolate"]):
            assert run(base, *command).exit == 0
        launch = ("launch", "--runtime", program.runtime, "--jobs", "1")
        answer = run(base, *launch, "--format", "json")
        attempts = [attempt for agent in answer.data["agents"] for attempt in agent["attempts"]]
        assert answer.exit == 3
        assert {attempt["exitClass"] for attempt in attempts} == {3}
        assert {attempt["errorCode"] for attempt in attempts} <= codes, attempts
        reasons = {attempt["stallReason"] for attempt in attempts if attempt["errorCode"] == "STALLED"}
        assert reasons <= STALLS.get(failure, set()), attempts
        for attempt in attempts:
            explained = run(base, "explain", f"attempt:{attempt['id']}", "--format", "json").data
            if remedy := REMEDIES.get(attempt["errorCode"]):
                assert explained["nextAction"] == remedy
        if failure == "429-with-a-reset":
            # The breaker: the agents that had not begun are launched when the quota is there again.
            asked = len(server.requests)
            again = run(base, *launch)
            if program.runtime not in HIDES_THE_RESET:
                assert (again.code, len(server.requests)) == ("QUOTA_USED_UP", asked)
