"""`swarm verify-recurring`: findings that were fixed more than once."""

from tests.cli.scenes.merge_team import LOAD, MENDED, NAME, TITLE, Team
from tests.cli.scenes.second_look import audit, classes, looked
from tests.conftest import SOURCE


def test_recurring_is_what_was_fixed_more_than_once(team: Team) -> None:
    load = team.ids()["def load"]
    others = (NAME,)
    team.repo.commit({"src/app.py": MENDED})
    audit(team, *others, rest=(TITLE,))
    assert looked(team, "verify-recurring").data["findings"] == []
    team.repo.commit({"src/app.py": SOURCE["src/app.py"]})
    audit(team, LOAD, *others, rest=(TITLE,))
    assert looked(team, "verify-recurring").data["findings"] == []
    team.repo.commit({"src/app.py": MENDED})
    audit(team, *others, rest=(TITLE,))
    answer = looked(team, "verify-recurring")
    assert (answer.data["schema"], classes(answer)) == (
        "verify-recurring-delta/v1",
        {load: ("verified", "anchor")},
    )
    team.repo.commit({"src/app.py": SOURCE["src/app.py"]})
    assert classes(looked(team, "verify-recurring", exit=1)) == {load: ("regressed", "anchor")}
    audit(team, LOAD, *others, rest=(TITLE,))
    # Open again, and fixed twice before.
    assert classes(looked(team, "verify-recurring", exit=1)) == {load: ("regressed", "anchor")}


def test_with_nothing_to_look_at_all_is_well(team: Team) -> None:
    answer = looked(team, "verify-recurring")
    assert (answer.data["summary"]["total"], answer.data["findings"]) == (0, [])
    assert team.swarm("verify-recurring", "--format", "text").out == "Nothing to look at again.\n"
