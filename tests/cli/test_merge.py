"""`swarm merge`: agents' work comes together as commits, and is published without touching what people work in."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from swarm.git import history, merging
from swarm.git import refs as refs_of_git
from swarm.git.repository import repository_at
from swarm.git.runner import Git
from swarm.locks import locked
from swarm.waves.prove.build import Bench
from swarm.waves.trees import worktrees
from tests.cli.scenes.merge_team import LOAD, MENDED, RETITLED, STEP, TITLE, Stage, Team
from tests.cli.scenes.snapshots import block_of, everything_in
from tests.conftest import SOURCE, Answer, Repo, Swarm, Workspace


@pytest.fixture
def repo(stage: Stage) -> Repo:
    return stage.repo()


def checkout(root: Path) -> dict[str, Any]:
    """Everything of the primary checkout: its files, index and HEAD; not the workspace, nor objects and refs."""
    kept: dict[str, Any] = {
        name: what
        for name, what in everything_in(root).items()
        if not Path(name).is_relative_to("swarms") and not Path(name).is_relative_to(".git")
    }
    return kept | {name: (root / ".git" / name).read_bytes() for name in ("index", "HEAD", "config")}


def tips(repo: Repo) -> dict[str, str]:
    listed = repo.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
    return {name: tip for name, _, tip in (line.partition(" ") for line in listed)}


def first_parents(team: Team, revision: str, form: str = "%s") -> list[str]:
    return team.repo.git("log", "--first-parent", "--reverse", f"--format={form}", revision).splitlines()


def tree_of(team: Team, revision: str) -> dict[str, str]:
    """Every file of a commit with its content."""
    names = team.repo.git("ls-tree", "-r", "--name-only", "-z", revision).split("\0")
    return {name: team.repo.git("show", f"{revision}:{name}") + "\n" for name in names if name}


def states(answer: Answer) -> dict[str, str]:
    return {one["domain"]: one["state"] for one in answer.data["domains"]}


def lasting(team: Team) -> dict[str, Any]:
    """What a merge leaves, whenever it ran and however often it was begun."""
    with sqlite3.connect(team.place.db) as conn:
        found = {
            "merges": conn.execute("SELECT wave_id, ref, base, commit_sha, domains, dropped FROM merges").fetchall(),
            "claims": conn.execute("SELECT id, outcome FROM fix_claims ORDER BY id").fetchall(),
            "findings": conn.execute("SELECT finding_id, status, fixed_commit FROM findings ORDER BY id").fetchall(),
            "proofs": conn.execute("SELECT purpose, commit_sha, verdict, exit_code FROM verifications").fetchall(),
        }
    conn.close()
    return found


def left_behind(team: Team) -> list[str]:
    """Scratch trees and temporary files."""
    stray = [str(file) for file in team.place.folder.rglob("*.tmp")]
    stray += [str(tree) for tree in team.place.folder.glob("*/worktrees/proof-*")]
    return stray + [line for line in team.repo.git("worktree", "list").splitlines() if "proof-" in line]


# --- what is merged ---------------------------------------------------------------------------------------


def test_a_merge_is_told_whole(team: Team, amended: Team) -> None:
    before = team.repo.head
    answer = team.merge()
    commit = tips(team.repo)[team.integration]
    gate = {name: value for name, value in answer.data["gate"].items() if name != "steps"}
    (step,) = answer.data["gate"]["steps"]
    assert (step["name"], step["status"], step["exitCode"], step["testCount"]) == ("check", "passed", 0, 1)
    code, rest = (team.repo.git("rev-parse", team.branch(domain)) for domain in ("code", "rest"))
    assert answer.data | {"gate": gate} == {
        "runId": team.run,
        "waveId": 2,
        "waveNumber": 2,
        "phase": "health-amend-a",
        "ref": team.integration,
        "base": before,
        "commit": commit,
        "published": False,
        "domains": [
            {"domain": "code", "branch": team.branch("code"), "commit": code, "state": "merged", "files": 1},
            {"domain": "rest", "branch": team.branch("rest"), "commit": rest, "state": "merged", "files": 1},
        ],
        "dropped": [],
        "gate": {"verdict": "pass", "adapter": "configured", "testCount": 1, "flaky": False, "accepted": None},
        "fixed": sorted(team.ids()[line] for line in ("def load", "# A project")),
        "summary": f"Wave 2 (health-amend-a): 2 of 2 agents' work merged at {team.integration}",
        "nextAction": f"swarm verify {team.run}",
    }
    assert tree_of(team, commit) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_the_text_says_what_was_merged_and_what_comes_next(team: Team, amended: Team) -> None:
    lines = team.swarm("merge").out.splitlines()
    commit = tips(team.repo)[team.integration]
    assert lines[:2] == [
        f"Wave 2 (health-amend-a): 2 of 2 agents' work merged at {team.integration}",
        f"Commit: {commit}",
    ]
    assert "Build: pass by configured" in lines
    fixed = ", ".join(sorted(team.ids()[line] for line in ("def load", "# A project")))
    assert lines[-2:] == [f"✓ 2 findings fixed: {fixed}", f"Next: swarm verify {team.run}"]


def test_links_stand_in_map_order_by_swarm_and_name_run_wave_domain_and_findings(team: Team, amended: Team) -> None:
    team.merge()
    assert first_parents(team, team.integration) == [
        "start",
        "Merge code in wave 2 (health-amend-a)",
        "Merge rest in wave 2 (health-amend-a)",
    ]
    ids = team.ids()
    told = {"code": ids["def load"], "rest": ids["# A project"]}
    for domain, revision in (("code", f"{team.integration}^"), ("rest", team.integration)):
        body = team.repo.git("log", "-1", "--format=%an <%ae>, %cn <%ce>%n%b", revision)
        assert body.splitlines() == [
            "swarm <swarm@localhost>, swarm <swarm@localhost>",
            f"Swarm-Run: {team.run}",
            "Swarm-Wave: 2",
            f"Swarm-Domain: {domain}",
            f"Swarm-Finding: {told[domain]}",
        ]
    saved = team.repo.git("log", "-1", "--format=%an: %s%n%b", team.branch("code")).splitlines()
    assert saved == [
        "swarm: Work of code in wave 2 (health-amend-a)",
        f"Swarm-Run: {team.run}",
        "Swarm-Wave: 2",
        "Swarm-Domain: code",
        f"Swarm-Finding: {told['code']}",
    ]
    assert team.repo.git("log", "-1", "--format=%an: %s", team.branch("rest")) == "A Person: rest's own"


@pytest.mark.parametrize("how", ["uncommitted", "committed", "mixed", "staged", "a new file", "a file less"])
def test_work_is_taken_as_it_lies_there(team: Team, how: str) -> None:
    team.dispatch()
    after = SOURCE | {"src/app.py": MENDED}
    match how:
        case "uncommitted":
            team.edit("code", {"src/app.py": MENDED})
        case "committed":
            team.edit("code", {"src/app.py": MENDED}, commit=True)
        case "mixed":
            team.edit("code", {"src/tool.py": "x = 1\n"}, commit=True)
            team.edit("code", {"src/app.py": MENDED})
            after["src/tool.py"] = "x = 1\n"
        case "staged":
            team.edit("code", {"src/app.py": MENDED})
            team.repo.git("add", "-A", cwd=team.tree("code"))
        case "a new file":
            team.edit("code", {"src/app.py": MENDED, "src/new.py": "x = 1\n"})
            after["src/new.py"] = "x = 1\n"
        case _:
            team.edit("code", {"src/app.py": MENDED, "src/tool.py": None})
            del after["src/tool.py"]
    team.collect()
    files = everything_in(team.tree("code"))
    assert states(team.merge()) == {"code": "merged", "rest": "nothing"}
    assert tree_of(team, team.integration) == after
    assert everything_in(team.tree("code")) == files
    assert team.repo.git("status", "--porcelain", cwd=team.tree("code")) == ""
    assert team.repo.git("symbolic-ref", "--short", "HEAD", cwd=team.tree("code")) == team.branch("code")


def test_nothing_of_the_primary_checkout_changes_however_it_lies_there(team: Team, amended: Team) -> None:
    team.repo.write({"src/tool.py": "# in the works\n", "notes.txt": "mine\n"})
    team.repo.write({"web/index.html": "<p>staged</p>\n"})
    team.repo.git("add", "web/index.html")
    before = checkout(team.repo.root)
    team.merge()
    assert checkout(team.repo.root) == before
    assert tips(team.repo)["main"] == team.repo.head
    assert left_behind(team) == []


def test_odd_names_are_merged(team: Team) -> None:
    names = ["src/a b.py", "src/new\nline.py", "src/-x.py", 'src/"q".py', "src/ünï.py"]
    team.dispatch()
    team.edit("code", dict.fromkeys(names, "x = 1\n"))
    (team.tree("code") / os.fsdecode(b"src/\xff.py")).write_text("x = 2\n")
    team.collect()
    assert team.merge().data["domains"][0]["files"] == 6
    listed = team.repo.git("ls-tree", "-r", "--name-only", team.integration, "src/").splitlines()
    assert len(listed) == 8
    assert r'"src/\377.py"' in listed
    assert team.file_at(team.integration, "src/new\nline.py") == "x = 1"


def test_modes_and_links_are_kept(team: Team) -> None:
    team.dispatch()
    (team.tree("code") / "src/tool.py").chmod(0o755)
    (team.tree("code") / "src/link.py").symlink_to("app.py")
    team.collect()
    team.merge()
    listed = team.repo.git("ls-tree", "-r", "--format=%(objectmode) %(path)", team.integration, "src/").splitlines()
    assert listed == ["100644 src/app.py", "120000 src/link.py", "100755 src/tool.py"]


# --- again ------------------------------------------------------------------------------------------------


def test_called_again_there_is_nothing_to_merge(team: Team, amended: Team) -> None:
    team.merge()
    before, refs = lasting(team), tips(team.repo)
    again = team.merge()
    assert (again.exit, again.data["commit"], again.data["domains"]) == (0, None, [])
    assert again.data["summary"] == "Nothing to merge: everything is merged already."
    assert (lasting(team), tips(team.repo)) == (before, refs)
    assert team.swarm("merge").out.splitlines() == [
        "Nothing to merge: everything is merged already.",
        f"Next: swarm status {team.run}",
    ]


def test_called_again_after_the_target_moved_nothing_is_built(team: Team, amended: Team) -> None:
    team.merge()
    team.repo.commit({"web/index.html": "<p>BROKEN</p>\n", "src/tool.py": "BROKEN\n"})
    refs = tips(team.repo)
    again = team.merge()
    assert again.data["summary"] == "Nothing to merge: everything is merged already."
    assert [event for event in again.events if event["stage"] == "build_started"] == []
    assert tips(team.repo) == refs


def test_what_was_merged_stays_merged_after_a_verification_and_a_promotion(team: Team, amended: Team) -> None:
    """The wave's end moves; what is made of its work does not."""
    # A history that does not grow out of the wave's commit has its work saved aside, anew in each call.
    orphan = team.repo.git("commit-tree", "-m", "orphan", f"{team.branch('rest')}^{{tree}}")
    team.repo.git("update-ref", f"refs/heads/{team.branch('rest')}", orphan)
    team.merge("--publish")
    team.swarm("verify")
    before, refs = lasting(team), tips(team.repo)
    assert team.merge().data["summary"] == "Nothing to merge: everything is merged already."
    assert (lasting(team), tips(team.repo)) == (before, refs)


