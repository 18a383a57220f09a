"""`swarm rewind`: a branch goes back to a save point, and what the run made since is taken back."""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm.git import rewind as git_rewind
from swarm.waves.clean import rewind as rewinds
from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.test_clean import branches, content, salvaged, steps
from tests.conftest import SOURCE, Answer, RefusedRows, Repo, Swarm
from tests.sweeping import swept

WHY = ("--apply", "--reason", "wrong way")


def rewind(team: Team, *words: str, exit: int | None = 0) -> Answer:  # noqa: A002
    return team.swarm("rewind", save_point(team), *words, "--format", "json", exit=exit)


def save_point(team: Team) -> str:
    return team.run.replace("swarm-", "swarm-save-", 1)


def start_of(team: Team) -> str:
    return team.repo.git("rev-parse", save_point(team))


def published(team: Team) -> str:
    """Publish the amend wave, and return where main is then."""
    team.merge("--publish")
    return team.repo.head


def waves(team: Team) -> list[tuple[int, str]]:
    return [(number, status) for number, status in team.rows("SELECT number, status FROM waves ORDER BY number")]


def terminal_rows(team: Team) -> str:
    """A hash over every wave and agent run that is at its end."""
    found = team.rows("SELECT * FROM waves WHERE status IN ('advanced', 'aborted_for_rewind') ORDER BY id")
    found += team.rows("SELECT * FROM agent_runs WHERE status IN ('complete', 'aborted_for_rewind') ORDER BY id")
    return hashlib.sha256(repr(found).encode()).hexdigest()


def test_the_branch_goes_back_and_the_run_with_it(team: Team, amended: Team) -> None:
    head = published(team)
    before = terminal_rows(team)
    answer = rewind(team, *WHY)
    assert (team.repo.head, team.repo.git("status", "--porcelain")) == (start_of(team), "")
    assert content(team, "HEAD") == {name: text.rstrip("\n") for name, text in SOURCE.items()}
    assert waves(team) == [(1, "aborted_for_rewind"), (2, "aborted_for_rewind")]
    assert terminal_rows(team) != before
    assert team.rows("SELECT status FROM agent_runs") == [("complete",)] * 4
    assert set(team.rows("SELECT observation, evidence FROM findings")) == {("unverified", None)}
    assert team.rows("SELECT status FROM runs") == [("initializing",)]
    assert salvaged(team) == {"rewind": head}
    assert steps(team) == ["rewind_begun", "rewound"]
    assert answer.data | {"summary": None} == {
        "runId": team.run,
        "applied": True,
        "forced": False,
        "stateSplit": False,
        "savePoint": save_point(team),
        "branch": "main",
        "fromCommit": head,
        "toCommit": start_of(team),
        "commits": 4,
        "dirt": [],
        "salvage": [f"refs/swarm/salvage/{team.run}/rewind"],
        "integration": None,
        "waves": [1, 2],
        "agentRuns": [],
        "findings": 3,
        "fromStatus": "health-amend-a",
        "toStatus": "initializing",
        "summary": None,
        "nextAction": f"swarm status {team.run}",
    }


def test_what_is_at_its_end_is_byte_for_byte_the_same(team: Team, amended: Team) -> None:
    with sqlite3.connect(team.place.db) as conn:
        conn.execute("UPDATE waves SET status = 'advanced' WHERE number = 1")
    conn.close()
    before = team.rows("SELECT * FROM waves WHERE number = 1"), team.rows("SELECT * FROM agent_runs WHERE wave_id = 1")
    done = team.rows("SELECT * FROM agent_runs WHERE status = 'complete'")
    rewind(team, *WHY)
    after = team.rows("SELECT * FROM waves WHERE number = 1"), team.rows("SELECT * FROM agent_runs WHERE wave_id = 1")
    assert (after, team.rows("SELECT * FROM agent_runs WHERE status = 'complete'")) == (before, done)
    assert waves(team) == [(1, "advanced"), (2, "aborted_for_rewind")]


