"""`approve`, `defer`, `reject`, `reopen`, `close`: what they change, what they refuse, and that decisions last."""

import json
import sqlite3

import pytest

from swarm import clock
from tests.cli.scenes.triage import DOCS, EVAL, LOAD, decisions, found, ids, row, statuses, wave
from tests.conftest import Repo, Swarm, Workspace

EVIDENCE = ("--reason", "it is gone", "--evidence", "read the code")


# --- approve ----------------------------------------------------------------------------------------------


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


def test_nothing_to_approve_is_said_and_is_no_error(swarm: Swarm, three: Workspace) -> None:
    out = swarm("approve", "--all", "--rule", "nowhere").out
    assert out == f"No finding fits: nothing is approved.\nNext: swarm status {three.run}\n"


@pytest.mark.parametrize(
    "options",
    [(), ("--all", "--ids", "F-1"), ("--ids", "F-1", "--severity", "LOW"), ("--ids", ","), ("--all", "--rule", ",")],
)
def test_approve_takes_either_all_or_ids(swarm: Swarm, three: Workspace, options: tuple[str, ...]) -> None:
    assert swarm("approve", *options, exit=1).code == "CLI_USAGE"
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


# --- each decision ----------------------------------------------------------------------------------------


def test_a_decision_knows_who_took_it_when_why_and_until_when(
    swarm: Swarm, repo: Repo, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("config", "user.name", "Ada  Lovelace")
    repo.git("config", "user.email", "ada@example.invalid")
    monkeypatch.setattr(clock, "now", lambda: "2026-11-21T10:00:00.000Z")
    monkeypatch.setattr("swarm.store.decisions.now", clock.now)
    bug = ids(swarm, "bug")
    swarm("defer", three.run[:20], "--ids", bug, "--reason", " after the\nrelease ", "--expires", "2026-12-31")
    finding = found(swarm)["bug"]
    expected = {
        "status": "deferred",
        "reason": "after the\nrelease",
        "decisionSource": "coordinator",
        "decidedBy": "Ada Lovelace <ada@example.invalid>",
        "expires": "2026-12-31",
    }
    assert {key: finding[key] for key in expected} == expected
    assert row(three, bug, "decided") == ("2026-11-21T10:00:00.000Z",)
    assert decisions(three) == [
        {
            "from": "new",
            "to": "deferred",
            "reason": "after the\nrelease",
            "decision": "deferred",
            "source": "coordinator",
            "author": "Ada Lovelace <ada@example.invalid>",
            "expires": "2026-12-31",
        }
    ]


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
    assert swarm(verb, *options, exit=1).code == "CLI_USAGE"


def test_what_is_so_already_is_left_and_said(swarm: Swarm, three: Workspace) -> None:
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


def test_an_open_finding_cannot_be_reopened(swarm: Swarm, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    error = swarm("reopen", "--ids", bug, *EVIDENCE, "--format", "json", exit=1).document["error"]
    assert (error["code"], error["findings"]) == ("TRIAGE_NOT_APPLICABLE", f"{bug} (new)")


# --- reopen and close -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "more"), [("approve", ()), ("defer", ("--reason", "x")), ("reject", ("--reason", "x"))]
)
def test_a_decision_is_taken_back_by_reopen(swarm: Swarm, three: Workspace, verb: str, more: tuple[str, ...]) -> None:
    bug = ids(swarm, "bug")
    swarm(verb, "--ids", bug, *more)
    swarm("reopen", "--ids", bug, *EVIDENCE)
    finding = found(swarm)["bug"]
    assert (finding["status"], finding["reason"], finding["expires"]) == ("new", None, None)
    assert decisions(three)[-1] | {"author": ""} == {
        "from": {"approve": "approved", "defer": "deferred", "reject": "rejected"}[verb],
        "to": "new",
        "reason": "it is gone",
        "decision": "open",
        "source": "coordinator",
        "author": "",
        "evidence": "read the code",
    }
    assert row(three, bug, "regressions") == (0,)


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
    told = f"by an operator (independent) at {repo.head[:12]}: read the code"
    assert f"    {told}" in swarm("findings", "--status", "fixed", "--format", "text", exit=1).out.splitlines()
    assert told in swarm("findings", "--status", "fixed", "--format", "markdown", exit=1).out
    assert f"Decided: {told}" in swarm("show", bug).out.splitlines()
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


@pytest.mark.parametrize(("by_evidence", "regressions"), [(True, 1), (False, 0)])
def test_reopening_a_fix_makes_it_unverified_and_counts_against_evidence_alone(
    swarm: Swarm, repo: Repo, three: Workspace, *, by_evidence: bool, regressions: int
) -> None:
    bug = ids(swarm, "bug")
    if by_evidence:
        repo.git("rm", "-q", "src/app.py")
        repo.commit(message="gone")
        wave(swarm, three, 2, EVAL, rest=(DOCS,))
    else:
        swarm("close", "--ids", bug, *EVIDENCE, "--verified-how", "independent")
    assert statuses(swarm)["bug"] == "fixed"
    swarm("reopen", "--ids", bug, "--reason", "it is there", "--evidence", "saw it")
    finding = found(swarm)["bug"]
    assert (finding["status"], finding["reason"], finding["evidence"]) == ("unverified", "reopened: it is there", None)
    columns = ("regressions", "fixed_wave", "fixed_commit", "verified_how", "evidence_note", "decision")
    assert row(three, bug, *columns) == (regressions, None, None, None, None, "open")


# --- decisions last ---------------------------------------------------------------------------------------


def test_an_approval_survives_rediscovery(swarm: Swarm, three: Workspace) -> None:
    swarm("approve", "--ids", ids(swarm, "bug"), "--reason", "mend it")
    data = wave(swarm, three, 2, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm) == {"bug": "approved", "S307": "recurring", "docs": "recurring"}
    assert data["findings"]["recurredWhileClosed"] == 0


@pytest.mark.parametrize("how", ["where it was", "lines above it", "in a renamed file", "in another definition"])
def test_a_rejection_survives_rediscovery(swarm: Swarm, repo: Repo, three: Workspace, how: str) -> None:
    bug = ids(swarm, "bug")
    swarm("reject", "--ids", bug, "--reason", "meant so")
    source = (repo.root / "src/app.py").read_text()
    told = LOAD
    match how:
        case "lines above it":
            repo.commit({"src/app.py": "# one\n# two\n\n" + source})
            told = LOAD | {"line": 8}
        case "in a renamed file":
            repo.git("mv", "src/app.py", "src/loading.py")
            repo.commit()
            told = LOAD | {"file": "src/loading.py"}
        case "in another definition":
            body = source.replace("def load", "class Loader:\n  if True:\n    def load").replace(
                "\n    try", "\n        try"
            )
            body = body.replace("\n        return open", "\n            return open").replace(
                "\n    except", "\n        except"
            )
            repo.commit({"src/app.py": body.replace("\n        pass", "\n            pass")})
            told = LOAD | {"line": 7}
    data = wave(swarm, three, 2, told, EVAL, rest=(DOCS,))
    finding = found(swarm)["bug"]
    assert (finding["findingId"], finding["status"], finding["reason"]) == (bug, "rejected", "meant so")
    assert data["findings"] == {"new": 0, "recurring": 2, "fixed": 0, "unverified": 0, "recurredWhileClosed": 1}
    assert row(three, bug, "recurred_while_closed", "observation") == (1, "recurring")


def test_a_decision_that_has_expired_is_taken_back_by_the_next_collect(
    swarm: Swarm, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug, docs = ids(swarm, "bug"), ids(swarm, "docs")
    last = clock.now()[:10]
    swarm("reject", "--ids", bug, "--reason", "for now", "--expires", last)
    swarm("defer", "--ids", docs, "--reason", "for now", "--expires", "9999-12-31")
    wave(swarm, three, 2, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm) == {"bug": "rejected", "S307": "recurring", "docs": "deferred"}
    for module in ("store.findings", "waves.collect.settle_decisions"):
        monkeypatch.setattr(f"swarm.{module}.now", lambda: "9998-01-01T00:00:00.000Z")
    data = wave(swarm, three, 3, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm) == {"bug": "recurring", "S307": "recurring", "docs": "deferred"}
    assert (data["findings"]["recurring"], data["findings"]["recurredWhileClosed"]) == (2, 1)
    told = decisions(three)[-1]
    assert told == {"from": "rejected", "to": "recurring", "reason": f"expired on {last}", "decision": "open"}
    columns = ("decision", "decision_reason", "decision_source", "decided_by", "decided", "decision_expires")
    assert row(three, bug, *columns) == ("open", None, None, None, None, None)


# --- shown as suppressed ----------------------------------------------------------------------------------


def test_what_is_suppressed_is_counted_and_told_with_who_and_why(
    swarm: Swarm, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    bug, docs = ids(swarm, "bug"), ids(swarm, "docs")
    swarm("reject", "--ids", bug, "--reason", "meant so")
    swarm("defer", "--ids", docs, "--reason", "later", "--expires", "2999-01-31")
    out = swarm("findings", "--format", "text", exit=1).out.splitlines()
    assert out[-2:] == ["1 finding: 1 CRITICAL", "2 findings suppressed (`--status deferred,rejected` lists them)."]
    lines = swarm("findings", "--status", "rejected,deferred", "--format", "text", exit=1).out.splitlines()
    assert f"src/app.py:5  ⚠ HIGH  bug  {bug}  rejected (meant so)" in lines
    assert "    rejected by Ada" in lines
    assert "    deferred until 2999-01-31 by Ada" in lines
    assert "deferred until 2999-01-31 by Ada" in swarm("findings", "--status", "deferred", exit=1).out
    assert "Decided: rejected by Ada" in swarm("show", bug).out.splitlines()
    log = json.loads(swarm("findings", "--format", "sarif", exit=1).out)
    told = {result["ruleId"]: result.get("suppressions") for result in log["runs"][0]["results"]}
    assert told == {
        "S307": None,
        "bug": [{"kind": "external", "status": "accepted", "justification": "meant so"}],
        "docs": [{"kind": "external", "status": "accepted", "justification": "later"}],
    }


def test_history_tells_each_decision(swarm: Swarm, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    swarm("approve", "--ids", bug)
    swarm("reject", "--ids", bug, "--reason", "after all")
    events = swarm("history", bug, "--format", "json").data["events"]
    assert [(event["kind"], event["from"], event["to"], event["reason"]) for event in events[1:]] == [
        ("finding_decided", "new", "approved", None),
        ("finding_decided", "approved", "rejected", "after all"),
    ]