def test_a_second_wave_is_merged_on_top_of_what_is_not_published_yet(team: Team, amended: Team) -> None:
    team.merge()
    first = tips(team.repo)[team.integration]
    team.dispatch()
    ids = team.ids()
    source = SOURCE["src/app.py"].replace("    return undefined_name", "    return 'name'")
    team.edit("code", {"src/app.py": source}, wave=3)
    team.collect(3, code=(ids["return undefined_name"],))
    answer = team.merge()
    assert (answer.data["waveNumber"], answer.data["base"]) == (3, first)
    assert answer.data["fixed"] == [ids["return undefined_name"]]
    both = MENDED.replace("    return undefined_name", "    return 'name'")
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": both, "README.md": RETITLED}


def test_work_that_was_merged_by_hand_is_proved_and_recorded(team: Team, amended: Team) -> None:
    team.repo.git("merge", "-q", "--no-edit", team.branch("rest"))
    head = team.repo.head
    answer = team.merge("--drop", "code")
    assert (answer.data["ref"], answer.data["commit"], answer.data["published"]) == ("main", head, True)
    assert states(answer) == {"code": "dropped", "rest": "already"}
    assert answer.data["fixed"] == [team.ids()["# A project"]]
    assert [(ref, domains) for _, ref, _, _, domains, _ in lasting(team)["merges"]] == [("main", '["rest"]')]
    told = "Nothing to merge: everything but what is dropped is merged already."
    assert team.merge("--drop", "code").data["summary"] == told