def test_a_wave_in_flight_ends_with_its_agents(team: Team) -> None:
    team.dispatch()
    answer = rewind(team, *WHY)
    assert (answer.data["waves"], len(answer.data["agentRuns"])) == ([1, 2], 2)
    assert waves(team)[1] == (2, "aborted_for_rewind")
    assert team.rows("SELECT status FROM agent_runs WHERE wave_id = 2") == [("aborted_for_rewind",)] * 2
    assert team.swarm("ledger", "replay", exit=None).code is None


def test_the_next_wave_after_a_rewind_begins_at_the_save_point(team: Team, amended: Team) -> None:
    published(team)
    rewind(team, *WHY)
    team.swarm("status", team.run)
    team.swarm("dispatch", team.run, "health-amend-a", "--isolate")
    assert team.rows("SELECT dispatch_sha FROM waves WHERE number = 3") == [(start_of(team),)]


def test_an_integration_branch_goes_too_lest_the_next_merge_brings_all_back(team: Team, amended: Team) -> None:
    team.merge()
    tip = team.repo.git("rev-parse", team.integration)
    assert rewind(team, *WHY).data["integration"] == tip
    assert team.integration not in branches(team.repo)
    assert salvaged(team) == {"integration": tip}


def test_a_dry_run_is_a_pure_read(team: Team, amended: Team) -> None:
    published(team)
    team.repo.write({"README.md": "# In the works\n"})
    with nothing_changes(team.repo.root):
        answer = rewind(team, "--force")
    assert (answer.data["dirt"], answer.data["applied"]) == (["README.md"], False)
    assert answer.data["nextAction"] == f"swarm rewind {save_point(team)} --force --apply --reason '…'"


def test_called_again_there_is_nothing_to_rewind(team: Team, amended: Team) -> None:
    published(team)
    rewind(team, *WHY)
    with nothing_changes(team.repo.root):
        again = rewind(team, *WHY)
    assert again.data["summary"].startswith("Nothing to rewind: main is at swarm-save-")


@pytest.mark.parametrize("word", ["the run", "its hex"])
def test_a_save_point_is_also_named_by_its_run(team: Team, amended: Team, word: str) -> None:
    named = team.run if word == "the run" else team.hex
    assert team.swarm("rewind", named, "--format", "json").data["savePoint"] == save_point(team)


def test_another_ref_needs_to_be_asked_for(team: Team, amended: Team) -> None:
    first = team.repo.head
    team.repo.commit({"src/more.py": "x = 1\n"})
    assert team.swarm("rewind", "HEAD^", exit=1).code == "SAVE_POINT_UNKNOWN"
    team.swarm("rewind", "HEAD^", "--force-arbitrary-ref", *WHY)
    assert team.repo.head == first


def overwritten(team: Team) -> None:
    """An untracked file where the save point has one."""
    team.repo.git("rm", "-q", "src/tool.py")
    team.repo.git("commit", "-q", "-m", "less")
    exclude = team.repo.root / ".git/info/exclude"
    exclude.write_text(exclude.read_text() + "src/tool.py\n")
    team.repo.write({"src/tool.py": "# mine\n"})


def staged_new(team: Team) -> None:
    team.repo.write({"src/fresh.py": "# mine\n"})
    team.repo.git("add", "src/fresh.py")


DIRT: dict[str, tuple[Callable[[Team], Any], str]] = {
    "edited": (lambda team: team.repo.write({"src/tool.py": "# mine\n"}), "src/tool.py"),
    "staged and new": (staged_new, "src/fresh.py"),
    "ignored and in the way": (overwritten, "src/tool.py"),
}


@pytest.mark.parametrize("dirt", swept(DIRT))
def test_uncommitted_work_is_refused_and_with_force_saved(dirt: str, team: Team, amended: Team) -> None:
    published(team)
    make, path = DIRT[dirt]
    make(team)
    with nothing_changes(team.repo.root):
        assert rewind(team, exit=1).document["error"] == {
            "code": "REWIND_NOT_CLEAN",
            "message": f"{team.repo.root} has 1 file that rewinding would overwrite: {path}",
            "hint": "commit or stash them, or add `--force`, which saves them below refs/swarm/salvage/ first",
            "path": str(team.repo.root),
            "count": 1,
            "files": path,
        }
    head = team.repo.head
    rewind(team, "--force", *WHY)
    assert content(team, salvaged(team)["rewind"])[path] == "# mine"
    assert team.repo.git("rev-parse", f"{salvaged(team)['rewind']}^") == head
    assert (team.repo.head, team.repo.git("status", "--porcelain")) == (start_of(team), "")


