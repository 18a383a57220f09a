"""`swarm merge` onto a red target: what a wave fixes or does not worsen is published, and nothing is built twice."""

import json
from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.merged import states
from tests.cli.scenes.shared_files import team_of_two, work
from tests.conftest import Answer, Repo, Swarm
from tests.sweeping import swept

# Each file of checks holds `name ok` or `name bad`: an own runner, which prints as pytest does.
RUNNER = """import pathlib, sys
open(sys.argv[1], "a").write("x")
checks = [line.split() for file in sorted(pathlib.Path("checks").iterdir()) for line in open(file)]
bad = [name for name, state in checks if state == "bad"]
for name in bad:
    print(FORM % name)
print(f"Ran {len(checks)} tests in 0.01s")
sys.exit(bool(bad))
"""
PYTEST = '"FAILED tests/test_a.py::%s - no"'
SILENT = '"" % () + "%.0s"'


def steps(log: Path, kind: str = "test") -> str:
    argv = json.dumps(["python3", "run.py", str(log)])
    told = f'[[verify.steps]]\nname = "t"\nkind = "{kind}"\nargv = {argv}\n'
    return told + ("count_pattern = 'Ran (\\d+) tests'\n" if kind == "test" else "")


class Runs:
    """Counts how often the suite ran."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._seen = 0

    def since(self) -> int:
        count = len(self.log.read_text()) if self.log.exists() else 0
        self._seen, seen = count, self._seen
        return count - seen


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


def team_with(swarm: Swarm, repo: Repo, folder: Path, runs: Runs, a: str, b: str, form: str = PYTEST) -> Team:
    repo.commit({"run.py": RUNNER.replace("FORM", form), "checks/a": a, "checks/b": b})
    return team_of_two(swarm, repo, folder, steps(runs.log))


def told(answer: Answer) -> tuple[str, list[str], str]:
    error = answer.document["error"]
    return error["code"], error["culprits"], error["message"].partition(": ")[2]


def test_who_worsens_a_red_target_is_named_and_the_rest_is_published(
    swarm: Swarm, repo: Repo, tmp_path: Path, runs: Runs
) -> None:
    team = team_with(swarm, repo, tmp_path, runs, "a bad\n", "b ok\n")
    work(team, {"checks/a": "a ok\n"}, {"checks/b": "b bad\n"})
    refused = team.merge(exit=1)
    assert told(refused) == ("MERGE_GATE_FAILED", ["rest"], "fail; step t ended failed; by the work of rest")
    # All twice, the target twice, code alone.
    assert runs.since() == 5
    answer = team.merge("--drop-culprits", "--publish")
    assert (states(answer), runs.since()) == ({"code": "merged", "rest": "dropped"}, 0)
    assert (answer.data["gate"]["verdict"], answer.data["gate"]["accepted"]) == ("pass", None)


def test_a_wave_that_turns_a_red_target_green_is_published(
    swarm: Swarm, repo: Repo, tmp_path: Path, runs: Runs
) -> None:
    team = team_with(swarm, repo, tmp_path, runs, "a bad\n", "b bad\n")
    work(team, {"checks/a": "a ok\n"}, {"checks/b": "b ok\n"})
    # The merged tree once, and the red target twice for the tests that it has.
    assert (team.merge("--publish").data["gate"]["verdict"], runs.since()) == ("pass", 3)


@pytest.mark.parametrize("code", swept(["a bad\n", "a ok\n"]))
def test_a_wave_that_does_not_worsen_a_red_target_is_published_as_no_worse(
    swarm: Swarm, repo: Repo, tmp_path: Path, runs: Runs, code: str
) -> None:
    team = team_with(swarm, repo, tmp_path, runs, "a bad\n", "b bad\n")
    tip = repo.head
    work(team, {"checks/a": code, "notes": "new\n"}, {"README.md": "# The project\n"})
    answer = team.swarm("merge", "--publish")
    assert "Build: fail by configured, no worse than the target" in answer.out.splitlines()
    assert team.rows("SELECT verdict, exit_code, accepted, reason FROM verifications") == [
        ("fail", 0, "no_worse", f"t is no worse than in {tip[:12]}")
    ]
    assert team.merge("--publish").data["summary"] == "Nothing to merge: everything is merged already."


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("rest", "words"), [("", "fewer tests"), ("b bad\nc bad\n", "another failure"), ("not two words of\n", "no count")]
)
def test_fewer_tests_other_failures_and_a_runner_that_breaks_off_are_worse(
    swarm: Swarm, repo: Repo, tmp_path: Path, runs: Runs, rest: str, words: str
) -> None:
    team = team_with(swarm, repo, tmp_path, runs, "a bad\n", "b bad\n")
    work(team, {"notes": "new\n"}, {"checks/b": rest})
    assert told(team.merge(exit=1))[1] == ["rest"], words


def test_an_analyzer_is_compared_by_its_counts(swarm: Swarm, repo: Repo, tmp_path: Path, runs: Runs) -> None:
    repo.commit({"run.py": RUNNER.replace("FORM", '"a.py:1:1: E501 %s"'), "checks/a": "a bad\n", "checks/b": "b ok\n"})
    tests = '[[verify.steps]]\nname = "u"\nkind = "test"\nargv = ["echo", "1 ran"]\ncount_pattern = \'(\\d+) ran\'\n'
    team = team_of_two(swarm, repo, tmp_path, steps(runs.log, "lint") + tests)
    work(team, {"checks/a": "moved bad\n"}, {"checks/b": "b bad\n"})
    assert told(team.merge(exit=1))[1] == ["rest"]
    answer = team.merge("--drop-culprits")
    assert (answer.data["gate"]["accepted"], answer.data["dropped"]) == ("no_worse", ["rest"])


@pytest.mark.sweep
def test_a_step_that_names_no_failure_is_compared_by_its_words(
    swarm: Swarm, repo: Repo, tmp_path: Path, runs: Runs
) -> None:
    team = team_with(swarm, repo, tmp_path, runs, "a bad\n", "b bad\n", '"broken: %s"')
    work(team, {"notes": "new\n"}, {"checks/b": "other bad\n"})
    code, culprits, message = told(team.merge(exit=1))
    assert (code, culprits) == ("MERGE_GATE_FAILED", [])
    assert message == (
        "fail; step t ended failed; the target is red without the wave, too; t does not name what fails, which nobody "
        "can compare"
    )
    assert team.merge("--drop", "rest").data["gate"]["accepted"] == "no_worse"


@pytest.mark.sweep
def test_a_red_commit_is_tried_once_more_by_a_merge_that_drops_nobody(
    swarm: Swarm, repo: Repo, tmp_path: Path, runs: Runs
) -> None:
    team = team_with(swarm, repo, tmp_path, runs, "a ok\n", "b ok\n")
    work(team, {"checks/a": "a ok\nc ok\n"}, {"checks/b": "b bad\n"})
    team.merge(exit=1)
    assert runs.since() == 4
    assert (told(team.merge(exit=1))[1], runs.since()) == (["rest"], 1)


@pytest.mark.sweep
def test_what_steers_the_gate_or_its_variables_asks_for_new_builds(
    swarm: Swarm, repo: Repo, tmp_path: Path, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = team_with(swarm, repo, tmp_path, runs, "a ok\n", "b ok\n")
    work(team, {"checks/a": "a ok\nc ok\n"}, {"checks/b": "b bad\n"})
    team.merge(exit=1)
    runs.since()
    team.prove_with(steps(runs.log) + "[verify]\ntimeout_seconds = 100\n")
    team.merge("--drop-culprits", "--drop", "code", exit=1)
    assert runs.since() == 3
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    team.merge("--drop-culprits", "--drop", "code", exit=1)
    assert runs.since() == 3
