"""`swarm findings`: the digest in its four forms, its filters, and its exit codes."""

import importlib
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Repo, Swarm, Workspace

SCHEMA = Path(__file__).parents[1] / "data" / "sarif-schema-2.1.0.json"


def listed(swarm: Swarm, *options: str, exit: int | None = 1) -> list[str]:  # noqa: A002
    found = swarm("findings", "--format", "json", *options, exit=exit).data["findings"]
    return [finding["severity"] for finding in found]


# --- exit codes ------------------------------------------------------------------------------------------


def test_a_clean_wave_exits_0(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code")
    dispatched.answer("rest")
    swarm("collect")
    data = swarm("findings", "--format", "json").data
    assert (data["state"], data["total"], data["findings"]) == ("clean", 0, [])
    assert swarm("findings", "--format", "text").out == "No findings.\n"


def test_findings_exit_1(swarm: Swarm, four: Workspace) -> None:
    assert swarm("findings", "--format", "json", exit=1).data["state"] == "findings"


def test_an_audit_that_is_not_whole_exits_2_and_says_what_was_not_checked(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    swarm("collect", exit=1)
    data = swarm("findings", "--format", "json", exit=2).data
    assert (data["state"], data["unaudited"]) == ("pipeline_broken", 3)
    (broken,) = data["broken"]
    assert (broken["domain"], broken["error"]) == ("rest", "BOUNDED_JSON_READ_FAILED: there is no output")
    assert (
        "⚠ rest was not looked at: BOUNDED_JSON_READ_FAILED: there is no output"
        in swarm("findings", "--format", "text", exit=2).out
    )


def test_filters_that_keep_nothing_exit_0(swarm: Swarm, four: Workspace) -> None:
    assert listed(swarm, "--path", "docs/**", exit=0) == []


@pytest.mark.parametrize(
    ("gate", "filters", "code"),
    [
        ("CRITICAL", (), 1),
        ("critical", ("--severity", "high"), 0),
        ("HIGH", ("--severity", "high"), 1),
        ("LOW", ("--severity", "high"), 1),
        ("MEDIUM", ("--severity", "low"), 0),
        ("new", (), 1),
        ("NEW", ("--path", "nowhere/**"), 0),
        ("LOW", ("--limit", "0"), 1),
    ],
)
def test_fail_on_looks_at_what_is_listed(
    swarm: Swarm, four: Workspace, gate: str, filters: tuple[str, ...], code: int
) -> None:
    for form in ("json", "text", "markdown", "sarif"):
        swarm("findings", "--format", form, "--fail-on", gate, *filters, exit=code)


def test_fail_on_new_accepts_what_was_known_before_the_first_audit_of_the_commit(
    swarm: Swarm, repo: Repo, collected: Workspace
) -> None:
    # Auditing the same commit again must not turn the gate green.
    swarm("findings", "--fail-on", "new", exit=1)
    repo.write({"src/other.py": "x = 1\n"})
    repo.commit(message="another file")
    swarm("dispatch", "health-audit-a", "--isolate")
    place = {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):", "symbol": "load"}
    collected.answer("code", place, wave=2)
    collected.answer("rest", wave=2)
    swarm("collect")
    swarm("findings", exit=1)
    swarm("findings", "--fail-on", "new")


def test_fail_on_something_else_is_a_usage_error(swarm: Swarm, four: Workspace) -> None:
    assert swarm("findings", "--fail-on", "urgent", exit=2).code == "CLI_USAGE"


def test_a_run_without_a_collected_wave_has_nothing_to_tell(swarm: Swarm, dispatched: Workspace) -> None:
    assert swarm("findings", exit=1).code == "WAVE_NOT_FOUND"


# --- filters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ((), ["CRITICAL", "HIGH", "MEDIUM", "LOW"]),
        (("--severity", "low,Critical"), ["CRITICAL", "LOW"]),
        (("--path", "src/*.py"), ["CRITICAL", "HIGH", "LOW"]),
        (("--path", "src/app.py", "--path", "**/tool.py"), ["CRITICAL", "HIGH", "LOW"]),
        (("--domain", "rest"), ["MEDIUM"]),
        (("--domain", "code,rest"), ["CRITICAL", "HIGH", "MEDIUM", "LOW"]),
        (("--rule", "S307"), ["CRITICAL"]),
        (("--rule", "docs,quality"), ["MEDIUM", "LOW"]),
        (("--status", "new"), ["CRITICAL", "HIGH", "MEDIUM", "LOW"]),
        (("--status=all", "--limit=2"), ["CRITICAL", "HIGH"]),
        (("1",), ["CRITICAL", "HIGH", "MEDIUM", "LOW"]),
    ],
)
def test_filters_keep_what_they_name_gravest_first(
    swarm: Swarm, four: Workspace, options: tuple[str, ...], kept: list[str]
) -> None:
    assert listed(swarm, *options) == kept


