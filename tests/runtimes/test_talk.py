"""A conversation with the process of an agent: its lines become events, replies reach it, and silence ends it."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm.rules.agent_events import AgentEvent, EventKind, Said
from swarm.rules.stalls import Limits, StallReason
from swarm.runtimes.conversation import Heard, LineCutter
from swarm.runtimes.runtime import ProcessStep
from swarm.runtimes.supervisor import Orders, Ran, run_steps

Converse = Callable[..., Ran]


class Echo:
    """Says `go` and what it is asked; takes each line as a text, `?` as a question, and `done` as the end."""

    def __init__(self, *, keeps_input_open: bool) -> None:
        self.keeps_input_open = keeps_input_open
        self.lines: list[str] = []

    def opening(self) -> bytes:
        return b"go\n"

    def heard(self, line: bytes) -> Heard:
        text = line.decode()
        self.lines.append(text)
        event = AgentEvent(EventKind.TEXT, text=text)
        return Heard((event,), b"answer\n" if text.endswith("?") else b"", is_over=text == "done")

    def permit(self, call: str, decision: str) -> Heard:
        raise AssertionError(call + decision)

    def cancel(self) -> bytes:
        return b"stop\n"

    def said(self) -> Said:
        return Said(final_text=self.lines[-1] if self.lines else None)


@pytest.fixture
def converse(tmp_path: Path) -> Converse:
    (tmp_path / "attempt").mkdir()

    def call(script: str, *, limits: Limits | None = None, keeps_input_open: bool = True) -> Ran:
        step = ProcessStep((sys.executable, "-c", script), conversation=Echo(keeps_input_open=keeps_input_open))
        orders = Orders(
            steps=[step],
            tree=tmp_path,
            folder=tmp_path / "attempt",
            environment={"PATH": os.environ["PATH"], "API_TOKEN": "hush-hush-hush"},
            seconds=60.0,
            spawned=lambda *_: None,
            limits=limits or Limits(),
        )
        return asyncio.run(run_steps(orders))

    return call


def journal(folder: Path) -> list[dict[str, object]]:
    lines = (folder / "attempt" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "ts"} for line in lines]


def test_an_agent_is_asked_answered_and_ended_when_it_has_said_everything(converse: Converse, tmp_path: Path) -> None:
    ran = converse(
        "import sys; first = input(); print(first + '?', flush=True); print(input(), 'hush-hush-hush', flush=True);"
        "print('done', flush=True); sys.stdin.read()"
    )
    (result,) = ran.results
    assert (ran.exit_code, result.said, result.stall) == (0, Said(final_text="done"), None)
    said = ["go?", "answer [redacted]", "done"]
    assert journal(tmp_path) == [{"event": "spawned"}, *({"event": "text", "text": text} for text in said)]


def test_an_agent_without_further_input_sees_its_end_and_its_last_line_needs_no_line_end(converse: Converse) -> None:
    ran = converse("import sys; print(len(sys.stdin.read()), end='')", keeps_input_open=False)
    assert (ran.exit_code, ran.results[0].said) == (0, Said(final_text="3"))


def test_an_agent_that_is_silent_is_asked_to_stop_and_ended(converse: Converse) -> None:
    ran = converse("import time; input(); time.sleep(600)", limits=Limits(no_event=0.1))
    (result,) = ran.results
    assert result.stall is not None
    assert (result.stall.reason, ran.timed_out) == (StallReason.PROVIDER_ZERO_PROGRESS, False)
    assert ran.signal is not None


def test_a_line_beyond_the_bound_is_cut_and_the_next_line_is_whole() -> None:
    cutter = LineCutter(longest=4)
    lines = [line for chunk in (b"ab", b"cdef", b"gh\nxy\r\nz") for line in cutter.add(chunk)]
    assert (lines, cutter.rest(), cutter.rest()) == ([b"abcd", b"xy"], b"z", b"")
