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


@pytest.mark.parametrize("strange", ["F-ffffffff", "F-", "f", "d4b", "nothing", "%", "F-0%", "F-1' OR '1"])
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
    for word in ("F-aaaa", "f-AAAA", "aaaa"):
        answer = swarm("approve", word, exit=1)
        assert (answer.code, answer.err.count("F-aaaa000")) == ("FINDING_AMBIGUOUS", 4)
    assert decisions(three) == []
    swarm("approve", "--ids", "F-aaaa0001")
    for verb in ("show", "history", "explain"):
        assert swarm(verb, "aaaa", exit=1).code == "FINDING_AMBIGUOUS"
        swarm(verb, "AAAA0001")


def test_findings_are_arguments_with_and_without_their_f_and_the_run_before_them(
    swarm: Swarm, three: Workspace
) -> None:
    bug, evil, docs = (ids(swarm, rule) for rule in ("bug", "S307", "docs"))
    changed = swarm("approve", bug.lower(), evil[2:].upper(), "--json").data["changed"]
    assert [finding["findingId"] for finding in changed] == [bug, evil]
    for run in ((three.run,), ("latest",), (three.run.rpartition("-")[2],), ("--run", three.run)):
        data = swarm("defer", *run, f"{docs[2:]},{bug}", "--ids", evil, "--reason", "later", "--json").data
        assert (data["runId"], len(data["changed"]) + len(data["unchanged"])) == (three.run, 3)


def test_a_word_that_begins_a_run_and_a_finding_is_refused(swarm: Swarm, three: Workspace) -> None:
    word = three.run.rpartition("-")[2]
    with sqlite3.connect(three.db) as conn:
        conn.execute("UPDATE findings SET finding_id = 'F-' || ? WHERE id = 1", (word,))
    conn.close()
    answer = swarm("approve", word, exit=2)
    assert answer.err.splitlines()[0] == (
        f"ERROR [CLI_USAGE]: '{word}' begins the id of a run and of a finding; write F-{word}, or --run {word}"
    )
    assert decisions(three) == []
    assert [finding["findingId"] for finding in swarm("approve", f"F-{word}", "--json").data["changed"]] == [
        f"F-{word}"
    ]
    swarm("approve", word, "--run", word)


def test_a_finding_whose_id_is_a_number_is_found_where_no_wave_has_that_number(swarm: Swarm, three: Workspace) -> None:
    with sqlite3.connect(three.db) as conn:
        conn.execute("UPDATE findings SET finding_id = 'F-12345678' WHERE id = 1")
    conn.close()
    for verb in ("show", "explain"):
        assert "F-12345678" in swarm(verb, "12345678").out
    assert swarm("history", "12345678", "--json").data == swarm("history", "F-12345678", "--json").data
    assert swarm("history", "2", exit=1).code == "WAVE_NOT_FOUND"
    assert swarm("history", "1", "--json").data["events"][0]["subject"] == "wave:1"


def test_an_approval_survives_rediscovery(swarm: Swarm, three: Workspace) -> None:
    swarm("approve", "--ids", ids(swarm, "bug"), "--reason", "mend it")
    data = wave(swarm, three, 2, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm) == {"bug": "approved", "S307": "recurring", "docs": "recurring"}
    assert data["findings"]["recurredWhileClosed"] == 0
