"""`swarm collect` of an amend wave: what it records and shows, which outputs it takes, and a wave without trees."""

import json

import pytest

from swarm import documents
from tests.cli.scenes.amend_wave import AGENTS, LINE, MENDED, PHASE, Amending, fixes, violations
from tests.cli.scenes.collected import tree_of
from tests.conftest import RefusedRows

# --- a wave that goes well -------------------------------------------------------------------------------


def test_a_fixed_finding_is_claimed_with_what_the_agent_s_tree_shows_and_stays_approved(amending: Amending) -> None:
    amending.mend()
    amending.answer("code", "load", files=("src/app.py",))
    data = amending.collect()
    assert documents.check(data, "collect") is None
    ids = amending.ids
    unanswered = "it was given to this agent, which said nothing of it"
    assert data == {
        "runId": amending.run,
        "waveId": 2,
        "waveNumber": 2,
        "phase": PHASE,
        "waveStatus": "collected",
        "agents": [
            {
                "domain": domain,
                "agentRunId": number,
                "status": "complete",
                "findingsCount": 0,
                "errors": [],
                "violations": [],
                "divergence": None,
                "fixes": int(domain == "code"),
                "sharedEdits": [],
                "ignored": [],
            }
            for number, domain in enumerate(AGENTS, 4)
        ],
        "findings": {"new": 0, "recurring": 0, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0},
        "bySeverity": {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 6, "LOW": 1},
        "violations": [],
        "ownershipProbeDegraded": False,
        "fixes": [
            {
                "findingId": ids["load"],
                "domain": "code",
                "verifiedVia": "anchor",
                "evidence": "the line is gone or was rewritten",
            }
        ],
        "skippedFixes": [
            {"findingId": ids[name], "domain": domain, "reason": "unanswered", "told": unanswered}
            for name, domain in (("eval", "code"), ("assert", "tests"))
        ],
        "requests": [],
        "summary": "Wave 2 (health-amend-a): 3 of 3 agents complete; 1 fix claimed, 2 skipped, 1 file changed",
        "nextAction": f"swarm merge {amending.run}",
        "notes": [],
        "refused": 0,
        "refusedItems": [],
        "review": False,
        "reviews": [],
        "unanswered": [],
    }
    assert amending.status("load") == "approved"
    assert amending.claims() == [("code", "src/app.py", "edit", 1, 1, "code", 0)]
    (work,) = amending.sql("SELECT work FROM agent_runs WHERE domain = 'code' AND wave_id = 2")[0]
    assert amending.repo.git("cat-file", "blob", f"{work}:src/app.py").count(MENDED) == 1


def test_the_text_shows_fixes_skips_requests_and_what_was_not_reported(amending: Amending) -> None:
    amending.mend()
    amending.edit("code", "docs/guide.md")
    asked = [{"file": "lib/api.py", "reason": "it calls it"}]
    amending.answer("code", "load", files=("src/tool.py",), requests=asked)
    amending.answer("tests", skipped=[{"finding_id": amending.ids["assert"], "reason": "it is\nright"}])
    lines = amending.swarm("collect", amending.run).out.splitlines()
    ids = amending.ids
    for line in (
        f"✓ {ids['load']} claimed by code, seen by anchor: the line is gone or was rewritten",
        f"⚠ {ids['eval']} of code skipped (unanswered): it was given to this agent, which said nothing of it",
        f"⚠ {ids['assert']} of tests skipped (skipped_by_agent): it is\\nright",
        "⚠ code asks for lib/api.py: it calls it",
        "⚠ code did not report 2 files: docs/guide.md, src/app.py",
        "⚠ code reported 1 file that git does not show: src/tool.py",
        "⚠ code edited shared files: docs/guide.md",
    ):
        assert line in lines
    assert lines[-2:] == ["Wave status: collected", f"Next: swarm merge {amending.run}"]


