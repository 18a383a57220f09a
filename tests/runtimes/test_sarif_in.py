"""SARIF of any tool as an agent's output: what it says, wherever it says it, and what it cannot be taken for."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.config import Config, RuntimeConfig
from swarm.documents import check
from swarm.rules.phases import Phase
from swarm.runtimes.own_tree import TreeFiles
from swarm.runtimes.runtime import Job, StepResult, ToolFailed, UnusableOutput
from swarm.runtimes.sarif import Sarif, log_of, output_of

PHASE = Phase.HEALTH_AUDIT_A


def a_log(*results: dict[str, Any], rules: list[dict[str, Any]] | None = None, **run: Any) -> dict[str, Any]:
    driver = {"name": "tool", "version": "1.2", "rules": rules or []}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}


def result_at(uri: str, line: int = 3, **changed: Any) -> dict[str, Any]:
    region = {"startLine": line, "startColumn": 5, "snippet": {"text": "  x = 1"}}
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
    return {"ruleId": "R1", "level": "error", "message": {"text": "It is wrong."}, "locations": [place], **changed}


def output_from(log: Any, root: Path | None = None, **own: Any) -> dict[str, Any]:
    return output_of(log_of(log, TreeFiles((root,)) if root else None), "code", PHASE, **own)


def analysis_of(log: Any) -> dict[str, Any] | None:
    return log_of(log).analysis


def findings_of(log: Any, root: Path | None = None, **own: Any) -> list[dict[str, Any]]:
    output = output_from(log, root, **own)
    assert check(output, "agent-output", "audit") is None
    found: list[dict[str, Any]] = output["findings"]
    return found


def test_a_result_becomes_a_finding() -> None:
    rules = [{"id": "R1", "help": {"text": "Do better."}, "properties": {"tags": ["Security"]}}]
    assert output_from(a_log(result_at("src/app.py"), rules=rules)) == {
        "domain": "code",
        "stage": "A",
        "summary": "tool 1.2 reports 1 finding.",
        "findings": [
            {
                "id": "code-0001",
                "severity": "HIGH",
                "category": "security",
                "description": "It is wrong.",
                "rule_id": "R1",
                "tool": "tool",
                "file": "src/app.py",
                "line": 3,
                "column": 5,
                "recommendation": "Do better.",
            }
        ],
    }


def test_a_result_of_the_fewest_words_is_a_finding_all_the_same() -> None:
    assert findings_of({"runs": [{"tool": {"driver": {"name": "t"}}, "results": [{}]}]}) == [
        {
            "id": "code-0001",
            "severity": "MEDIUM",
            "category": "quality",
            "description": "unknown",
            "rule_id": "unknown",
            "tool": "t",
        }
    ]


@pytest.mark.parametrize(
    ("result", "rule", "severity"),
    [
        ({"level": "error"}, {}, "HIGH"),
        ({"level": "warning"}, {}, "MEDIUM"),
        ({"level": "note"}, {}, "LOW"),
        ({"level": "none"}, {}, "LOW"),
        ({"level": "strange"}, {}, "MEDIUM"),
        ({}, {}, "MEDIUM"),
        ({}, {"defaultConfiguration": {"level": "error"}}, "HIGH"),
        ({"level": "note"}, {"defaultConfiguration": {"level": "error"}}, "LOW"),
        ({"level": "note"}, {"properties": {"security-severity": "9.1"}}, "CRITICAL"),
        ({"level": "note"}, {"properties": {"security-severity": 7}}, "HIGH"),
        ({"level": "note"}, {"properties": {"security-severity": "4.0"}}, "MEDIUM"),
        ({"level": "error"}, {"properties": {"security-severity": "0.1"}}, "LOW"),
        ({"level": "note"}, {"properties": {"security-severity": "critical"}}, "CRITICAL"),
        ({"level": "error"}, {"properties": {"security-severity": "grave"}}, "HIGH"),
        ({"level": "error"}, {"properties": {"security-severity": "-1"}}, "HIGH"),
        ({"level": "error"}, {"properties": {"security-severity": ["9"]}}, "HIGH"),
    ],
)
def test_severity_is_the_score_of_the_rule_else_the_level(
    result: dict[str, Any], rule: dict[str, Any], severity: str
) -> None:
    log = a_log({"ruleId": "R1", **result}, rules=[{"id": "R1", **rule}])
    assert [finding["severity"] for finding in findings_of(log)] == [severity]


def test_a_project_s_own_tables_go_before_what_the_tool_says() -> None:
    log = a_log(result_at("a.py"), result_at("a.py", ruleId="X"))
    found = findings_of(log, own_severities={"R": "LOW"}, own_categories={"R": "docs"})
    assert [(finding["severity"], finding["category"]) for finding in found] == [("LOW", "docs"), ("HIGH", "quality")]


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("src/app.py", "src/app.py"),
        ("./src/app.py", "src/app.py"),
        ("src/with%20space.py", "src/with space.py"),
        ("file:///tree/src/app.py", "src/app.py"),
        ("/tree/src/app.py", "src/app.py"),
        ("file:///tree/caf%C3%A9.py", "café.py"),
        ("build/../src/b.py", "src/b.py"),
        ("file:///tree/build/../src/b.py", "src/b.py"),
        ("src%2Fa.py", "src/a.py"),
        ("src\\a.py", "src/a.py"),
    ],
)
def test_a_place_is_relative_to_the_tree(uri: str, file: str) -> None:
    (finding,) = findings_of(a_log(result_at(uri)), Path("/tree"))
    assert finding["file"] == file


def test_results_that_are_suppressed_or_gone_are_left_out() -> None:
    log = a_log(
        result_at("a.py", suppressions=[{"kind": "inSource"}]),
        result_at("b.py", baselineState="absent"),
        result_at("c.py", suppressions=[]),
        result_at("d.py", baselineState="unchanged"),
    )
    assert [finding["file"] for finding in findings_of(log)] == ["c.py", "d.py"]


def test_the_runs_of_a_log_are_taken_together() -> None:
    log = {"runs": [*a_log(result_at("a.py"))["runs"], *a_log(result_at("b.py"))["runs"]]}
    output = output_from(log)
    assert [(finding["id"], finding["file"]) for finding in output["findings"]] == [
        ("code-0001", "a.py"),
        ("code-0002", "b.py"),
    ]
    assert output["summary"] == "tool 1.2 reports 2 findings."


@pytest.mark.parametrize(
    ("log", "problem"),
    [
        (None, "is no SARIF log: it has no runs"),
        ([], "is no SARIF log: it has no runs"),
        ({"runs": {}}, "is no SARIF log: it has no runs"),
        ({"runs": ["x"]}, "is no SARIF log: $.runs[0] has no tool"),
        ({"runs": [{"tool": {"driver": "x"}}]}, "is no SARIF log: $.runs[0] has no tool"),
    ],
)
def test_what_is_no_sarif_log_is_refused(log: Any, problem: str) -> None:
    with pytest.raises(UnusableOutput) as caught:
        log_of(log)
    assert str(caught.value) == problem


LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3) | st.floats(allow_nan=False)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PLACES = [
    ("results",),
    ("results", 0),
    ("results", 0, "ruleId"),
    ("results", 0, "level"),
    ("results", 0, "message"),
    ("results", 0, "message", "text"),
    ("results", 0, "locations"),
    ("results", 0, "locations", 0),
    ("results", 0, "locations", 0, "physicalLocation"),
    ("results", 0, "locations", 0, "physicalLocation", "artifactLocation"),
    ("results", 0, "locations", 0, "physicalLocation", "artifactLocation", "uri"),
    ("results", 0, "locations", 0, "physicalLocation", "region"),
    ("results", 0, "locations", 0, "physicalLocation", "region", "startLine"),
    ("results", 0, "locations", 0, "physicalLocation", "region", "startColumn"),
    ("results", 0, "locations", 0, "physicalLocation", "region", "snippet"),
    ("tool", "driver", "name"),
    ("tool", "driver", "rules"),
    ("tool", "driver", "rules", 0),
    ("tool", "driver", "rules", 0, "properties"),
    ("tool", "driver", "rules", 0, "properties", "tags"),
    ("tool", "driver", "rules", 0, "help"),
    ("artifacts",),
    ("artifacts", 0),
    ("artifacts", 0, "roles"),
    ("artifacts", 0, "location"),
    ("invocations",),
    ("invocations", 0),
    ("invocations", 0, "ruleConfigurationOverrides"),
    ("invocations", 0, "toolExecutionNotifications"),
    ("invocations", 0, "workingDirectory"),
    ("originalUriBaseIds",),
    ("versionControlProvenance",),
    ("logicalLocations",),
    ("taxonomies",),
    ("columnKind",),
    ("externalPropertyFileReferences",),
    ("tool", "extensions"),
    ("tool", "driver", "globalMessageStrings"),
    ("tool", "driver", "rules", 0, "relationships"),
    ("tool", "driver", "rules", 0, "defaultConfiguration"),
    *(
        ("results", 0, key)
        for key in ("kind", "rule", "ruleIndex", "suppressions", "taxa", "relatedLocations", "fixes", "provenance")
    ),
    ("results", 0, "message", "arguments"),
    ("results", 0, "locations", 0, "logicalLocations"),
    ("results", 0, "locations", 0, "physicalLocation", "region", "charOffset"),
    ("results", 0, "analysisTarget"),
    ("results", 0, "properties"),
]


@given(st.sampled_from(PLACES), JSON)
def test_a_log_with_anything_in_any_place_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    rules = [{"id": "R1", "help": {"text": "x"}, "properties": {"tags": ["security"], "security-severity": "9"}}]
    log = a_log(
        result_at("a.py"),
        rules=rules,
        artifacts=[{"location": {"uri": "a.py"}, "roles": ["analysisTarget"]}],
        invocations=[{"executionSuccessful": True}],
    )
    spot: Any = log["runs"][0]
    for step in place[:-1]:
        spot = spot[step]
    spot[place[-1]] = value
    output = output_from(json.loads(json.dumps(log)))
    assert check(output, "agent-output", "audit") is None


ARTIFACTS = [
    {"location": {"uri": "src/b.py"}, "roles": ["analysisTarget"]},
    {"location": {"uri": "src/a.py"}, "roles": ["analysisTarget", "resultFile"]},
    {"location": {"uri": "config.toml"}, "roles": ["toolSpecifiedConfiguration"]},
]
RULES = [{"id": "R2"}, {"id": "R1"}]


def test_a_log_that_lists_its_targets_and_rules_says_what_was_looked_at() -> None:
    log = a_log(rules=RULES, artifacts=ARTIFACTS, invocations=[{"executionSuccessful": True}])
    assert analysis_of(log) == {
        "roots": [{"root": "", "rules": ["R1", "R2"]}],
        "suffixes": [],
        "read": ["src/a.py", "src/b.py"],
    }


@pytest.mark.parametrize(
    "log",
    [
        a_log(rules=RULES),
        a_log(rules=RULES, artifacts=[{"location": {"uri": "a.py"}, "roles": True}]),
        a_log(artifacts=ARTIFACTS),
        a_log(rules=RULES, artifacts=[{"location": {"uri": "a.py"}}]),
        a_log(rules=RULES, artifacts=ARTIFACTS, invocations=[{"executionSuccessful": False}]),
        {"runs": [*a_log(rules=RULES, artifacts=ARTIFACTS)["runs"]] * 2},
    ],
)
def test_a_log_that_does_not_say_it_proves_nothing_by_its_silence(log: dict[str, Any]) -> None:
    assert analysis_of(log) is None


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "attempt").mkdir()
    return Job(
        PHASE,
        "code",
        ["src/app.py"],
        tmp_path,
        tmp_path / "attempt",
        tmp_path / "prompt.md",
        tmp_path / "output.json",
        Config(severities={"mine": {"R1": "LOW"}}),
    )


def runtime_of(job: Job, *argv: str) -> Sarif:
    return Sarif(RuntimeConfig("mine", "sarif", argv, environment=("WANTED",)), job.config)


def test_a_tool_is_launched_with_its_placeholders_filled_and_may_exit_1(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANTED", "w")
    argv = (sys.executable, "{worktree}", "{output_file}", "{domain}/{phase}", "{not_one}")
    (step,) = runtime_of(job, *argv).steps(job)
    report = str(job.attempt_folder / "report.sarif")
    assert step.argv == (sys.executable, str(job.tree), report, "code/health-audit-a", "{not_one}")
    assert step.environment == {"WANTED": "w"}


def test_what_the_tool_wrote_goes_before_what_it_printed(job: Job) -> None:
    runtime = runtime_of(job, sys.executable)
    (step,) = runtime.steps(job)
    printed = StepResult(step, 1, json.dumps(a_log(result_at("printed.py"))).encode())
    assert [item["file"] for item in (runtime.product(job, [printed]).output or {})["findings"]] == ["printed.py"]
    (job.attempt_folder / "report.sarif").write_text(json.dumps(a_log(result_at("written.py"))))
    product = runtime.product(job, [printed])
    assert product.output is not None
    assert [(item["file"], item["severity"]) for item in product.output["findings"]] == [("written.py", "LOW")]
    assert product.analysis is None


@pytest.mark.parametrize("printed", [b"", b"no JSON", b"{}", b"[" * 100, b'{"runs": NaN}', b'{"runs": [1]}', b"\xff"])
def test_a_tool_that_prints_no_sarif_has_made_no_output(job: Job, printed: bytes) -> None:
    runtime = runtime_of(job, sys.executable)
    (step,) = runtime.steps(job)
    with pytest.raises(UnusableOutput):
        runtime.product(job, [StepResult(step, 0, printed)])


def test_a_link_in_the_place_of_the_report_is_not_followed(job: Job, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(json.dumps(a_log(result_at("a.py"))))
    (job.attempt_folder / "report.sarif").symlink_to(tmp_path / "elsewhere")
    runtime = runtime_of(job, sys.executable)
    with pytest.raises(UnusableOutput, match="symbolic link"):
        runtime.product(job, [StepResult(runtime.steps(job)[0], 0, b"")])


@pytest.mark.parametrize(
    ("phase", "is_served"),
    [
        (Phase.HEALTH_AUDIT_A, True),
        (Phase.STAGE_D_AUDIT, True),
        (Phase.FEATURE_AUDIT, False),
        (Phase.HEALTH_AMEND_A, False),
    ],
)
def test_a_tool_serves_the_audits_that_look_for_defects(job: Job, phase: Phase, is_served: bool) -> None:
    assert runtime_of(job, "tool").supports(phase) is is_served


def test_a_file_is_below_the_root_by_its_own_path_and_by_its_real_one_and_no_link_below_is_followed(
    tmp_path: Path,
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "inner").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to("real")
    uris = [f"{tmp_path}/{name}" for name in ("link/src/a.py", "real/src/b.py", "real/inner/c.py", "d.py")]
    output = output_from(a_log(*map(result_at, uris)), tmp_path / "link")
    assert [one["file"] for one in output["findings"]] == ["src/a.py", "src/b.py", "inner/c.py"]
    assert [part["message"] for part in output["refused"]] == [f"'{tmp_path}/d.py': it is outside of the repository"]


@pytest.mark.parametrize(
    "uri", ["file:///etc/passwd", "../up.py", "/treeless/x.py", "file://elsewhere/tree/src/app.py"]
)
def test_a_place_outside_of_the_tree_is_no_place_in_it(uri: str) -> None:
    output = output_from(a_log(result_at(uri)), Path("/tree"))
    assert [one for one in output["findings"] if "file" in one] == []


SUCCESS = {"executionSuccessful": True}
FAILURE = {"executionSuccessful": False, "exitCode": 4}


@pytest.mark.parametrize(
    ("code", "accepts", "invocations", "is_taken"),
    [
        (0, (), [], True),
        (1, (), [], True),
        (2, (), [], False),
        (4, (), [SUCCESS], True),
        (4, (), [SUCCESS, FAILURE], False),
        (4, (), [{}], False),
        (4, (4,), [], True),
        (4, (4,), [FAILURE], True),
    ],
)
def test_an_unusual_exit_code_is_good_where_the_user_or_the_log_says_so(
    job: Job, code: int, accepts: tuple[int, ...], invocations: list[dict[str, Any]], *, is_taken: bool
) -> None:
    runtime = Sarif(RuntimeConfig("mine", "sarif", (sys.executable,), accepts=accepts), job.config)
    (step,) = runtime.steps(job)
    assert (code in step.accepts, 3 in step.accepts) == (True, not accepts)
    printed = StepResult(step, code, json.dumps(a_log(result_at("a.py"), invocations=invocations)).encode())
    if is_taken:
        assert len((runtime.product(job, [printed]).output or {})["findings"]) == 1
    else:
        with pytest.raises(ToolFailed, match=f"exit code {code}"):
            runtime.product(job, [printed])


@pytest.mark.parametrize(
    ("code", "accepts", "log", "is_taken"),
    [
        (1, (), a_log(), False),
        (0, (), a_log(), True),
        (1, (0, 1), a_log(), True),
        (1, (), a_log(invocations=[SUCCESS]), True),
        (1, (), a_log(result_at("a.py", suppressions=[{"kind": "inSource"}])), True),
    ],
)
def test_a_tool_that_ends_with_1_and_found_nothing_has_failed_unless_it_says_otherwise(
    job: Job, code: int, accepts: tuple[int, ...], log: dict[str, Any], *, is_taken: bool
) -> None:
    runtime = Sarif(RuntimeConfig("mine", "sarif", (sys.executable,), accepts=accepts), job.config)
    printed = StepResult(runtime.steps(job)[0], code, json.dumps(log).encode())
    if is_taken:
        assert (runtime.product(job, [printed]).output or {})["findings"] == []
    else:
        with pytest.raises(ToolFailed, match="exit code 1, and its log has no results"):
            runtime.product(job, [printed])


def test_what_a_tool_prints_beside_its_log_is_no_part_of_it(job: Job) -> None:
    runtime = runtime_of(job, sys.executable)
    printed = f"warning: a setting is deprecated\n{json.dumps(a_log(result_at('a.py')))}\n"
    product = runtime.product(job, [StepResult(runtime.steps(job)[0], 0, printed.encode())])
    assert [item["file"] for item in (product.output or {})["findings"]] == ["a.py"]


def test_a_tool_that_says_that_it_failed_and_reports_nothing_has_no_output(job: Job) -> None:
    runtime = runtime_of(job, sys.executable)
    (step,) = runtime.steps(job)
    printed = StepResult(step, 0, json.dumps(a_log(invocations=[FAILURE])).encode())
    with pytest.raises(UnusableOutput, match="the tool says that it failed, with exit code 4"):
        runtime.product(job, [printed])