def test_a_limit_lists_fewer_and_counts_all(swarm: Swarm, four: Workspace) -> None:
    data = swarm("findings", "--format", "json", "--limit", "1", exit=1).data
    assert (len(data["findings"]), data["total"], data["counts"]) == (
        1,
        4,
        {"CRITICAL": 1, "HIGH": 1, "MEDIUM": 1, "LOW": 1},
    )
    assert "… and 3 more" in swarm("findings", "--format", "text", "--limit", "1", exit=1).out


def test_counts_stand_before_the_list(swarm: Swarm, four: Workspace) -> None:
    out = swarm("findings", "--format", "json", exit=1).out
    assert out.index('"counts"') < out.index('"findings": [')


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("severity", {"CRITICAL": 1, "HIGH": 1, "MEDIUM": 1, "LOW": 1}),
        ("file", {"src/tool.py": 2, "src/app.py": 1, "(no file)": 1}),
        ("rule", {"S307": 1, "bug": 1, "docs": 1, "quality": 1}),
    ],
)
def test_groups_are_counted_beside_the_list(swarm: Swarm, four: Workspace, by: str, groups: dict[str, int]) -> None:
    data = swarm("findings", "--format", "json", "--group-by", by, exit=1).data
    assert (data["groups"], data["total"]) == (groups, 4)


def test_a_wave_alone_is_what_that_wave_saw(swarm: Swarm, four: Workspace) -> None:
    swarm("dispatch", "health-audit-a", "--isolate")
    four.answer("code", {"severity": "HIGH", "file": "src/app.py", "line": 12}, wave=2)
    four.answer("rest", wave=2)
    swarm("collect")
    assert [f["line"] for f in swarm("findings", "2", "--format", "json", exit=1).data["findings"]] == [12]
    assert len(listed(swarm)) == 5


# --- one finding -----------------------------------------------------------------------------------------


def test_a_finding_is_shown_whole(swarm: Swarm, four: Workspace) -> None:
    (finding,) = swarm("findings", "--severity", "high", "--format", "json", exit=1).data["findings"]
    expected: dict[str, Any] = {
        "severity": "HIGH",
        "category": "bug",
        "ruleId": None,
        "status": "new",
        "file": "src/app.py",
        "line": 5,
        "symbol": "load",
        "quote": "def load(path, seen=[]):",
        "description": "It is wrong.",
        "recommendation": None,
        "domain": "code",
        "firstSeenWave": 1,
        "lastSeenWave": 1,
        "anchored": "quote",
        "matchedBy": "new",
        "sightings": 1,
    }
    assert {key: finding[key] for key in expected} == expected
    assert finding["findingId"] == f"F-{finding['fingerprint'][:8]}"


# --- forms -----------------------------------------------------------------------------------------------


def test_the_text_begins_each_finding_with_its_place(swarm: Swarm, four: Workspace) -> None:
    lines = swarm("findings", "--format", "text", exit=1).out.splitlines()
    assert re.fullmatch(r"src/tool.py:5  CRITICAL  S307  .*  F-[0-9a-f]{8}  new", lines[0])
    assert lines[-1] == "4 findings: 1 CRITICAL, 1 HIGH, 1 MEDIUM, 1 LOW"


