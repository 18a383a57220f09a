"""`swarm verify-approved`: places of approved findings that stand, drifted or broke."""

from tests.cli.scenes.merge_team import LOAD, MENDED, NAME, TITLE, Team
from tests.cli.scenes.second_look import audit, classes, looked
from tests.conftest import SOURCE

# --- the four questions ----------------------------------------------------------------------------------


def test_approved_places_that_stand_are_verified(team: Team) -> None:
    team.repo.commit({"src/app.py": "# one\n" + SOURCE["src/app.py"]})
    answer = looked(team, "verify-approved")
    assert (answer.data["schema"], answer.data["summary"]["verified"]) == ("verify-approved-delta/v1", 3)
    assert sorted(row["line"] for row in answer.data["findings"]) == [1, 6, 14]


def test_an_approved_line_that_was_rewritten_has_drifted_and_one_that_was_removed_is_broken(team: Team) -> None:
    ids = team.ids()
    team.repo.commit({"src/app.py": MENDED})
    drifted = looked(team, "verify-approved", exit=1)
    assert classes(drifted)[ids["def load"]] == ("drifted", "anchor")
    assert drifted.data["findings"][0]["evidence"] == "its line was rewritten, now src/app.py:5"
    assert looked(team, "verify-approved", "--threshold", "1").data["exitCode"] == 0
    team.repo.git("rm", "-q", "README.md")
    team.repo.git("commit", "-qm", "gone")
    broken = looked(team, "verify-approved", "--threshold", "99", exit=2)
    assert classes(broken) == {
        ids["# A project"]: ("broken", "anchor"),
        ids["def load"]: ("drifted", "anchor"),
        ids["return undefined_name"]: ("verified", "anchor"),
    }
    assert broken.data["findings"][0]["evidence"] == "its file is gone"


# --- how it is shown -------------------------------------------------------------------------------------


def test_names_of_files_can_forge_no_line_and_no_cell(team: Team) -> None:
    name = "src/a|b\n⊘ forged.py"
    team.repo.commit({name: "x = 1\n"})
    audit(team, LOAD, NAME, {"file": name, "line": 1, "quote": "x = 1"}, rest=(TITLE,))
    team.swarm("approve", "--all")
    text = team.swarm("verify-approved", "--format", "text").out.splitlines()
    assert len(text) == 5
    assert not any(line.startswith("⊘") for line in text)
    table = [line for line in team.swarm("verify-approved").out.splitlines() if "forged" in line]
    assert len(table) == 1
    assert table[0].replace("\\|", "").count("|") == 7