# --- nothing to merge, and not yet ------------------------------------------------------------------------


def test_without_an_amend_wave_there_is_nothing_to_merge(team: Team) -> None:
    answer = team.merge()
    assert answer.data["summary"] == "Nothing to merge: there is no isolated amend wave to merge."
    assert (answer.data["waveId"], set(tips(team.repo))) == (None, {"main"})


def test_a_wave_that_was_not_isolated_has_nothing_to_merge(team: Team) -> None:
    team.swarm("dispatch", "health-amend-a")
    team.collect()
    assert team.merge().data["summary"] == "Nothing to merge: there is no isolated amend wave to merge."


def test_agents_that_did_nothing_give_nothing_to_merge(team: Team) -> None:
    team.dispatch()
    team.collect()
    answer = team.merge("--publish")
    assert answer.data["summary"] == "Nothing to merge: everything is merged already."
    assert team.integration not in tips(team.repo)
    assert lasting(team)["merges"] == []


def test_a_wave_in_flight_is_not_merged(team: Team) -> None:
    team.dispatch()
    refs = tips(team.repo)
    answer = team.swarm("merge", exit=1)
    assert block_of(answer).splitlines()[:2] == [
        "ERROR [MERGE_NOT_READY]: Wave 2 (health-amend-a) is dispatched, and only a collected wave is merged",
        f"  Next: `swarm launch {team.run}` goes on with it; `swarm status {team.run}` tells more",
    ]
    assert tips(team.repo) == refs


def test_a_failed_wave_is_not_merged(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"README.md": "# Not mine\n"})
    team.answer("code")
    team.answer("rest")
    team.swarm("collect", exit=1)
    assert team.merge(exit=1).code == "MERGE_NOT_READY"
    assert team.integration not in tips(team.repo)


def test_an_audit_wave_after_it_keeps_no_amend_wave_from_being_merged(team: Team, amended: Team) -> None:
    team.swarm("dispatch", "health-audit-a")
    assert states(team.merge()) == {"code": "merged", "rest": "merged"}


# --- the target -------------------------------------------------------------------------------------------


def test_publishing_moves_the_target_and_its_clean_checkout(team: Team, amended: Team) -> None:
    team.repo.write({"notes.txt": "mine\n"})
    answer = team.merge("--publish")
    assert (answer.data["ref"], answer.data["published"]) == ("main", True)
    assert team.repo.head == answer.data["commit"] == tips(team.repo)["main"]
    assert team.repo.git("status", "--porcelain") == "?? notes.txt"
    assert (team.repo.root / "src/app.py").read_text() == MENDED
    assert (team.repo.root / "README.md").read_text() == RETITLED
    assert team.integration not in tips(team.repo)
    assert team.repo.git("symbolic-ref", "--short", "HEAD") == "main"


def test_what_was_integrated_is_published_later_without_a_second_build(team: Team, amended: Team) -> None:
    commit = team.merge().data["commit"]
    answer = team.merge("--publish")
    assert (answer.data["commit"], answer.data["ref"], team.repo.head) == (commit, "main", commit)
    assert states(answer) == {"code": "already", "rest": "already"}
    assert answer.data["gate"] is None
    assert [row[1] for row in lasting(team)["merges"]] == [team.integration, "main"]
    assert team.merge("--publish").data["summary"] == "Nothing to merge: everything is merged already."


