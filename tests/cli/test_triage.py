"""`findings --export` and `triage --import`: decisions travel as a reviewed text, without the database."""

import json
import os
import shutil
import sqlite3
import tomllib
from pathlib import Path
from typing import Any

import pytest

from swarm import documents
from swarm.show.toml import HEAD
from tests.cli.scenes.triage import DOCS, EVAL, LOAD, decisions, found, ids, row, statuses, wave
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

FRESH = "f" * 24


def anew(swarm: Swarm, repo: Repo) -> Workspace:
    """Throw the database away and begin again, as CI does."""
    folder = repo.root / "swarms"
    shutil.rmtree(folder)
    (repo.root / "map.json").write_text('[{"name": "code", "globs": ["src/**"]}, {"name": "rest", "globs": ["**"]}]')
    run = swarm("init", "--new", ".", "--domains-from", "map.json", "--format", "json").data["runId"]
    swarm("domains", "--freeze")
    return Workspace(run, folder, folder / "control-plane.db")


def entry(fingerprint: str, *lines: str, decision: str = "rejected", reason: str = "meant so") -> str:
    shown = "\n".join(lines)
    return f'\n[decisions."{fingerprint}"]\ndecision = "{decision}"\nreason = "{reason}"\nauthor = "Ada"\n{shown}\n'


def written(repo: Repo, *entries: str) -> Path:
    file = repo.root / "decisions.toml"
    file.write_text(HEAD + "".join(entries))
    return file


def imported(swarm: Swarm, file: Path, *options: str) -> dict[str, Any]:
    """Import a file and return what became of its decisions."""
    data = swarm("triage", "--import", file, *options, "--format", "json").data
    return {
        "applied": [finding["findingId"] for finding in data["applied"]],
        **{key: data[key] for key in ("unchanged", "pending", "expired", "skipped")},
    }


def nothing(**others: Any) -> dict[str, Any]:
    return {"applied": [], "unchanged": [], "pending": [], "expired": [], "skipped": []} | others


# --- export -----------------------------------------------------------------------------------------------


