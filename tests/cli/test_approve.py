"""`swarm approve`: the findings that it takes, and those that it passes over."""

import sqlite3

import pytest

from tests.cli.scenes.triage import DOCS, EVAL, EVIDENCE, LOAD, decisions, ids, statuses, wave
from tests.conftest import Swarm, Workspace


@pytest.mark.parametrize(
    ("filters", "approved"),
    [
        ((), {"bug", "S307", "docs"}),
        (("--severity", "critical,low"), {"S307", "docs"}),
        (("--rule", "S307,bug"), {"S307", "bug"}),
        (("--rule", "bug", "--severity", "LOW"), set()),
    ],
)
def test_approve_all_takes_what_is_open_narrowed_by_filters(
    swarm: Swarm, three: Workspace, filters: tuple[str, ...], approved: set[str]
) -> None:
    data = swarm("approve", "--all", *filters, "--format", "json").data
    assert {name for name, status in statuses(swarm).items() if status == "approved"} == approved
    assert (len(data["changed"]), data["unchanged"]) == (len(approved), [])


def test_approve_all_passes_over_what_was_decided(swarm: Swarm, three: Workspace) -> None:
    swarm("reject", "--ids", ids(swarm, "bug"), "--reason", "meant so")
    swarm("close", "--ids", ids(swarm, "docs"), *EVIDENCE, "--verified-how", "independent")
    swarm("approve", "--all")
    assert statuses(swarm) == {"bug": "rejected", "docs": "fixed", "S307": "approved"}


def test_nothing_to_approve_is_reported_and_is_no_error(swarm: Swarm, three: Workspace) -> None:
    out = swarm("approve", "--all", "--rule", "nowhere").out
    assert out == f"No finding fits: nothing is approved.\nNext: swarm status {three.run}\n"


@pytest.mark.parametrize(
    "options",
    [(), ("--all", "--ids", "F-1"), ("--ids", "F-1", "--severity", "LOW"), ("--ids", ","), ("--all", "--rule", ",")],
)
def test_approve_takes_either_all_or_ids(swarm: Swarm, three: Workspace, options: tuple[str, ...]) -> None:
    assert swarm("approve", *options, exit=2).code == "CLI_USAGE"
    assert set(statuses(swarm).values()) == {"new"}


def test_ids_are_prefixes_in_any_case_with_commas_and_each_counts_once(swarm: Swarm, three: Workspace) -> None:
    bug, evil = ids(swarm, "bug"), ids(swarm, "S307")
    data = swarm("approve", "--ids", f" {bug.upper()[:-1]}, {evil.lower()},{bug}", "--format", "json").data
    assert [finding["findingId"] for finding in data["changed"]] == [bug, evil]


@pytest.mark.parametrize("strange", ["F-ffffffff", "F-", "f", "nothing", "%", "F-0%", "F-1' OR '1"])
def test_an_unknown_id_is_named_and_nothing_is_half_done(swarm: Swarm, three: Workspace, strange: str) -> None:
    answer = swarm("approve", "--ids", f"{ids(swarm, 'bug')},{strange},F-e0e0e0", "--format", "json", exit=1)
    assert answer.document["error"]["code"] == "FINDING_NOT_FOUND"
    assert answer.document["error"]["findingId"] == f"{strange}, F-e0e0e0"
    assert set(statuses(swarm).values()) == {"new"}
    assert decisions(three) == []


def test_a_prefix_of_two_findings_is_refused(swarm: Swarm, three: Workspace) -> None:
    with sqlite3.connect(three.db) as conn:
        conn.execute("UPDATE findings SET finding_id = 'F-aaaa000' || id")
    conn.close()
    assert swarm("approve", "--ids", "F-aaaa", exit=1).code == "FINDING_NOT_FOUND"
    swarm("approve", "--ids", "F-aaaa0001")


def test_an_approval_survives_rediscovery(swarm: Swarm, three: Workspace) -> None:
    swarm("approve", "--ids", ids(swarm, "bug"), "--reason", "mend it")
    data = wave(swarm, three, 2, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm) == {"bug": "approved", "S307": "recurring", "docs": "recurring"}
    assert data["findings"]["recurredWhileClosed"] == 0
