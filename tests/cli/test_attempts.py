"""`swarm attempts`: the processes that were launched for a wave, the newest wave where none is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm.errors import CATALOGUE
from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Answer, Swarm, Workspace


@pytest.fixture
def tried(launched: Callable[..., Answer], workspace: Workspace) -> Workspace:
    """A launched wave: `code` ended with 7, `rest` wrote its output."""
    launched("sys.exit(7) if os.environ['SWARM_DOMAIN'] == 'code' else write()", exit=3)
    return workspace


def test_every_attempt_of_an_agent_is_listed_with_its_end_and_its_record(swarm: Swarm, tried: Workspace) -> None:
    with nothing_changes(tried.folder):
        data = valid(swarm("attempts", "--format", "json"), "attempts", 0)
    assert (data["runId"], data["waveNumber"]) == (tried.run, 1)
    ends = {
        agent["domain"]: [(attempt["outcome"], attempt["exitCode"]) for attempt in agent["attempts"]]
        for agent in data["agents"]
    }
    assert ends == {"code": [("runtime_error", 7)], "rest": [("success", 0)]}
    for agent in data["agents"]:
        for attempt in agent["attempts"]:
            record = json.loads(Path(attempt["recordPath"]).read_text())
            assert (record["outcome"], record["result"]["raw_exit_code"]) == (attempt["outcome"], attempt["exitCode"])


def test_a_row_of_the_text_begins_with_the_word_that_explain_takes(swarm: Swarm, tried: Workspace) -> None:
    rows = [line.split()[:5] for line in swarm("attempts").out.splitlines() if line.startswith("attempt:")]
    assert [(name, agent, outcome) for name, agent, _, outcome, _ in rows] == [
        ("attempt:1", "code", "runtime_error"),
        ("attempt:2", "rest", "success"),
    ]
    assert swarm("explain", "attempt:1", "--format", "json").data["kind"] == "attempt"


def test_run_and_wave_may_be_named(swarm: Swarm, tried: Workspace) -> None:
    newest = swarm("attempts", "--format", "json").data
    for words in ((tried.run,), ("1",), (tried.run, "1")):
        assert swarm("attempts", *words, "--format", "json").data == newest


def test_a_wave_without_a_launch_has_no_attempts(swarm: Swarm, dispatched: Workspace) -> None:
    data = valid(swarm("attempts", "--format", "json"), "attempts", 0)
    assert [agent["attempts"] for agent in data["agents"]] == [[], []]
    assert "attempt:" not in swarm("attempts").out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("9",), "WAVE_NOT_FOUND"),
        (("no-such-run",), "RUN_NOT_FOUND"),
        (("latest", "1", "2"), "CLI_USAGE"),
    ],
)
def test_a_run_or_wave_that_does_not_exist_is_refused(
    swarm: Swarm, dispatched: Workspace, words: tuple[str, ...], code: str
) -> None:
    assert swarm("attempts", *words, exit=CATALOGUE[code].exit_code).code == code


def test_a_run_without_a_wave_is_refused(swarm: Swarm, workspace: Workspace) -> None:
    assert swarm("attempts", exit=1).code == "WAVE_NOT_FOUND"


def test_a_record_is_shown_and_held_against_the_database(swarm: Swarm, launched: Callable[..., Answer]) -> None:
    (code, rest) = [agent["attempts"][0] for agent in launched("write()").data["agents"]]
    data = valid(swarm("attempts", "show", f"attempt:{code['id']}", "--format", "json"), "attempts", 0)
    assert data["record"] == json.loads(Path(code["recordPath"]).read_text())
    assert json.loads(swarm("attempts", "show", str(code["id"])).out) == data["record"]
    assert swarm("attempts", "verify").out == "✓ 2 of 2 records say what the database says\n"
    Path(code["recordPath"]).write_text(json.dumps({**data["record"], "exit_code": 3}))
    Path(rest["recordPath"]).write_text("[")
    checked = valid(swarm("attempts", "verify", "--format", "json", exit=1), "attempts", 1)["checked"]
    assert [(one["domain"], one["state"]) for one in checked] == [("code", "different"), ("rest", "unreadable")]
    Path(rest["recordPath"]).unlink()
    assert swarm("attempts", "verify", exit=1).out.splitlines()[2].startswith("  attempt:2 of rest: missing")


@pytest.mark.parametrize("words", [("show",), ("show", "x"), ("show", "-1"), ("list", "a", "1", "b")])
def test_a_list_a_record_and_a_check_take_their_own_words(
    swarm: Swarm, workspace: Workspace, words: tuple[str, ...]
) -> None:
    assert swarm("attempts", *words, exit=2).code == "CLI_USAGE"


def test_an_attempt_is_shown_by_its_id_also_after_its_wave_and_not_as_one_of_another_wave(
    swarm: Swarm, launched: Callable[..., Answer]
) -> None:
    launched("write()")
    before = swarm("attempts", "show", "2", "--format", "json").data
    swarm("collect")
    swarm("dispatch", "health-audit-a", "--isolate")
    shown = swarm("attempts", "show", "2", "--format", "json").data
    assert (shown["waveNumber"], shown["record"]) == (1, before["record"])
    for words in (("99",), ("99", "1"), ("2", "2")):
        assert swarm("attempts", "show", *words, exit=1).code == "SUBJECT_UNKNOWN"
    assert swarm("attempts", "show", "2", "9", exit=1).code == "WAVE_NOT_FOUND"
