"""Documents of `--format json`: the envelope, and data that the published schema of the verb accepts."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from swarm import documents
from swarm.cli.verbs import HELP
from tests.cli.scenes.documents import valid
from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.submissions import SUBMISSION
from tests.conftest import Repo, Swarm, Workspace


def _finding(swarm: Swarm) -> str:
    found: str = swarm("findings", "--format", "json", exit=1).data["findings"][0]["findingId"]
    return found


# Each verb with its command lines, and the exit code of each; `@` is a finding's id.
CALLS: dict[str, list[tuple[tuple[str, ...], int]]] = {
    "init": [((".",), 0)],
    "domains": [
        ((), 0),
        (("--check",), 0),
        (("--history",), 0),
        (("--who", "src/app.py"), 0),
        (("--who", "nowhere"), 0),
        (("--freeze",), 0),
        (("--unfreeze", "--reason", "to edit"), 0),
        (("--add", "web", "--globs", '["web/**"]'), 0),
        (("--edit", "web", "--before", "rest"), 0),
        (("--remove", "web"), 0),
    ],
    "doctor": [((), 0)],
    "runtimes": [((), 0), (("ruff",), 0)],
    "keys": [(("new",), 0), (("list",), 0), (("show",), 0)],
    "engine": [(("up", "--listen", "127.0.0.1:0"), 0), (("status",), 0), (("down",), 0)],
    "worker": [(("--credentials", "one.credentials", "--most", "0"), 0)],
    "audit": [((".",), 1), ((".", "--since", "HEAD"), 0)],
    "dispatch": [
        (("health-audit-a", "--isolate", "--dry-run"), 0),
        (("health-audit-a", "--isolate", "--runtime", "ruff"), 0),
    ],
    "launch": [((), 0)],
    "wait": [((), 0)],
    "permissions": [(("list",), 0)],
    "collect": [((), 0)],
    "fix": [(("@", "--runtime", "ruff", "--dry-run"), 0), (("--all", "--runtime", "ruff"), 1)],
    "merge": [((), 0), (("--publish",), 0), ((), 0)],
    "verify": [((), 0), (("--probe-only",), 0)],
    "verify-fixed": [((), 0)],
    "verify-recurring": [((), 0)],
    "verify-unverified": [((), 0)],
    "verify-approved": [((), 0)],
    "advance": [(("--check-only",), 0), ((), 0), ((), 1), (("--history",), 0)],
    "runs": [((), 0)],
    "status": [((), 0)],
    "findings": [((), 1), (("--status", "all", "--group-by", "file"), 1), (("--path", "no/**"), 0)],
    "show": [(("@",), 0)],
    "history": [(("1",), 0), (("@",), 0)],
    "events": [((), 0), (("--after", "3"), 0)],
    "receipt": [((), 0), (("1",), 0)],
    "attempts": [((), 0), (("1",), 0)],
    "audit-logs": [((), 0), (("--since", "2026-01-01"), 0)],
    "explain": [(("RUN_NOT_FOUND",), 0), (("exit:2",), 0), (("@",), 0)],
    "trends": [(("--query", query), 0) for query in ("recurring", "history", "recurrence")],
    "report": [(("-o", "report.html"), 0)],
    "schema": [((), 0), (("agent-output",), 0)],
    "approve": [(("--all",), 0), (("--ids", "@"), 0)],
    "defer": [(("--ids", "@", "--reason", "later", "--expires", "2999-12-31"), 0)],
    "reject": [(("--ids", "@", "--reason", "none"), 0)],
    "reopen": [(("--ids", "@", "--reason", "still there", "--evidence", "read it"), 0)],
    "close": [(("--ids", "@", "--reason", "gone", "--evidence", "x", "--verified-how", "independent"), 0)],
    "triage": [(("--import", "decisions.toml"), 0)],
    "lease": [
        (("list",), 0),
        (("grant", "--domain", "rest", "--file", "src/app.py", "--reason", "it calls it"), 0),
        (("list",), 0),
    ],
    "ledger": [(("verify",), 0), (("replay",), 0), (("replay", "--check"), 0)],
    "lessons": [(("derive",), 0), (("review",), 0), (("synthesize",), 0), (("advise",), 0), (("export",), 0)],
    "persist": [((), 0), (("--ingest",), 0), (("--ingest", "--dry-run"), 0)],
    "ingest": [(("--provenance", "stub", "--file", "submission.json"), 0)],
    "records": [(("list",), 0), (("show", "run-1"), 0), (("reindex",), 0), (("portfolio",), 0)],
    "resume": [((), 0), (("--apply", "--reason", "again"), 0)],
    "redrive": [(("1",), 0), (("1", "--apply", "--reason", "again"), 0)],
    "revalidate": [
        (("--domain", "rest:../corrected.json"), 0),
        (("--domain", "rest:../corrected.json", "--apply", "--reason", "mended"), 0),
        (("--domain", "rest:../corrected.json"), 0),
    ],
    "clean": [((), 0), (("--apply", "--reason", "done with it"), 0)],
    "rewind": [(("swarm-",), 0), (("swarm-", "--apply", "--reason", "anew"), 0)],
    "undo": [((), 0), (("--apply", "--reason", "too early"), 0)],
    "trust": [(("--check",), 0), (("--list",), 0)],
    "export": [(("--otel", "spans.jsonl"), 0)],
    "mcp": [(("--tools",), 0)],
    "completion": [(("bash",), 0)],
    "help": [((), 0), (("audit",), 0)],
}
PREPARED = {
    "undo": "cleaned",
    "resume": "failed",
    "redrive": "failed",
    "revalidate": "correctable",
    "ingest": "submitted",
    "records": "ingested",
    "launch": "planned",
    "collect": "launched",
    "wait": "launched",
    "permissions": "launched",
    "attempts": "launched",
    "audit-logs": "launched",
    "worker": "invited",
    "init": "repo",
    "audit": "repo",
    "reopen": "approved",
    "triage": "exported",
    "merge": "amended",
    "verify": "merged",
    "verify-fixed": "merged",
    "verify-approved": "merged",
}


@pytest.fixture
def submitted(repo: Repo) -> None:
    repo.write({"submission.json": json.dumps(SUBMISSION)})


@pytest.fixture
def ingested(swarm: Swarm, submitted: None) -> None:
    swarm("ingest", "--provenance", "stub", "--file", "submission.json")


@pytest.fixture
def invited(repo: Repo) -> None:
    """Credentials of an engine that nobody has to reach."""
    words = {"name": "one", "url": "tls://127.0.0.1:1", "plane": "0123abcd", "seed": "S", "authority": "A"}
    (repo.root / "one.credentials").write_text(json.dumps({**words, "coordinator": "U", "tags": ["played"]}))


@pytest.fixture
def planned(swarm: Swarm, workspace: Workspace) -> Workspace:
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "ruff")
    return workspace


@pytest.fixture
def launched(swarm: Swarm, planned: Workspace) -> Workspace:
    swarm("launch")
    return planned


@pytest.fixture
def failed(swarm: Swarm, dispatched: Workspace) -> Workspace:
    dispatched.answer("code")
    swarm("collect", exit=1)
    return dispatched


@pytest.fixture
def correctable(swarm: Swarm, repo: Repo, dispatched: Workspace) -> Workspace:
    dispatched.answer("code")
    dispatched.answer("rest")
    dispatched.output("rest").rename(repo.root.parent / "corrected.json")
    dispatched.output("rest").write_text("no JSON")
    swarm("collect", exit=1)
    return dispatched


@pytest.fixture
def cleaned(swarm: Swarm, collected: Workspace) -> Workspace:
    swarm("clean", "--apply", "--reason", "done with it")
    return collected


@pytest.fixture
def approved(swarm: Swarm, collected: Workspace) -> Workspace:
    swarm("approve", "--all")
    return collected


@pytest.fixture
def merged(amended: Team) -> Team:
    amended.merge("--publish")
    return amended


@pytest.fixture
def exported(swarm: Swarm, approved: Workspace) -> Workspace:
    swarm("findings", "--export", "decisions.toml")
    return approved


def test_every_verb_is_called_here_and_has_a_schema() -> None:
    assert CALLS.keys() == HELP.keys()
    assert HELP.keys() - set(documents.schema_names()) == set()


@pytest.mark.parametrize("verb", CALLS)
def test_the_data_of_a_verb_is_what_its_schema_says(verb: str, swarm: Swarm, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(PREPARED.get(verb, "collected"))
    for words, code in CALLS[verb]:
        named = [_finding(swarm) if word == "@" else word for word in words]
        valid(swarm(verb, *named, "--format", "json", exit=code), verb, code)


def test_a_wave_that_failed_and_its_violations_are_what_the_schemas_say(
    swarm: Swarm, repo: Repo, dispatched: Workspace
) -> None:
    (dispatched.folder / dispatched.run / "worktrees/w1-code/src/app.py").write_text("# mended\n")
    dispatched.answer("code", {"file": "/etc/passwd"})
    repo.write({"planted.txt": "x\n"})
    collected = valid(swarm("collect", "--format", "json", exit=1), "collect", 1)
    assert len(collected["violations"]) == 2
    assert valid(swarm("findings", "--format", "json", exit=2), "findings", 2)["broken"] != []
    assert valid(swarm("status", "--format", "json"), "status", 0)["assessment"]["state"] == "BLOCKED"
    valid(swarm("history", "1", "--format", "json"), "history", 0)
    valid(swarm("events", "--format", "json"), "events", 0)


def test_a_launch_that_failed_is_what_the_schema_says(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"swarm.toml": '[runtimes.played]\nkind = "command"\nargv = ["false"]\n'})
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    valid(swarm("launch", "--format", "json", exit=3), "launch", 3)
    valid(swarm("attempts", "--format", "json"), "attempts", 0)
    valid(swarm("explain", "attempt:1", "--format", "json"), "explain", 0)
    runtimes = valid(swarm("runtimes", "--format", "json"), "runtimes", 0)["runtimes"]
    assert {"ruff", "shellcheck", "played"} <= {runtime["name"] for runtime in runtimes}


def _without(data: Any, key: str) -> Any:
    return {name: value for name, value in data.items() if name != key}


BREAKS: dict[str, Callable[[Any], Any]] = {
    "status": lambda data: _without(data, "assessment"),
    "findings": lambda data: data | {"total": "four"},
    "runs": lambda data: [_without(data[0], "waveCount")],
    "show": lambda data: data | {"finding": _without(data["finding"], "severity")},
    "events": lambda data: data | {"events": [data["events"][0] | {"seq": None}]},
}


@pytest.mark.parametrize("verb", BREAKS)
def test_a_document_that_lacks_what_it_must_have_is_refused_by_its_schema(
    verb: str, swarm: Swarm, collected: Workspace
) -> None:
    words = [_finding(swarm)] if verb == "show" else []
    data = swarm(verb, *words, "--format", "json", exit=None).data
    assert documents.check(BREAKS[verb](data), verb) is not None
