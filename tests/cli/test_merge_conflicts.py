"""`swarm merge` of work that conflicts, and `--drop`."""

import json
from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import LOAD, MENDED, STEP, Team
from tests.cli.scenes.merged import checkout, lasting, states, tips, tree_of
from tests.cli.scenes.snapshots import block_of
from tests.conftest import SOURCE, Repo, Swarm, Workspace

# --- conflicts -------------------------------------------------------------------------------------------


@pytest.fixture
def clashing(swarm: Swarm, repo: Repo, tmp_path: Path) -> Team:
    """Two agents edited the same line of a file that is shared."""
    mapped = tmp_path / "map.json"
    mapped.write_text(
        '[{"name": "all", "globs": ["README.md"], "ownership": "shared"}, {"name": "code", "globs": ["src/**"]},'
        ' {"name": "rest", "globs": ["**"]}]'
    )
    run = swarm("init", ".", "--domains-from", mapped, "--format", "json").data["runId"]
    swarm("domains", "--freeze")
    folder = repo.root / "swarms"
    team = Team(swarm, repo, Workspace(run, folder, folder / "control-plane.db"))
    team.prove_with(STEP)
    swarm("dispatch", "health-audit-a")
    team.place.answer("code", LOAD)
    team.place.answer("rest", {"file": "web/index.html", "line": 1, "quote": "<p>hello</p>"})
    swarm("collect")
    swarm("approve", "--all")
    team.dispatch()
    team.edit("code", {"README.md": "# The code\n", "src/app.py": MENDED})
    team.edit("rest", {"README.md": "# The rest\n", "web/index.html": "<p>bye</p>\n"})
    team.collect(code=(team.ids()["def load"],), rest=(team.ids()["<p>hello</p>"],))
    return team


def test_a_conflict_names_files_and_domains_and_changes_nothing(clashing: Team) -> None:
    before, state, main = checkout(clashing.repo.root), lasting(clashing), tips(clashing.repo)["main"]
    answer = clashing.swarm("merge", "--publish", exit=1)
    assert block_of(answer).splitlines() == [
        "ERROR [MERGE_CONFLICT]: Wave 2 does not merge: README.md (domains code, rest)",
        (
            f"  Next: nothing was published; leave one out with `swarm merge {clashing.run} --publish --drop rest`, or merge branch "
            f"{clashing.branch('rest')} into the target by hand, and call `swarm merge` again"
        ),
        f"  Run: {clashing.run}",
    ]
    assert (checkout(clashing.repo.root), lasting(clashing)) == (before, state)
    assert tips(clashing.repo)["main"] == main
    assert clashing.integration not in tips(clashing.repo)


def test_without_one_of_the_two_the_other_gets_through(clashing: Team) -> None:
    answer = clashing.merge("--drop", "rest")
    assert (states(answer), answer.data["dropped"]) == ({"code": "merged", "rest": "dropped"}, ["rest"])
    assert answer.data["fixed"] == [clashing.ids()["def load"]]
    assert clashing.status_of(clashing.ids()["<p>hello</p>"]) == "approved"
    assert tree_of(clashing, clashing.integration) == SOURCE | {"src/app.py": MENDED, "README.md": "# The code\n"}
    assert clashing.file_at(clashing.branch("rest"), "README.md") == "# The rest"
    assert clashing.merge(exit=1).code == "MERGE_CONFLICT"


def test_a_conflict_that_is_settled_by_hand_as_the_hint_says_is_merged(clashing: Team) -> None:
    clashing.merge(exit=1)
    clashing.merge("--publish", "--drop", "rest")
    with pytest.raises(Exception, match="merge"):
        clashing.repo.git("merge", clashing.branch("rest"))
    clashing.repo.commit({"README.md": "# The code and the rest\n"})
    answer = clashing.merge()
    assert states(answer) == {"code": "already", "rest": "already"}
    assert (answer.data["commit"], answer.data["ref"]) == (clashing.repo.head, "main")
    # Its claim ended when it was left out: the next audit looks at it again.
    assert answer.data["fixed"] == []
    assert clashing.status_of(clashing.ids()["<p>hello</p>"]) == "approved"
    assert clashing.merge().data["summary"] == "Nothing to merge: everything is merged already."


def test_a_conflict_with_a_target_that_moved_names_the_one_agent(team: Team, amended: Team) -> None:
    team.repo.commit({"README.md": "# Moved\n"})
    error = team.merge(exit=1).document["error"]
    assert (error["code"], error["files"], error["domains"]) == ("MERGE_CONFLICT", ["README.md"], ["rest"])
    assert states(team.merge("--drop", "rest")) == {"code": "merged", "rest": "dropped"}


