"""A conversation with the process of an agent: its lines become events, replies reach it, and silence ends it."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm.rules.agent_events import AgentEvent, EventKind, Fault, Said
from swarm.rules.stalls import Limits, StallReason, Terms
from swarm.runtimes import talk
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

    def logged(self, line: bytes) -> Heard:
        return Heard((AgentEvent(EventKind.RETRY, text=line.decode(), fault=Fault.QUOTA),))

    def permit(self, call: str, decision: str) -> Heard:
        raise AssertionError(call + decision)

    def cancel(self) -> bytes:
        return b"stop\n"

    def said(self) -> Said:
        return Said(final_text=self.lines[-1] if self.lines else None)


class Events(Echo):
    """Takes each line as an event, in the words of the journal."""

    def heard(self, line: bytes) -> Heard:
        document = json.loads(line)
        event = AgentEvent(EventKind(document.pop("event")), **document)
        if event.kind is EventKind.FINAL:
            self.lines.append(event.text)
        return Heard((event,))


@pytest.fixture
def converse(tmp_path: Path) -> Converse:
    (tmp_path / "attempt").mkdir()

    def call(
        script: str,
        *,
        limits: Limits | None = None,
        keeps_input_open: bool = True,
        seconds: float = 60.0,
        tells: bool = False,
    ) -> Ran:
        conversation = Events(keeps_input_open=False) if tells else Echo(keeps_input_open=keeps_input_open)
        step = ProcessStep((sys.executable, "-c", script), conversation=conversation)
        orders = Orders(
            steps=[step],
            tree=tmp_path,
            folder=tmp_path / "attempt",
            environment={"PATH": os.environ["PATH"], "API_TOKEN": "hush-hush-hush"},
            seconds=seconds,
            spawned=lambda *_: None,
            terms=Terms(limits or Limits(), tree=str(tmp_path)),
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


TELL = "import json, sys, time\ndef tell(event, **more): print(json.dumps({'event': event, **more}), flush=True)\n"
# An agent of a real process has a tenth of a second for what real agents have minutes for.
QUICK = Limits(no_event=0.1, blank_turn=0.1, read_tool=0.1, tool=0.1, incomplete_round=0.1, error=0.1)
ENDS: dict[str, tuple[str, str | None]] = {
    "silence": ("time.sleep(600)", "provider_zero_progress"),
    "a hanging command": ("tell('tool', call='a', name='bash'); time.sleep(600)", "tool_stalled"),
    "an error and an exit": ("tell('error', text='500', fault='provider'); sys.exit(1)", "provider_error"),
    "an exit without words": ("tell('session')", "backend_no_final_text"),
    "no connection": ("tell('error', text='refused', fault='unreachable'); sys.exit(0)", "backend_unreachable"),
    "a crash": ("sys.exit(3)", None),
    "a good end": ("tell('tool', call='a'); tell('tool_ended', call='a'); tell('final', text='Done.')", None),
    "an answer in one line": ("tell('final', text='x' * 2_000_000)", None),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_end_of_a_process_is_called_by_its_reason(converse: Converse, name: str) -> None:
    body, expected = ENDS[name]
    (result,) = converse(TELL + body, tells=True, limits=QUICK if "sleep" in body else None).results
    assert (result.stall.reason.value if result.stall else None) == expected


def test_a_question_that_nobody_answers_stops_the_clock_until_the_deadline(converse: Converse) -> None:
    body = "tell('permission', call='p', name='bash', target='/etc/passwd'); time.sleep(600)"
    ran = converse(TELL + body, tells=True, limits=QUICK, seconds=1.0)
    assert ran.timed_out
    assert ran.results[0].stall is not None
    assert ran.results[0].stall.reason is StallReason.EXTERNAL_DIRECTORY_PERMISSION_PENDING


def test_an_agent_is_not_called_silent_for_a_time_in_which_its_supervisor_was_busy(
    converse: Converse, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = asyncio.sleep

    async def busy(seconds: float) -> None:
        # As when another agent's tree is made: nothing of the loop runs meanwhile.
        if seconds == talk.TICK_SECONDS:
            time.sleep(0.3)  # noqa: ASYNC251
        await sleep(0)

    monkeypatch.setattr(talk, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(talk.asyncio, "sleep", busy)
    body = "time.sleep(1); tell('final', text='Done.')"
    (result,) = converse(TELL + body, tells=True, limits=Limits(no_event=0.5)).results
    assert result.stall is None


def test_an_agent_that_only_logs_why_it_asks_again_is_ended_for_that_reason(converse: Converse) -> None:
    body = "print('429, again in 9 s', file=sys.stderr, flush=True); time.sleep(600)"
    (result,) = converse(TELL + body, tells=True, limits=Limits(no_event=1.0)).results
    assert result.stall is not None
    assert (result.stall.reason, result.stall.summary) == (StallReason.PROVIDER_ERROR, "429, again in 9 s")