def test_untracked_files_that_nothing_overwrites_stay(team: Team, amended: Team) -> None:
    published(team)
    team.repo.write({"notes.txt": "mine\n"})
    rewind(team, *WHY)
    assert (team.repo.root / "notes.txt").read_text() == "mine\n"


def detached(team: Team) -> str:
    team.repo.git("checkout", "-q", "--detach")
    return f"HEAD is detached at {team.repo.head[:12]}"


def another_branch(team: Team) -> str:
    team.repo.git("checkout", "-q", "-b", "feature")
    return "feature is checked out, and the run began on main"


def merging(team: Team) -> str:
    (team.repo.root / ".git/MERGE_HEAD").write_text(team.repo.head + "\n")
    return f"a merge is not finished in {team.repo.root}"


def tracked_database(team: Team) -> str:
    team.repo.git("add", "-f", "swarms/control-plane.db")
    team.repo.git("commit", "-q", "-m", "shared")
    return "the control plane swarms/control-plane.db is a tracked file"


def moved_tag(team: Team) -> str:
    old = start_of(team)
    team.repo.git("tag", "-f", save_point(team), team.branch("rest"))
    return f"tag {save_point(team)} was moved from {old[:12]} to {start_of(team)[:12]}"


@pytest.mark.parametrize("make", [detached, another_branch, merging, tracked_database, moved_tag])
def test_a_checkout_that_cannot_be_rewound_is_refused(make: Callable[[Team], str], team: Team, amended: Team) -> None:
    found = make(team)
    with nothing_changes(team.repo.root):
        error = rewind(team, *WHY, exit=1).document["error"]
    assert (error["code"], error["problem"]) == ("REWIND_REFUSED", found)


def test_a_branch_that_is_checked_out_twice_is_refused(team: Team, amended: Team) -> None:
    place = team.repo.root.parent / "twice"
    if place.exists():
        team.repo.git("worktree", "remove", "--force", str(place))
    team.repo.git("worktree", "add", "-q", "--force", str(place), "main")
    error = rewind(team, *WHY, exit=1).document["error"]
    assert error["problem"] == f"branch main is checked out at {place} as well"
    team.repo.git("worktree", "remove", "--force", str(place))


def test_a_branch_whose_other_checkout_is_on_a_disk_that_is_away_is_refused(
    team: Team, amended: Team, tmp_path: Path
) -> None:
    place = tmp_path / "away"
    team.repo.git("worktree", "add", "-q", "--force", str(place), "main")
    team.repo.git("worktree", "lock", str(place))
    place.rename(place.with_name("elsewhere"))
    with nothing_changes(team.repo.root):
        error = rewind(team, *WHY, exit=1).document["error"]
    place.with_name("elsewhere").rename(place)
    team.repo.git("worktree", "remove", "--force", "--force", str(place))
    assert error["problem"] == f"branch main is checked out at {place} as well"


def test_a_linked_worktree_is_rewound_like_any_checkout(swarm: Swarm, repo: Repo) -> None:
    place = repo.root.parent / "linked-primary"
    if place.exists():
        repo.git("worktree", "remove", "--force", str(place))
    repo.git("worktree", "add", "-q", "-b", "side", str(place))
    swarm("--db", repo.root.parent / "linked.db", "init", place)
    (place / "README.md").write_text("# On\n")
    repo.git("commit", "-aqm", "on", cwd=place)
    run = swarm("--db", repo.root.parent / "linked.db", "runs", "--format", "json").data[0]["id"]
    swarm("--db", repo.root.parent / "linked.db", "rewind", run, *WHY, cwd=place)
    assert repo.git("rev-parse", "side") == repo.git("rev-parse", "main")
    assert (place / "README.md").read_text() == SOURCE["README.md"]
    repo.git("worktree", "remove", "--force", str(place))
    repo.git("branch", "-D", "side")


