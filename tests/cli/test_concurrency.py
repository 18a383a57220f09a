"""Many processes at once: a smaller version of what `make soak` runs for longer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.sweep

SOAK = Path(__file__).parents[2] / "soak"
WON = "won"


# How many of four win; what the others may be told is in the race itself, which names whatever else it meets.
RACES = {
    "dispatch": 1,
    "launch": 1,
    "collect": 1,
    "advance": 1,
    "merge": 1,
    "resume": 1,
    "clean": 1,
    "rewind": 1,
    "undo": 1,
    "approve-reject": 4,
    "init": 4,
    "first-init": 4,
    "migrate": 4,
    "lease": 2,
}


def figures(tmp_path: Path, script: str, *words: str) -> list[dict[str, Any]]:
    """Run a soak, and return the figures that it tells."""
    done = subprocess.run(
        [sys.executable, SOAK / f"{script}.py", *words],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(SOAK.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [problem for item in events for problem in item["problems"]] == []
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.glob("swarm-*")) == []
    return events


def test_of_four_that_do_the_same_at_once_one_wins_and_the_others_get_the_reason(tmp_path: Path) -> None:
    """One process for all races: most of the time goes into importing everything before they begin."""
    found = figures(tmp_path, "races", *RACES, "--count", "1", "--processes", "4")
    assert [item["what"] for item in found] == [f"{race}, 4 at once" for race in RACES]
    assert [item["ends"].pop(WON) for item in found] == list(RACES.values())
    assert [sum(item["ends"].values()) for item in found] == [4 - winners for winners in RACES.values()]


def test_a_rewind_and_a_merge_at_once_leave_nothing_of_the_merge(tmp_path: Path) -> None:
    (found,) = figures(tmp_path, "races", "merge-rewind", "--count", "1", "--processes", "2")
    assert found["ends"] in ({WON: 2}, {WON: 1, "MERGE_NOT_READY": 1})


def test_every_acknowledged_write_of_six_processes_at_once_is_there_exactly_once(tmp_path: Path) -> None:
    (found,) = figures(tmp_path, "concurrency", "--seed", "5", "--processes", "6", "--seconds", "4")
    assert (found["processes"], found["lost"]) == (6, 0)
    assert found["acknowledged"] > 0


def test_worktrees_come_and_go_beside_somebody_who_holds_gits_locks(tmp_path: Path) -> None:
    (found,) = figures(tmp_path, "rounds", "index", "--count", "1")
    assert found["ends"] == {"clean 0": 1, "dispatch 0": 1, "rewind 0": 1}
    assert (found["trees"], found["failures"]) == (12, 0)
