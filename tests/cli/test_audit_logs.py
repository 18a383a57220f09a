"""`swarm audit-logs`: the issues in the logs of attempts, in a bounded window."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.documents import valid
from tests.cli.scenes.launched_agents import attempts
from tests.cli.scenes.streaming_agents import StreamingAgents
from tests.conftest import Answer, Repo, Swarm, Workspace

FAILS = """
for number in range(3):
    tell('retry', f'overloaded, request {number}', fault='provider', status=529)
tell('error', '401 Unauthorized', fault='credential', status=401)
sys.exit(1)
"""


@pytest.fixture
def refused(workspace: Workspace, repo: Repo, swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    assert workspace.db.exists()
    StreamingAgents(repo, tmp_path, monkeypatch).play(FAILS)
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "streaming")
    return swarm("launch", "--format", "json", exit=3)


def test_issues_are_counted_by_their_signature_and_attempts_that_need_a_person_are_named(
    swarm: Swarm, refused: Answer
) -> None:
    data = valid(swarm("audit-logs", "--format", "json"), "audit-logs", 0)
    ids = [attempts(refused)[domain][0]["id"] for domain in ("code", "rest")]
    assert [(issue["times"], issue["signature"], issue["attempts"]) for issue in data["issues"]] == [
        (6, "retry: provider N overloaded, request N", ids),
        (2, "ended: stalled CREDENTIAL_REFUSED provider_error", ids),
        (2, "error: credential N N Unauthorized", ids),
    ]
    assert [(one["domain"], one["attemptId"], one["reason"]) for one in data["attention"]] == [
        ("code", ids[0], "provider_error"),
        ("rest", ids[1], "provider_error"),
    ]
    assert (data["warning"], data["scannedFiles"]) == (None, 2)
    swarm("audit-logs", "--fail-on", "issues", exit=1)
    swarm("audit-logs", "--fail-on", "attention", exit=1)


@pytest.mark.parametrize("bound", [("--max-lines", "2"), ("--max-bytes", "150")])
def test_a_window_that_does_not_reach_back_to_its_begin_says_so(
    swarm: Swarm, refused: Answer, bound: tuple[str, str]
) -> None:
    assert refused.data["exitClass"] == 3
    lines = swarm("audit-logs", "--since", "2020-01-01", *bound).out.splitlines()
    assert lines[1] == "⚠ warning=scan_truncated_before_since: allow more by --max-bytes or --max-lines"
    assert swarm("audit-logs", *bound, "--format", "json").data["warning"] is None
    later = swarm("audit-logs", "--since", "2999-01-01T00:00:00Z", "--format", "json").data
    assert (later["issues"], later["warning"]) == ([], None)


def test_a_moment_that_is_none_is_refused(swarm: Swarm, launched: Callable[..., Answer]) -> None:
    launched("write()")
    assert swarm("audit-logs", "--since", "yesterday", exit=2).code == "CLI_USAGE"
    assert swarm("audit-logs", "--fail-on", "issues").out.splitlines()[0].startswith("0 kinds of issue in ")