# --- outputs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"domain": "tests"}, "$.domain: it says 'tests', and is the output of 'code'"),
        ({"fixes": None}, "does not fit its schema: $.fixes: None is not of type 'array'"),
        ({"files_changed": [1]}, "does not fit its schema: $.files_changed[0]: 1 is not of type 'string'"),
    ],
)
def test_an_output_that_is_none_of_this_agent_s_is_invalid_and_its_edits_are_judged(
    amending: Amending, body: dict[str, object], problem: str
) -> None:
    amending.mend()
    amending.answer("code", "load")
    file = amending.place.output("code", 2)
    file.write_text(json.dumps(json.loads(file.read_text()) | body))
    data = amending.collect(exit=1)
    agent = data["agents"][0]
    assert (agent["status"], agent["errors"][0]["code"]) == ("invalid_output", "AGENT_OUTPUT_SCHEMA_INVALID")
    assert agent["errors"][0]["message"].endswith(problem)
    assert (fixes(data), amending.claims()) == ([], [("code", "src/app.py", "edit", 1, 0, "code", 0)])


def test_an_audit_s_output_is_no_answer_to_an_amend_wave(amending: Amending) -> None:
    amending.place.answer("code", wave=2)
    data = amending.collect(exit=1)
    assert data["agents"][0]["status"] == "invalid_output"


def test_a_missing_output_fails_the_wave_and_the_others_are_taken(amending: Amending) -> None:
    amending.answer("tests", "assert")
    data = amending.swarm("collect", amending.run, "--format", "json", exit=1).data
    assert [agent["status"] for agent in data["agents"]] == ["failed", "complete", "complete"]
    assert (data["waveStatus"], len(fixes(data))) == ("failed", 1)
    assert data["nextAction"] == f"swarm resume {amending.run}"


def test_claims_that_cannot_be_written_leave_the_evidence_and_are_taken_from_it_later(
    amending: Amending, refused_rows: RefusedRows
) -> None:
    amending.mend()
    amending.answer("code", "load", files=("src/app.py",))
    amending.answer("tests")
    lift = refused_rows("INSERT ON fix_claims", "no room for it")
    answer = amending.swarm("collect", amending.run, exit=1)
    assert answer.code == "COLLECT_UPSERT_FAILED"
    assert "upsertFindings failed for wave=2 (1 findings attempted): no room for it" in answer.err
    assert amending.sql("SELECT status FROM waves WHERE number = 2") == [("dispatched",)]
    assert amending.claims() == [("code", "src/app.py", "edit", 1, 1, "code", 0)]
    lift()
    for domain in AGENTS:
        amending.place.output(domain, 2).unlink()
    data = amending.swarm("collect", amending.run, "--format", "json").data
    assert (data["waveStatus"], fixes(data)) == ("collected", [(amending.ids["load"], "code", "anchor")])


# --- without trees of their own --------------------------------------------------------------------------


def test_in_the_shared_checkout_an_edit_is_its_one_owner_s_and_the_report_is_held_to_the_map(
    audited: Amending,
) -> None:
    audited.approve("load", "assert")
    audited.dispatch()
    source = (audited.repo.root / "src/app.py").read_text()
    audited.repo.write({"src/app.py": source.replace(LINE, MENDED), "lib/api.py": "x = 1\n", "README.md": "# x\n"})
    audited.answer("code", "load", files=("src/app.py",))
    audited.answer("tests", files=("README.md",))
    answer = audited.swarm("collect", audited.run, "--format", "json", exit=1)
    data = answer.data
    assert data["ownershipProbeDegraded"] is True
    assert [event for event in answer.events if event["stage"] == "ownership_probe_degraded"] != []
    assert violations(data) == [("README.md", "tests", "unassigned")]
    assert fixes(data) == [(audited.ids["load"], "code", "anchor")]
    assert audited.claims() == [
        ("code", "src/app.py", "edit", 1, 1, "code", 0),
        ("tests", "README.md", "edit", 0, 1, None, 1),
        ("api", "lib/api.py", "edit", 1, 0, "api", 0),
    ]
    assert data["agents"][0]["ignored"] == []


def test_in_the_shared_checkout_a_wave_that_goes_well_leads_to_verify(audited: Amending) -> None:
    audited.approve("load")
    audited.dispatch()
    audited.answer("code")
    data = audited.collect()
    assert (data["waveStatus"], data["nextAction"]) == ("collected", f"swarm verify {audited.run}")
    assert not tree_of(audited.place, "code", 2).exists()
