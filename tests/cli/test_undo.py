"""`swarm undo`: the last clean or rewind is brought back from salvage."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.merge_team import MENDED, Team
from tests.cli.scenes.snapshots import everything_in, nothing_changes
from tests.cli.test_clean import clean, content, salvaged, steps
from tests.cli.test_rewind import published, rewind, waves
from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.sweeping import swept

WHY = ("--apply", "--reason", "too much")


def undo(team: Team, *words: str, exit: int | None = 0) -> Answer:  # noqa: A002
    return team.swarm("undo", team.run, *words, "--format", "json", exit=exit)


def files(tree: Path) -> dict[str, Any]:
    # The answer is kept in the folder of the run before a tree is removed.
    return {name: what for name, what in everything_in(tree).items() if not name.startswith((".git", ".swarm"))}


def cleaned(team: Team) -> dict[str, str]:
    """Clean with force, with dirt in `code`; return where the branches were."""
    team.merge()
    team.edit("code", {"notes.txt": "mine\n"})
    tips = {domain: team.repo.git("rev-parse", team.branch(domain)) for domain in ("code", "rest")}
    clean(team, "--force", *WHY)
    return tips


def test_a_clean_is_brought_back_with_its_dirt_as_a_commit(team: Team, amended: Team) -> None:
    before = {domain: files(team.tree(domain)) for domain in ("code", "rest")}
    tips = cleaned(team)
    kept = salvaged(team)["w2-code"]
    answer = undo(team, *WHY)
    assert {domain: files(team.tree(domain)) for domain in ("code", "rest")} == before | {
        "code": before["code"] | {"notes.txt": b"mine\n"}
    }
    assert team.repo.git("rev-parse", team.branch("code"), f"{team.branch('code')}^").split() == [kept, tips["code"]]
    assert team.repo.git("rev-parse", team.branch("rest")) == tips["rest"]
    assert (salvaged(team), steps(team)) == ({}, ["clean_begun", "cleaned", "undone"])
    assert answer.data["restored"][0] == {
        "name": "w2-code",
        "branch": team.branch("code"),
        "commit": kept,
        "path": str(team.tree("code")),
        "salvage": f"refs/swarm/salvage/{team.run}/w2-code",
    }


def test_what_was_brought_back_is_at_risk_again(team: Team, amended: Team) -> None:
    cleaned(team)
    undo(team, *WHY)
    answer = clean(team)
    assert [(item["name"], item["why"]) for item in answer.data["atRisk"]] == [
        ("w2-code", ["1 commit that no other branch has"])
    ]


def test_a_second_undo_says_that_there_is_nothing_to_undo(team: Team, amended: Team) -> None:
    cleaned(team)
    undo(team, *WHY)
    with nothing_changes(team.repo.root):
        again = undo(team, *WHY)
    assert (again.data["summary"], again.data["restored"]) == ("Nothing to undo.", [])
    assert team.swarm("undo", team.run).out.splitlines() == ["Nothing to undo.", f"Next: swarm status {team.run}"]


def test_a_dry_run_is_a_pure_read(team: Team, amended: Team) -> None:
    cleaned(team)
    with nothing_changes(team.repo.root):
        answer = undo(team)
    assert (answer.data["applied"], answer.data["nextAction"]) == (
        False,
        f"swarm undo {team.run} --apply --reason '…'",
    )
    assert undo(team, "--apply", exit=1).code == "REASON_REQUIRED"


def test_a_rewind_is_brought_back_and_what_it_recorded_stays(team: Team, amended: Team) -> None:
    head = published(team)
    team.repo.write({"src/tool.py": "# mine\n"})
    rewind(team, "--force", "--apply", "--reason", "wrong way")
    kept = salvaged(team)["rewind"]
    answer = undo(team, *WHY)
    assert (team.repo.head, team.repo.git("status", "--porcelain")) == (head, "")
    assert (team.repo.root / "src/app.py").read_text() == MENDED
    branch = f"swarm/{team.hex}/salvaged-rewind"
    assert team.repo.git("rev-parse", branch) == kept
    assert content(team, branch)["src/tool.py"] == "# mine"
    assert waves(team) == [(1, "aborted_for_rewind"), (2, "aborted_for_rewind")]
    assert answer.data["stays"] == [
        "waves 1, 2 stay aborted_for_rewind",
        "3 findings stay unverified until looked at again",
    ]
    assert (salvaged(team), steps(team)) == ({}, ["rewind_begun", "rewound", "undone"])


def test_an_integration_branch_that_a_rewind_took_is_brought_back(team: Team, amended: Team) -> None:
    team.merge()
    tip = team.repo.git("rev-parse", team.integration)
    rewind(team, "--apply", "--reason", "wrong way")
    undo(team, *WHY)
    assert team.repo.git("rev-parse", team.integration) == tip


@pytest.mark.parametrize("how", swept(["moved on", "dirty", "another branch"]))
def test_a_branch_that_is_not_as_the_rewind_left_it_does_not_go_back(how: str, team: Team, amended: Team) -> None:
    head = published(team)
    rewind(team, "--apply", "--reason", "wrong way")
    match how:
        case "moved on":
            now = team.repo.commit({"src/more.py": "x = 1\n"})
            found = (f"branch main has moved on since, to {now[:12]}", f"`git branch back {head}` keeps it")
        case "dirty":
            team.repo.write({"src/app.py": "# mine\n"})
            found = (f"{team.repo.root} has changes that would be in the way", "commit or stash them there")
        case _:
            team.repo.git("checkout", "-q", "-b", "feature")
            found = ("branch main is not checked out", "`git checkout main` first")
    with nothing_changes(team.repo.root):
        error = undo(team, *WHY, exit=1).document["error"]
    assert (error["code"], error["problem"], error["remedy"]) == ("UNDO_REFUSED", *found)


def test_a_branch_that_was_made_anew_meanwhile_is_not_written_over(team: Team, amended: Team) -> None:
    cleaned(team)
    team.repo.git("branch", team.branch("code"), "main")
    with nothing_changes(team.repo.root):
        error = undo(team, *WHY, exit=1).document["error"]
    assert error["problem"] == f"branch {team.branch('code')} is elsewhere now"


@pytest.fixture
def stranded(swarm: Swarm, repo: Repo, workspace: Workspace, swarm_process: Swarm) -> Team:
    """Leftovers of a killed dispatch, with a file of a person in the tree of `code`."""
    swarm_process(*DISPATCH, exit=-9, SWARM_FAILPOINT="commit.before")
    team = Team(swarm, repo, workspace)
    team.edit("code", {"mine.txt": "mine\n"}, wave=1)
    return team


DISPATCH = ("dispatch", "health-audit-a", "--isolate")


def refused(team: Team) -> tuple[str, str]:
    """Be refused an undo, which changes nothing; return the problem and the remedy."""
    for words in ((), WHY):
        with nothing_changes(team.repo.root):
            error = undo(team, *words, exit=1).document["error"]
        assert error["code"] == "UNDO_REFUSED"
    return error["problem"], error["remedy"]


def follow(team: Team, remedy: str) -> None:
    """Call the git command of a remedy; what was saved then is on a branch, and no other ref is another."""
    before = set(team.repo.git("for-each-ref").splitlines())
    _, *words = shlex.split(remedy.split("`")[1])
    team.repo.git(*words)
    (new,) = set(team.repo.git("for-each-ref").splitlines()) ^ before
    branch = f"swarm/{team.hex}/salvaged-w1-code"
    assert new.endswith(f"refs/heads/{branch}")
    assert content(team, branch)["mine.txt"] == "mine"


def test_what_agents_were_given_meanwhile_is_not_taken_for_what_was_cleaned(stranded: Team) -> None:
    clean(stranded, "--force", *WHY)
    stranded.swarm(*DISPATCH)
    saved = f"refs/swarm/salvage/{stranded.run}/w1-code"
    problem, remedy = refused(stranded)
    assert (problem, remedy) == (
        f"branch {stranded.branch('code', 1)} is one of wave 1 now, dispatched since (and 1 more)",
        f"`git branch swarm/{stranded.hex}/salvaged-w1-code {saved}` brings back what was saved on a branch of its own",
    )
    follow(stranded, remedy)
    assert refused(stranded) == (problem, f"what was saved is kept by {saved}, and has a branch")


def test_where_nothing_was_saved_of_what_agents_have_now_nothing_is_lost(
    swarm: Swarm, repo: Repo, workspace: Workspace, swarm_process: Swarm
) -> None:
    team = Team(swarm, repo, workspace)
    swarm_process(*DISPATCH, exit=-9, SWARM_FAILPOINT="commit.before")
    clean(team, *WHY)
    swarm(*DISPATCH)
    assert refused(team) == (
        f"branch {team.branch('code', 1)} is one of wave 1 now, dispatched since (and 1 more)",
        "nothing had to be saved, so nothing is lost",
    )


def test_a_clean_that_is_continued_does_not_claim_what_agents_were_given_meanwhile(
    stranded: Team, swarm_process: Swarm
) -> None:
    words = ("clean", stranded.run, "--force", *WHY)
    swarm_process(*words, exit=-9, SWARM_FAILPOINT="git.update-ref.after:3")
    assert not stranded.tree("code", 1).exists()
    stranded.swarm(*DISPATCH)
    assert clean(stranded, "--force", *WHY).data["removable"] == []
    problem, remedy = refused(stranded)
    assert problem == f"branch {stranded.branch('code', 1)} is one of wave 1 now, dispatched since (and 1 more)"
    follow(stranded, remedy)


def test_what_another_dispatch_that_died_made_is_not_taken_for_what_was_cleaned(
    stranded: Team, swarm_process: Swarm
) -> None:
    clean(stranded, "--force", *WHY)
    swarm_process(*DISPATCH, exit=-9, SWARM_FAILPOINT="commit.before")
    problem, remedy = refused(stranded)
    assert problem == f"something else is at {stranded.tree('code', 1)}"
    follow(stranded, remedy)


# Before and after it is written down what will be done, and with the half of it done.
HALF_WAY = [
    *(("clean", point) for point in ("commit.before", "commit.after", "git.worktree.before:2", "git.update-ref.after")),
    *(("rewind", point) for point in ("commit.before", "commit.after", "git.read-tree.before:2")),
    ("rewind", "git.update-ref.after:2"),
]
FILES_WITHOUT_BRANCH = ("rewind", "git.update-ref.before:2")


@pytest.mark.parametrize(
    ("verb", "point"), [FILES_WITHOUT_BRANCH, *(pytest.param(*item, marks=pytest.mark.soak) for item in HALF_WAY)]
)
def test_what_was_killed_half_way_can_be_undone(
    verb: str, point: str, team: Team, amended: Team, swarm_process: Swarm
) -> None:
    head = published(team)
    code = files(team.tree("code"))
    swarm_process(verb, team.run, *WHY, exit=-9, SWARM_FAILPOINT=point)
    undo(team, *WHY)
    assert (team.repo.head, files(team.tree("code"))) == (head, code)
    assert team.repo.git("rev-parse", team.branch("code"))
    assert team.repo.git("status", "--porcelain") == ""