def _edited(repo: Repo) -> None:
    repo.write({"web/index.html": "<p>mine</p>\n"})


def _staged(repo: Repo) -> None:
    _edited(repo)
    repo.git("add", "-A")


def _deleted(repo: Repo) -> None:
    (repo.root / "web/index.html").unlink()


def _mode(repo: Repo) -> None:
    (repo.root / "src/app.py").chmod(0o755)


def _hidden_edit(repo: Repo) -> None:
    repo.git("update-index", "--assume-unchanged", "src/app.py")
    repo.write({"src/app.py": "# mine\n"})


def _untracked(repo: Repo) -> None:
    repo.write({"src/new/deep.py": "# mine\n"})


def _untracked_file_for_a_folder(repo: Repo) -> None:
    repo.write({"src/new": "# mine\n"})


def _untracked_folder_for_a_file(repo: Repo) -> None:
    repo.write({"src/flat.py/mine.txt": "mine\n"})


def _link_in_the_way(repo: Repo) -> None:
    (repo.root / "src/new").symlink_to(repo.root.parent)


def _exclude(repo: Repo, pattern: str) -> None:
    with (repo.root / ".git/info/exclude").open("a") as stream:
        stream.write(f"{pattern}\n")


def _ignored(repo: Repo) -> None:
    _exclude(repo, "deep.py")
    _untracked(repo)


def _ignored_file_for_a_folder(repo: Repo) -> None:
    _exclude(repo, "new")
    _untracked_file_for_a_folder(repo)


def _ignored_folder_for_a_file(repo: Repo) -> None:
    _exclude(repo, "mine.txt")
    _untracked_folder_for_a_file(repo)


DIRTY = [
    _edited,
    _staged,
    _deleted,
    _mode,
    _hidden_edit,
    _untracked,
    _untracked_file_for_a_folder,
    _untracked_folder_for_a_file,
    _link_in_the_way,
    _ignored,
    _ignored_file_for_a_folder,
    _ignored_folder_for_a_file,
]


@pytest.fixture
def grown(team: Team) -> Team:
    """A collected wave that edits a file and makes two more, one of them in a new folder."""
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED, "src/new/deep.py": "x = 1\n", "src/flat.py": "x = 2\n"})
    team.collect(code=(team.ids()["def load"],))
    return team


@pytest.mark.parametrize("dirty", DIRTY)
def test_a_checkout_that_publishing_would_run_into_is_refused_and_nothing_is_lost(
    team: Team, grown: Team, dirty: Callable[[Repo], None]
) -> None:
    dirty(team.repo)
    files = {name: what for name, what in checkout(team.repo.root).items() if name != "index"}
    status, head, state = team.repo.git("status", "--porcelain", "--ignored"), team.repo.head, lasting(team)
    answer = team.swarm("merge", "--publish", exit=1)
    assert block_of(answer).splitlines()[:3] == [
        (
            f"ERROR [PUBLISH_TARGET_DIRTY]: Branch main is checked out at {team.repo.root} with changes that publishing "
            "would run into"
        ),
        f"  Path: {team.repo.root}",
        "  Next: commit or stash them there, or publish without `--publish` to the integration branch",
    ]
    assert {name: what for name, what in checkout(team.repo.root).items() if name != "index"} == files
    assert (team.repo.git("status", "--porcelain", "--ignored"), team.repo.head) == (status, head)
    assert lasting(team) == state
    assert left_behind(team) == []


def test_a_target_that_is_not_checked_out_is_moved_alone(team: Team, amended: Team) -> None:
    team.repo.git("checkout", "-q", "-b", "elsewhere")
    team.repo.write({"README.md": "# In the works\n"})
    before = checkout(team.repo.root)
    answer = team.merge("--publish")
    assert (answer.data["ref"], tips(team.repo)["main"]) == ("main", answer.data["commit"])
    assert checkout(team.repo.root) == before


def test_a_target_whose_checkout_is_gone_is_moved(team: Team, amended: Team, tmp_path: Path) -> None:
    team.repo.git("checkout", "-q", "-b", "elsewhere")
    team.repo.git("worktree", "add", "-q", str(tmp_path / "other"), "main")
    shutil.rmtree(tmp_path / "other")
    assert team.merge("--publish").data["commit"] == tips(team.repo)["main"]


def test_a_target_of_ones_own_is_merged_on_top_of(team: Team, amended: Team) -> None:
    team.repo.git("branch", "release")
    answer = team.merge("--publish", "--target", "release")
    assert (answer.data["ref"], tips(team.repo)["release"]) == ("release", answer.data["commit"])
    assert tips(team.repo)["main"] == answer.data["base"]


def test_a_target_is_the_name_of_a_branch(team: Team, amended: Team) -> None:
    refs = tips(team.repo)
    for name in ("nope", "main^", "main~0", "main@{0}", "HEAD", "", "-x", "main\nmain"):
        assert team.merge("--publish", f"--target={name}", exit=1).code == "CLI_USAGE"
    assert tips(team.repo) == refs


def test_a_target_that_moved_is_merged_on_top_of(team: Team, amended: Team) -> None:
    moved = team.repo.commit({"web/index.html": "<p>more</p>\n"})
    answer = team.merge("--publish")
    assert answer.data["base"] == moved
    after = SOURCE | {"src/app.py": MENDED, "README.md": RETITLED, "web/index.html": "<p>more</p>\n"}
    assert tree_of(team, "main") == after


