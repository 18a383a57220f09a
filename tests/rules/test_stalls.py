"""The idle clock of agents: each stall by its reason, and healthy work that is no stall, by a clock of its own."""

import random
from collections.abc import Iterator, Sequence

import pytest

from swarm.rules.agent_events import AgentEvent, EventKind, Fault
from swarm.rules.stalls import InfrastructureFailure, Limits, Stall, StallClock, StallReason, Terms

K = EventKind
TREE = "/w/tree"
READS = Terms(is_read_only=True, tree=TREE, output=f"{TREE}/.swarm/output.json")
ANY = Terms()
Timed = tuple[float, AgentEvent | None]


def event(kind: EventKind, text: str = "", **more: object) -> AgentEvent:
    return AgentEvent(kind, text)._replace(**more)  # type: ignore[arg-type]


def tool(call: str, name: str = "bash", text: str = "make test", **more: object) -> AgentEvent:
    return event(K.TOOL, text, call=call, name=name, **more)


def ended(call: str, **more: object) -> AgentEvent:
    return event(K.TOOL_ENDED, call=call, **more)


SESSION, TURN = event(K.SESSION), event(K.TURN_ENDED)
PLACEHOLDER, TEXT = event(K.PLACEHOLDER), event(K.TEXT, "I look.")


def first_stall(events: Sequence[Timed], until: float, terms: Terms = ANY) -> tuple[float, str] | None:
    """Play events, each at its second, to a clock that is asked twice a second; `None` stands for a part of a line."""
    clock, waiting = StallClock(terms, 0.0), list(events)
    for half in range(int(until * 2) + 1):
        moment = half / 2
        while waiting and waiting[0][0] <= moment:
            _, seen = waiting.pop(0)
            if seen is None:
                clock.saw_bytes(moment)
            else:
                clock.saw(seen, moment)
        if (found := clock.stall(moment)) is not None:
            return moment, found.reason.value
    return None


def failing(times: int, text: str = "make test") -> list[Timed]:
    return [
        (float(n), seen) for n in range(times) for seen in (tool(str(n), text=text), ended(str(n), has_failed=True))
    ]


QUOTA = event(K.RETRY, "429", fault=Fault.QUOTA, status=429)
LIVE: dict[str, tuple[list[Timed], tuple[float, str], Terms]] = {
    "silence from the start": ([], (90, "provider_zero_progress"), Terms()),
    "silence after the session": ([(3, SESSION)], (93, "provider_zero_progress"), Terms()),
    "placeholders only": ([(float(n), PLACEHOLDER) for n in range(0, 200, 5)], (90, "provider_zero_progress"), Terms()),
    "silence after a text": ([(1, TEXT)], (91, "provider_zero_progress"), Terms()),
    "a turn with nothing": ([(1, SESSION), (2, TURN)], (122, "provider_blank_assistant"), Terms()),
    "an error, and then nothing": (
        [(1, event(K.ERROR, "500", fault=Fault.PROVIDER))],
        (11, "provider_error"),
        Terms(),
    ),
    "an error, and the end of its turn": (
        [(1, event(K.ERROR, "401", fault=Fault.CREDENTIAL)), (2, TURN)],
        (11, "provider_error"),
        Terms(),
    ),
    "thoughts refused": (
        [(1, event(K.ERROR, "400", fault=Fault.REASONING_CONTENT))],
        (11, "provider_reasoning_content_error"),
        Terms(),
    ),
    "retries for ever": ([(float(n), QUOTA) for n in range(1, 300, 9)], (90, "provider_error"), Terms()),
    "a read that hangs": ([(1, tool("a", "read", "x", is_read=True))], (61, "read_tool_stalled"), Terms()),
    "a command that hangs": ([(1, tool("a"))], (901, "tool_stalled"), Terms()),
    "a command past its own limit": ([(1, tool("a", limit_seconds=20.0))], (51, "tool_stalled"), Terms()),
    "a malformed read that hangs": (
        [(1, tool("a", "read", "{}", is_read=True, is_malformed=True))],
        (61, "read_tool_invalid_input"),
        Terms(),
    ),
    "a malformed read, refused, and then nothing": (
        [(1, tool("a", "read", "{}", is_read=True, is_malformed=True)), (2, ended("a", has_failed=True))],
        (62, "read_tool_invalid_input"),
        Terms(),
    ),
    "malformed calls again and again": (
        [(float(n), tool(str(n), "bash", "{}", is_malformed=True)) for n in range(5)],
        (2, "tool_invalid_input"),
        Terms(),
    ),
    "tools done, and no text": ([(1, tool("a")), (5, ended("a"))], (125, "incomplete_assistant_round"), Terms()),
    "tools done in a turn, and no text": (
        [(1, tool("a")), (2, TURN), (5, ended("a"))],
        (125, "incomplete_assistant_round"),
        Terms(),
    ),
    "the same failing call": (failing(9), (4, "tool_loop_no_completion"), Terms()),
    "two failing calls in turn": (
        sorted([*failing(9), *((n + 0.5, seen) for n, seen in failing(9, "make lint"))], key=lambda pair: pair[0]),
        (4, "tool_loop_no_completion"),
        Terms(),
    ),
    "a write in an audit": (
        [(1, tool("a", "edit", is_write=True, target="src/app.py"))],
        (1, "read_only_write_intent"),
        READS,
    ),
    "a write of an absolute path in an audit": (
        [(1, tool("a", "edit", is_write=True, target=f"{TREE}/src/app.py"))],
        (1, "read_only_write_intent"),
        READS,
    ),
    "a write to nobody knows where in an audit": (
        [(1, tool("a", "edit", is_write=True))],
        (1, "read_only_write_intent"),
        READS,
    ),
    "silence after a decision": (
        [(1, tool("a")), (2, event(K.PERMISSION, call="p")), (999, event(K.PERMISSION_ENDED, call="p"))],
        (1899, "tool_stalled"),
        Terms(),
    ),
}


