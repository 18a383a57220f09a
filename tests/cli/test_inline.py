"""Comments in the source that reject findings, from the commit to the digest."""

import json
from typing import Any

import pytest

from tests.cli.scenes.triage import DOCS, EVAL, LOAD, decisions, found, ids, row, statuses, wave
from tests.conftest import Repo, Swarm, Workspace

LINE = "def load(path, seen=[]):"


def commented(repo: Repo, comment: str, *, above: bool = False) -> None:
    """Write a comment on the line of the finding in `src/app.py`, or above it, and commit it."""
    source = (repo.root / "src/app.py").read_text()
    line = f"{comment}\n{LINE}" if above else f"{LINE}  {comment}"
    repo.commit({"src/app.py": source.replace(LINE, line)})


def again(swarm: Swarm, workspace: Workspace, number: int = 2, **place: Any) -> Any:
    return wave(swarm, workspace, number, LOAD | place, EVAL, rest=(DOCS,))


@pytest.mark.parametrize("above", [False, True])
def test_a_comment_rejects_what_is_reported_at_its_line(
    swarm: Swarm, repo: Repo, three: Workspace, *, above: bool
) -> None:
    bug = ids(swarm, "bug")
    commented(repo, "# swarm: ignore bug it is never changed", above=above)
    data = again(swarm, three, line=5 + above)
    finding = found(swarm)["bug"]
    expected = {
        "findingId": bug,
        "status": "rejected",
        "decisionSource": "inline",
        "decidedBy": None,
        "reason": "it is never changed (inline, src/app.py:5)",
        "line": 5 + above,
        "quote": LINE,
        "matchedBy": "fingerprint",
    }
    assert {key: finding[key] for key in expected} == expected
    assert data["findings"] == {"new": 0, "recurring": 3, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0}
    assert decisions(three) == [
        {
            "from": "recurring",
            "to": "rejected",
            "reason": "it is never changed (inline, src/app.py:5)",
            "decision": "rejected",
            "source": "inline",
        }
    ]
    log = json.loads(swarm("findings", "--status", "rejected", "--format", "sarif", exit=1).out)
    (result,) = log["runs"][0]["results"]
    assert result["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "it is never changed (inline, src/app.py:5)"}
    ]
    assert "; rejected by a comment)" in swarm("findings", "--status", "rejected", "--format", "text", exit=1).out


def test_a_new_finding_is_rejected_at_once_and_fails_no_gate(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    commented(repo, "# swarm: ignore bug fine")
    wave(swarm, workspace, 1, LOAD)
    assert statuses(swarm) == {"bug": "rejected"}
    swarm("findings", "--fail-on", "new")


def test_a_comment_may_name_the_rule_or_the_category(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    source = (repo.root / "src/tool.py").read_text()
    repo.commit({"src/tool.py": source.replace("eval('1')", "eval('1')  # swarm: ignore E501,security fine")})
    again(swarm, three)
    assert statuses(swarm) == {"bug": "recurring", "S307": "rejected", "docs": "recurring"}


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        ("# swarm: ignore bug", "it gives no reason"),
        ("# swarm: ignore * all of it", "it names no rule or category"),
        ("# swarm: ignore quality not this one", None),
    ],
)
def test_a_comment_that_does_not_count_changes_nothing_and_is_reported(
    swarm: Swarm, repo: Repo, three: Workspace, comment: str, problem: str | None
) -> None:
    commented(repo, comment)
    data = again(swarm, three, quote=f"{LINE}  {comment}")
    assert statuses(swarm)["bug"] == "recurring"
    code = {agent["domain"]: agent for agent in data["agents"]}["code"]
    assert code["status"] == "complete"
    assert [(error["code"], error["path"], error["message"]) for error in code["errors"]] == (
        [("SUPPRESSION_INVALID", "src/app.py:5", problem)] if problem else []
    )


def test_a_coordinators_decision_is_never_overwritten(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    swarm("approve", "--ids", ids(swarm, "bug"))
    commented(repo, "# swarm: ignore bug an agent says so")
    again(swarm, three)
    assert statuses(swarm)["bug"] == "approved"
    swarm("defer", "--ids", ids(swarm, "bug"), "--reason", "later")
    again(swarm, three, 3)
    assert statuses(swarm)["bug"] == "deferred"
    swarm("reopen", "--ids", ids(swarm, "bug"), "--reason", "no", "--evidence", "it is a bug")
    again(swarm, three, 4)
    assert statuses(swarm)["bug"] == "recurring"


def test_without_its_comment_a_finding_is_open_again(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    commented(repo, "# swarm: ignore bug fine")
    again(swarm, three)
    again(swarm, three, 3)
    assert statuses(swarm)["bug"] == "rejected"
    repo.commit({"src/app.py": (repo.root / "src/app.py").read_text().replace("  # swarm: ignore bug fine", "")})
    again(swarm, three, 4)
    assert statuses(swarm)["bug"] == "recurring"
    assert decisions(three)[-1] == {
        "from": "rejected",
        "to": "recurring",
        "reason": "its comment is gone",
        "decision": "open",
    }
    assert row(three, bug, "decision_source", "recurred_while_closed") == (None, 2)


@pytest.mark.parametrize("above", [False, True])
def test_a_comment_is_no_fix(swarm: Swarm, repo: Repo, three: Workspace, *, above: bool) -> None:
    bug = ids(swarm, "bug")
    commented(repo, "# swarm: ignore bug gone, honestly", above=above)
    wave(swarm, three, 2, EVAL, rest=(DOCS,))
    finding = found(swarm)["bug"]
    assert finding["status"] == "unverified"
    assert "stand" in finding["reason"]
    again(swarm, three, 3, line=5 + above)
    assert found(swarm)["bug"]["findingId"] == bug


def test_taking_a_comment_away_is_no_fix_either(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    commented(repo, "# swarm: ignore quality another matter")
    wave(swarm, workspace, 1, LOAD | {"quote": f"{LINE}  # swarm: ignore quality another matter"})
    source = (repo.root / "src/app.py").read_text()
    repo.commit({"src/app.py": source.replace("  # swarm: ignore quality another matter", "")})
    wave(swarm, workspace, 2)
    assert statuses(swarm) == {"bug": "unverified"}


def test_what_a_comment_says_is_not_exported(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    commented(repo, "# swarm: ignore bug fine")
    again(swarm, three)
    assert swarm("findings", "--export", "d.toml").out == "0 decisions written to d.toml\n"


def test_an_analyzers_finding_is_rejected_by_a_comment(swarm: Swarm, repo: Repo) -> None:
    commented(repo, "# swarm: ignore B006 it is never changed")
    data = swarm("audit", ".", "--format", "json", exit=1).data
    assert "B006" not in {finding["ruleId"] for finding in data["digest"]["findings"]}
    assert data["digest"]["suppressed"] == 1
    assert statuses(swarm)["B006"] == "rejected"
