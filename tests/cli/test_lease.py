"""`lease list`, `grant`, `deny`: a file for another domain's agent, for one wave."""

import sqlite3
from typing import Any

import pytest

from tests.conftest import Repo, Swarm, Workspace

GRANT = ("lease", "grant", "--domain", "rest", "--file", "src/app.py", "--reason")


def leases(swarm: Swarm) -> list[tuple[Any, ...]]:
    keys = ("wave", "domain", "file", "status", "owner", "requestReason", "reason")
    listed = swarm("lease", "list", "--format", "json").data["leases"]
    return [tuple(lease[key] for key in keys) for lease in listed]


def test_a_run_without_leases_says_so(swarm: Swarm, workspace: Workspace) -> None:
    assert swarm("lease", "list").out == "No leases.\n"


def test_a_grant_is_for_the_next_wave_or_the_one_in_flight(swarm: Swarm, workspace: Workspace) -> None:
    assert swarm(*GRANT, "it calls it").out == (
        f"src/app.py is granted to rest for wave 1.\nNext: swarm status {workspace.run}\n"
    )
    swarm("dispatch", "health-audit-a", "--isolate")
    swarm("lease", "grant", workspace.run, "--domain", "code", "--file", "./README.md", "--reason", "to tell of it")
    for domain in ("code", "rest"):
        workspace.answer(domain)
    swarm("collect")
    swarm(*GRANT, "once more")
    assert leases(swarm) == [
        (1, "rest", "src/app.py", "granted", "code", None, "it calls it"),
        (1, "code", "README.md", "granted", "rest", None, "to tell of it"),
        (2, "rest", "src/app.py", "granted", "code", None, "once more"),
    ]


def test_an_answer_may_change_and_each_is_in_the_ledger(swarm: Swarm, workspace: Workspace) -> None:
    swarm(*GRANT, "yes")
    assert "It was so already." in swarm(*GRANT, "yes").out
    assert swarm("lease", "deny", *GRANT[2:], "no", "--format", "json").data["changed"] is True
    assert leases(swarm) == [(1, "rest", "src/app.py", "denied", "code", None, "no")]
    events = swarm("events", "--format", "json").data["events"][-2:]
    assert [(event["kind"], event["from"], event["to"], event["reason"]) for event in events] == [
        ("lease_decided", None, "granted", "yes"),
        ("lease_decided", "granted", "denied", "no"),
    ]


def test_what_an_agent_asked_for_is_listed_with_a_next_step_that_works(swarm: Swarm, workspace: Workspace) -> None:
    with sqlite3.connect(workspace.db) as conn:
        conn.execute(
            "INSERT INTO leases (run_id, wave_number, domain, file, status, request_reason, created)"
            " VALUES (?, 1, 'rest', 'src/a file.py', 'requested', 'it \x1b[2J', 'now')",
            (workspace.run,),
        )
    conn.close()
    out = swarm("lease", "list").out
    assert "\x1b" not in out
    next_action = out.splitlines()[-1].removeprefix("Next: ")
    assert (
        next_action == f"swarm lease grant {workspace.run} --domain rest --file 'src/a file.py' --reason 'it needs it'"
    )
    import shlex

    swarm(*shlex.split(next_action)[1:])
    assert leases(swarm) == [(1, "rest", "src/a file.py", "granted", "code", "it \x1b[2J", "it needs it")]


def test_a_file_that_nobody_owns_or_that_is_not_there_yet_can_be_leased(swarm: Swarm, workspace: Workspace) -> None:
    swarm("domains", "--unfreeze", "--reason", "to edit")
    swarm("domains", "--edit", "rest", "--globs", '["web/**"]')
    swarm("lease", "grant", "--domain", "code", "--file", "README.md", "--reason", "x")
    swarm("lease", "grant", "--domain", "code", "--file", "web/new.html", "--reason", "x")
    assert [(file, owner) for _, _, file, _, owner, _, _ in leases(swarm)] == [
        ("README.md", None),
        ("web/new.html", "rest"),
    ]


@pytest.mark.parametrize(
    ("domain", "file", "code"),
    [
        ("nobody", "src/app.py", "DOMAIN_NOT_FOUND"),
        ("code", "src/app.py", "LEASE_NOT_APPLICABLE"),
        ("rest", "../outside", "PATH_UNSAFE"),
        ("rest", "/etc/passwd", "PATH_UNSAFE"),
        ("rest", "src/.git/config", "PATH_UNSAFE"),
        ("rest", "link/x.py", "PATH_UNSAFE"),
        ("rest", "", "PATH_UNSAFE"),
        ("rest", "src", "PATH_UNSAFE"),
        ("rest", "src/", "PATH_UNSAFE"),
    ],
)
def test_what_cannot_be_leased_is_refused(
    swarm: Swarm, repo: Repo, workspace: Workspace, domain: str, file: str, code: str
) -> None:
    (repo.root / "link").symlink_to("/etc")
    repo.commit()
    for verb in ("grant", "deny"):
        assert swarm("lease", verb, "--domain", domain, "--file", file, "--reason", "x", exit=1).code == code
    assert leases(swarm) == []


@pytest.mark.parametrize(
    ("domain", "ownership", "problem"),
    [("code", "shared", "the file is shared by code"), ("rest", "coordinator", "it has no agent")],
)
def test_a_lease_that_nobody_could_use_is_refused(
    swarm: Swarm, workspace: Workspace, domain: str, ownership: str, problem: str
) -> None:
    swarm("domains", "--unfreeze", "--reason", "to edit")
    swarm("domains", "--edit", domain, "--ownership", ownership)
    error = swarm(*GRANT, "x", "--format", "json", exit=1).document["error"]
    assert (error["code"], error["problem"]) == ("LEASE_NOT_APPLICABLE", problem)


def test_a_lease_needs_its_reason_and_its_options(swarm: Swarm, workspace: Workspace) -> None:
    assert swarm(*GRANT[:-1], exit=1).code == "REASON_REQUIRED"
    assert swarm("lease", "grant", "--domain", "rest", "--reason", "x", exit=2).code == "CLI_USAGE"
    answer = swarm("lease", "gant", exit=2)
    assert (answer.code, "Did you mean 'grant'?" in answer.err) == ("CLI_USAGE", True)
    assert "grant" in swarm("lease", "--help").out
