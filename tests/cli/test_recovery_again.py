"""Recovery called twice, in turns, or with nothing to recover; a refusal changes nothing."""

from collections.abc import Callable

import pytest

from tests.cli.scenes.merge_team import MENDED, RETITLED, Team
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.test_clean import branches, clean, salvaged, steps, trees
from tests.cli.test_rewind import published, rewind, start_of
from tests.cli.test_undo import undo
from tests.conftest import Swarm

pytestmark = pytest.mark.sweep

WHY = ("--apply", "--reason", "once more")


def sound(team: Team) -> None:
    team.swarm("ledger", "verify")
    checks = team.swarm("doctor", "--format", "json").data["checks"]
    assert {check["id"] for check in checks if check["status"] != "pass"} <= {"disk", "sandbox"}


def test_a_rewind_and_its_undo_in_turns(team: Team, amended: Team) -> None:
    head = published(team)
    for _ in range(2):
        rewind(team, *WHY)
        assert (team.repo.head, team.repo.git("status", "--porcelain")) == (start_of(team), "")
        with nothing_changes(team.repo.root):
            assert rewind(team, *WHY).data["summary"].startswith("Nothing to rewind")
        undo(team, *WHY)
        assert (team.repo.head, team.repo.git("status", "--porcelain"), salvaged(team)) == (head, "", {})
        with nothing_changes(team.repo.root):
            assert undo(team, *WHY).data["summary"] == "Nothing to undo."
    assert (team.repo.root / "src/app.py").read_text() == MENDED
    assert steps(team) == ["rewind_begun", "rewound", "undone"] * 2
    sound(team)


def test_a_clean_and_its_undo_in_turns(team: Team, amended: Team) -> None:
    team.merge()
    before = branches(team.repo), trees(team)
    for _ in range(2):
        clean(team, *WHY)
        assert (branches(team.repo), trees(team)) == ({"main", team.integration}, [])
        with nothing_changes(team.repo.root):
            assert clean(team, *WHY).data["summary"] == "Nothing to clean."
        undo(team, *WHY)
        assert (branches(team.repo), trees(team)) == before
    assert steps(team) == ["clean_begun", "cleaned", "undone"] * 2
    sound(team)


def test_a_clean_then_a_rewind_and_one_undo_takes_back_the_last(team: Team, amended: Team) -> None:
    head = published(team)
    clean(team, *WHY)
    rewind(team, *WHY)
    undo(team, *WHY)
    assert (team.repo.head, trees(team)) == (head, [])
    with nothing_changes(team.repo.root):
        assert undo(team, *WHY).data["summary"] == "Nothing to undo."


def without_a_control_plane(team: Team) -> tuple[tuple[str, ...], str]:
    team.place.db.unlink()
    return ("rewind", "latest"), "CONTROL_PLANE_MISSING"


def on_another_branch_than_the_run_s(team: Team) -> tuple[tuple[str, ...], str]:
    other = team.repo.root.parent / "other.db"
    team.swarm("--db", str(other), "init", ".")
    team.repo.git("checkout", "-q", "-b", "elsewhere")
    return ("--db", str(other), "rewind", "latest", *WHY), "REWIND_REFUSED"


def a_save_point_of_nobody(team: Team) -> tuple[tuple[str, ...], str]:
    return ("rewind", "swarm-save-1-00000000", *WHY), "SAVE_POINT_UNKNOWN"


def a_save_point_whose_commit_is_gone(team: Team) -> tuple[tuple[str, ...], str]:
    import sqlite3

    with sqlite3.connect(team.place.db) as conn:
        conn.execute("UPDATE runs SET commit_sha = ?", ("0" * 39 + "1",))
    conn.close()
    team.repo.git("tag", "-d", team.run.replace("swarm-", "swarm-save-", 1))
    return ("rewind", "latest", *WHY), "SAVE_POINT_UNKNOWN"


def dirt(team: Team) -> tuple[tuple[str, ...], str]:
    published(team)
    team.repo.write({"src/app.py": "# mine\n"})
    return ("rewind", "latest", *WHY), "REWIND_NOT_CLEAN"


def an_older_wave(team: Team) -> tuple[tuple[str, ...], str]:
    return ("redrive", "1", *WHY), "RECOVERY_NOT_APPLICABLE"


def a_wave_that_is_not_there(team: Team) -> tuple[tuple[str, ...], str]:
    return ("redrive", "9", *WHY), "WAVE_NOT_FOUND"


def nobody_s_output(team: Team) -> tuple[tuple[str, ...], str]:
    return ("revalidate", "--domain", "nobody:x.json", *WHY), "COLLECT_UNKNOWN_DOMAIN"


def a_branch_in_the_way(team: Team) -> tuple[tuple[str, ...], str]:
    team.merge()
    clean(team, *WHY)
    team.repo.git("branch", team.branch("code"), "main")
    return ("undo", *WHY), "UNDO_REFUSED"


@pytest.mark.parametrize("verb", ["resume", "clean", "undo", "rewind"])
def test_applying_without_a_reason_is_refused_and_changes_nothing(verb: str, team: Team, amended: Team) -> None:
    with nothing_changes(team.repo.root):
        assert team.swarm(verb, team.run, "--apply", exit=1).code == "REASON_REQUIRED"


@pytest.mark.parametrize(
    "make",
    [
        without_a_control_plane,
        on_another_branch_than_the_run_s,
        a_save_point_of_nobody,
        a_save_point_whose_commit_is_gone,
        dirt,
        an_older_wave,
        a_wave_that_is_not_there,
        nobody_s_output,
        a_branch_in_the_way,
    ],
)
def test_a_refusal_leaves_everything_as_it_was(
    make: Callable[[Team], tuple[tuple[str, ...], str]], team: Team, amended: Team
) -> None:
    words, code = make(team)
    with nothing_changes(team.repo.root.parent):
        assert team.swarm(*words, exit=1).code == code


STEPS = """[[verify.steps]]
name = "starts"
kind = "{kind}"
argv = ["echo", "1 ran"]
count_pattern = '^(\\d+) ran'
"""


def test_a_repository_without_tests_is_shown_the_way_out_of_an_amend_phase_and_it_is_one(
    team: Team, swarm: Swarm
) -> None:
    team.prove_with(STEPS.format(kind="lint"))
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED.replace("undefined_name", "__name__")})
    team.edit("rest", {"README.md": RETITLED})
    ids = team.ids()
    team.collect(code=(ids["def load"], ids["return undefined_name"]), rest=(ids["# A project"],))
    swarm("merge", team.run, "--publish", "--accept", "no_tests", "--reason", "there are none")
    swarm("verify", team.run, exit=1)
    way_out = (
        "the newest verification of the wave says no_tests; where there are no tests, [[verify.steps]] of swarm.toml"
        " names what proves it: a step of kind test"
    )
    assessed = swarm("status", team.run, "--format", "json").data["assessment"]
    assert assessed == {"state": "VERIFY REQUIRED", "blockers": [way_out], "nextAction": f"swarm verify {team.run}"}
    data = swarm("advance", team.run, "--check-only", "--format", "json", exit=1).data
    assert (data["verdict"], data["reason"], data["nextAction"]) == ("VERIFY", way_out, f"swarm verify {team.run}")
    team.prove_with(STEPS.format(kind="test"))
    swarm("verify", team.run)
    swarm("advance", team.run)
