"""`swarm close`: a fix on an operator's evidence, shown as such."""

import json

from tests.cli.scenes.triage import EVAL, EVIDENCE, LOAD, found, ids, row, statuses, wave
from tests.conftest import Repo, Swarm, Workspace


def test_close_is_evidence_of_an_operator_and_shown_as_such(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    swarm("close", "--ids", bug, *EVIDENCE, "--verified-how", "independent")
    (finding,) = swarm("findings", "--status", "fixed", "--format", "json", exit=1).data["findings"]
    expected = {
        "status": "fixed",
        "reason": "closed: it is gone",
        "evidence": "operator",
        "verifiedHow": "independent",
        "evidenceNote": "read the code",
        "fixedCommit": repo.head,
    }
    assert {key: finding[key] for key in expected} == expected
    assert row(three, bug, "fixed_wave") == (1,)
    shown = f"by an operator (independent) at {repo.head[:12]}: read the code"
    assert f"; {shown})\n" in swarm("findings", "--status", "fixed", "--format", "text", exit=1).out
    assert shown in swarm("findings", "--status", "fixed", "--format", "markdown", exit=1).out
    assert f"Decided: {shown}" in swarm("show", bug).out.splitlines()
    log = json.loads(swarm("findings", "--status", "fixed", "--format", "sarif", exit=1).out)
    (result,) = log["runs"][0]["results"]
    properties = {key: result["properties"][key] for key in ("evidence", "verifiedHow", "evidenceNote", "fixedCommit")}
    assert properties == {key: expected[key] for key in properties}
    assert result["baselineState"] == "absent"


def test_what_was_closed_and_is_seen_again_has_come_back(swarm: Swarm, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    swarm("close", "--ids", bug, *EVIDENCE, "--verified-how", "operator_evidence")
    wave(swarm, three, 2, LOAD)
    finding = found(swarm)["bug"]
    assert (finding["status"], finding["evidence"], finding["verifiedHow"]) == ("recurring", None, None)
    assert row(three, bug, "regressions", "evidence_note", "fixed_commit") == (1, None, None)


def test_closing_what_was_put_off_ends_its_deferral_and_keeps_an_approval(swarm: Swarm, three: Workspace) -> None:
    swarm("defer", "--ids", ids(swarm, "bug"), "--reason", "later")
    swarm("approve", "--ids", ids(swarm, "S307"))
    swarm("close", "--ids", ids(swarm, "bug", "S307"), *EVIDENCE, "--verified-how", "independent")
    assert statuses(swarm) == {"bug": "fixed", "S307": "fixed", "docs": "new"}
    wave(swarm, three, 2, LOAD, EVAL)
    assert statuses(swarm) == {"bug": "recurring", "S307": "approved", "docs": "unverified"}
