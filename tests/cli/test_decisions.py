"""Decisions, whichever verb takes them: author, reason, refusals, and how they are shown."""

import json

import pytest

from tests.cli.scenes.triage import EVIDENCE, decisions, ids, statuses
from tests.conftest import Swarm, Workspace


def test_without_a_name_in_git_the_author_is_the_user_of_the_machine(
    swarm: Swarm, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody")
    swarm("approve", "--all")
    assert {decision["author"] for decision in decisions(three)} == {"somebody"}


def test_the_author_is_read_from_the_users_own_settings(
    swarm: Swarm, three: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("person")
    (home / ".gitconfig").write_text("[user]\n\tname = Grace\n")
    monkeypatch.setenv("HOME", str(home))
    swarm("approve", "--ids", ids(swarm, "bug"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    swarm("approve", "--ids", ids(swarm, "docs"))
    assert [decision["author"] for decision in decisions(three)] == ["Grace", "Somebody Else"]


@pytest.mark.parametrize("verb", ["defer", "reject", "reopen", "close"])
@pytest.mark.parametrize("reason", [(), ("--reason", "  ")])
def test_a_decision_needs_its_reason(swarm: Swarm, three: Workspace, verb: str, reason: tuple[str, ...]) -> None:
    more = ("--evidence", "x") if verb in {"reopen", "close"} else ()
    how = ("--verified-how", "independent") if verb == "close" else ()
    assert swarm(verb, "--ids", ids(swarm, "bug"), *reason, *more, *how, exit=1).code == "REASON_REQUIRED"


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("defer", ("--reason", "x")),
        ("defer", ("--ids", "F-1", "--reason", "x" * 2001)),
        ("defer", ("--ids", "F-1", "--reason", "x", "--expires", "tomorrow")),
        ("defer", ("--ids", "F-1", "--reason", "x", "--expires", "20300101")),
        ("reject", ("--ids", "F-1", "--reason", "x", "--expires", "2030-02-30")),
        ("reject", ("--ids", "F-1", "--reason", "x", "--expires", "2020-01-01")),
        ("reopen", ("--ids", "F-1", "--reason", "x")),
        ("close", ("--ids", "F-1", "--reason", "x", "--evidence", " ", "--verified-how", "independent")),
        ("close", ("--ids", "F-1", "--reason", "x", "--evidence", "y")),
        ("close", ("--ids", "F-1", "--reason", "x", "--evidence", "y", "--verified-how", "guessed")),
        ("approve", ("latest", "--run", "other", "--all")),
    ],
)
def test_what_is_missing_or_malformed_is_a_usage_error(
    swarm: Swarm, three: Workspace, verb: str, options: tuple[str, ...]
) -> None:
    assert swarm(verb, *options, exit=2).code == "CLI_USAGE"


def test_what_is_so_already_is_left_and_reported(swarm: Swarm, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    for verb, more in (("approve", ()), ("defer", ("--reason", "later")), ("reject", ("--reason", "none"))):
        swarm(verb, "--ids", bug, *more)
        before = len(decisions(three))
        assert swarm(verb, "--ids", bug, *more).out.startswith("1 finding was so already.\n")
        assert len(decisions(three)) == before
    assert swarm("reject", "--ids", bug, "--reason", "another").out.startswith("Rejected 1 finding.\n")


@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("approve", ()),
        ("defer", ("--reason", "x")),
        ("reject", ("--reason", "x")),
        ("close", (*EVIDENCE, "--verified-how", "self_attested")),
    ],
)
def test_what_is_fixed_is_refused_with_a_hint_that_works(
    swarm: Swarm, three: Workspace, verb: str, more: tuple[str, ...]
) -> None:
    swarm("close", "--ids", ids(swarm, "bug"), *EVIDENCE, "--verified-how", "independent")
    bug, evil = ids(swarm, "bug"), ids(swarm, "S307")
    before = decisions(three)
    error = swarm(verb, "--ids", f"{evil},{bug}", *more, "--format", "json", exit=1).document["error"]
    assert (error["code"], error["findings"]) == ("TRIAGE_NOT_APPLICABLE", f"{bug} (fixed)")
    assert statuses(swarm)["S307"] == "new"
    assert decisions(three) == before
    hint = error["hint"].split("`")[1].replace("'…'", "because")
    swarm(*hint.split()[1:])
    swarm(verb, "--ids", f"{evil},{bug}", *more)


def test_what_is_suppressed_is_counted_and_reported_with_who_and_why(
    swarm: Swarm, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    bug, docs = ids(swarm, "bug"), ids(swarm, "docs")
    swarm("reject", "--ids", bug, "--reason", "meant so")
    swarm("defer", "--ids", docs, "--reason", "later", "--expires", "2999-01-31")
    out = swarm("findings", "--format", "text", exit=1).out.splitlines()
    assert out[-2:] == ["1 finding: 1 CRITICAL", "2 findings suppressed (`--status deferred,rejected` lists them)."]
    lines = swarm("findings", "--status", "rejected,deferred", "--format", "text", exit=1).out.splitlines()
    (line,) = (line for line in lines if bug in line)
    assert line.startswith("src/app.py:5  HIGH  bug  ")
    assert line.endswith(f"  {bug}  rejected (meant so; rejected by Ada)")
    assert any(line.endswith(f"  {docs}  deferred (later; deferred until 2999-01-31 by Ada)") for line in lines)
    assert "deferred until 2999-01-31 by Ada" in swarm("findings", "--status", "deferred", exit=1).out
    assert "Decided: rejected by Ada" in swarm("show", bug).out.splitlines()
    log = json.loads(swarm("findings", "--format", "sarif", exit=1).out)
    found = {result["ruleId"]: result.get("suppressions") for result in log["runs"][0]["results"]}
    assert found == {
        "S307": None,
        "bug": [{"kind": "external", "status": "accepted", "justification": "meant so"}],
        "docs": [{"kind": "external", "status": "accepted", "justification": "later"}],
    }


def test_history_shows_each_decision(swarm: Swarm, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    swarm("approve", "--ids", bug)
    swarm("reject", "--ids", bug, "--reason", "after all")
    events = swarm("history", bug, "--format", "json").data["events"]
    assert [(event["kind"], event["from"], event["to"], event["reason"]) for event in events[1:]] == [
        ("finding_decided", "new", "approved", None),
        ("finding_decided", "approved", "rejected", "after all"),
    ]
