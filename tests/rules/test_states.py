"""Both state machines, over every pair of states, against tables that were written by hand.

`+` lawful, `o` lawful by override alone, `T` refused as terminal, `B` as blocked, `.` as not in the table.
"""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.states import (
    AGENT_RUN,
    WAVE,
    AgentRunStatus,
    Machine,
    Refusal,
    WaveStatus,
    allowed_from,
    is_ended,
    refusal,
)

AGENT_RUN_TABLE = """
                     pending dispatched running complete failed timed_out invalid_output ownership_violation aborted_for_rewind
pending              .       +          .       .        .      .         .              .                   +
dispatched           .       .          +       +        +      +         +              +                   +
running              .       .          .       +        +      +         +              +                   +
complete             T       T          T       T        T      T         T              T                   T
failed               .       +          .       .        .      .         .              .                   +
timed_out            .       +          .       .        .      .         .              .                   +
invalid_output       B       B          B       o        B      B         B              B                   +
ownership_violation  B       B          B       o        B      B         B              B                   +
aborted_for_rewind   T       T          T       T        T      T         T              T                   T
"""
WAVE_TABLE = """
                    dispatched collected verified advanced failed aborted_for_rewind
dispatched          .          +         .        .        +      +
collected           +          .         +        +        .      +
verified            +          .         .        +        .      +
advanced            T          T         T        T        T      T
failed              +          o         .        .        .      +
aborted_for_rewind  T          T         T        T        T      T
"""
KINDS = {"T": Refusal.TERMINAL, "B": Refusal.BLOCKED, ".": Refusal.INVALID, "+": None}


def cells(table: str) -> dict[tuple[str, str], str]:
    head, *rows = (line.split() for line in table.strip().splitlines())
    return {(source, target): mark for source, *marks in rows for target, mark in zip(head, marks, strict=True)}


MACHINES = [(AGENT_RUN, cells(AGENT_RUN_TABLE)), (WAVE, cells(WAVE_TABLE))]
EVERY = [(machine, source, target, mark) for machine, table in MACHINES for (source, target), mark in table.items()]


def test_the_tables_hold_every_pair_of_states() -> None:
    assert [set(table) for _, table in MACHINES] == [
        set(product([*map(str, AgentRunStatus)], repeat=2)),
        set(product([*map(str, WaveStatus)], repeat=2)),
    ]


@pytest.mark.parametrize(("machine", "source", "target", "mark"), EVERY)
def test_a_step_is_lawful_or_refused_as_the_table_says(machine: Machine, source: str, target: str, mark: str) -> None:
    by_source = Refusal.BLOCKED if source in {"invalid_output", "ownership_violation"} else Refusal.INVALID
    assert refusal(machine, source, target) is (by_source if mark == "o" else KINDS[mark])


@pytest.mark.parametrize(("machine", "source", "target", "mark"), EVERY)
def test_an_override_opens_the_steps_marked_for_it_and_no_other(
    machine: Machine, source: str, target: str, mark: str
) -> None:
    assert refusal(machine, source, target, override=True) is (None if mark == "o" else KINDS[mark])


@pytest.mark.parametrize(
    ("machine", "source", "allowed"),
    [
        (AGENT_RUN, "pending", ("aborted_for_rewind", "dispatched")),
        (AGENT_RUN, "invalid_output", ("aborted_for_rewind",)),
        (AGENT_RUN, "complete", ()),
        (WAVE, "verified", ("aborted_for_rewind", "advanced", "dispatched")),
        (WAVE, "advanced", ()),
    ],
)
def test_the_lawful_targets_are_told_in_order(machine: Machine, source: str, allowed: tuple[str, ...]) -> None:
    assert allowed_from(machine, source) == allowed


def test_an_agent_run_works_until_it_has_ended() -> None:
    assert {status.value for status in AgentRunStatus if not is_ended(status)} == {"pending", "dispatched", "running"}


@given(st.sampled_from(MACHINES), st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=30))
def test_no_walk_leaves_the_table_and_none_goes_on_from_a_terminal_state(
    told: tuple[Machine, dict[tuple[str, str], str]], steps: list[tuple[int, bool]]
) -> None:
    machine, table = told
    states = list(dict.fromkeys(source for source, _ in table))
    now = states[0]
    for choice, override in steps:
        wanted = states[choice % len(states)]
        refused = refusal(machine, now, wanted, override=override)
        assert (refused is None) == (table[now, wanted] in ("+o" if override else "+"))
        assert (refused is Refusal.TERMINAL) == (table[now, wanted] == "T")
        now = now if refused else wanted
