"""Fewer tests than before a wave: `merge` and `verify` name the numbers, and need a reason to accept them."""

import pytest

from tests.cli.scenes.merge_team import STEP, Team
from tests.conftest import SOURCE

# As many tests run as `tests/` has lines with a test.
COUNTED = STEP.replace(
    "! grep -rqs BROKEN src docs README.md && echo 1 ran", "echo $(cat tests/* | grep -c 'def test') ran"
)
THREE = "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n"
ACCEPT = ("--accept", "fewer_tests", "--reason", "They tested what is gone")


@pytest.fixture
def fewer(team: Team) -> Team:
    """Return a wave whose base runs three tests more than what `rest` left of them."""
    team.prove_with(COUNTED)
    team.repo.commit({"tests/test_more.py": THREE})
    team.dispatch()
    team.edit("rest", {"tests/test_more.py": THREE.splitlines()[0] + "\n"})
    team.collect()
    return team


def test_a_merge_with_fewer_tests_is_refused_with_both_numbers_and_who_changed_tests(fewer: Team) -> None:
    error = fewer.merge("--publish", exit=1).document["error"]
    again = f"swarm merge {fewer.run} --publish"
    assert (error["code"], error["verdict"], error["culprits"]) == ("MERGE_GATE_FAILED", "fewer_tests", ["rest"])
    assert error["message"] == (
        f"The merge of wave 2 is not proved in commit {error['commit']}: fewer_tests; 4 → 2 tests; rest changed files of tests"
    )
    assert error["hint"] == f"`{again} --accept fewer_tests --reason '…'` takes it"
    assert fewer.merge("--accept", "fewer_tests", exit=1).code == "REASON_REQUIRED"


def test_fewer_tests_that_a_merge_accepted_are_recorded_and_verify_accepts_them_too(fewer: Team) -> None:
    assert fewer.merge("--publish", *ACCEPT).data["gate"]["accepted"] == "fewer_tests"
    why = "4 → 2 tests; They tested what is gone"
    assert fewer.rows("SELECT accepted, reason FROM verifications") == [("fewer_tests", why)]
    data = fewer.swarm("verify", fewer.run, "--format", "json").data
    assert (data["testCount"], data["baseTestCount"], data["accepted"]) == (2, 4, "fewer_tests")
    assert data["note"] == "4 → 2 tests, accepted"


def test_verify_fails_where_fewer_tests_run_than_before_the_wave_and_the_gate_says_why(team: Team) -> None:
    team.prove_with(COUNTED)
    base = team.repo.commit({"tests/test_more.py": THREE})
    team.swarm("verify", team.run)
    team.dispatch()
    team.edit("code", {"src/app.py": "# rewritten\n"})
    team.collect()
    team.merge("--publish")
    # The same files, with a test less by their surroundings.
    team.prove_with(COUNTED.replace("grep -c 'def test')", "grep -c 'def test' | awk '{print $1 - 1}')"))
    data = team.swarm("verify", team.run, "--format", "json", exit=1).data
    way = f"`swarm verify {team.run} --accept fewer_tests --reason '…'` accepts that"
    assert data["note"] == f"fewer tests than in {base[:12]}: 4 → 3 tests; {way}"
    gates = team.swarm("advance", team.run, "--check-only", "--format", "json", exit=None).data["gates"]
    (gate,) = [gate for gate in gates if gate["name"] == "verification"]
    assert gate["reason"] == "the newest verification of the wave passes its build, but fewer tests ran than before it"
    assert team.swarm("verify", team.run, *ACCEPT, "--format", "json").data["accepted"] == "fewer_tests"


def test_as_many_tests_under_other_names_are_not_fewer(team: Team) -> None:
    team.prove_with(COUNTED)
    team.dispatch()
    team.edit("rest", {"tests/test_app.py": SOURCE["tests/test_app.py"].replace("def test_", "def test_new_")})
    team.collect()
    assert team.merge().data["gate"]["accepted"] is None


def test_a_leased_file_that_another_adapter_would_take_leaves_the_gate_to_the_target_s_adapter(team: Team) -> None:
    team.dispatch()
    lease = ("--domain", "rest", "--file", "package.json", "--reason", "A tool")
    team.swarm("lease", "grant", team.run, *lease)
    team.prove_with("")
    team.edit("rest", {"package.json": '{"scripts": {"test": "echo # tests 5"}}', "setup.txt": "x"})
    team.edit("rest", {"tests/test_app.py": None})
    team.collect()
    error = team.merge(exit=1).document["error"]
    assert (error["code"], error["verdict"]) == ("MERGE_GATE_FAILED", "no_tests")
