"""`swarm show`: a finding with its code, sightings and history."""

import shutil
from pathlib import Path

import pytest

from tests.cli.scenes.documents import valid
from tests.conftest import Repo, Swarm, Workspace


def test_show_shows_code_sightings_and_history(swarm: Swarm, four: Workspace) -> None:
    (finding,) = swarm("findings", "--severity", "high", "--format", "json", exit=1).data["findings"]
    data = swarm("show", finding["findingId"].lower(), "--format", "json").data
    assert data["finding"] == finding
    assert [(line["number"], line["anchored"]) for line in data["code"]] == [
        (number, number == 5) for number in range(2, 9)
    ]
    assert data["code"][3]["text"] == "def load(path, seen=[]):"
    assert [(s["wave"], s["domain"], s["reportedId"]) for s in data["sightings"]] == [(1, "code", "3")]
    assert [(event["kind"], event["to"]) for event in data["events"]] == [("findings_recorded", None)]
    assert ">      5  def load(path, seen=[]):" in swarm("show", finding["findingId"]).out.splitlines()


def test_tabs_and_ends_of_lines_of_windows_are_shown_as_an_editor_shows_them(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"tabs.py": "def f(\r\n\tx,\tseen=[],\r\n):\r\n\treturn\tx\r\n"})
    swarm("audit", ".", "--runtime", "ruff", exit=1)
    found = swarm("findings", "--path", "tabs.py", "--rule", "B006", "--json", exit=1).data["findings"]
    lines = swarm("show", found[0]["findingId"]).out.splitlines()
    assert [line for line in lines if line[1:8] == "      2"] == [">      2      x,  seen=[],"]
    assert [line for line in lines if line[1:8] == "      4"] == ["       4      return  x"]


def test_a_message_is_shown_once_however_often_it_was_reported(swarm: Swarm, dispatched: Workspace) -> None:
    place = {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):", "symbol": "load"}
    for wave, message in enumerate(("A default is shared.", "A default is shared.", "A list is shared."), 1):
        if wave > 1:
            swarm("dispatch", "health-audit-a", "--isolate")
        dispatched.answer("code", {**place, "description": message}, wave=wave)
        dispatched.answer("rest", wave=wave)
        swarm("collect")
    (finding,) = swarm("findings", "--json", exit=1).data["findings"]
    lines = swarm("show", finding["findingId"]).out.splitlines()
    sightings = lines[lines.index("Sightings") + 1 : lines.index("History")]
    assert [line[:8] for line in sightings if line.startswith("  wave")] == ["  wave 1", "  wave 2", "  wave 3"]
    assert lines.count(finding["description"]) == 1
    assert sum("shared." in line for line in sightings) == 2
    assert "Seen in waves 1 to 3, 3 sightings" in lines


def test_a_finding_is_named_by_a_prefix_of_its_id(swarm: Swarm, collected: Workspace) -> None:
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    data = valid(swarm("show", finding["findingId"][:5], "--format", "json"), "show", 0)
    assert data["finding"]["findingId"] == finding["findingId"]


@pytest.mark.parametrize("word", ["F-ffffffff", "nothing", "%", "1"])
def test_an_id_that_no_finding_has_is_refused(swarm: Swarm, collected: Workspace, word: str) -> None:
    assert swarm("show", word, exit=1).code == "FINDING_NOT_FOUND"


def test_without_the_repository_everything_but_the_code_is_shown(
    swarm: Swarm, repo: Repo, collected: Workspace, tmp_path: Path
) -> None:
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    db = tmp_path / "elsewhere/control-plane.db"
    shutil.copytree(collected.folder, db.parent)
    repo.root.rename(tmp_path / "moved")
    data = valid(swarm("--db", db, "show", finding["findingId"], "--format", "json", cwd=tmp_path), "show", 0)
    assert (data["code"], data["finding"]["quote"]) == ([], finding["quote"])