def test_who_alone_is_left_and_conflicts_amends_anew_as_the_hint_says(team: Team, amended: Team) -> None:
    team.repo.commit({"README.md": "# A project\n\nMoved.\n"})
    team.merge("--drop", "rest", "--publish")
    hint = team.merge(exit=1).document["error"]["hint"]
    anew = f"swarm dispatch {team.run} health-amend-a --isolate"
    assert hint.startswith(f"nothing was published; `{anew}` amends anew on top of the target, or merge branch ")
    team.swarm(*anew.split()[1:])
    team.edit("rest", {"README.md": "# The project\n\nMoved.\n"}, wave=3)
    team.collect(wave=3, rest=(team.ids()["# A project"],))
    assert states(team.merge("--publish"))["rest"] == "merged"


def test_what_was_left_out_before_stays_left_out_in_the_next_step(team: Team, amended: Team) -> None:
    team.repo.commit({"README.md": "# Moved\n", "src/app.py": "# Moved\n"})
    hint = team.merge("--publish", "--drop", "rest", exit=1).document["error"]["hint"]
    assert f"`swarm dispatch {team.run} health-amend-a --isolate` amends anew" in hint
    hint = team.merge("--publish", exit=1).document["error"]["hint"]
    assert f"`swarm merge {team.run} --publish --drop code`" in hint


def test_an_integration_that_was_merged_by_hand_is_published(team: Team, amended: Team) -> None:
    team.merge()
    team.repo.git("merge", "-q", "--no-ff", "-m", "by hand", team.integration)
    team.swarm("verify", team.run)
    team.swarm("advance", team.run, "--override", "--reason", "one is enough")
    action = team.swarm("status", team.run, "--format", "json").data["assessment"]["nextAction"]
    assert action == f"swarm dispatch {team.run} health-audit-a --isolate"


def test_a_conflict_of_the_integration_with_its_target_offers_nobody_to_leave_out(team: Team, amended: Team) -> None:
    team.merge()
    team.repo.commit({"README.md": "# Moved\n"})
    answer = team.swarm("merge", "--publish", exit=1)
    assert block_of(answer).splitlines()[:2] == [
        "ERROR [MERGE_CONFLICT]: Wave 2 does not merge: README.md (domains none, but the target)",
        (
            f"  Next: nothing was published; merge branch {team.integration} into the target by hand, and call "
            "`swarm merge` again"
        ),
    ]


def test_only_an_agent_of_the_wave_can_be_left_out(team: Team, amended: Team) -> None:
    answer = team.merge("--drop", "cod", exit=2)
    assert answer.document["error"]["problem"] == ("--drop: no agent of the wave is called 'cod'; there are code, rest")


def test_what_an_agent_touched_in_an_earlier_try_is_nothing_to_merge(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"README.md": "# Not mine\n"})
    team.answer("code")
    team.answer("rest")
    team.swarm("collect", team.run, exit=1)
    team.swarm("redrive", "2", team.run, "--apply", "--reason", "again")
    body = {"domain": "code", "summary": "Nothing to mend.", "fixes": [], "files_changed": []}
    team.place.output("code.2", 2).write_text(json.dumps(body))
    team.swarm("collect", team.run)
    action = team.swarm("status", team.run, "--format", "json").data["assessment"]["nextAction"]
    assert action == f"swarm verify {team.run}"
    assert team.merge().data["commit"] is None


def test_with_every_agent_left_out_there_is_nothing_to_merge(team: Team, amended: Team) -> None:
    answer = team.merge("--drop", "code,rest")
    assert (answer.data["commit"], answer.data["dropped"]) == (None, ["code", "rest"])
    assert "⚠ Left out: code, rest" in team.swarm("merge", "--drop", "code,rest").out.splitlines()
    assert team.merge("--drop", "code", "--drop", "rest").data["dropped"] == ["code", "rest"]
    assert lasting(team)["merges"] == []


# --- what becomes of the findings ------------------------------------------------------------------------


def test_a_claim_of_who_is_left_out_stands_in_nobody_s_way(team: Team, amended: Team) -> None:
    team.merge("--drop", "rest")
    assert [row[1] for row in lasting(team)["claims"]] == ["fixed", "refuted"]
    team.swarm("verify", team.run)