@pytest.mark.parametrize("name", LIVE)
def test_a_stalled_agent_is_ended_at_its_limit_for_its_reason(name: str) -> None:
    events, expected, terms = LIVE[name]
    assert first_stall(events, 3000, terms) == expected


FAILURES = {
    Fault.UNREACHABLE: InfrastructureFailure.BACKEND_UNREACHABLE,
    Fault.NOT_FOUND: InfrastructureFailure.NOT_FOUND,
    Fault.CORRUPTED: InfrastructureFailure.CORRUPTED,
    Fault.EXHAUSTED: InfrastructureFailure.RESOURCE_EXHAUSTED,
}


@pytest.mark.parametrize("fault", FAILURES)
@pytest.mark.parametrize("kind", [K.ERROR, K.RETRY])
def test_a_failure_of_the_infrastructure_ends_an_attempt_and_is_no_stall(fault: Fault, kind: EventKind) -> None:
    found = first_stall([(1, event(kind, "no route", fault=fault))], 3000)
    assert found == (11 if kind is K.ERROR else 90, FAILURES[fault].value)
    assert FAILURES[fault].value not in set(StallReason)


AT_EXIT: dict[str, tuple[list[AgentEvent], int, str | None, str | None]] = {
    "a good end": ([SESSION, TEXT, TURN], 0, "Done.", None),
    "a failed end": ([SESSION, TEXT], 1, None, None),
    "no final text": ([SESSION, tool("a"), ended("a"), TURN], 0, None, "backend_no_final_text"),
    "a final text of blanks": ([SESSION, TEXT], 0, " \n", "backend_no_final_text"),
    "an empty turn": ([SESSION, TURN], 0, None, "provider_blank_assistant"),
    "a malformed last call": (
        [SESSION, tool("a", "read", "{}", is_read=True, is_malformed=True), ended("a", has_failed=True)],
        0,
        None,
        "read_tool_invalid_input",
    ),
    "a malformed call that was made good": (
        [tool("a", "bash", "{}", is_malformed=True), ended("a", has_failed=True), tool("b"), ended("b"), TEXT],
        0,
        "Done.",
        None,
    ),
    "an error, exit code 0": ([event(K.ERROR, "401", fault=Fault.CREDENTIAL), TURN], 0, None, "provider_error"),
    "an error, exit code 1": ([event(K.ERROR, "500", fault=Fault.PROVIDER)], 1, None, "provider_error"),
    "an error that passed": ([event(K.ERROR, "500", fault=Fault.PROVIDER), TEXT], 0, "Done.", None),
    "no connection": (
        [event(K.ERROR, "ECONNREFUSED", fault=Fault.UNREACHABLE)],
        1,
        None,
        "backend_unreachable",
    ),
    "a question inside": (
        [event(K.PERMISSION, call="p", target=f"{TREE}/src")],
        0,
        None,
        "permission_pending",
    ),
    "a question outside": (
        [event(K.PERMISSION, call="p", target="/etc/passwd")],
        0,
        None,
        "external_directory_permission_pending",
    ),
}