def test_an_export_is_a_sorted_text_of_what_was_decided(
    swarm: Swarm, repo: Repo, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    monkeypatch.setattr("swarm.store.decisions.now", lambda: "2026-11-21T10:00:00.123Z")
    swarm("reject", "--ids", ids(swarm, "bug"), "--reason", 'it "is" fine', "--expires", "2999-01-31")
    swarm("approve", "--ids", ids(swarm, "docs"))
    known = found(swarm)
    assert swarm("findings", "--export", "d.toml").out == "2 decisions written to d.toml\n"
    text = (repo.root / "d.toml").read_text()
    assert text == swarm("findings", "--export", "-").out
    bug = (
        f'\n[decisions."{known["bug"]["fingerprint"]}"]\n'
        'decision = "rejected"\n'
        'reason = "it \\"is\\" fine"\n'
        'author = "Ada"\n'
        "decided = 2026-11-21T10:00:00.123Z\n"
        "expires = 2999-01-31\n"
        'rule = "bug"\n'
        'file = "src/app.py"\n'
        'quote = "def load(path, seen=[]):"\n'
        'severity = "HIGH"\n'
        'description = "It is wrong."\n'
    )
    docs = (
        f'\n[decisions."{known["docs"]["fingerprint"]}"]\n'
        'decision = "approved"\n'
        'author = "Ada"\n'
        "decided = 2026-11-21T10:00:00.123Z\n"
        'rule = "docs"\n'
        'severity = "LOW"\n'
        'description = "Nothing says how to run it."\n'
    )
    assert text == HEAD + "".join(sorted([bug, docs]))


def test_filters_narrow_an_export(swarm: Swarm, three: Workspace) -> None:
    swarm("reject", "--ids", ids(swarm, "bug"), "--reason", "x")
    swarm("approve", "--all")

    def exported(*options: str) -> set[str]:
        tables = tomllib.loads(swarm("findings", "--export", "-", *options).out).get("decisions", {})
        return {table["rule"] for table in tables.values()}

    assert exported() == {"bug", "S307", "docs"}
    assert exported("--status", "rejected") == {"bug"}
    assert exported("--status", "open", "--severity", "LOW") == {"docs"}
    assert exported("--path", "web/**") == set()


def test_an_export_with_json_shows_what_was_written_as_findings(swarm: Swarm, three: Workspace) -> None:
    swarm("approve", "--ids", ids(swarm, "bug"))
    data = swarm("findings", "--export", "d.toml", "--format", "json").data
    assert documents.check(data, "findings") is None
    assert [finding["category"] for finding in data["findings"]] == ["bug"]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("nowhere/d.toml", "its folder is not there"),
        ("src", "it is no regular file"),
        ("pipe", "it is no regular file"),
        ("swarms/control-plane.db", "it is the control plane itself"),
        ("swarms/control-plane.db-wal", "it is the control plane itself"),
        ("src/app.py", "another file is there, and would be lost"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_an_export_takes_the_place_of_nothing_else(
    swarm: Swarm, repo: Repo, three: Workspace, file: str, problem: str, form: str
) -> None:
    os.mkfifo(repo.root / "pipe")
    source, there = (repo.root / "src/app.py").read_bytes(), sorted(repo.root.iterdir())
    answer = swarm("findings", "--export", file, "--format", form, exit=1)
    assert answer.code == "OUTPUT_NOT_WRITABLE"
    assert f"{file} is not written: {problem}" in answer.out + answer.err
    assert ((repo.root / "src/app.py").read_bytes(), sorted(repo.root.iterdir())) == (source, there)
    swarm("status")


def test_an_export_replaces_its_own_file_and_others_may_read_it_as_the_umask_says(
    swarm: Swarm, repo: Repo, three: Workspace
) -> None:
    before = os.umask(0o027)
    try:
        # An empty file, as `mktemp` makes it, holds nothing that could be lost.
        (repo.root / "d.toml").touch()
        swarm("findings", "--export", "d.toml")
        swarm("approve", "--all")
        swarm("findings", "--export", "d.toml")
    finally:
        os.umask(before)
    assert (repo.root / "d.toml").stat().st_mode & 0o777 == 0o640
    assert len(tomllib.loads((repo.root / "d.toml").read_text())["decisions"]) == 3


@pytest.mark.parametrize(
    "options",
    [("d.toml", "--limit", "1"), ("d.toml", "--format", "sarif"), ("-", "--format", "json"), ("d", "--fail-on", "new")],
)
def test_an_export_takes_filters_alone(swarm: Swarm, three: Workspace, options: tuple[str, ...]) -> None:
    assert swarm("findings", "--export", *options, exit=2).code == "CLI_USAGE"


def test_what_an_agent_wrote_cannot_forge_a_decision(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    forged = f'x"\n[decisions."{FRESH}"]\ndecision = "rejected" \x1b[2J\u202e\x7f\x85'
    dispatched.answer("code", LOAD | {"description": forged, "rule_id": 'S"1'})
    dispatched.answer("rest")
    swarm("collect")
    swarm("approve", "--all")
    swarm("findings", "--export", "d.toml")
    (table,) = tomllib.loads((repo.root / "d.toml").read_text())["decisions"].values()
    assert (table["decision"], table["rule"]) == ("approved", 'S"1')
    assert table["description"] == " ".join(forged.split())
    assert not set((repo.root / "d.toml").read_text()) & set("\x1b\u202e\x7f\x85")


# --- import -----------------------------------------------------------------------------------------------


def test_decisions_reach_a_fresh_database_before_its_first_audit(
    swarm: Swarm, repo: Repo, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    swarm("reject", "--ids", ids(swarm, "bug"), "--reason", "meant so", "--expires", "2999-01-31")
    swarm("defer", "--ids", ids(swarm, "docs"), "--reason", "later")
    swarm("approve", "--ids", ids(swarm, "S307"))
    known = found(swarm)
    swarm("findings", "--export", "d.toml")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "The Robot")
    fresh = anew(swarm, repo)
    shown = imported(swarm, repo.root / "d.toml")
    assert shown == nothing(pending=sorted(finding["fingerprint"] for finding in known.values()))
    wave(swarm, fresh, 1, LOAD, EVAL, rest=(DOCS,))
    keys = ("status", "reason", "decidedBy", "expires", "decisionSource")
    assert {name: [finding[key] for key in keys] for name, finding in found(swarm).items()} == {
        "bug": ["rejected", "meant so", "Ada", "2999-01-31", "imported"],
        "docs": ["deferred", "later", "Ada", None, "imported"],
        "S307": ["approved", None, "Ada", None, "imported"],
    }
    assert {
        (decision["from"], decision["to"], decision["source"], decision["author"]) for decision in decisions(fresh)
    } == {("new", status, "imported", "Ada") for status in ("approved", "deferred", "rejected")}
    assert imported(swarm, repo.root / "d.toml")["pending"] == []


def test_a_decision_waits_for_an_alias_as_well(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    dispatched.answer("code", LOAD)
    dispatched.answer("rest")
    swarm("collect")
    first = found(swarm)["bug"]["fingerprint"]
    repo.git("mv", "src/app.py", "src/loading.py")
    repo.commit()
    wave(swarm, dispatched, 2, LOAD | {"file": "src/loading.py"})
    swarm("reject", "--ids", ids(swarm, "bug"), "--reason", "meant so")
    swarm("findings", "--export", "d.toml")
    (table,) = tomllib.loads((repo.root / "d.toml").read_text())["decisions"].values()
    assert len(table["aliases"]) == 1
    # A fresh database knows the finding by its new place alone.
    fresh = anew(swarm, repo)
    assert imported(swarm, repo.root / "d.toml") == nothing(pending=[first])
    wave(swarm, fresh, 1, LOAD | {"file": "src/loading.py"})
    finding = found(swarm)["bug"]
    assert (finding["status"], finding["fingerprint"]) == ("rejected", table["aliases"][0])


def test_what_is_known_is_decided_at_once_by_fingerprint_or_alias(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    known = found(swarm)
    with sqlite3.connect(three.db) as conn:
        conn.execute(
            "INSERT INTO finding_aliases SELECT run_id, ?, id, 1 FROM findings WHERE category = 'docs'", ("d" * 24,)
        )
    conn.close()
    file = written(
        repo,
        entry(known["bug"]["fingerprint"]),
        entry("e" * 24, f'aliases = ["{known["S307"]["fingerprint"]}"]', decision="deferred"),
        entry("d" * 24),
        entry(FRESH),
    )
    shown = imported(swarm, file)
    assert shown == nothing(applied=[known[name]["findingId"] for name in ("bug", "docs", "S307")], pending=[FRESH]) | {
        "applied": shown["applied"]
    }
    assert sorted(shown["applied"]) == sorted(finding["findingId"] for finding in known.values())
    assert statuses(swarm) == {"bug": "rejected", "S307": "deferred", "docs": "rejected"}
    again = imported(swarm, file)
    assert again == nothing(unchanged=again["unchanged"], pending=[FRESH])
    assert len(again["unchanged"]) == 3


def test_a_later_decision_of_a_coordinator_stays_unless_forced(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    bug = found(swarm)["bug"]
    swarm("approve", "--ids", bug["findingId"])
    older = written(repo, entry(bug["fingerprint"], "decided = 2020-01-01T00:00:00.000Z"))
    skipped = {
        "fingerprint": bug["fingerprint"],
        "findingId": bug["findingId"],
        "reason": "a coordinator has decided otherwise here since; --force takes the file's word",
    }
    assert imported(swarm, older) == nothing(skipped=[skipped])
    assert imported(swarm, written(repo, entry(bug["fingerprint"]))) == nothing(skipped=[skipped])
    assert statuses(swarm)["bug"] == "approved"
    assert imported(swarm, older, "--force") == nothing(applied=[bug["findingId"]])
    swarm("reopen", "--ids", bug["findingId"], "--reason", "x", "--evidence", "y")
    assert imported(swarm, older)["skipped"] == [skipped]
    never = written(repo, entry(bug["fingerprint"], "decided = 2999-01-01T00:00:00Z"))
    assert imported(swarm, never)["skipped"] == [skipped]


def test_a_decision_of_a_file_that_is_newer_takes_the_place_of_a_coordinators(
    swarm: Swarm, repo: Repo, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug = found(swarm)["bug"]
    monkeypatch.setattr("swarm.store.decisions.now", lambda: "2020-12-31T22:59:59.999Z")
    swarm("approve", "--ids", bug["findingId"])
    newer = written(repo, entry(bug["fingerprint"], "decided = 2021-01-01T00:00:00.000+01:00"))
    assert imported(swarm, newer) == nothing(applied=[bug["findingId"]])
    assert row(three, bug["findingId"], "decided", "decided_by") == ("2020-12-31T23:00:00.000Z", "Ada")


def test_what_is_over_is_not_taken_and_what_was_over_is_taken_back(
    swarm: Swarm, repo: Repo, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = found(swarm)
    swarm("defer", "--ids", known["docs"]["findingId"], "--reason", "x", "--expires", "2999-01-31")
    monkeypatch.setattr("swarm.waves.triage.import_decisions.now", lambda: "2999-02-01T00:00:00.000Z")
    file = written(
        repo,
        entry(known["bug"]["fingerprint"], "expires = 2999-01-31"),
        entry(known["S307"]["fingerprint"], "expires = 2999-02-01"),
    )
    data = swarm("triage", "--import", file, "--format", "json").data
    assert data["expired"] == [known["bug"]["fingerprint"]]
    assert [(item["findingId"], item["from"], item["to"]) for item in data["reopened"]] == [
        (known["docs"]["findingId"], "deferred", "new")
    ]
    assert statuses(swarm) == {"bug": "new", "S307": "rejected", "docs": "new"}


def test_a_decision_about_what_is_fixed_waits_for_it_to_come_back(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    bug = found(swarm)["bug"]
    swarm("close", "--ids", bug["findingId"], "--reason", "x", "--evidence", "y", "--verified-how", "independent")
    with sqlite3.connect(three.db) as conn:
        conn.execute("UPDATE findings SET decision_source = NULL WHERE category = 'bug'")
    conn.close()
    assert imported(swarm, written(repo, entry(bug["fingerprint"]))) == nothing(pending=[bug["fingerprint"]])
    assert statuses(swarm)["bug"] == "fixed"
    wave(swarm, three, 2, LOAD)
    assert statuses(swarm)["bug"] == "rejected"


def test_an_import_shows_what_it_did(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    bug = found(swarm)["bug"]
    file = written(repo, entry(bug["fingerprint"]), entry(FRESH))
    assert swarm("triage", three.run, "--import", "decisions.toml").out == (
        f"2 decisions in {file}\n1 applied\n1 kept until the finding is seen\n"
        f"  {bug['findingId']}  HIGH  src/app.py:5  new → rejected\nNext: swarm status {three.run}\n"
    )
    event = swarm("events", "--format", "json").data["events"][-1]
    assert (event["kind"], event["payload"]["applied"], event["payload"]["pending"]) == ("decisions_imported", 1, 1)


# --- hostile files ----------------------------------------------------------------------------------------

GOOD = entry(FRESH)
MALFORMED: dict[str, tuple[bytes | str, str | None]] = {
    "not UTF-8": (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    "no TOML": (b"version = ", "Invalid value (at end of document)"),
    "no version": (b"[decisions]\n", "$: 'version' is a required property"),
    "another version": (b"version = 2\n", "$.version: 1 was expected"),
    "a strange key": (
        f"version = 1\n{GOOD}expire = 2030-01-01\n",
        f"$.decisions.{FRESH}: Additional properties are not allowed ('expire' was unexpected); did you mean 'expires'?",
    ),
    "no fingerprint": (
        'version = 1\n[decisions."../../x"]\ndecision = "rejected"\n',
        "$.decisions: '../../x' does not match '^[0-9a-f]{24}$'",
    ),
    "another decision": (
        f"version = 1\n{GOOD.replace('rejected', 'fixed')}",
        f"$.decisions.{FRESH}.decision: 'fixed' is not one of ['approved', 'deferred', 'rejected']",
    ),
    "no reason": (
        f"version = 1\n{GOOD.replace('reason', '# reason')}",
        f"$.decisions.{FRESH}: 'reason' is a required property",
    ),
    "a blank reason": (
        f"version = 1\n{GOOD.replace('meant so', ' ')}",
        f"$.decisions.{FRESH}.reason: ' ' does not match '\\\\S'",
    ),
    "no date": (
        f"version = 1\n{GOOD}expires = 2030-01-01T00:00:00Z\n",
        f"$.decisions.{FRESH}.expires: '2030-01-01T00:00:00.000Z' does not match '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$'",
    ),
    "no such day": (
        f'version = 1\n{GOOD}expires = "2030-02-30"\n',
        f"$.decisions['{FRESH}'].expires: day is out of range for month",
    ),
    "decided twice": (
        "version = 1\n" + GOOD + entry("e" * 24, f'aliases = ["{FRESH}"]'),
        f"$.decisions: {FRESH} stands under both {'e' * 24} and {FRESH}",
    ),
    "too deep": (f"version = 1\ndecisions = {'[' * 50}{']' * 50}\n", "it is nested deeper than 8 levels"),
    "far too deep": ("version = 1\ndecisions = " + "[\n" * 5000 + "]\n" * 5000, None),
    "a key with many dots": (
        f"version = 1\n{'.'.join('a' * 300)} = 1\n",
        "line 2 is no text, and has more than 400 characters or 15 dots",
    ),
    "many keys with dots": (
        "version = 1\n" + "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q = 1\n",
        "line 2 is no text, and has more than 400 characters or 15 dots",
    ),
    "an endless number": (f"version = 1\nx = '''\n'''\ny = {'9' * 390}\n" * 1, None),
    "too large": (b"#" * (8 * 1024 * 1024 + 1), "8,388,609 bytes"),
}


@pytest.mark.parametrize("kind", swept(MALFORMED))
def test_a_file_that_is_not_one_is_refused_with_its_place(
    swarm: Swarm, repo: Repo, three: Workspace, kind: str
) -> None:
    body, problem = MALFORMED[kind]
    file = repo.root / "d.toml"
    file.write_bytes(body if isinstance(body, bytes) else body.encode())
    error = swarm("triage", "--import", file, "--format", "json", exit=1).document["error"]
    assert error["code"] == "DECISIONS_INVALID"
    if problem is not None:
        assert error["problem"] == problem
    assert decisions(three) == []


@pytest.mark.parametrize("kind", ["missing", "link", "folder", "pipe"])
def test_what_is_no_regular_file_is_refused(swarm: Swarm, repo: Repo, three: Workspace, kind: str) -> None:
    import os

    file = repo.root / "d.toml"
    match kind:
        case "link":
            file.symlink_to("/etc/passwd")
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
    assert swarm("triage", "--import", file, exit=1).code == "DECISIONS_INVALID"


def test_an_import_without_a_file_is_a_usage_error(swarm: Swarm, three: Workspace) -> None:
    assert swarm("triage", exit=2).code == "CLI_USAGE"


def test_what_is_exported_is_what_the_import_reads(swarm: Swarm, repo: Repo, three: Workspace) -> None:
    reason = 'long "quoted" \\ ' + "x" * 1900 + "\n\tünï\x7f\u2028"
    swarm("reject", "--ids", ids(swarm, "bug", "S307", "docs"), "--reason", reason)
    swarm("findings", "--export", "d.toml")
    known = found(swarm)
    shown = imported(swarm, repo.root / "d.toml")
    assert sorted(shown["unchanged"]) == sorted(finding["findingId"] for finding in known.values())
    assert json.dumps(found(swarm)) == json.dumps(known)
