"""Agents at work on a terminal and in a pipe, and notices for a person who looks at neither."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm.results.wait import LiveAgent
from swarm.waves.watch.live import again, mark_of
from tests.cli.scenes.launched_agents import LONG, Agents, eventually, waiting
from tests.conftest import Answer, Repo, Swarm, Workspace


def works_until(gate: Path) -> str:
    """Return the script of an agent that answers when a file is there."""
    return f"gate = pathlib.Path({str(gate)!r})\nwhile not gate.exists(): time.sleep(0.01)\nwrite()\n"


def test_agents_are_looked_at_again_where_a_row_or_a_journal_of_theirs_was_written(tmp_path: Path) -> None:
    database, journal = tmp_path / "control-plane.db", tmp_path / "events.jsonl"
    queued = LiveAgent("code", "queued", artifacts=(str(journal),), since="2026-01-01T00:00:00.000Z")
    ended = LiveAgent("tests", "success", seconds=3)
    for file in (database, journal):
        file.write_text("{}\n")
    seen = [mark_of(database, [queued, ended])]
    assert mark_of(database, [queued, ended]) == seen[0]
    for file in (journal, database, Path(f"{database}-wal")):
        with file.open("a") as stream:
            stream.write("{}\n")
        seen.append(mark_of(database, [queued, ended]))
    assert len(set(seen)) == len(seen)
    # A journal that is still to be written would not be seen.
    assert [mark_of(database, agents) for agents in ([], [queued._replace(artifacts=())])] == [None, None]
    assert again([queued, ended]) == (queued._replace(seconds=again([queued])[0].seconds), ended)
    assert (again([queued])[0].seconds or 0) > 3


# What is called, with the first line of its answer.
DRAWING = {
    "launch": (("launch",), "Wave 1: 2 agents launched"),
    "audit": (("audit", ".", "--runtime", "played"), "No findings."),
}


@pytest.mark.parametrize("verb", DRAWING)
def test_a_verb_that_launches_draws_its_agents_in_place_on_a_terminal_and_leaves_the_answer_alone(
    swarm: Swarm, agents: Agents, workspace: Workspace, repo: Repo, verb: str
) -> None:
    words, first_line = DRAWING[verb]
    assert workspace.db.exists()
    gate = agents.folder / "gate"
    agents.play(works_until(gate))
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "swarm", *words]
    plain = {name: value for name, value in os.environ.items() if name != "SWARM_LOG"}
    with subprocess.Popen(
        command, cwd=repo.root, stdout=subprocess.PIPE, stderr=theirs, text=True, env=plain
    ) as launch:
        os.close(theirs)
        assert launch.stdout is not None
        seen = b""
        while True:
            try:
                seen += os.read(ours, 4096)
            except OSError:
                break
            # A table of running agents was erased for the next one.
            if b"running" in seen.rpartition(b"\x1b[J")[0]:
                gate.touch()
        out = launch.stdout.read()
    os.close(ours)
    drawn = seen.decode()
    assert "agent" in drawn
    assert "running" in drawn
    # The last table is erased, and no line of progress stands between two tables.
    assert drawn.rstrip().endswith("\x1b[J")
    assert "attempt started" not in drawn.partition("running")[2]
    assert first_line in out.splitlines()
    assert launch.returncode == 0


def test_a_wait_in_a_pipe_prints_a_line_for_each_change_of_state(
    swarm: Swarm,
    agents: Agents,
    workspace: Workspace,
    background: Callable[..., subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert workspace.db.exists()
    monkeypatch.setenv("SWARM_LOG", "off")
    gate = agents.folder / "gate"
    begun = "pathlib.Path({at!r} + os.environ['SWARM_DOMAIN']).write_text('1')\n"
    are_at_work = waiting(agents, swarm, begun + works_until(gate))
    first = background("launch")
    assert eventually(are_at_work)
    watching = background("wait")
    assert watching.stderr is not None
    seen = [watching.stderr.readline(), watching.stderr.readline()]
    gate.touch()
    _, rest = watching.communicate(timeout=LONG)
    first.communicate(timeout=LONG)
    assert sorted(seen) == ["code: running\n", "rest: running\n"]
    assert sorted(set(rest.splitlines())) == ["code: success", "rest: success"]


def test_a_launch_in_a_pipe_prints_a_line_for_each_change_of_state(
    swarm: Swarm,
    agents: Agents,
    workspace: Workspace,
    background: Callable[..., subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert workspace.db.exists()
    gate = agents.folder / "gate"
    agents.play(works_until(gate))
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    # Who asks for events reads the same from them.
    monkeypatch.delenv("SWARM_LOG")
    launch = background("launch", workspace.run)
    assert launch.stderr is not None
    lines = iter(launch.stderr.readline, "")
    # A look may fall between the beginnings of two agents.
    seen = [next(line for line in lines if not line.endswith(": waiting\n")) for _ in range(2)]
    gate.touch()
    out, rest = launch.communicate(timeout=LONG)
    assert sorted(seen) == ["code: running\n", "rest: running\n"]
    assert sorted(rest.splitlines()) == ["code: success", "rest: success"]
    assert out.splitlines()[0] == "Wave 1: 2 agents launched"
    # A call that is refused launches nobody, and says nothing of the launch before.
    collecting = background("fix", workspace.run)
    _, refused = collecting.communicate(timeout=LONG)
    assert refused.startswith("ERROR [")


def test_tokens_and_cost_of_an_agent_are_known_while_it_works(
    swarm: Swarm, agents: Agents, workspace: Workspace, at_work: subprocess.Popen[str]
) -> None:
    assert at_work.poll() is None
    (folder,) = (workspace.folder / workspace.run / "wave-1/code").glob("attempt-*")
    events = [
        {"ts": "2026-01-01T00:00:00.000Z", "event": "usage", "tokens": 1200, "cost_usd": 0.25},
        {"ts": "2026-01-01T00:00:01.000Z", "event": "usage", "tokens": 34_500, "cost_usd": 1.5},
        {"ts": "2026-01-01T00:00:02.000Z", "event": "tool", "name": "bash", "text": "make test"},
    ]
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    (live,) = [agent for agent in swarm("wait", "--timeout", "1s", "--json").data["live"] if agent["domain"] == "code"]
    assert (live["doing"], live["tokens"], live["costUsd"]) == ("runs bash make test", 34_500, 1.5)
    code, rest = swarm("status", "--json").data["agents"]
    assert (code["doing"], code["tokens"], code["costUsd"]) == ("runs bash make test", 34_500, 1.5)
    assert (rest["doing"], rest["tokens"], rest["costUsd"]) == (None, None, None)
    assert "  code: runs bash make test, 34,500 tokens, 1.50 USD" in swarm("status").out.splitlines()


def test_a_notice_is_given_to_the_program_of_the_configuration_and_its_failure_breaks_nothing(
    launched: Callable[..., Answer], tmp_path: Path
) -> None:
    taken = tmp_path / "notice.json"
    script = f"import pathlib, sys; pathlib.Path({str(taken)!r}).write_text(sys.stdin.read()); sys.exit(3)"
    notify = f"[notify]\non_attention = {json.dumps([sys.executable, '-c', script])}\n"
    answer = launched("write()", more=notify)
    assert eventually(lambda: taken.exists() and taken.read_text().endswith("}"))
    assert json.loads(taken.read_text()) == {
        "schema": "swarm.attention/v1",
        "event": "done",
        "runId": answer.data["runId"],
        "exitClass": 0,
        "next": answer.data["nextAction"],
    }