@pytest.mark.parametrize("name", AT_EXIT)
def test_the_end_of_an_agent_is_judged_by_what_it_said(name: str) -> None:
    events, code, final_text, expected = AT_EXIT[name]
    clock = StallClock(Terms(tree=TREE), 0.0)
    for seen in events:
        clock.saw(seen, 1.0)
    found = clock.at_exit(code, final_text)
    assert (found.reason.value if found else None) == expected


def test_an_agent_that_is_silent_after_its_answer_is_no_stall_and_one_that_goes_on_is_watched_as_before() -> None:
    clock = StallClock(Terms(), 0.0)
    assert clock.idle_since_answer(5.0) is None
    clock.saw(event(K.FINAL, "Done."), 10.0)
    assert (clock.stall(5000.0), clock.idle_since_answer(40.0)) == (None, 30.0)
    clock.saw(tool("a"), 50.0)
    assert (clock.idle_since_answer(60.0), clock.stall(949.0)) == (None, None)
    assert clock.stall(950.0) == Stall(StallReason.TOOL_STALLED, "bash has been open for 900 s")


def test_time_in_which_nobody_listened_is_no_silence_of_an_agent() -> None:
    clock = StallClock(Terms(), 0.0)
    clock.missed(300.0, 310.0)
    assert clock.stall(389.0) is None
    assert clock.stall(390.0) == Stall(StallReason.PROVIDER_ZERO_PROGRESS, "no event for 90 s")


def test_every_reason_and_failure_is_produced_by_an_example() -> None:
    seen = {expected for _, (_, expected), _ in LIVE.values()} | {case[3] for case in AT_EXIT.values()}
    seen |= {failure.value for failure in FAILURES.values()}
    assert seen - {None} == {reason.value for kind in (StallReason, InfrastructureFailure) for reason in kind}


def test_the_limits_are_those_of_the_settings() -> None:
    quick = Terms(Limits(no_event=5, read_tool=7))
    assert first_stall([], 100, quick) == (5, "provider_zero_progress")
    assert first_stall([(1, tool("a", is_read=True))], 100, quick) == (8, "read_tool_stalled")


# --- healthy work ------------------------------------------------------------------------------------------

Steps = Iterator[tuple[float, AgentEvent | None]]


def talk(dice: random.Random) -> Steps:
    for _ in range(dice.randint(1, 4)):
        yield dice.uniform(0, 80), event(dice.choice((K.TEXT, K.REASONING)), "Now I look.")


def long_command(dice: random.Random) -> Steps:
    yield 1, tool("long")
    yield dice.uniform(1, 890), ended("long")


def command_with_its_own_limit(dice: random.Random) -> Steps:
    limit = dice.uniform(60, 3000)
    yield 1, tool("own", limit_seconds=limit)
    # The program ends the command at its limit, and reports that a moment later.
    yield limit + dice.uniform(0, 20), ended("own", has_failed=True)


def slow_read(dice: random.Random) -> Steps:
    yield 1, tool("slow", "read", "big.log", is_read=True)
    yield dice.uniform(1, 58), ended("slow")


def many_rounds(dice: random.Random) -> Steps:
    for n in range(dice.randint(50, 150)):
        yield dice.uniform(0, 30), tool(f"r{n}", "read", f"file {n}", is_read=True)
        yield dice.uniform(0, 5), ended(f"r{n}", has_failed=dice.random() < 0.1)


def red_tests_between_edits(dice: random.Random) -> Steps:
    for n in range(dice.randint(8, 20)):
        yield dice.uniform(1, 50), tool(f"t{n}")
        yield dice.uniform(1, 50), ended(f"t{n}", has_failed=True)
        yield dice.uniform(1, 50), tool(f"e{n}", "edit", f"edit {n}", is_write=True, target="src/app.py")
        yield 1, ended(f"e{n}")


