"""The gate of `swarm merge`: red is tried again, then traced to whose work it is; nothing red is published."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import RETITLED, STEP, Team
from tests.cli.scenes.merged import checkout, lasting, left_behind, states, tips, tree_of
from tests.cli.scenes.snapshots import block_of
from tests.conftest import SOURCE, Answer, Repo, Swarm, Workspace
from tests.sweeping import swept

BROKEN = "# BROKEN\n"


def step(script: str, *, kind: str = "test", pattern: str = r"^(\d+) ran") -> str:
    """Return a swarm.toml whose one step is a line of shell."""
    expected = f'[[verify.steps]]\nname = "check"\nkind = "{kind}"\nargv = ["sh", "-c", {json.dumps(script)}]\n'
    return expected + (f"count_pattern = '{pattern}'\n" if kind == "test" else "")


def builds(answer: Answer) -> int:
    return sum(event["stage"] == "build_started" for event in answer.events)


@pytest.fixture
def many(swarm: Swarm, repo: Repo, tmp_path: Path) -> Team:
    """Six agents, each with a file of its own to write."""
    names = "abcdef"
    repo.commit({f"src/{name}.py": f"{name} = 1\n" for name in names})
    mapped = tmp_path / "map.json"
    mapped.write_text(json.dumps([{"name": name, "globs": [f"src/{name}.py"]} for name in names]))
    run = swarm("init", ".", "--domains-from", mapped, "--format", "json").data["runId"]
    swarm("domains", "--freeze")
    team = Team(swarm, repo, Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db"))
    team.prove_with(STEP)
    swarm("dispatch", "health-audit-a")
    for name in names:
        team.place.answer(name, {"file": f"src/{name}.py", "line": 1, "quote": f"{name} = 1"})
    swarm("collect")
    swarm("approve", "--all")
    team.dispatch()
    return team


def write(team: Team, **files: str) -> None:
    """Let each of the six write its file and say that it has mended its finding; collect."""
    ids = team.ids()
    for name in "abcdef":
        if name in files:
            team.edit(name, {f"src/{name}.py": files[name]})
        team.answer(name, *((ids[f"{name} = 1"],) if name in files else ()))
    team.swarm("collect")


def test_what_is_red_once_and_green_when_tried_again_is_reported_as_flaky(
    team: Team, amended: Team, tmp_path: Path
) -> None:
    team.prove_with(step(f"test -e {tmp_path}/mark && echo 1 ran || {{ touch {tmp_path}/mark; exit 1; }}"))
    answer = team.merge()
    # The third build is that of the target, for the tests that it has.
    assert (answer.data["gate"]["verdict"], answer.data["gate"]["flaky"], builds(answer)) == ("pass", True, 3)


def test_that_it_was_flaky_is_reported_in_the_text(team: Team, amended: Team, tmp_path: Path) -> None:
    team.prove_with(step(f"test -e {tmp_path}/mark && echo 1 ran || {{ touch {tmp_path}/mark; exit 1; }}"))
    lines = team.swarm("merge").out.splitlines()
    assert "Build: pass by configured, red once and green when tried again" in lines


def test_whose_work_is_red_is_named_and_nothing_is_published(many: Team) -> None:
    write(many, a="a = 2\n", b=BROKEN, c="c = 2\n", d="d = 2\n", e="e = 2\n", f="f = 2\n")
    before, state, main = checkout(many.repo.root), lasting(many), tips(many.repo)["main"]
    answer = many.swarm("merge", "--publish", exit=1)
    lines = block_of(answer).splitlines()
    log = Path(lines[1].removeprefix("  Path: "))
    assert log.parent.parent == many.place.folder / many.run / "proofs"
    commit = log.parent.name.removeprefix("0002-")
    assert lines[0] == (
        f"ERROR [MERGE_GATE_FAILED]: The merge of wave 2 is not proved in commit {commit}: fail; "
        "step check ended failed; by the work of b"
    )
    assert lines[2:] == [
        *(f"    │ {line}" for line in (log / "stdout.log").read_text().splitlines()[-8:]),
        *(f"    │ {line}" for line in (log / "stderr.log").read_text().splitlines()[-8:]),
        f"  Next: `swarm merge {many.run} --publish --drop-culprits` leaves b out",
        f"  Run: {many.run}",
    ]
    assert (checkout(many.repo.root), lasting(many), tips(many.repo)["main"]) == (before, state, main)
    assert many.integration not in tips(many.repo)
    assert [event["domain"] for event in answer.events if event["stage"] == "merge_culprit"] == ["b"]
    assert left_behind(many) == []


def test_culprits_are_left_out_on_demand_and_the_rest_is_published(many: Team) -> None:
    write(many, a="a = 2\n", b=BROKEN, c="c = 2\n", e=BROKEN, f="f = 2\n")
    answer = many.merge("--drop-culprits", "--publish")
    assert answer.data["dropped"] == ["b", "e"]
    assert states(answer) == {
        "a": "merged",
        "b": "dropped",
        "c": "merged",
        "d": "nothing",
        "e": "dropped",
        "f": "merged",
    }
    kept = {f"src/{name}.py": f"{name} = {2 if name in 'acf' else 1}\n" for name in "abcdef"}
    assert tree_of(many, "main") == SOURCE | kept
    ids = many.ids()
    assert answer.data["fixed"] == sorted(ids[f"{name} = 1"] for name in "acf")
    assert {name: many.status_of(ids[f"{name} = 1"]) for name in "be"} == {"b": "approved", "e": "approved"}
    assert many.file_at(many.branch("b"), "src/b.py") == BROKEN.strip()
    assert [(row[4], row[5]) for row in lasting(many)["merges"]] == [('["a", "c", "f"]', '["b", "e"]')]
    again = many.merge(exit=1)
    assert again.document["error"]["culprits"] == ["b", "e"]


def test_two_that_are_red_only_together_cost_one_of_them(many: Team) -> None:
    many.prove_with(step("grep -qs LEFT src/a.py && grep -qs RIGHT src/e.py && exit 1; echo 1 ran"))
    write(many, a="LEFT = 1\n", c="c = 2\n", e="RIGHT = 1\n")
    answer = many.merge("--drop-culprits")
    assert answer.data["dropped"] == ["e"]
    assert many.file_at(many.integration, "src/a.py") == "LEFT = 1"


def test_when_all_of_a_wave_is_red_nothing_is_merged(team: Team, amended: Team) -> None:
    team.prove_with(step("grep -q seen=None src/app.py && exit 1; test -e README.md && echo 1 ran"))
    state, main = lasting(team), tips(team.repo)["main"]
    error = team.merge("--drop", "rest", "--drop-culprits", "--publish", exit=1).document["error"]
    assert (error["code"], error["culprits"]) == ("MERGE_GATE_FAILED", ["code"])
    assert error["hint"].startswith("without them nothing is left to merge")
    assert (lasting(team), tips(team.repo)["main"]) == (state, main)
    assert team.integration not in tips(team.repo)


def test_when_all_that_is_new_is_red_what_was_merged_before_stays_and_can_be_published(
    team: Team, amended: Team
) -> None:
    team.prove_with(step("grep -q seen=None src/app.py && exit 1; echo 1 ran"))
    first = team.merge("--drop-culprits")
    assert first.data["dropped"] == ["code"]
    state = lasting(team)
    again = team.merge("--drop-culprits")
    assert (again.data["commit"], again.data["dropped"]) == (None, ["code"])
    assert again.data["summary"] == "Nothing to merge: what is left breaks the build: code."
    assert lasting(team) == state
    published = team.merge("--drop-culprits", "--publish")
    assert (published.data["commit"], published.data["dropped"]) == (first.data["commit"], ["code"])
    assert tree_of(team, "main") == SOURCE | {"README.md": RETITLED}
    state = lasting(team)
    assert team.merge("--drop-culprits", "--publish").data["commit"] is None
    assert lasting(team) == state


def test_after_the_target_has_moved_on_there_is_still_nothing_but_what_breaks_the_build(
    team: Team, amended: Team
) -> None:
    team.prove_with(step("grep -q seen=None src/app.py && exit 1; echo 1 ran"))
    team.merge("--publish", "--drop-culprits")
    team.repo.commit({"docs/later.md": "later\n"})
    state, head = lasting(team), team.repo.head
    answer = team.merge("--publish", "--drop-culprits")
    assert (answer.data["commit"], answer.data["dropped"]) == (None, ["code"])
    assert (lasting(team), team.repo.head) == (state, head)


def test_what_an_earlier_wave_has_left_unpublished_is_no_work_of_this_one(team: Team) -> None:
    team.dispatch()
    team.edit("rest", {"README.md": RETITLED})
    team.collect(rest=(team.ids()["# A project"],))
    team.merge()
    team.dispatch()
    team.edit("code", {"src/app.py": BROKEN}, wave=3)
    team.collect(wave=3, code=(team.ids()["def load"],))
    state = lasting(team)
    error = team.merge("--drop-culprits", exit=1).document["error"]
    assert (error["code"], error["culprits"]) == ("MERGE_GATE_FAILED", ["code"])
    assert lasting(team) == state


def test_a_target_that_is_red_by_itself_is_nobody_s_fault(team: Team, amended: Team) -> None:
    team.repo.commit({"src/tool.py": BROKEN})
    answer = team.swarm("merge", "--drop-culprits", exit=1)
    lines = block_of(answer).splitlines()
    commit = Path(lines[1].removeprefix("  Path: ")).parent.name[5:]
    assert lines[0] == (
        f"ERROR [MERGE_GATE_FAILED]: The merge of wave 2 is not proved in commit {commit}: fail; step check ended failed; "
        "the target is red without the wave, too; check does not name what fails, which nobody can compare"
    )
    assert lines[2] == (
        f"  Next: fix the target, or say in [verify] of swarm.toml what proves it; then `swarm merge {team.run}`"
    )
    assert [event for event in answer.events if event["stage"] == "merge_culprit"] == []
    assert team.merge(exit=1).document["error"]["culprits"] == []


NO_TESTS = {
    "no step": ("", "skip"),
    "no test step": (step("true", kind="lint"), "no_tests"),
    "no test ran": (step("echo 0 ran"), "no_tests"),
}


@pytest.mark.parametrize("what", swept(NO_TESTS))
def test_without_tests_nothing_is_merged_until_that_is_accepted_for_a_reason(
    swarm: Swarm, repo: Repo, team: Team, amended: Team, what: str
) -> None:
    toml, verdict = NO_TESTS[what]
    if not toml:
        # Nothing fits: no file of Python is left.
        repo.git("rm", "-rq", "src", "tests")
        repo.git("commit", "-qm", "no code")
        team.prove_with("")
        words: tuple[str, ...] = ("--drop", "code")
    else:
        team.prove_with(toml)
        words = ()
    refused = swarm("merge", *words, exit=1)
    lines = block_of(refused).splitlines()
    assert lines[0].startswith("ERROR [MERGE_GATE_FAILED]: The merge of wave 2 is not proved in commit ")
    assert lines[0].endswith(f": {verdict}")
    again = " ".join(("swarm merge", team.run, *words))
    assert f"  Next: `{again} --accept no_tests --reason '…'` takes it without" in lines
    assert builds(refused) == 1
    assert team.integration not in tips(repo)
    assert team.merge(*words, "--accept", "no_tests", "--reason", " ", exit=1).code == "REASON_REQUIRED"
    assert team.merge(*words, "--accept", "no_tests", exit=1).code == "REASON_REQUIRED"
    answer = team.merge(*words, "--accept", "no_tests", "--reason", "docs alone")
    assert (answer.data["gate"]["verdict"], answer.data["gate"]["accepted"]) == (verdict, verdict)
    assert team.rows("SELECT purpose, verdict, exit_code, accepted, reason FROM verifications") == [
        ("merge", verdict, 0, verdict, "docs alone")
    ]
    (event,) = [e for e in swarm("events", "--format", "json").data["events"] if e["kind"] == "verified"]
    assert (event["to"], event["reason"]) == (verdict, "docs alone")


@pytest.mark.parametrize(
    ("toml", "verdict", "ended", "remedy"),
    [
        (step("true"), "unmeasured_tests", "", "fix the target, or say"),
        (
            step("no-such-program-at-all"),
            "tool_missing",
            "; step check ended missing",
            (
                "`--accept no_tests` takes a repository without tests, not one whose tests could not run: install what the "
                "step runs, here or by `setup` under [verify] of swarm.toml, or say"
            ),
        ),
    ],
)
def test_what_is_neither_red_nor_without_tests_is_not_accepted_and_blames_nobody(
    team: Team, amended: Team, toml: str, verdict: str, ended: str, remedy: str
) -> None:
    team.prove_with(toml)
    answer = team.merge("--accept", "no_tests", "--reason", "x", "--drop-culprits", exit=1)
    error = answer.document["error"]
    assert error["message"] == f"The merge of wave 2 is not proved in commit {error['commit']}: {verdict}{ended}"
    assert (error["culprits"], builds(answer), error["hint"].startswith(remedy)) == ([], 1, True)
    assert team.integration not in tips(team.repo)
    shown = team.swarm("status", "--format", "json").data["assessment"]
    assert shown["blockers"][1:] == [error["message"], error["hint"]]
    assert shown["nextAction"] == f"swarm merge {team.run}"
    team.prove_with(STEP)
    team.merge()
    assert len(team.swarm("status", "--format", "json").data["assessment"]["blockers"]) == 1


def test_the_next_command_after_a_refused_merge_is_that_of_the_refusal(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": f"mended = True\n{BROKEN}"})
    team.edit("rest", {"README.md": RETITLED})
    team.collect()
    refused = team.merge(exit=1).document["error"]
    shown = team.swarm("status", "--format", "json").data["assessment"]
    assert shown["blockers"][1:] == [refused["message"], refused["hint"]]
    assert shown["nextAction"] == f"swarm merge {team.run} --drop-culprits"
    team.swarm(*shown["nextAction"].split()[1:])


def test_an_adapter_that_there_is_not_is_reported(team: Team, amended: Team) -> None:
    assert team.merge("--adapter", "cobol", exit=1).code == "BUILD_ADAPTER_UNKNOWN"
    assert left_behind(team) == []


def test_a_real_project_is_proved_by_pytest(team: Team, amended: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    team.prove_with("")
    answer = team.merge()
    gate = answer.data["gate"]
    assert (gate["verdict"], gate["adapter"], gate["testCount"]) == ("pass", "python", 1)
    assert [item["name"] for item in gate["steps"]] == ["pytest"]
