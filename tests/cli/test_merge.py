"""`swarm merge`: agents' work becomes commits of the integration branch, and the wave's findings are settled."""

import json
import os

import pytest

from tests.cli.scenes.merge_team import MENDED, RETITLED, Team
from tests.cli.scenes.merged import checkout, first_parents, lasting, left_behind, states, tips, tree_of
from tests.cli.scenes.snapshots import block_of, everything_in
from tests.conftest import SOURCE
from tests.sweeping import swept

# --- what is merged --------------------------------------------------------------------------------------


def test_a_merge_is_shown_whole(team: Team, amended: Team) -> None:
    before = team.repo.head
    answer = team.merge()
    commit = tips(team.repo)[team.integration]
    gate = {name: value for name, value in answer.data["gate"].items() if name != "steps"}
    (step,) = answer.data["gate"]["steps"]
    assert (step["name"], step["status"], step["exitCode"], step["testCount"]) == ("check", "passed", 0, 1)
    # `code` left its work uncommitted, so its branch holds the commit that is merged; `rest` has a commit of its own.
    code, rest = team.repo.git("rev-parse", team.branch("code"), f"{commit}^2").split()
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
        "gate": {
            "verdict": "pass",
            "adapter": "configured",
            "testCount": 1,
            "flaky": False,
            "accepted": None,
            "isolation": gate["isolation"],
        },
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
    found = {"code": ids["def load"], "rest": ids["# A project"]}
    for domain, revision in (("code", f"{team.integration}^"), ("rest", team.integration)):
        body = team.repo.git("log", "-1", "--format=%an <%ae>, %cn <%ce>%n%b", revision)
        assert body.splitlines() == [
            "swarm <swarm@localhost>, swarm <swarm@localhost>",
            f"Swarm-Run: {team.run}",
            "Swarm-Wave: 2",
            f"Swarm-Domain: {domain}",
            f"Swarm-Finding: {found[domain]}",
        ]
    saved = team.repo.git("log", "-1", "--format=%an: %s%n%b", team.branch("code")).splitlines()
    assert saved == [
        "swarm: Work of code in wave 2 (health-amend-a)",
        f"Swarm-Run: {team.run}",
        "Swarm-Wave: 2",
        "Swarm-Domain: code",
        f"Swarm-Finding: {found['code']}",
    ]
    assert team.repo.git("log", "-1", "--format=%an: %s", team.branch("rest")) == "A Person: rest's own"


@pytest.mark.parametrize(
    "how", swept(["uncommitted", "committed", "mixed", "staged", "a new file", "a file less"], first=2)
)
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


# --- again -----------------------------------------------------------------------------------------------


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
    expected = "Nothing to merge: everything but what is dropped is merged already."
    assert team.merge("--drop", "code").data["summary"] == expected


# --- nothing to merge, and not yet -----------------------------------------------------------------------


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


# --- what becomes of the findings ------------------------------------------------------------------------


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
    data = team.swarm("history", ids["def load"], "--format", "json").data["events"][-1]
    assert (data["kind"], data["from"], data["to"]) == ("finding_moved", "new", "fixed")
    assert data["reason"].startswith("the line is gone or was rewritten")


def test_the_ledger_says_what_was_proved_and_merged(team: Team, amended: Team) -> None:
    commit = team.merge().data["commit"]
    data = team.swarm("history", "2", "--format", "json").data["events"]
    assert [(event["kind"], event["to"]) for event in data if event["kind"] in {"verified", "merged"}] == [
        ("verified", "pass"),
        ("merged", commit),
    ]


def test_what_the_build_printed_is_kept_in_the_database(team: Team, amended: Team) -> None:
    team.merge()
    ((steps,),) = team.rows("SELECT steps FROM verifications")
    assert [(step["name"], step["stdout"], step["stderr"]) for step in json.loads(steps)] == [("check", "1 ran\n", "")]
