"""`swarm clean` and the refs that keep what was judged of agents' work: they go when nobody needs them any more."""

import pytest

from tests.cli.scenes.merge_team import MENDED, Team
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.test_clean import clean, content, salvaged, states
from tests.cli.test_rewind import rewind
from tests.cli.test_undo import undo
from tests.conftest import Swarm

pytestmark = pytest.mark.sweep

WHY = ("--apply", "--reason", "over")
BOTH = {"w2-code", "w2-rest"}


def works(team: Team) -> dict[str, str]:
    """The tree of each judged work that is kept."""
    listed = team.repo.git("for-each-ref", "--format=%(refname) %(objectname)", f"refs/swarm/work/{team.run}/")
    return {name.rpartition("/")[2]: sha for name, _, sha in (line.partition(" ") for line in listed.splitlines())}


def promoted(team: Team) -> None:
    team.merge()
    team.swarm("verify", team.run)
    team.swarm("advance", team.run, "--override", "--reason", "one is left")
    team.swarm("merge", team.run, "--publish")


def test_what_was_judged_is_kept_until_its_wave_is_promoted(team: Team, amended: Team) -> None:
    kept = works(team)
    assert set(kept) == BOTH
    team.merge()
    clean(team, *WHY)
    assert works(team) == kept
    team.swarm("verify", team.run)
    team.swarm("advance", team.run, "--override", "--reason", "one is left")
    plan = clean(team)
    assert works(team) == kept
    assert states(plan) == {f"work/{name}": "held_elsewhere" for name in BOTH}
    assert plan.data["nextAction"] == f"swarm clean {team.run} --apply --reason '…'"
    assert states(clean(team, *WHY)) == states(plan)
    assert works(team) == {}


def test_it_goes_with_its_worktree_and_nothing_that_comes_later_needs_it(team: Team, amended: Team) -> None:
    promoted(team)
    assert set(states(clean(team, *WHY))) == BOTH | {f"work/{name}" for name in BOTH} | {"integration"}
    assert works(team) == {}
    team.repo.git("gc", "-q", "--prune=now")
    assert team.swarm("merge", team.run).out.startswith("Nothing to merge")
    team.swarm("verify", team.run)
    with nothing_changes(team.repo.root):
        assert clean(team).data["summary"] == "Nothing to clean."


def test_it_is_brought_back(team: Team, amended: Team) -> None:
    promoted(team)
    kept = works(team)
    clean(team, *WHY)
    answer = undo(team, *WHY)
    assert works(team) == kept
    assert {item["name"]: item["commit"] for item in answer.data["restored"] if item["name"].startswith("work/")} == {
        f"work/{name}": tree for name, tree in kept.items()
    }


def test_what_no_commit_has_is_kept_and_with_force_saved_first(team: Team, amended: Team) -> None:
    # Taken back before it was merged, and written over since: the ref alone has what was judged.
    kept = works(team)
    rewind(team, *WHY)
    team.edit("code", {"src/app.py": "# something else\n"})
    assert states(clean(team)) == {}
    clean(team, *WHY, exit=1)
    assert works(team)["w2-code"] == kept["w2-code"]
    forced = clean(team, "--force")
    (shown,) = (item for item in forced.data["removable"] if item["name"] == "work/w2-code")
    assert (shown["state"], shown["why"], shown["salvage"]) == (
        "at_risk",
        ["judged work that no commit has"],
        "refs/swarm/salvage/…/work-w2-code",
    )
    clean(team, "--force", *WHY)
    saved = f"refs/swarm/salvage/{team.run}/work-w2-code"
    assert works(team) == {}
    assert content(team, saved)["src/app.py"] == MENDED.rstrip("\n")
    assert content(team, f"refs/swarm/salvage/{team.run}/w2-code")["src/app.py"] == "# something else"
    undo(team, *WHY)
    assert works(team)["w2-code"] == kept["w2-code"]
    assert salvaged(team).keys() & {"work-w2-code", "w2-code"} == set()


@pytest.mark.parametrize("point", ["git.update-ref.after:1", "git.update-ref.after:3", "commit.before:2"])
@pytest.mark.soak
def test_a_clean_that_is_killed_is_continued_and_can_be_undone(
    team: Team, amended: Team, swarm_process: Swarm, point: str
) -> None:
    promoted(team)
    kept = works(team)
    words = ("clean", team.run, *WHY)
    swarm_process(*words, exit=-9, SWARM_FAILPOINT=point)
    swarm_process(*words)
    assert works(team) == {}
    undo(team, *WHY)
    assert works(team) == kept