def read_beside_a_command(dice: random.Random) -> Steps:
    yield 1, tool("both", "bash", "make all")
    yield 0, tool("read", "read", "a.py", is_read=True)
    # A program may report the results of parallel calls together.
    yield dice.uniform(100, 800), ended("read")
    yield 0, ended("both")


def agent_of_its_own(dice: random.Random) -> Steps:
    yield 1, tool("task", "task", "look into it")
    for n in range(dice.randint(5, 30)):
        yield dice.uniform(10, 300), tool(f"inner{n}", "read", f"file {n}", is_read=True)
        yield dice.uniform(0, 50), ended(f"inner{n}")
    yield 10, ended("task")


def pending_permission(dice: random.Random) -> Steps:
    yield 1, tool("asked")
    yield 1, event(K.PERMISSION, call="p", name="bash")
    yield dice.uniform(1, 5000), event(K.PERMISSION_ENDED, call="p")
    yield dice.uniform(1, 800), ended("asked")


def retries_that_help(dice: random.Random) -> Steps:
    for _ in range(dice.randint(1, 4)):
        yield dice.uniform(1, 20), event(K.RETRY, "overloaded", fault=Fault.PROVIDER, status=529)
    yield 1, TEXT


def error_that_passes(dice: random.Random) -> Steps:
    yield 1, event(K.ERROR, "overloaded", fault=Fault.PROVIDER)
    yield dice.uniform(0, 9), TEXT


def malformed_call_made_good(dice: random.Random) -> Steps:
    yield 1, tool("bad", "read", "{}", is_read=True, is_malformed=True)
    yield 1, ended("bad", has_failed=True)
    yield dice.uniform(1, 50), tool("good", "read", "a.py", is_read=True)
    yield 1, ended("good")


def thoughts_after_tools(dice: random.Random) -> Steps:
    yield 1, tool("x")
    yield 1, ended("x")
    for _ in range(dice.randint(3, 12)):
        yield dice.uniform(5, 110), event(K.REASONING, "hm")


def its_own_output(dice: random.Random) -> Steps:
    target = dice.choice((f"{TREE}/.swarm/output.json", ".swarm/output.json", "/tmp/notes.txt"))
    yield 1, tool("out", "write", "{...}", is_write=True, target=target)
    yield 1, ended("out")


def answer_in_one_long_line(dice: random.Random) -> Steps:
    for _ in range(dice.randint(5, 50)):
        yield dice.uniform(0, 80), None


HEALTHY = (
    talk,
    long_command,
    command_with_its_own_limit,
    slow_read,
    many_rounds,
    red_tests_between_edits,
    read_beside_a_command,
    agent_of_its_own,
    pending_permission,
    retries_that_help,
    error_that_passes,
    malformed_call_made_good,
    thoughts_after_tools,
    its_own_output,
    answer_in_one_long_line,
)
# The pattern that writes to the tree is healthy where the phase may write.
WRITES = {red_tests_between_edits}


def healthy_run(seed: int) -> tuple[list[Timed], Terms]:
    dice = random.Random(seed)
    reads = dice.random() < 0.5
    patterns = [pattern for pattern in HEALTHY if not (reads and pattern in WRITES)]
    moment, events = 1.0, [(1.0, SESSION)]
    for pattern in dice.sample(patterns, 4):
        found: list[Timed] = []
        for gap, seen in pattern(dice):
            moment += gap
            found.append((moment, seen))
        events += [*found, (moment + 1, TEXT)]
        moment += 1
        if dice.random() < 0.5:
            events.append((moment, TURN))
    return [*events, (moment + 50, event(K.FINAL, "Done."))], READS if reads else Terms(tree=TREE)


def test_no_healthy_run_of_two_hundred_is_called_stalled() -> None:
    false = {}
    for seed in range(200):
        events, terms = healthy_run(seed)
        clock = StallClock(terms, 0.0)
        for moment, seen in events:
            # The longest silence is the moment before an event.
            if found := clock.stall(moment - 0.001):
                false[seed] = (moment, found)
            if seen is None:
                clock.saw_bytes(moment)
            else:
                clock.saw(seen, moment)
        if found := clock.stall(moment) or clock.at_exit(0, "Done."):
            false[seed] = (moment, found)
    assert false == {}
