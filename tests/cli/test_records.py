"""`records`: the records of a root listed, shown, indexed and weighed."""

import json
from typing import Any

import pytest

from swarm import clock
from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.scenes.submissions import SUBMISSION, Archive, submission
from tests.conftest import Swarm

NOW = 1_777_800_000.0  # 2026-05-03T09:20:00Z
PLACE = "records/org/repo/2026/05/01/run-run-1.json"
BROKEN = {
    "path": "records/org/repo/2026/05/01/run-broken.json",
    "problem": "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
}
NO_POLICY = "policies/repos/org/none.yaml: $.enforcement: 'none' is not one of ['required', 'warn-only', 'exempt']"


def at(moment: str) -> dict[str, str]:
    return {"started_at": moment, "finished_at": moment}


@pytest.fixture
def filled(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Records of three repositories, a rejected one, a corrupt one, and policies of two repositories."""
    monkeypatch.setattr(clock.time, "time", lambda: NOW)
    archive.ingest(SUBMISSION)
    archive.ingest(submission(run_id="run-0", timing=at("2026-04-01T00:00:00Z"), scenario={"product_surface": "web"}))
    archive.ingest(submission(repo="org/old", timing=at("2026-04-02T00:00:00Z"), scenario={"verdict": "partial"}))
    archive.ingest(submission(repo="org/new", timing=at("2026-05-03T20:00:00Z")))
    archive.ingest(submission(run_id="bad", scenario={"verdict": "blocked", "blocking_reason": " "}), exit=1)
    archive.write("records/org/repo/2026/05/01/run-broken.json", "{")
    archive.write(
        "policies/repos/org/repo.yaml",
        "policy_version: '2'\nsurfaces:\n  cli: {required_scenarios: [export, import], freshness: {warn_age_days: 1}}\n"
        "  web: {freshness: {max_age_days: 40}}\n  api: {required_scenarios: [call]}\n",
    )
    archive.write("policies/repos/org/none.yaml", "policy_version: '1'\nenforcement: none\n")
    return archive


def records(archive: Archive, *words: str) -> Any:
    return valid(archive.swarm("records", *words, "--root", archive.root, "--format", "json"), "records", 0)


def test_records_are_listed_with_those_that_are_corrupt(filled: Archive, swarm: Swarm) -> None:
    with nothing_changes(filled.root):
        listed = records(filled, "list")
        assert {(one["repo"], one["runId"], one["status"]) for one in listed["records"]} == {
            *{("org/repo", "run-1", "accepted"), ("org/repo", "run-0", "accepted")},
            *{("org/old", "run-1", "accepted"), ("org/new", "run-1", "accepted")},
        }
        assert (listed["total"], listed["corrupt"]) == (4, [BROKEN])
        own = records(filled, "list", "--repo", "org/repo", "--status", "all", "--limit", "1")
        assert (own["total"], len(own["records"]), own["corrupt"]) == (3, 1, [BROKEN])
        [rejected] = records(filled, "list", "--status", "rejected")["records"]
        assert rejected["rejectionReasons"] == ["policy: surface cli: scenario 'export' is blocked and gives no reason"]
    assert swarm("records", "list", "--repo", "a/b", "--root", filled.root).out == f"No records below {filled.root}.\n"
    lines = swarm("records", "list", "--repo", "org/old", "--root", filled.root).out.splitlines()
    assert lines == [
        "run    repository  status    verdict  surfaces  finished",
        "run-1  org/old     accepted  partial  cli       2026-04-02T00:00:00Z",
    ]
    assert swarm("records", "list", "--repo", "../x", "--root", filled.root, exit=2).code == "CLI_USAGE"
    assert swarm("records", "list", "--root", filled.root / "nowhere", exit=1).code == "REPO_NOT_FOUND"


def test_a_record_is_shown_by_its_run_id_or_its_path(filled: Archive, swarm: Swarm) -> None:
    whole = filled.read(PLACE)
    assert records(filled, "show", "run-1", "--repo", "org/repo") == {
        "root": str(filled.root),
        "path": PLACE,
        "record": whole,
    }
    assert records(filled, "show", PLACE)["record"] == whole
    assert records(filled, "show", "bad")["record"]["verification"]["status"] == "rejected"
    error = swarm("records", "show", "run-1", "--root", filled.root, "--json", exit=1).document["error"]
    assert error["message"] == (
        "No single record is called 'run-1': records/org/new/2026/05/03/run-run-1.json, "
        f"records/org/old/2026/04/02/run-run-1.json, {PLACE}"
    )
    assert json.loads(swarm("records", "show", PLACE, "--root", filled.root).out) == whole


def test_indexes_made_anew_are_those_that_grew_record_by_record(filled: Archive, swarm: Swarm) -> None:
    for name in ("global-policy.yaml", "repos/org/repo.yaml", "repos/org/none.yaml"):
        (filled.root / "policies" / name).unlink(missing_ok=True)
    (filled.root / "records/org/repo/2026/05/01/run-broken.json").unlink()
    names = ("latest-by-repo.json", "failing.json", "stale.json")
    grown = {name: filled.read(f"indexes/{name}") for name in names}
    made = records(filled, "reindex")
    assert made == {"root": str(filled.root), "records": 4, "repos": 3, "failing": 1, "stale": 3, "corrupt": []}
    assert {name: filled.read(f"indexes/{name}") for name in names} == grown
    stale = {(one["repo"], one["surface"], one["freshness"], one["age_days"]) for one in grown["stale.json"]["stale"]}
    assert stale == {
        ("org/repo", "web", "stale", 32.4),
        ("org/old", "cli", "stale", 31.4),
        ("org/new", "cli", "unknown_freshness", -0.4),
    }
    assert [(one["repo"], one["verified"]) for one in grown["failing.json"]["failing"]] == [("org/old", "partial")]
    # A damaged index is made anew by the next record, and so is an index that lacks a record of a writer that died.
    for damage in ("indexes/latest-by-repo.json", "indexes/.changing"):
        filled.write(damage, "")
        filled.ingest(submission(run_id=damage.replace("/", "-"), timing=at("2026-03-01T00:00:00Z")))
        assert filled.read("indexes/latest-by-repo.json") == grown["latest-by-repo.json"]
    assert swarm("records", "reindex", "--root", filled.root).out.splitlines() == [
        "6 records of 3 repositories",
        "Failing: 1; stale: 3; corrupt: 0",
    ]


def test_a_portfolio_weighs_each_surface_by_its_own_policy(filled: Archive, swarm: Swarm) -> None:
    with nothing_changes(filled.root):
        shown = records(filled, "portfolio")
    found = {
        (repo["repo"], one["surface"]): (one["freshness"], one["isDue"], one["verified"], one["missingScenarios"])
        for repo in shown["repos"]
        for one in repo["surfaces"]
    }
    assert found == {
        ("org/repo", "cli"): ("healthy", True, "pass", ["import"]),
        ("org/repo", "web"): ("healthy", True, "pass", []),
        ("org/repo", "api"): ("missing", False, None, ["call"]),
        ("org/old", "cli"): ("stale", False, "partial", []),
        ("org/new", "cli"): ("unknown_freshness", False, "pass", []),
    }
    assert shown["coverage"] == {
        "surfacesExpected": 5,
        "surfacesRecorded": 4,
        "scenariosRequired": 3,
        "scenariosRecorded": 1,
    }
    assert shown["freshness"] == {"healthy": 2, "stale": 1, "unknown_freshness": 1, "missing": 1}
    lines = swarm("records", "portfolio", "--root", filled.root).out.splitlines()
    assert lines[3:] == [
        "org/repo    cli      healthy (due)      pass     1.4 of 30 days   1 of 2",
        "org/repo    web      healthy (due)      pass     32.4 of 40 days  0 of 0",
        "org/repo    api      missing                                      0 of 1",
        "4 repositories: 4 of 5 surfaces and 1 of 3 required scenarios are recorded",
        "healthy: 2; stale: 1; unknown_freshness: 1; missing: 1",
        f"⊘ org/none is held to no policy: {NO_POLICY}",
        f"⊘ corrupt: {BROKEN['path']}: {BROKEN['problem']}",
    ]


def test_files_that_are_no_records_are_listed_wherever_they_lie(archive: Archive) -> None:
    archive.ingest(SUBMISSION)
    whole = (archive.root / PLACE).read_text()
    deep = "/".join(["d"] * 15)
    strays = {
        "run-a.json": whole,
        "x/run-b.json": whole,
        "org/repo/2026/05/02/run-other.json": whole,
        f"{deep}/run-c.json": "{}",
    }
    for name, content in strays.items():
        archive.write(f"records/{name}", content)
    (archive.root / "records/org/run-link.json").symlink_to(archive.root / PLACE)
    (archive.root / "records/org/circle").symlink_to(archive.root / "records")
    listed = records(archive, "list")
    elsewhere = "it lies at the place of another repository, run or status"
    assert (listed["total"], {one["path"]: one["problem"] for one in listed["corrupt"]}) == (
        1,
        {
            "records/run-a.json": elsewhere,
            "records/x/run-b.json": elsewhere,
            "records/org/repo/2026/05/02/run-other.json": elsewhere,
            f"records/{deep[:25]}": "it is not a regular file",
            "records/org/run-link.json": "it is a symbolic link",
        },
    )
    assert records(archive, "reindex")["corrupt"] == listed["corrupt"]


def test_the_root_of_a_configuration_holds_where_none_is_named(
    archive: Archive, swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.ingest(SUBMISSION)
    folder = archive.root.parent / "checkout"
    folder.mkdir()
    (folder / ".git").mkdir()
    (folder / "swarm.toml").write_text('[records]\nroot = "../archive"\n')
    assert swarm("records", "list", "--format", "json", cwd=folder).data["total"] == 1
    # A stranger's configuration must not choose where this user writes.
    monkeypatch.delenv("SWARM_TRUST")
    found = swarm("records", "list", "--format", "json", cwd=folder)
    assert (found.data["root"], found.data["total"]) == (str(folder / "swarms"), 0)
    assert found.document["meta"]["configUntrusted"]["parts"] == ["records"]
