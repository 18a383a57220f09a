"""Races with one winner: the same verb on the same thing at the same moment, by two processes and by eight."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from soak import stages
from soak.calls import Answer, folder, tell, together
from soak.soundness import branches_of, rows, trees_of, unsound, unsound_tables
from soak.stages import AUDIT, Stage
from swarm.store.migrations import SCHEMA_VERSION

ROUNDS = 50
WON, NOTHING = "won", "nothing to do"


class Race(NamedTuple):
    """A race: its start, the verbs that take turns, the winners, the codes of the others, and the state afterwards.

    `winners` is how many win, 0 for all, -1 for who comes in time. `after` counts rows, each with what it must come to; `{n}` is how many raced.
    """

    stage: Callable[[Stage], None]
    verbs: tuple[str, ...]
    has_won: Callable[[Answer], bool]
    losers: frozenset[str]
    after: dict[str, int | str]
    winners: int = 1
    waits: bool = False
    trees: int | None = None
    at_once: tuple[int, ...] = (2, 8)
    unsound: Callable[[Path], list[str]] = unsound


def applied(answer: Answer) -> bool:
    return bool(answer.data["applied"])


def counted(key: str) -> Callable[[Answer], bool]:
    return lambda answer: bool(answer.data[key])


def always(_: Answer) -> bool:
    return True


def upgraded(root: Path) -> list[str]:
    """Return what is wrong with a control plane that was brought up to this build by one of many."""
    copies = len(list((root / "swarms" / "backups").iterdir()))
    return [*unsound_tables(root), *([] if copies == 1 else [f"{copies} backups"])]


_EVENTS = "SELECT count(*) FROM events WHERE kind = '{}'"
RACES: dict[str, Race] = {
    "dispatch": Race(
        stages.frozen,
        (f"dispatch {AUDIT} --isolate",),
        always,
        frozenset({"DISPATCH_WAVE_IN_FLIGHT"}),
        {"SELECT count(*) FROM waves": 1, "SELECT count(*) FROM agent_runs": 3},
        trees=3,
    ),
    "launch": Race(
        stages.dispatched,
        ("launch",),
        always,
        frozenset({"LAUNCH_IN_PROGRESS"}),
        {"SELECT count(*) FROM attempts WHERE outcome = 'success'": 3, "SELECT count(*) FROM attempts": 3},
        waits=True,
        trees=3,
    ),
    "collect": Race(
        stages.answered,
        ("collect",),
        always,
        frozenset({"LAUNCH_IN_PROGRESS", "COLLECT_NO_WAVE"}),
        {
            "SELECT count(*) FROM findings": 2,
            "SELECT count(*) FROM sightings": 2,
            _EVENTS.format("findings_recorded"): 1,
            "SELECT status FROM waves": "collected",
        },
        trees=3,
    ),
    "advance": Race(
        stages.clear,
        ("advance",),
        counted("promoted"),
        frozenset({"STATE_CONFLICT", NOTHING}),
        {"SELECT count(*) FROM promotions": 1, "SELECT count(*) FROM receipts": 1},
    ),
    "merge": Race(
        stages.amended,
        ("merge",),
        lambda answer: bool(answer.data["commit"]),
        frozenset({NOTHING}),
        {"SELECT count(*) FROM merges": 1, "SELECT count(*) FROM verifications": 1},
    ),
    "merge-rewind": Race(
        stages.amended,
        ("merge", "rewind {run} --apply --reason soak"),
        always,
        frozenset({"MERGE_NOT_READY"}),
        # Whoever was first: nothing of the merge is left.
        {"SELECT count(*) FROM waves WHERE status = 'aborted_for_rewind'": 2},
        winners=-1,
        trees=6,
    ),
    "resume": Race(
        stages.failed,
        ("resume --apply --reason soak",),
        applied,
        frozenset({"LAUNCH_IN_PROGRESS", "STATE_CONFLICT", NOTHING}),
        {"SELECT count(*) FROM agent_runs": 6, "SELECT status FROM waves": "dispatched"},
        trees=3,
    ),
    "clean": Race(
        stages.collected,
        ("clean --apply --reason soak",),
        counted("removable"),
        frozenset({NOTHING}),
        {_EVENTS.format("clean_begun"): 1, _EVENTS.format("cleaned"): 1},
        trees=0,
    ),
    "rewind": Race(
        stages.dispatched,
        ("rewind {run} --apply --reason soak",),
        counted("waves"),
        frozenset({"LAUNCH_IN_PROGRESS", NOTHING}),
        {_EVENTS.format("rewound"): 1, "SELECT status FROM waves": "aborted_for_rewind"},
        trees=3,
    ),
    "undo": Race(
        stages.cleaned,
        ("undo --apply --reason soak",),
        counted("restored"),
        frozenset({NOTHING}),
        {_EVENTS.format("undone"): 1},
        trees=3,
    ),
    "approve-reject": Race(
        stages.collected,
        ("approve --ids {finding} --reason yes", "reject --ids {finding} --reason no"),
        always,
        frozenset(),
        {
            "SELECT count(*) FROM events WHERE kind = 'finding_decided' AND reason IN ('yes', 'no')"
            " AND from_state = to_state": 0,
            # Whoever came last is who the finding says it is.
            "SELECT decision_reason = (SELECT reason FROM events WHERE reason IN ('yes', 'no') ORDER BY seq DESC"
            " LIMIT 1) FROM findings WHERE decision != 'open'": 1,
        },
        winners=0,
    ),
    "init": Race(
        stages.drafted,
        ("init . --new",),
        always,
        frozenset(),
        {"SELECT count(*) - {n} FROM runs": 1, "SELECT count(DISTINCT save_point_tag) - {n} FROM runs": 1},
        winners=0,
    ),
    "first-init": Race(
        stages.repository,
        ("init . --new",),
        always,
        frozenset(),
        {
            "SELECT count(*) - {n} FROM runs": 0,
            "SELECT value FROM kv WHERE key = 'schema_version'": str(SCHEMA_VERSION),
        },
        winners=0,
        at_once=(16,),
    ),
    "migrate": Race(
        stages.old,
        ("runs", "status", "ledger verify"),
        always,
        frozenset(),
        {"SELECT value FROM kv WHERE key = 'schema_version'": str(SCHEMA_VERSION)},
        winners=0,
        at_once=(16,),
        unsound=upgraded,
    ),
    "lease": Race(
        stages.frozen,
        (
            "lease grant --domain docs --file src/part_0.py --reason soak",
            "lease grant --domain rest --file src/part_0.py --reason soak",
        ),
        counted("changed"),
        frozenset({NOTHING}),
        {"SELECT count(*) FROM leases": 2, _EVENTS.format("lease_decided"): 2},
        winners=2,
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*RACES, []], metavar="RACE", help=", ".join(RACES))
    parser.add_argument("--count", type=int, default=ROUNDS, help="rounds of each race")
    parser.add_argument("--processes", type=int, help="how many race; else 2 and 8, or 16")
    options, _ = parser.parse_known_args()
    with folder() as made:
        stage = Stage(made)
        held = [
            run_race(stage, name, at_once, max(1, options.count))
            for name in options.names or RACES
            for at_once in ([options.processes] if options.processes else RACES[name].at_once)
        ]
    return int(not all(held))


def run_race(stage: Stage, name: str, at_once: int, count: int) -> bool:
    """Run a race some times, and tell its figure."""
    began, race = time.perf_counter(), RACES[name]
    ends: Counter[str] = Counter()
    problems: list[str] = []
    for _ in range(count):
        stage.bring(race.stage)
        answers = together(stage.root, _calls(stage, race, at_once), last=stage.go if race.waits else None)
        labels = [_label(race, answer) for answer in answers]
        ends.update(labels)
        problems += _problems(stage, race, answers, labels)
    seconds = time.perf_counter() - began
    what = f"{name}, {at_once} at once"
    facts = {"rounds": count, "ends": dict(sorted(ends.items())), "seconds": seconds}
    return tell("races", what, holds=not problems, **facts, problems=problems[:5])


def _calls(stage: Stage, race: Race, at_once: int) -> list[list[str]]:
    named = " ".join(race.verbs)
    found = {"run": rows(stage.root, "SELECT id FROM runs ORDER BY rowid DESC")[0][0]} if "{run}" in named else {}
    if "{finding}" in named:
        found["finding"] = rows(stage.root, "SELECT finding_id FROM findings ORDER BY id")[0][0]
    return [race.verbs[number % len(race.verbs)].format(**found).split() for number in range(at_once)]


def _label(race: Race, answer: Answer) -> str:
    if answer.problem or not answer.is_done:
        return answer.code or "problem"
    return WON if race.has_won(answer) else NOTHING


def _problems(stage: Stage, race: Race, answers: list[Answer], labels: list[str]) -> list[str]:
    found = [f"{answer.problem}: {answer}" for answer in answers if answer.problem]
    found += [
        f"not expected: {answer}"
        for answer, label in zip(answers, labels, strict=True)
        if label != WON and label not in race.losers and not answer.problem
    ]
    winners = labels.count(WON)
    if race.winners >= 0 and winners != (race.winners or len(answers)):
        found.append(f"{winners} have won")
    for statement, wanted in race.after.items():
        got = rows(stage.root, statement.format(n=len(answers)))
        if [value for (value,) in got] != [wanted]:
            found.append(f"{statement}: {got}, and not {wanted}")
    if race.trees is not None:
        trees, branches = trees_of(stage.root), branches_of(stage.root)
        if (len(trees), len(branches)) != (race.trees, race.trees):
            found.append(f"{len(trees)} trees, {len(branches)} branches")
    return found + race.unsound(stage.root)


if __name__ == "__main__":
    sys.exit(main())
