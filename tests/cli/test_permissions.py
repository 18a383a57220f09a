"""`swarm permissions`: what agents wait to be allowed, and the replies."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.errors.refusal import raises
from tests.cli.scenes.documents import valid
from tests.cli.scenes.launched_agents import attempts, eventually, record_of
from tests.cli.scenes.snapshots import block_of
from tests.cli.scenes.streaming_agents import StreamingAgents
from tests.cli.test_dispatch import rows
from tests.conftest import Repo, Swarm, Workspace

ASKS = """
if os.environ['SWARM_DOMAIN'] != 'code':
    finish(); sys.exit()
tell('tool', 'rm -r build', call='t', name='bash')
tell('permission', 'rm -r build', call='request-1', name='bash', target='build')
reply = sys.stdin.readline().split()
tell('tool_ended', call='t', has_failed=reply[1] == 'reject')
finish(summary=' '.join(reply))
"""


@pytest.fixture
def asking(
    workspace: Workspace, repo: Repo, swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    StreamingAgents(repo, tmp_path, monkeypatch).play(ASKS, config="attempts = 1\n")
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "streaming")
    return workspace


def replying(workspace: Workspace, folder: Path, answer: str) -> threading.Thread:
    """Reply to the first request in another process, as soon as it is there."""

    def act() -> None:
        assert eventually(lambda: bool(rows(workspace.db, "SELECT id FROM permissions")))
        command = [sys.executable, "-m", "swarm", "permissions", "reply", "1", answer]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    thread = threading.Thread(target=act)
    thread.start()
    return thread


@raises("PERMISSION_CLOSED")
@pytest.mark.parametrize("answer", ["once", "reject"])
def test_an_agent_that_asks_gets_the_reply_and_goes_on(
    swarm: Swarm, asking: Workspace, repo: Repo, answer: str
) -> None:
    thread = replying(asking, repo.root, answer)
    launched = swarm("launch", "--format", "json")
    thread.join()
    # The stall limits are shorter than the wait for the reply.
    assert [attempt["outcome"] for attempt in attempts(launched)["code"]] == ["success"]
    assert f"request-1 {answer}" in asking.output("code").read_text()
    (shown,) = valid(swarm("permissions", "list", "--format", "json"), "permissions", 0)["permissions"]
    assert {key: shown[key] for key in ("domain", "request", "kind", "target", "relation", "recommended", "reply")} == {
        "domain": "code",
        "request": "request-1",
        "kind": "run",
        "target": "build",
        "relation": "inside",
        "recommended": "once",
        "reply": answer,
    }
    assert not shown["isOpen"]
    assert "permission_replied" in swarm("events").out
    swarm("ledger", "replay", "--check")
    late = swarm("permissions", "reply", "1", "once", exit=1)
    assert block_of(late).splitlines()[0] == (
        "ERROR [PERMISSION_CLOSED]: Nobody waits for a reply to permission 1: it has one, or its attempt has ended"
    )


def test_a_question_that_nobody_answers_is_kept_with_the_attempt(swarm: Swarm, asking: Workspace) -> None:
    answer = swarm("launch", "--timeout", "1s", "--format", "json", exit=3)
    (attempt,) = attempts(answer)["code"]
    assert (attempt["outcome"], attempt["stallReason"]) == ("stalled", "permission_pending")
    assert record_of(attempt)["recovery"] == {
        "permissionActions": [
            {
                "requestId": "request-1",
                "type": "run",
                "target": "build",
                "toolCall": "bash rm -r build",
                "recommendedReply": "once",
                "workspaceRelation": "inside",
            }
        ]
    }
    assert "0 open requests" in swarm("permissions", "list").out