def test_a_pipe_gets_markdown_in_which_nothing_is_markup(swarm: Swarm, four: Workspace) -> None:
    lines = swarm("findings", exit=1).out.splitlines()
    assert lines[0] == "# Findings of repo, wave 1"
    assert "## ⊘ CRITICAL (1)" in lines
    (row,) = [line for line in lines if "imports" in line]
    assert row.startswith("| `src/tool.py:1` | Two \\| imports. | `quality` | new | F-")


def on_a_terminal(repo: Repo, *words: str, **environment: str) -> tuple[int, str]:
    leader, follower = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "swarm", *words],
            cwd=repo.root,
            env={**os.environ, "TERM": "xterm", **environment},
            stdin=follower,
            stdout=follower,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
        out = os.read(leader, 65536).decode()
    finally:
        os.close(leader)
        os.close(follower)
    return done.returncode, out


def test_a_terminal_gets_text(repo: Repo, four: Workspace) -> None:
    code, out = on_a_terminal(repo, "findings", NO_COLOR="1")
    assert code == 1
    assert re.match(r"src/tool.py\r\n  5  CRITICAL  S307     .*  F-[0-9a-f]{8}  new\r\n", out)
    assert "\x1b" not in out


@pytest.mark.parametrize("verb", ["findings", "show", "audit"])
def test_a_terminal_that_can_gets_colours(swarm: Swarm, repo: Repo, four: Workspace, verb: str) -> None:
    grave = next(item["findingId"] for item in listed_by(swarm) if item["severity"] == "CRITICAL")
    words = {"findings": (), "show": (grave,), "audit": (".", "--fail-on", "CRITICAL")}[verb]
    _, out = on_a_terminal(repo, verb, *words)
    assert "\x1b[31" in out
    assert "\\x1b" not in out


def listed_by(swarm: Swarm) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = swarm("findings", "--format", "json", exit=1).data["findings"]
    return listed