def test_a_target_that_moved_after_an_integration_is_brought_in_when_it_is_published(team: Team, amended: Team) -> None:
    team.merge()
    team.repo.commit({"web/index.html": "<p>more</p>\n"})
    answer = team.merge("--publish")
    assert team.repo.head == answer.data["commit"]
    after = SOURCE | {"src/app.py": MENDED, "README.md": RETITLED, "web/index.html": "<p>more</p>\n"}
    assert tree_of(team, "main") == after
    subject = team.repo.git("log", "-1", "--format=%s")
    assert subject == "Catch up with the target in wave 2 (health-amend-a)"


def test_on_a_detached_head_it_is_integrated_and_published_only_to_a_named_branch(
    swarm: Swarm, repo: Repo, tmp_path: Path
) -> None:
    repo.git("checkout", "-q", "--detach")
    mapped = tmp_path / "map.json"
    mapped.write_text('[{"name": "code", "globs": ["src/**"]}, {"name": "rest", "globs": ["**"]}]')
    run = swarm("init", ".", "--domains-from", mapped, "--format", "json").data["runId"]
    swarm("domains", "--freeze")
    folder = repo.root / "swarms"
    team = Team(swarm, repo, Workspace(run, folder, folder / "control-plane.db"))
    team.prove_with(STEP)
    swarm("dispatch", "health-audit-a")
    team.place.answer("code", LOAD)
    team.place.answer("rest", TITLE)
    swarm("collect")
    swarm("approve", "--all")
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED})
    team.collect()
    refused = team.merge("--publish", exit=1)
    assert refused.document["error"]["problem"] == (
        "--publish needs --target BRANCH: the run was made on a detached HEAD"
    )
    head = repo.head
    assert team.merge().data["ref"] == team.integration
    assert repo.head == head
    assert team.merge("--publish", "--target", "main").data["commit"] == tips(repo)["main"]
    assert repo.head == head


# --- races ------------------------------------------------------------------------------------------------


def raced(monkeypatch: pytest.MonkeyPatch, team: Team, branch: str) -> list[str]:
    """Let somebody else commit to a branch right before it is moved."""
    made: list[str] = []
    move = refs_of_git.move_branch

    def late(git: Any, name: str, old: str | None, new: str) -> None:
        if name == branch and not made:
            parent = tips(team.repo).get(branch, team.repo.head)
            other = team.repo.git("commit-tree", "-m", "other", "-p", parent, f"{parent}^{{tree}}")
            team.repo.git("update-ref", f"refs/heads/{branch}", other)
            made.append(other)
        move(git, name, old, new)

    monkeypatch.setattr(merging, "move_branch", late)
    return made


