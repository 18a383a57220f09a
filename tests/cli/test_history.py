"""`swarm history`: the ledger of a wave or of a finding."""

from tests.cli.scenes.documents import valid
from tests.conftest import Repo, Swarm, Workspace


def test_history_of_a_wave_is_what_happened_to_it_and_its_agents(swarm: Swarm, collected: Workspace) -> None:
    events = swarm("history", "1", "--format", "json").data["events"]
    assert [(event["subject"], event["kind"]) for event in events] == [
        ("wave:1", "wave_dispatched"),
        ("agent_run:1", "agent_run_dispatched"),
        ("agent_run:2", "agent_run_dispatched"),
        ("agent_run:1", "agent_run_moved"),
        ("agent_run:2", "agent_run_moved"),
        ("wave:1", "findings_recorded"),
        ("wave:1", "wave_moved"),
        ("wave:1", "evidence_recorded"),
    ]


def test_history_of_a_finding_is_every_change_of_its_state(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    for wave in (2, 3):
        swarm("dispatch", "health-audit-a", "--isolate")
        place = {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):", "symbol": "load"}
        collected.answer("code", *([place] if wave == 2 else []), wave=wave)
        collected.answer("rest", wave=wave)
        swarm("collect")
    events = swarm("history", finding["findingId"], "--format", "json").data["events"]
    assert [(event["kind"], event["from"], event["to"]) for event in events] == [
        ("findings_recorded", None, None),
        ("finding_moved", "new", "recurring"),
        ("finding_moved", "recurring", "unverified"),
    ]


def test_history_of_what_is_not_there(swarm: Swarm, collected: Workspace) -> None:
    assert swarm("history", "9", exit=1).code == "WAVE_NOT_FOUND"
    assert swarm("history", "F-00000000", exit=1).code == "FINDING_NOT_FOUND"


def test_a_finding_is_named_by_a_prefix_and_the_document_fits_the_schema(swarm: Swarm, collected: Workspace) -> None:
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    whole = valid(swarm("history", finding["findingId"], "--format", "json"), "history", 0)
    assert swarm("history", finding["findingId"][:5].lower(), "--format", "json").data == whole
    assert whole["after"] == whole["events"][-1]["seq"]


def test_a_line_of_the_text_begins_with_the_seq_of_its_event(swarm: Swarm, collected: Workspace) -> None:
    events = swarm("history", "1", "--format", "json").data["events"]
    lines = swarm("history", "1").out.splitlines()
    assert [line.split()[:4] for line in lines] == [
        [str(event["seq"]), event["ts"], event["subject"], event["kind"]] for event in events
    ]
