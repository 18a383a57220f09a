"""`swarm report`: where the page goes, what it replaces, and what it leaves alone."""

import os
from pathlib import Path

import pytest

from swarm.results.report import ReportFacts
from swarm.store import runs
from swarm.store.connection import open_store
from swarm.waves.look.report import facts
from tests.conftest import Repo, Swarm, Workspace


def test_it_says_what_it_wrote(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    data = swarm("report", "-o", "page.html", "--format", "json").data
    size = (repo.root / "page.html").stat().st_size
    assert data == {"runId": collected.run, "path": "page.html", "bytes": size, "waves": 1, "findings": 1}
    shown = swarm("report", collected.run, "--output", "page.html").out
    assert shown == f"Report of {collected.run}: 1 wave, 1 finding, {size:,} bytes\npage.html\n"


def test_a_page_that_is_there_is_replaced(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    page = repo.root / "page.html"
    page.write_text("old")
    swarm("report", "-o", page)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert page.read_text(encoding="utf-8").endswith("</html>\n")


def test_others_may_read_it_as_the_umask_says(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    before = os.umask(0o027)
    try:
        swarm("report", "-o", "page.html")
    finally:
        os.umask(before)
    assert (repo.root / "page.html").stat().st_mode & 0o777 == 0o640


def test_a_link_is_replaced_and_not_followed(swarm: Swarm, repo: Repo, collected: Workspace, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("mine")
    (repo.root / "page.html").symlink_to(elsewhere)
    swarm("report", "-o", "page.html")
    assert elsewhere.read_text() == "mine"
    assert not (repo.root / "page.html").is_symlink()


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("nowhere/page.html", "nowhere/page.html is not written: its folder is not there"),
        ("src", "src is not written: it is no regular file"),
        ("README.md/page.html", "README.md/page.html is not written: its folder is not there"),
        ("swarms/control-plane.db", "swarms/control-plane.db is not written: it is the control plane itself"),
        ("swarms/control-plane.db-wal", "swarms/control-plane.db-wal is not written: it is the control plane itself"),
        ("pipe", "pipe is not written: it is no regular file"),
        ("to-device", "to-device is not written: it is no regular file"),
        ("x" * 300, f"{'x' * 300} is not written: File name too long"),
    ],
)
def test_what_cannot_be_written_is_refused_and_left_as_it_was(
    swarm: Swarm, repo: Repo, collected: Workspace, file: str, problem: str
) -> None:
    os.mkfifo(repo.root / "pipe")
    (repo.root / "to-device").symlink_to(os.devnull)
    before = sorted(repo.root.iterdir())
    answer = swarm("report", "-o", file, "--format", "json", exit=1)
    assert answer.code == "OUTPUT_NOT_WRITABLE"
    assert problem in answer.document["error"]["message"]
    assert sorted(repo.root.iterdir()) == before
    swarm("status")


def test_a_page_that_could_not_be_finished_leaves_the_old_one(
    swarm: Swarm, repo: Repo, collected: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swarm.show.page import report

    def torn(*_: object) -> str:
        raise RuntimeError("torn")

    swarm("report", "-o", "page.html")
    before = (repo.root / "page.html").read_bytes()
    monkeypatch.setattr(report, "row_of", torn)
    swarm("report", "-o", "page.html", exit=1)
    assert (repo.root / "page.html").read_bytes() == before
    assert [entry.name for entry in repo.root.iterdir() if entry.name.endswith(".tmp")] == []


def test_without_an_output_it_says_how(swarm: Swarm, collected: Workspace) -> None:
    assert "-o" in swarm("report", exit=2).err


def test_without_a_run_there_is_no_page(swarm: Swarm, repo: Repo) -> None:
    assert swarm("report", "-o", "page.html", exit=1).code in {"CONTROL_PLANE_MISSING", "RUN_NOT_FOUND"}
    assert not (repo.root / "page.html").exists()


# --- the burn-down ----------------------------------------------------------------------------------------


def facts_of(at: Workspace, *, as_before: bool = False) -> ReportFacts:
    """Return the data of the page; `as_before` drops the open findings that the waves recorded."""
    with open_store(at.db, "test") as store:
        run = runs.find(store.conn, at.run)
        assert run is not None
        if as_before:
            with store.mutation() as conn:
                conn.execute("UPDATE waves SET result = json_remove(result, '$.openBySeverity')")
        return facts(store.conn, run)


@pytest.fixture
def mended(swarm: Swarm, repo: Repo, collected: Workspace) -> Workspace:
    """A second wave, which finds the first one's finding fixed and another one."""
    repo.commit({"src/app.py": (repo.root / "src/app.py").read_text().replace("seen=[]", "seen=None")})
    swarm("dispatch", "health-audit-a", "--isolate")
    collected.answer("code", {"file": "src/tool.py", "line": 5, "severity": "HIGH"}, wave=2)
    collected.answer("rest", wave=2)
    swarm("collect")
    return collected


def test_the_burn_down_shows_what_was_open_after_each_wave(mended: Workspace) -> None:
    found = [(after.wave, tuple(after.counts), after.derived) for after in facts_of(mended).burn_down]
    assert found == [(1, (0, 0, 1, 0), False), (2, (0, 1, 0, 0), False)]


def test_for_waves_that_did_not_record_it_the_burn_down_is_derived_and_says_so(mended: Workspace) -> None:
    found = [(after.wave, tuple(after.counts), after.derived) for after in facts_of(mended, as_before=True).burn_down]
    assert found == [(1, (0, 0, 1, 0), True), (2, (0, 1, 0, 0), True)]


def test_a_decision_after_the_last_wave_stands_as_the_present(swarm: Swarm, mended: Workspace) -> None:
    found = swarm("findings", "--format", "json", exit=1).data["findings"][0]["findingId"]
    swarm("reject", "--ids", found, "--reason", "by design")
    shown = [(after.wave, tuple(after.counts)) for after in facts_of(mended).burn_down]
    assert shown[-2:] == [(2, (0, 1, 0, 0)), (None, (0, 0, 0, 0))]
    derived = facts_of(mended, as_before=True).burn_down
    assert [(after.wave, sum(after.counts)) for after in derived] == [(1, 1), (2, 1), (None, 0)]