def test_a_target_that_moves_while_it_is_published_to_is_raced_and_the_files_are_as_they_were(
    team: Team, amended: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, base = checkout(team.repo.root), team.repo.head
    made = raced(monkeypatch, team, "main")
    answer = team.swarm("merge", "--publish", exit=1)
    assert block_of(answer).splitlines()[0] == (
        f"ERROR [PUBLISH_RACED]: Branch main moved while it was published to: expected {base}, found {made[0]}"
    )
    assert tips(team.repo)["main"] == made[0]
    assert team.repo.git("status", "--porcelain") == ""
    after = checkout(team.repo.root)
    assert {name: what for name, what in after.items() if name != "index"} == {
        name: what for name, what in before.items() if name != "index"
    }
    assert lasting(team)["merges"] == []
    again = team.merge("--publish")
    assert (again.data["base"], team.repo.head) == (made[0], again.data["commit"])


def test_an_integration_branch_that_somebody_else_makes_meanwhile_is_not_lost(
    team: Team, amended: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = raced(monkeypatch, team, team.integration)
    assert team.merge(exit=1).code == "PUBLISH_RACED"
    assert tips(team.repo)[team.integration] == made[0]
    assert team.merge(exit=1).code == "INTEGRATION_MOVED"
    assert tips(team.repo)[team.integration] == made[0]


def test_a_merge_that_ends_while_another_one_builds_is_not_lost(
    team: Team, amended: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one leaves an agent out: its commit is none that this one knows. Locks of other machines are not seen."""
    monkeypatch.setattr(worktrees, "merge_lock", lambda *_: nullcontext())
    build = Bench.build
    seen: list[str] = []

    def late(self: Bench, commit: str) -> Any:
        if not seen:
            seen.append(commit)
            team.merge("--drop", "rest")
            seen.append(tips(team.repo)[team.integration])
        return build(self, commit)

    monkeypatch.setattr(Bench, "build", late)
    refused = team.merge(exit=1)
    assert refused.code == "PUBLISH_RACED"
    assert tips(team.repo)[team.integration] == seen[1]
    assert states(team.merge()) == {"code": "already", "rest": "merged"}


def test_two_merges_at_once_come_to_one(team: Team, amended: Team, swarm_process: Swarm) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: swarm_process("merge", team.run, "--format", "json", exit=None), range(2)))
    assert [answer.exit for answer in both] == [0, 0]
    assert sorted(answer.data["commit"] is None for answer in both) == [False, True]
    merges = lasting(team)["merges"]
    assert [(row[1], row[3]) for row in merges] == [(team.integration, tips(team.repo)[team.integration])]
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}
    assert left_behind(team) == []


@pytest.mark.parametrize("verb", ["merge", "rewind"])
def test_nobody_merges_or_rewinds_while_another_merges(
    team: Team, amended: Team, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(worktrees, "LOCK_SECONDS", 0.0)
    before = lasting(team)
    with locked(team.place.folder / team.run / "merge.lock", "merge", timeout=0):
        words = (team.run, *(("--apply", "--reason", "back") if verb == "rewind" else ()))
        refused = team.swarm(verb, *words, "--format", "json", exit=1)
    assert refused.code == "CONTROL_PLANE_BUSY"
    assert refused.document["error"]["holder"] == f" by {os.getpid()} merge"
    assert lasting(team) == before


# --- conflicts --------------------------------------------------------------------------------------------


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
        "  Caused by: README.md",
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
    answer = team.merge("--drop", "cod", exit=1)
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


# --- agents that go on, or that attack --------------------------------------------------------------------


def test_what_an_agent_edits_after_it_was_judged_is_not_merged_and_not_lost(team: Team, amended: Team) -> None:
    team.edit("code", {"src/app.py": "# later\n", "README.md": "# Not mine\n"})
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}
    assert (team.tree("code") / "src/app.py").read_text() == "# later\n"
    assert (team.tree("code") / "README.md").read_text() == "# Not mine\n"


@pytest.mark.parametrize("domain", ["code", "rest"])
def test_what_an_agent_commits_after_it_was_judged_is_not_merged_and_not_lost(
    team: Team, amended: Team, domain: str
) -> None:
    team.edit(domain, {"src/tool.py": "# later\n", "web/index.html": "<p>later</p>\n"}, commit=True)
    later = tips(team.repo)[team.branch(domain)]
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}
    assert history.is_ancestor(_git(team), later, team.branch(domain))
    assert (team.tree(domain) / "src/tool.py").read_text() == "# later\n"


def test_work_that_was_committed_is_merged_without_what_was_committed_on_top(team: Team, amended: Team) -> None:
    judged = tips(team.repo)[team.branch("rest")]
    team.edit("rest", {"web/index.html": "<p>later</p>\n"}, commit=True)
    later = tips(team.repo)[team.branch("rest")]
    answer = team.merge()
    assert answer.data["domains"][1]["commit"] == judged
    assert tips(team.repo)[team.branch("rest")] == later
    assert not history.is_ancestor(_git(team), later, team.integration)


def test_commits_after_a_merge_are_no_new_work(team: Team, amended: Team) -> None:
    team.merge()
    for domain in ("code", "rest"):
        team.edit(domain, {"src/tool.py": "# later\n"}, commit=True)
    refs = tips(team.repo)
    assert team.merge().data["summary"] == "Nothing to merge: everything is merged already."
    assert tips(team.repo) == refs


def _git(team: Team) -> Git:
    return repository_at(team.repo.root).git


def test_a_branch_that_was_rewritten_is_left_alone_and_the_judged_work_is_merged(team: Team, amended: Team) -> None:
    orphan = team.repo.git("commit-tree", "-m", "orphan", "HEAD^{tree}")
    team.repo.git("update-ref", f"refs/heads/{team.branch('code')}", orphan)
    team.repo.git("update-ref", "-d", f"refs/heads/{team.branch('rest')}")
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}
    assert tips(team.repo)[team.branch("code")] == orphan


def test_a_tree_that_is_gone_has_been_judged_all_the_same(team: Team, amended: Team) -> None:
    shutil.rmtree(team.tree("code"))
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_a_history_that_takes_in_a_sibling_s_work_cannot_undo_it(team: Team) -> None:
    """`rest` merges the branch of `code` and keeps none of it: to git, `rest` has decided against that work."""
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED}, commit=True)
    team.edit("rest", {"README.md": RETITLED}, commit=True)
    team.repo.git("merge", "-q", "-s", "ours", "--no-edit", team.branch("code"), cwd=team.tree("rest"))
    team.collect()
    assert states(team.merge()) == {"code": "merged", "rest": "merged"}
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_a_history_that_takes_in_the_target_s_later_commits_cannot_undo_them(team: Team) -> None:
    team.dispatch()
    later = team.repo.commit({"web/index.html": "<p>more</p>\n"})
    tree = team.tree("code")
    team.repo.git("reset", "-q", "--hard", later, cwd=tree)
    team.edit("code", {"web/index.html": SOURCE["web/index.html"], "src/app.py": MENDED}, commit=True)
    team.collect()
    team.merge()
    after = SOURCE | {"src/app.py": MENDED, "web/index.html": "<p>more</p>\n"}
    assert tree_of(team, team.integration) == after


def test_no_driver_filter_or_hook_that_an_agent_plants_is_run(team: Team, amended: Team, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    git = team.repo.git
    # Both sides change one file, so that git has to merge its content.
    team.repo.commit({"src/app.py": SOURCE["src/app.py"] + "\n\nLATER = 1\n"})
    for kind in ("merge.evil.driver", "filter.evil.clean", "filter.evil.smudge", "diff.evil.command"):
        git("config", kind, f"touch {ran}; cat")
    git("config", "core.fsmonitor", f"touch {ran}")
    git("config", "gpg.program", f"touch {ran}")
    git("config", "log.showSignature", "true")
    git("config", "commit.gpgSign", "true")
    git("config", "merge.default", "evil")
    (team.repo.root / ".git/info/attributes").write_text("* merge=evil filter=evil diff=evil\n")
    for name in ("post-checkout", "reference-transaction", "post-merge", "post-index-change", "pre-commit"):
        hook = team.repo.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.chmod(0o755)
    team.merge()
    assert not ran.exists()
    assert team.file_at(team.integration, "src/app.py").endswith("LATER = 1")
    assert "seen=None" in team.file_at(team.integration, "src/app.py")


def test_attributes_in_an_agent_s_work_change_no_merge(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED})
    team.edit("rest", {".gitattributes": "* -text merge=union\nsrc/* merge=ours\n"})
    team.collect()
    team.repo.commit({"src/app.py": SOURCE["src/app.py"] + "\n\nLATER = 1\n"})
    team.merge()
    assert team.file_at(team.integration, "src/app.py").endswith("LATER = 1")


@pytest.mark.parametrize("where", ["primary", "sibling", "elsewhere"])
def test_a_git_file_that_leads_elsewhere_lets_no_other_index_be_written(
    team: Team, amended: Team, tmp_path: Path, where: str
) -> None:
    git_file = team.tree("code") / ".git"
    victim = {
        "primary": team.repo.root / ".git",
        "sibling": Path((team.tree("rest") / ".git").read_text().removeprefix("gitdir: ").strip()),
        "elsewhere": tmp_path / "other" / ".git",
    }[where]
    if where == "elsewhere":
        team.repo.git("clone", "-q", str(team.repo.root), str(tmp_path / "other"))
    git_file.write_text(f"gitdir: {victim}\n")
    before = (victim / "index").read_bytes()
    team.merge()
    assert (victim / "index").read_bytes() == before


def test_a_graft_or_a_replacement_bends_no_history(team: Team, amended: Team) -> None:
    head = team.repo.head
    other = team.repo.git("commit-tree", "-m", "other", f"{team.branch('rest')}^{{tree}}")
    (team.repo.root / ".git/info/grafts").write_text(f"{head} {other}\n")
    team.repo.git("update-ref", f"refs/replace/{head}", other)
    team.merge()
    team.repo.git("update-ref", "-d", f"refs/replace/{head}")
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


# --- what becomes of the findings -------------------------------------------------------------------------


def test_what_the_merged_commit_shows_is_fixed_and_a_claim_that_changed_nothing_stays_approved(team: Team) -> None:
    team.dispatch()
    ids = team.ids()
    team.edit("code", {"src/app.py": MENDED})
    team.collect(code=(ids["def load"], ids["return undefined_name"]))
    answer = team.merge()
    assert answer.data["fixed"] == [ids["def load"]]
    shown = team.rows(
        "SELECT status, evidence, fixed_wave, fixed_commit FROM findings WHERE finding_id = ?", ids["def load"]
    )
    assert shown == [("fixed", "anchor", 2, answer.data["commit"])]
    assert team.status_of(ids["return undefined_name"]) == "approved"
    assert team.rows("SELECT outcome FROM fix_claims ORDER BY id") == [("fixed",), ("claimed",)]
    told = team.swarm("history", ids["def load"], "--format", "json").data["events"][-1]
    assert (told["kind"], told["from"], told["to"]) == ("finding_moved", "new", "fixed")
    assert told["reason"].startswith("the line is gone or was rewritten")


def test_the_ledger_says_what_was_proved_and_merged(team: Team, amended: Team) -> None:
    commit = team.merge().data["commit"]
    told = team.swarm("history", "2", "--format", "json").data["events"]
    assert [(event["kind"], event["to"]) for event in told if event["kind"] in {"verified", "merged"}] == [
        ("verified", "pass"),
        ("merged", commit),
    ]


def test_what_the_build_printed_is_kept_in_the_database(team: Team, amended: Team) -> None:
    team.merge()
    ((steps,),) = team.rows("SELECT steps FROM verifications")
    assert [(step["name"], step["stdout"], step["stderr"]) for step in json.loads(steps)] == [("check", "1 ran\n", "")]


def poisoned(team: Team, parent: str) -> str:
    """Put a commit that no agent was judged by, on top of another, where the run's waves come together."""
    head = team.repo.head
    tree = team.repo.commit({"web/index.html": "<p>evil</p>\n"}) + "^{tree}"
    team.repo.git("reset", "-q", "--hard", head)
    evil = team.repo.git("commit-tree", "-m", "Catch up with the target", "-p", parent, tree)
    team.repo.git("update-ref", f"refs/heads/{team.integration}", evil)
    return evil


def assert_refused(team: Team, evil: str) -> None:
    state, main = lasting(team), tips(team.repo)["main"]
    for words in (("merge",), ("merge", "--publish"), ("verify",)):
        error = team.swarm(*words, "--format", "json", exit=1).document["error"]
        assert (error["code"], error["found"]) == ("INTEGRATION_MOVED", evil)
    assert (lasting(team), tips(team.repo)["main"], tips(team.repo)[team.integration]) == (state, main, evil)


def test_an_integration_branch_that_an_agent_makes_is_never_published(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED})
    evil = poisoned(team, "HEAD")
    team.collect(code=(team.ids()["def load"],))
    assert_refused(team, evil)
    hint = team.merge(exit=1).document["error"]["hint"]
    team.repo.git("update-ref", "-d", f"refs/heads/{team.integration}")
    assert f"`git update-ref -d refs/heads/{team.integration}`" in hint
    team.merge("--publish")
    assert tree_of(team, "main") == SOURCE | {"src/app.py": MENDED}


def test_an_integration_branch_that_is_moved_after_it_was_verified_is_never_published(
    team: Team, amended: Team
) -> None:
    team.merge()
    team.swarm("verify")
    left = tips(team.repo)[team.integration]
    assert_refused(team, poisoned(team, left))
    hint = team.merge(exit=1).document["error"]["hint"]
    assert f"`git update-ref refs/heads/{team.integration} {left}`" in hint
    team.repo.git("update-ref", f"refs/heads/{team.integration}", left)
    team.merge("--publish")
    assert tree_of(team, "main") == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_the_agents_work_merged_by_hand_on_top_of_another_s_commit_is_not_taken_for_ours(
    team: Team, amended: Team, swarm_process: Swarm
) -> None:
    """The chain of merges is rebuilt exactly; what it stands on is nobody's."""
    evil = poisoned(team, "HEAD")
    team.repo.git("branch", "evil", evil)
    team.repo.git("update-ref", "-d", f"refs/heads/{team.integration}")
    swarm_process("merge", team.run, "--target", "evil", exit=-9, SWARM_FAILPOINT="commit.before")
    chain = tips(team.repo)[team.integration]
    assert first_parents(team, chain, "%H")[1] == evil
    assert_refused(team, chain)


@pytest.mark.parametrize("when", ["target moved before", "target moved after"])
def test_a_merge_that_was_killed_while_its_target_moved_is_gone_on_with(
    team: Team, amended: Team, swarm_process: Swarm, when: str
) -> None:
    later = {"web/index.html": "<p>more</p>\n"}
    if when == "target moved before":
        team.merge("--drop", "rest")
        team.repo.commit(later)
    swarm_process("merge", team.run, exit=-9, SWARM_FAILPOINT="commit.before")
    if when == "target moved after":
        team.repo.commit(later)
    assert team.swarm("verify", "--format", "json", exit=1).code == "INTEGRATION_MOVED"
    team.merge("--publish")
    assert tree_of(team, "main") == SOURCE | later | {"src/app.py": MENDED, "README.md": RETITLED}


def test_judged_work_outlives_a_garbage_collection(team: Team, amended: Team) -> None:
    team.edit("code", {"src/app.py": "# something else\n"})
    team.repo.git("gc", "-q", "--prune=now")
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_a_history_with_a_sibling_s_work_in_it_brings_in_nothing_of_it(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED}, commit=True)
    team.edit("rest", {"README.md": RETITLED}, commit=True)
    team.repo.git("merge", "-q", "-s", "ours", "--no-edit", team.branch("code"), cwd=team.tree("rest"))
    team.collect()
    assert states(team.merge("--drop", "code")) == {"code": "dropped", "rest": "merged"}
    assert states(team.merge("--publish")) == {"code": "merged", "rest": "already"}
    assert tree_of(team, "main") == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_how_swarm_proves_the_work_is_no_agent_s_to_edit(team: Team) -> None:
    team.dispatch()
    team.edit("rest", {"swarm.toml": '[[verify.steps]]\nname = "x"\nkind = "test"\nargv = ["true"]\n'})
    team.repo.git("add", "-f", "swarm.toml", cwd=team.tree("rest"))
    team.repo.git("commit", "-qm", "easier", cwd=team.tree("rest"))
    for domain in ("code", "rest"):
        team.answer(domain)
    found = team.swarm("collect", team.run, "--format", "json", exit=1).data["violations"]
    assert [(one["file"], one["agentDomain"]) for one in found] == [("swarm.toml", "rest")]


def test_a_claim_of_who_is_left_out_stands_in_nobody_s_way(team: Team, amended: Team) -> None:
    team.merge("--drop", "rest")
    assert [row[1] for row in lasting(team)["claims"]] == ["fixed", "refuted"]
    team.swarm("verify", team.run)


def test_publishing_what_was_merged_before_says_how_much_it_is(team: Team, amended: Team) -> None:
    team.merge()
    assert team.merge("--publish").data["summary"] == "Wave 2 (health-amend-a): 2 of 2 agents' work published at main"


def test_a_sparse_checkout_of_the_user_s_own_stays_as_it_is(team: Team) -> None:
    git = team.repo.git
    git("status")
    git("sparse-checkout", "set", "--no-cone", "/src/", "!/src/tool.py")
    team.dispatch()
    assert (team.tree("rest") / "README.md").is_file()
    team.edit("code", {"src/app.py": MENDED, "src/tool.py": "def run():\n    return 1\n"})
    team.edit("rest", {"README.md": RETITLED, "web/new.html": "<p>new</p>\n"})
    team.collect(code=(team.ids()["def load"],))
    # The proof sees every file, the user as many as before.
    team.prove_with(STEP.replace("! grep", "test -f README.md && test -f web/new.html && ! grep"))
    team.merge("--publish")
    team.swarm("verify")
    assert sorted(file.name for file in team.repo.root.iterdir()) == [".git", "src", "swarms"]
    assert [file.name for file in (team.repo.root / "src").iterdir()] == ["app.py"]
    assert (team.repo.root / "src/app.py").read_text() == MENDED
    assert git("status", "--porcelain") == ""
    assert team.file_at("main", "web/new.html") == "<p>new</p>"


def test_a_sparse_checkout_that_an_agent_asks_for_hides_nothing_from_the_proof(team: Team, amended: Team) -> None:
    file = team.repo.root / ".git/info/sparse-checkout"
    file.parent.mkdir(exist_ok=True)
    file.write_text("/src/\n")
    team.repo.git("config", "core.sparseCheckout", "true")
    team.prove_with(STEP.replace("! grep", "test -f README.md && ! grep"))
    team.merge("--publish")
    assert (team.repo.root / "README.md").read_text() == RETITLED
    assert (team.repo.root / "web/index.html").is_file()
