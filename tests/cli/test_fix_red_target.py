"""`swarm fix` where a step is red before any fix, and on top of what an earlier fix has merged."""

import pytest

from tests.cli.scenes import merge_team
from tests.cli.scenes.fixing import Fixing
from tests.conftest import SOURCE

# Each line of src/app.py counts as a test, so that an agent can take some away.
STEPS = """[[verify.steps]]
name = "lint"
kind = "lint"
argv = ["sh", "-c", "! grep -rn undefined_name src | sed 's/:.*/:1:1: F821 x/' | grep ."]

[[verify.steps]]
name = "lines"
kind = "test"
argv = ["sh", "-c", "echo $(wc -l < src/app.py) ran"]
count_pattern = '^(\\d+) ran'
"""
LONGER = merge_team.RETITLED + "More of it.\n" * 9


@pytest.fixture
def fixing(fixing: Fixing) -> Fixing:
    """The same in a repository whose lint step is red, and whose tests pass."""
    file = fixing.place.folder / "swarm.toml"
    file.write_text(file.read_text().replace(merge_team.STEP, STEPS))
    return fixing


def test_a_fix_that_the_tests_prove_is_delivered_where_another_step_is_as_red_as_before(fixing: Fixing) -> None:
    data = fixing.fix(fixing.ids()["def load"], "--runtime", "played").data
    proof = data["proof"]
    assert (data["stoppedAt"], data["branch"], proof["isProved"]) == (None, fixing.branch, True)
    assert (proof["build"]["verdict"], proof["build"]["accepted"]) == ("fail", "no_worse")
    note = "red without this work, too, and no worse with it: lint; the tests pass"
    assert proof["note"] == note
    answer = fixing.swarm("verify", "--format", "json")
    assert (answer.data["exitCode"], answer.data["accepted"], answer.data["note"]) == (0, "no_worse", note)
    assert answer.data["reason"] == f"lint is no worse than in {fixing.repo.head[:12]}"
    lines = fixing.swarm("verify").out.splitlines()
    assert "Build: fail by configured, no worse than the target" in lines
    assert next(line for line in lines if "Receipt" in line).startswith("✓ Verified.")
    shown = fixing.swarm("status").out
    assert "passed (build fail, no worse than before)" in shown
    assert fixing.fix("--publish").data["published"] is True


def test_a_fix_that_makes_the_red_step_worse_is_refused(fixing: Fixing) -> None:
    worse = f"{merge_team.MENDED}\n\nundefined_name\n"
    fixing.plays({"code": {"src/app.py": worse}})
    answer = fixing.fix(fixing.ids()["def load"], "--runtime", "played", exit=1)
    assert (answer.code, answer.document["error"]["culprits"]) == ("MERGE_GATE_FAILED", ["code"])


def test_tests_that_get_lost_are_named_beside_a_step_that_was_red_before(fixing: Fixing) -> None:
    lines = SOURCE["src/app.py"].count("\n")
    lost = f"{lines} → {lines - 1} tests"
    fixing.plays({"code": {"src/app.py": merge_team.MENDED.partition("\n")[2]}})
    answer = fixing.fix(fixing.ids()["def load"], "--runtime", "played", exit=1)
    assert (answer.code, answer.document["error"]["verdict"]) == ("MERGE_GATE_FAILED", "fewer_tests")
    assert lost in answer.document["error"]["message"]
    data = fixing.fix("--runtime", "played", "--accept", "fewer_tests", "--reason", "Short").data
    assert (data["proof"]["isProved"], data["proof"]["build"]["accepted"]) == (True, "fewer_tests")
    assert f"{lost}, accepted" in data["proof"]["note"]


def test_a_second_fix_begins_on_what_the_first_one_merged(fixing: Fixing) -> None:
    fixing.plays({"code": {"src/app.py": merge_team.MENDED}, "rest": {"README.md": LONGER}})
    first = fixing.fix(fixing.ids()["def load"], "--runtime", "played").data
    second = fixing.fix(fixing.ids()["# A project"], "--runtime", "played").data
    begun = dict(fixing.rows("SELECT number, dispatch_sha FROM waves"))
    assert (begun[2], begun[3]) == (fixing.repo.head, first["fixedCommit"])
    assert not any("HEAD does not have" in note for note in second["notes"])
    assert fixing.repo.git("show", f"{fixing.branch}:src/app.py") == merge_team.MENDED.rstrip()
    assert fixing.repo.git("show", f"{fixing.branch}:README.md") == LONGER.rstrip()


def test_a_fix_begins_on_head_where_head_went_on_beside_what_was_merged(fixing: Fixing) -> None:
    fixing.plays({"code": {"src/app.py": merge_team.MENDED}, "rest": {"README.md": LONGER}})
    first = fixing.fix(fixing.ids()["def load"], "--runtime", "played").data
    fixing.repo.commit({"other.txt": "Of another branch.\n"})
    second = fixing.fix(fixing.ids()["# A project"], "--runtime", "played", exit=None).data
    assert dict(fixing.rows("SELECT number, dispatch_sha FROM waves"))[3] == fixing.repo.head
    lacks = f"HEAD does not have what was merged ({first['fixedCommit'][:12]})"
    assert any(note.startswith(lacks) for note in second["notes"])