def test_a_transaction_that_fails_after_git_is_reported_and_finished_by_the_next_call(
    team: Team, amended: Team, refused_rows: RefusedRows
) -> None:
    head = published(team)
    lift = refused_rows("UPDATE ON runs")
    before = waves(team), team.rows("SELECT * FROM findings")
    error = rewind(team, *WHY, exit=1).document["error"]
    assert {name: error[name] for name in ("code", "message", "stateSplit", "cause")} == {
        "code": "REWIND_STATE_SPLIT",
        "message": f"Branch main is at {save_point(team)}, and run {team.run} does not know it: no more",
        "stateSplit": True,
        "cause": "no more",
    }
    assert (waves(team), team.rows("SELECT * FROM findings")) == before
    assert team.repo.head == start_of(team)
    assert rewind(team).data["stateSplit"] is True
    lift()
    assert rewind(team, *WHY).data["fromCommit"] == head
    assert waves(team) == [(1, "aborted_for_rewind"), (2, "aborted_for_rewind")]
    assert steps(team) == ["rewind_begun", "rewound"]


# --- what happens between the look and the reset ----------------------------------------------------------

Meanwhile = Callable[[Any, str, Callable[[], object]], None]


def moved_on(team: Team) -> str:
    return f"Checkout {team.repo.root} is no longer as it was looked at: someone else moved it first"


@pytest.mark.parametrize("moment", [(rewinds, "_begun"), (git_rewind, "_hold_to_saved")], ids=["waiting", "resetting"])
def test_an_edit_of_the_moment_is_not_overwritten(
    team: Team, amended: Team, after: Meanwhile, moment: tuple[Any, str]
) -> None:
    head = published(team)
    after(*moment, lambda: team.repo.write({"src/app.py": "# mine\n"}))
    error = rewind(team, *WHY, exit=1).document["error"]
    assert (error["code"], error["message"], error["runId"]) == ("STATE_CONFLICT", moved_on(team), team.run)
    assert (team.repo.head, team.repo.git("status", "--porcelain")) == (head, "M src/app.py")
    assert (team.repo.root / "src/app.py").read_text() == "# mine\n"
    team.repo.git("checkout", "-q", "src/app.py")
    rewind(team, *WHY)
    assert (team.repo.head, team.repo.git("status", "--porcelain")) == (start_of(team), "")


def test_work_that_continues_after_it_was_saved_is_not_overwritten(team: Team, amended: Team, after: Meanwhile) -> None:
    head = published(team)
    team.repo.write({"src/app.py": "# mine\n"})
    after(rewinds, "_begun", lambda: team.repo.write({"src/app.py": "# mine, and more\n"}))
    assert rewind(team, "--force", *WHY, exit=1).document["error"]["message"] == moved_on(team)
    assert (team.repo.head, (team.repo.root / "src/app.py").read_text()) == (head, "# mine, and more\n")
    refs = rewind(team, "--force", *WHY).data["salvage"]
    assert [team.repo.git("show", f"{ref}:src/app.py") for ref in refs] == ["# mine", "# mine, and more"]
    assert (team.repo.head, team.repo.git("status", "--porcelain")) == (start_of(team), "")


def test_a_branch_that_moves_away_keeps_the_work_of_its_checkout(team: Team, amended: Team, after: Meanwhile) -> None:
    head = published(team)
    other = team.repo.git("commit-tree", "-p", head, "-m", "other", f"{head}^{{tree}}")
    team.repo.write({"src/app.py": "# mine\n"})
    after(git_rewind, "_bring_files", lambda: team.repo.git("update-ref", "refs/heads/main", other))
    error = rewind(team, "--force", *WHY, exit=1).document["error"]
    kept = f"what was not committed is saved as refs/swarm/salvage/{team.run}/rewind"
    assert (error["message"], error["hint"]) == (
        f"Branch main is no longer {head[:12]} ({kept}): someone else moved it first",
        f"look at `swarm status {team.run}`, then repeat the command if it still applies",
    )
    assert (team.repo.head, team.repo.git("status", "--porcelain")) == (other, "M src/app.py")
    assert (team.repo.root / "src/app.py").read_text() == "# mine\n"
