"""Commands that were broken off: `status`, `doctor` and hints name the call that completes them, while it can."""

import shlex

import pytest

from tests.cli.scenes.merge_team import Team
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

WHY = ("--apply", "--reason", "a wrong way")


def assessed(team: Team) -> dict[str, object]:
    found: dict[str, object] = team.swarm("status", team.run, "--format", "json").data["assessment"]
    return found


def told_by_the_doctor(team: Team) -> tuple[str, str | None]:
    checks = team.swarm("doctor", "--format", "json").data["checks"]
    found = next(check for check in checks if check["id"] == "rewinds")
    return found["status"], found["hint"]


def follow(team: Team) -> None:
    line = str(assessed(team)["nextAction"]).replace("'…'", "again")
    team.swarm(*shlex.split(line)[1:])


@pytest.fixture
def moved(team: Team, amended: Team) -> Team:
    """A collected wave, and three commits since the run began."""
    for number in range(3):
        team.repo.commit({"log.txt": f"{number}\n"})
    return team


def kill(team: Team, swarm_process: Swarm, *words: str, at: str = "commit.before:2") -> None:
    swarm_process("rewind", *words, *WHY, exit=-9, SWARM_FAILPOINT=at)


def test_the_call_names_the_commit_and_not_what_the_word_means_by_now(moved: Team, swarm_process: Swarm) -> None:
    wanted = moved.repo.git("rev-parse", "HEAD~1")
    kill(moved, swarm_process, "HEAD~1", "--force-arbitrary-ref")
    line = f"swarm rewind {wanted} --force-arbitrary-ref"
    assert assessed(moved) == {
        "state": "BLOCKED",
        "blockers": [f"`{line}` was begun and is not finished; `swarm undo {moved.run}` takes it back"],
        "nextAction": f"{line} --apply --reason '…'",
    }
    ends = f"`{line} --apply --reason '…'` ends it; `swarm undo {moved.run}` takes it back"
    assert told_by_the_doctor(moved) == ("warn", ends)
    follow(moved)
    assert moved.repo.head == wanted
    assert "rewind" not in str(assessed(moved))
    assert told_by_the_doctor(moved) == ("pass", None)


def test_what_was_saved_by_force_is_continued_by_force(moved: Team, swarm_process: Swarm) -> None:
    moved.repo.write({"README.md": "# Mine\n"})
    kill(moved, swarm_process, moved.run, "--force")
    assert str(assessed(moved)["nextAction"]).endswith(" --force --apply --reason '…'")
    follow(moved)
    assert assessed(moved)["state"] == "NO WAVE"


def test_what_happens_in_the_run_meanwhile_does_not_hide_it(moved: Team, swarm_process: Swarm) -> None:
    kill(moved, swarm_process, moved.run)
    moved.swarm("reject", "--ids", moved.ids()["# A project"], "--reason", "none")
    assert assessed(moved)["state"] == "BLOCKED"
    assert told_by_the_doctor(moved)[0] == "warn"


@pytest.mark.parametrize("at", swept(["commit.after", "commit.before:2"]))
def test_a_run_that_has_continued_since_is_not_asked_to_go_back(moved: Team, swarm_process: Swarm, at: str) -> None:
    kill(moved, swarm_process, moved.run, at=at)
    moved.repo.commit({"later.txt": "later\n"})
    assert "rewind" not in str(assessed(moved))
    assert told_by_the_doctor(moved) == ("pass", None)


def test_it_can_be_taken_back_instead(moved: Team, swarm_process: Swarm) -> None:
    head = moved.repo.head
    kill(moved, swarm_process, moved.run)
    assert moved.repo.head != head
    moved.swarm("undo", moved.run, *WHY)
    assert moved.repo.head == head
    assert "rewind" not in str(assessed(moved))


def test_the_call_of_an_older_run_is_not_named_where_it_would_be_taken_for_the_newer_one_s(
    moved: Team, swarm_process: Swarm
) -> None:
    kill(moved, swarm_process, "HEAD~1", "--force-arbitrary-ref")
    moved.swarm("init", ".", "--new")
    assert "rewind" not in str(assessed(moved))


def test_a_wave_in_flight_whose_git_folder_was_changed_is_left_behind_by_collecting_it(
    swarm: Swarm, dispatched: Workspace, repo: Repo
) -> None:
    (dispatched.folder / "swarm.toml").write_text('[runtimes.no]\nkind = "command"\nargv = ["false"]\n')
    swarm("launch", "--runtime", "no", exit=3)
    repo.git("config", "core.hooksPath", "elsewhere")
    error = swarm("resume", "--apply", "--reason", "again", "--format", "json", exit=1).document["error"]
    assert (error["code"], error["behind"]) == ("WAVE_GIT_FOLDER_CHANGED", f"swarm collect {dispatched.run}")
    swarm("collect", dispatched.run, exit=1)
    action = swarm("status", "--format", "json").data["assessment"]["nextAction"]
    assert action == f"swarm dispatch {dispatched.run} health-audit-a --isolate"
    swarm("dispatch", dispatched.run, "health-audit-a", "--isolate")