def sarif(swarm: Swarm, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(swarm("findings", "--format", "sarif", *options, exit=1).out)
    return document


def test_sarif_shows_each_finding_with_its_rule_place_and_fingerprints(swarm: Swarm, four: Workspace) -> None:
    log = sarif(swarm)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["S307", "bug", "docs", "quality"]
    assert [(result["ruleId"], result["level"], result["baselineState"]) for result in run["results"]] == [
        ("S307", "error", "new"),
        ("bug", "error", "new"),
        ("docs", "warning", "new"),
        ("quality", "note", "new"),
    ]
    assert all(
        run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"]
    )
    high, no_file = run["results"][1], run["results"][2]
    place = high["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "src/app.py"
    assert place["region"] == {"startLine": 5, "snippet": {"text": "def load(path, seen=[]):"}}
    assert high["partialFingerprints"].keys() == {"swarmFingerprint/v1", "primaryLocationLineHash"}
    assert no_file["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "README.md"


def test_sarif_is_what_a_sarif_model_reads(swarm: Swarm, four: Workspace) -> None:
    model = importlib.import_module("sarif_om")
    kinds = {
        "runs": "Run",
        "tool": "Tool",
        "driver": "ToolComponent",
        "rules": "ReportingDescriptor",
        "results": "Result",
        "locations": "Location",
        "physicalLocation": "PhysicalLocation",
        "artifactLocation": "ArtifactLocation",
        "region": "Region",
        "message": "Message",
        "suppressions": "Suppression",
        "automationDetails": "RunAutomationDetails",
    }

    def read(kind: str, value: dict[str, Any]) -> Any:
        known = {field.metadata["schema_property_name"]: field.name for field in getattr(model, kind).__attrs_attrs__}
        assert value.keys() - known.keys() == set(), f"{kind} has no such property"
        made = {}
        for key, part in value.items():
            inner = kinds.get(key)
            if inner is not None and isinstance(part, list):
                made[known[key]] = [read(inner, item) for item in part]
            else:
                made[known[key]] = read(inner, part) if inner is not None else part
        return getattr(model, kind)(**made)

    log = sarif(swarm)
    log["$schema"] = log.pop("$schema")
    read_log = read("SarifLog", log)
    assert [result.rule_id for result in read_log.runs[0].results] == ["S307", "bug", "docs", "quality"]
    assert read_log.runs[0].results[1].locations[0].physical_location.region.start_line == 5


def test_sarif_validates_against_the_official_schema(swarm: Swarm, repo: Repo, four: Workspace) -> None:
    import jsonschema_rs

    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(sarif(swarm, "--status", "all"))] == []
    repo.git("rm", "-q", "src/tool.py")
    repo.commit(message="gone")
    swarm("dispatch", "health-audit-a", "--isolate")
    four.answer("code", wave=2)
    four.answer("rest", wave=2)
    swarm("collect")
    log = sarif(swarm, "--status", "all")
    assert [error.message for error in validator.iter_errors(log)] == []
    assert {result["baselineState"] for result in log["runs"][0]["results"]} == {"absent", "unchanged"}


def test_a_tool_whose_findings_are_fixed_has_a_run_that_closes_its_alerts(
    swarm: Swarm, repo: Repo, dispatched: Workspace
) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    swarm("collect")
    assert [run["tool"]["driver"]["name"] for run in sarif(swarm)["runs"]] == ["swarm"]
    repo.commit({"src/app.py": "x = 1\n", "src/tool.py": "y = 1\n"})
    log = json.loads(swarm("audit", ".", "--format", "sarif").out)
    runs = {run["tool"]["driver"]["name"]: len(run["results"]) for run in log["runs"]}
    assert (runs["ruff"], runs["swarm"]) == (0, 0)


def test_audit_writes_the_same_sarif_as_findings(swarm: Swarm) -> None:
    log = json.loads(swarm("audit", ".", "--format", "sarif", exit=1).out)
    assert log == sarif(swarm)


def test_what_an_agent_wrote_moves_no_cursor(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5, "description": "a\x1b[2Jb\u202ec\r\n# d"})
    dispatched.answer("rest")
    swarm("collect")
    for form in ("text", "markdown"):
        out = swarm("findings", "--format", form, exit=1).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert not any(line.startswith("# d") for line in out.splitlines())


def test_what_a_second_audit_of_a_commit_sees_again_is_new_and_recurring_in_text_and_in_the_document(
    swarm: Swarm, repo: Repo
) -> None:
    repo.commit({"src/app.py": "import os\n", "src/tool.py": "", "tests/test_app.py": ""})
    for words, status in (("new", "new"), ("new, recurring", "recurring")):
        assert swarm("audit", ".", exit=1).out.splitlines()[0].endswith(f"  {words}")
        (found,) = swarm("findings", "--format", "json", exit=1).data["findings"]
        assert (found["isNew"], found["status"]) == (True, status)
    repo.commit({"README.md": "# Other\n"})
    assert swarm("audit", ".", exit=1).out.splitlines()[0].endswith("  recurring")
    assert swarm("findings", "--format", "json", exit=1).data["findings"][0]["isNew"] is False


def test_a_filter_that_resembles_nothing_is_answered_without_a_guess(swarm: Swarm, four: Workspace) -> None:
    for option, value, remedy in (
        ("--rule", "zzz", f"`swarm findings {four.run} --group-by rule` counts by rule"),
        ("--domain", "qqq", f"`swarm domains {four.run}` lists them"),
    ):
        assert f"\n  Next: {remedy}\n" in swarm("findings", option, value, exit=2).err


def test_the_id_of_a_finding_in_the_place_of_a_run_leads_to_show(swarm: Swarm, four: Workspace) -> None:
    answer = swarm("findings", "F-1234", exit=1)
    assert "Next: F-1234 is the id of a finding: `swarm show F-1234` shows it" in answer.err
