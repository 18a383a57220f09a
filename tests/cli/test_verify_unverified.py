"""`swarm verify-unverified`: findings that no wave could judge."""

from tests.cli.scenes.merge_team import MENDED, NAME, TITLE, Team
from tests.cli.scenes.second_look import CLOSE, audit, classes, looked


def test_unverified_is_what_no_wave_could_judge(team: Team) -> None:
    """Approved ones are the business of another question."""
    ids = team.ids()
    options = ("--reason", "x", "--evidence", "y")
    team.swarm("close", "--ids", ids["def load"], *CLOSE, "independent")
    team.swarm("reopen", "--ids", ids["def load"], *options)
    audit(team, NAME, rest=(TITLE,))
    assert team.status_of(ids["def load"]) == "unverified"
    answer = looked(team, "verify-unverified", exit=1)
    assert (answer.data["schema"], classes(answer)) == (
        "verify-unverified-delta/v1",
        {ids["def load"]: ("claimed-but-still-present", "anchor")},
    )
    looked(team, "verify-unverified", "--threshold", "1")
    team.repo.commit({"src/app.py": MENDED})
    assert classes(looked(team, "verify-unverified")) == {ids["def load"]: ("verified", "anchor")}


def test_with_nothing_to_look_at_all_is_well(team: Team) -> None:
    answer = looked(team, "verify-unverified")
    assert (answer.data["summary"]["total"], answer.data["findings"]) == (0, [])
    assert team.swarm("verify-unverified", "--format", "text").out == "Nothing to look at again.\n"
