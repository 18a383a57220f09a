"""From a claimed fix to the next phase by what `status` names, and never in a circle."""

import json
import shlex
from typing import Any, NamedTuple

import pytest

from tests.cli.scenes.merge_team import NAME, STEP, TITLE, Team
from tests.cli.scenes.second_look import CLOSE
from tests.conftest import SOURCE

GUARD = SOURCE["src/app.py"].replace("def load(", "check_all()\n\n\ndef load(")
MENDED = SOURCE["src/app.py"].replace("def load(path, seen=[]):", "def load(path):")
COMMENTED = SOURCE["src/app.py"].replace("seen=[]):", "seen=[]):  # checked")


class Scene(NamedTuple):
    """What the amend agent writes, what the fix names, and what the audit agent answers afterwards."""

    edits: dict[str, str]
    fix: dict[str, str]
    answer: dict[str, Any]


def walk(team: Team, scene: Scene, load: str, merge: tuple[str, ...]) -> list[str]:
    """Follow `status` until the next phase, and return the verbs; a command that is named twice is a circle."""
    done: list[str] = []
    while True:
        assessed = team.swarm("status", team.run, "--format", "json").data
        words = shlex.split(assessed["assessment"]["nextAction"])[1:]
        if assessed["run"]["status"] == "health-audit-b":
            return [line.split()[0] for line in done]
        line = " ".join(words)
        assert line not in done or words[0] in {"launch", "collect", "advance"}, [*done, line]
        done.append(line)
        match words[0]:
            case "launch":
                _play(team, scene, load)
            case "merge" if "--publish" not in words:
                team.merge(*merge)
            case _:
                team.swarm(*words, exit=None)


def _play(team: Team, scene: Scene, load: str) -> None:
    ((wave, phase),) = team.rows("SELECT number, phase FROM waves ORDER BY number DESC LIMIT 1")
    if phase == "health-amend-a":
        team.edit("code", scene.edits, wave=wave)
        team.answer("code", load, wave=wave, fix=scene.fix)
        team.answer("rest", wave=wave)
        return
    team.place.answer("code", NAME, wave=wave, **scene.answer)
    team.place.answer("rest", TITLE, wave=wave)


def state(team: Team, finding: str) -> tuple[Any, ...]:
    (found,) = team.rows("SELECT status, evidence FROM findings WHERE finding_id = ?", finding)
    return tuple(found)


def amended(team: Team) -> str:
    load = team.ids()["def load"]
    team.prove_with(STEP)
    others = [found for quote, found in team.ids().items() if quote != "def load"]
    team.swarm("defer", team.run, "--ids", ",".join(others), "--reason", "later")
    team.dispatch()
    return load


PUBLISHED, APART = ("--publish",), ()


@pytest.mark.parametrize("merge", [PUBLISHED, APART], ids=["published", "apart"])
def test_a_proved_claim_goes_straight_to_the_next_phase(team: Team, merge: tuple[str, ...]) -> None:
    load = amended(team)
    verbs = walk(team, Scene({"src/app.py": MENDED}, {}, {}), load, merge)
    assert state(team, load) == ("fixed", "anchor")
    assert verbs[:4] == ["launch", "collect", "merge", "verify"]


@pytest.mark.parametrize("merge", [PUBLISHED, APART], ids=["published", "apart"])
def test_an_honest_fix_on_another_line_is_fixed_once_its_finder_confirms(team: Team, merge: tuple[str, ...]) -> None:
    load = amended(team)
    confirmed = {"confirmed": [{"finding_id": load, "quote": "check_all()", "file": "src/app.py"}]}
    walk(team, Scene({"src/app.py": GUARD}, {}, confirmed), load, merge)
    assert state(team, load) == ("fixed", "confirmed")
    team.swarm("verify", team.run, "--threshold", "0")


def test_an_honest_fix_in_another_file_is_fixed_once_its_finder_confirms(team: Team) -> None:
    load = amended(team)
    answer = {"confirmed": [{"finding_id": load, "quote": "    check(1)", "file": "src/tool.py"}]}
    tool = SOURCE["src/tool.py"].replace("def run():\n", "def run():\n    check(1)\n")
    walk(team, Scene({"src/tool.py": tool}, {"file": "src/tool.py"}, answer), load, PUBLISHED)
    assert state(team, load) == ("fixed", "confirmed")
    prompt = (team.place.folder / team.run / "wave-3/code.md").read_text()
    (asked,) = [json.loads(line) for line in prompt.splitlines() if line.startswith('{"id"') and load in line]
    assert (asked["claimed_fixed"], asked["fix_in"]) == (
        "report it again if it still holds; if it is gone, list it in confirmed with a quote",
        "src/tool.py",
    )


@pytest.mark.parametrize("merge", [PUBLISHED, APART], ids=["published", "apart"])
def test_an_unproved_claim_stays_open_and_status_leads_on(team: Team, merge: tuple[str, ...]) -> None:
    load = amended(team)
    walk(team, Scene({"src/app.py": COMMENTED}, {}, {}), load, merge)
    status, evidence = state(team, load)
    assert (status, evidence) == ("approved", None)


@pytest.mark.parametrize(
    ("answer", "becomes"),
    [
        ({"confirmed": [{"quote": "check_all()"}]}, ("fixed", "confirmed")),
        ({}, ("fixed", "operator")),
    ],
)
def test_what_was_closed_on_a_word_is_asked_about_again(
    team: Team, answer: dict[str, Any], becomes: tuple[str, str]
) -> None:
    load = team.ids()["def load"]
    team.swarm("close", "--ids", load, *CLOSE, "independent")
    team.prove_with(STEP)
    team.repo.commit({"src/app.py": GUARD})
    team.dispatch()
    said = {"confirmed": [{"finding_id": load, **item} for item in answer.get("confirmed", ())]}
    name = team.ids()["    return undefined_name".strip()]
    guarded = GUARD.replace("    return undefined_name", "    return 1")
    walk(team, Scene({"src/app.py": guarded}, {}, said), name, PUBLISHED)
    assert state(team, load) == becomes
