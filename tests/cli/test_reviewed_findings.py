"""Reviewed findings: how they are approved and grouped, and where their verdicts are shown."""

import json

from tests.cli.scenes.reviews import EXCEPT, PHASE, review, verdict
from tests.cli.scenes.triage import DOCS, EVAL, LOAD, ids, statuses, wave
from tests.conftest import Swarm, Workspace


def test_all_leaves_refuted_findings_out_confirmed_takes_the_confirmed_alone_and_ids_take_any(
    swarm: Swarm, three: Workspace
) -> None:
    bug, danger = ids(swarm, "bug"), ids(swarm, "S307")
    review(swarm, three, 2, verdict(bug), verdict(danger, "refuted", EVAL["quote"]))
    assert swarm("approve", "--confirmed", exit=2).code == "CLI_USAGE"
    confirmed = swarm("approve", "--all", "--confirmed", "--format", "json").data
    assert [item["findingId"] for item in confirmed["changed"]] == [bug]
    every = swarm("approve", "--all", "--format", "json").data
    assert [item["findingId"] for item in every["changed"]] == [ids(swarm, "docs")]
    assert every["refuted"] == [danger]
    again = swarm("approve", "--all").out
    assert f"⚠ 1 refuted finding left out: {danger}; `swarm reject` closes them" in again
    assert again.endswith(f"Next: swarm reject {three.run} --ids {danger} --reason '…'\n")
    swarm("approve", "--ids", danger)
    assert statuses(swarm) == {"bug": "approved", "S307": "approved", "docs": "approved"}


def test_findings_of_one_cause_are_a_group_and_approving_one_names_the_others(swarm: Swarm, three: Workspace) -> None:
    wave(swarm, three, 2, LOAD, EVAL, EXCEPT, rest=(DOCS,))
    bug, danger, bare = ids(swarm, "bug"), ids(swarm, "S307"), ids(swarm, "E722")
    said = (
        verdict(bug, same_cause=[bare]),
        verdict(danger, "refuted", EVAL["quote"], same_cause=[bug]),
        verdict(bare, "confirmed", EXCEPT["quote"], same_cause=[bug]),
    )
    review(swarm, three, 3, *said)
    name = ", ".join(sorted((bug, bare)))
    assert swarm("findings", "--group-by", "cause", "--format", "json", exit=1).data["groups"] == {
        name: 2,
        "(no shared cause)": 2,
    }
    assert f"Same cause: {bare}" in swarm("show", bug).out
    approved = swarm("approve", "--ids", bug, "--format", "json").data
    assert approved["sameCause"] == [{"findingId": bug, "others": [bare]}]
    assert "sameCause" in approved
    assert swarm("approve", "--ids", bare, "--format", "json").data["sameCause"] == []


def test_verdicts_are_in_sarif_in_the_receipt_and_on_the_page(swarm: Swarm, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    review(swarm, three, 2, verdict(bug, "refuted", reason="<script>no</script>"))
    log = json.loads(swarm("findings", "--format", "sarif", exit=1).out)
    properties = [result["properties"] for run in log["runs"] for result in run["results"]]
    (found,) = (found for found in properties if found["findingId"] == bug)
    (said,) = found["reviews"]
    assert (found["review"], said["verdict"], said["reviewer"], said["line"]) == ("refuted", "refuted", "a person", 5)
    assert all("reviews" not in found for found in properties if found["findingId"] != bug)
    receipt = swarm("receipt", "2", "--format", "json").data
    assert swarm("receipt", "2").out.startswith(f"# Receipt: wave 2 ({PHASE}, a review) of repo\n")
    assert (receipt["review"], [made["findingId"] for made in receipt["reviews"]]) == (True, [bug])
    assert f"| {bug} | refuted | a person |" in swarm("receipt", "2").out
    swarm("report", "-o", "page.html")
    page = (three.folder.parent / "page.html").read_text()
    assert "refuted by a person" in page
    assert "<script>no" not in page
