"""The digest as SARIF: GitHub's own hash of a line, valid documents, states and limits."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sarif_om
from hypothesis import given
from hypothesis import strategies as st

from swarm import __version__
from swarm.results.findings import FindingShown
from swarm.sarif.log import read
from swarm.show import sarif

OFFICIAL = Path(__file__).parents[1] / "data" / "sarif-schema-2.1.0.json"


@pytest.mark.parametrize(
    ("source", "hashes"),
    [
        ("", ["c129715d7a2bc9a3:1"]),
        (
            " a\nb\n  \t\tc\n d",
            ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
        ),
        (
            " hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n",
            [
                "e9496ae3ebfced30:1",
                "fb7c023a8b9ccb3f:1",
                "ce8ba1a563dcdaca:1",
                "e20e36e16fcb0cc8:1",
                "b3edc88f2938467e:1",
                "c8e28b0b4002a3a0:1",
                "c129715d7a2bc9a3:1",
            ],
        ),
    ],
)
def test_lines_have_the_hashes_that_github_publishes(source: str, hashes: list[str]) -> None:
    assert sarif.line_hashes(source) == hashes


def rolled(source: str) -> list[str]:
    """GitHub's algorithm as it is published: a window of 100 units, rolled over the file unit by unit."""
    units = memoryview(source.encode("utf-16-le", "surrogatepass")).cast("H").tolist()
    window, lines = [0] * 100, [-1] * 100
    value = index = line = 0
    starts, after_return = True, False
    seen: Counter[str] = Counter()
    found: dict[int, str] = {}

    def tell() -> None:
        if lines[index] != -1:
            expected = f"{value:x}"
            seen[expected] += 1
            found[lines[index]] = f"{expected}:{seen[expected]}"
            lines[index] = -1

    def roll(unit: int) -> None:
        nonlocal value, index
        value = (37 * value + unit - pow(37, 100, 2**64) * window[index]) % 2**64
        window[index] = unit
        index = (index + 1) % 100

    for unit in [*units, 0xFFFF]:
        if unit in {32, 9} or (after_return and unit == 10):
            after_return = False
            continue
        after_return = unit == 13
        tell()
        if starts:
            starts = False
            line += 1
            lines[index] = line
        starts = unit in {10, 13}
        roll(10 if unit == 13 else unit)
    for _ in range(100):
        tell()
        roll(0)
    return [found[number] for number in sorted(found)]


@given(st.one_of(st.text("ab \t\r\n", max_size=60), st.text(max_size=150), st.text("x\n", min_size=90, max_size=300)))
def test_lines_have_the_hashes_of_the_published_algorithm(source: str) -> None:
    assert sarif.line_hashes(source) == rolled(source)


FINDING = FindingShown(
    finding_id="F-00000001",
    fingerprint="0" * 24,
    severity="HIGH",
    category="bug",
    rule_id="F821",
    status="new",
    file="src/app.py",
    line=5,
    symbol="load",
    quote="    return x",
    description="Undefined name `x`",
    recommendation=None,
    domain="code",
    first_seen_wave=1,
    last_seen_wave=1,
    anchored="quote",
    matched_by="new",
    sightings=1,
    reason=None,
    evidence=None,
    match=None,
)


def log_of(
    *findings: FindingShown,
    wave: int = 1,
    tools: dict[str | None, str | None] | None = None,
    root_file: str | None = "README.md",
    **hashes: str,
) -> dict[str, Any]:
    by_id = {key.replace("_", "-"): hashes[key] for key in hashes}
    return sarif.log(findings, sarif.Scan(wave, tools or {}, by_id, root_file))


def results_of(*findings: FindingShown, wave: int = 1) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = log_of(*findings, wave=wave)["runs"][0]["results"]
    return found


@pytest.mark.parametrize(
    ("recommendation", "known", "uri"),
    [
        (None, None, None),
        ("See https://example.org/F821", None, "https://example.org/F821"),
        ("https://example.org/F821", None, "https://example.org/F821"),
        ("Remove it; see https://example.org", None, None),
        ("See https://example.org/F821", "https://own.example/F821", "https://own.example/F821"),
    ],
)
def test_a_rule_has_a_page_where_its_tool_or_its_report_names_one(
    recommendation: str | None, known: str | None, uri: str | None
) -> None:
    scan = sarif.Scan(1, {}, {}, None, lambda _tool, _rule: known)
    log = sarif.log([FINDING._replace(recommendation=recommendation)], scan)
    (rule,) = log["runs"][0]["tool"]["driver"]["rules"]
    assert rule.get("helpUri") == uri


def test_a_finding_is_a_result_with_its_place_its_rule_and_its_fingerprints() -> None:
    assert log_of(FINDING, F_00000001="abc:1") == {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "swarm",
                        "semanticVersion": __version__,
                        "rules": [
                            {
                                "id": "F821",
                                "shortDescription": {"text": "Undefined name `…`"},
                                "defaultConfiguration": {"level": "error"},
                                "properties": {"tags": ["bug"]},
                            }
                        ],
                    }
                },
                "automationDetails": {"id": "swarm/swarm/"},
                "columnKind": "unicodeCodePoints",
                "results": [
                    {
                        "ruleId": "F821",
                        "ruleIndex": 0,
                        "level": "error",
                        "message": {"text": "Undefined name `x`"},
                        "baselineState": "new",
                        "properties": {
                            "findingId": "F-00000001",
                            "severity": "HIGH",
                            "status": "new",
                            "domain": "code",
                            "category": "bug",
                            "firstSeenWave": 1,
                            "lastSeenWave": 1,
                            "matchedBy": "new",
                            "reason": None,
                            "fixable": False,
                        },
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": "src/app.py", "uriBaseId": "%SRCROOT%"},
                                    "region": {"startLine": 5, "snippet": {"text": "    return x"}},
                                },
                                "logicalLocations": [{"fullyQualifiedName": "load"}],
                            }
                        ],
                        "partialFingerprints": {
                            "swarmFingerprint/v1": "0" * 24,
                            "primaryLocationLineHash": "abc:1",
                        },
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("severity", "level"), [("CRITICAL", "error"), ("HIGH", "error"), ("MEDIUM", "warning"), ("LOW", "note")]
)
def test_a_severity_has_its_level(severity: str, level: str) -> None:
    (result,) = results_of(FINDING._replace(severity=severity))
    assert (result["level"], result["properties"]["severity"]) == (level, severity)


@pytest.mark.parametrize(
    ("severity", "score"), [("CRITICAL", "9.5"), ("HIGH", "8.0"), ("MEDIUM", "5.0"), ("LOW", "2.0")]
)
def test_a_rule_of_security_has_the_score_of_its_gravest_finding(severity: str, score: str) -> None:
    log = log_of(
        FINDING._replace(category="security", severity=severity), FINDING._replace(category="security", severity="LOW")
    )
    (rule,) = log["runs"][0]["tool"]["driver"]["rules"]
    assert rule["properties"] == {"tags": ["security"], "security-severity": score}


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "new"),
        ({"status": "approved"}, "new"),
        ({"status": "recurring", "first_seen_wave": 1, "last_seen_wave": 2}, "unchanged"),
        ({"status": "unverified", "first_seen_wave": 1, "last_seen_wave": 1}, "unchanged"),
        ({"status": "fixed", "first_seen_wave": 1, "last_seen_wave": 1}, "absent"),
        (
            {"status": "recurring", "last_seen_wave": 2, "match": "line 5 → 9, same text, occurrence 1 of 1"},
            "updated",
        ),
        (
            {"status": "recurring", "last_seen_wave": 2, "match": "line 5 → 5, same text, occurrence 1 of 1"},
            "unchanged",
        ),
    ],
)
def test_a_finding_is_new_moved_as_it_was_or_removed_since_the_wave_before(changed: dict[str, Any], state: str) -> None:
    wave = 1 if state == "new" else 2
    (result,) = results_of(FINDING._replace(**changed), wave=wave)
    assert result["baselineState"] == state


@pytest.mark.parametrize(
    ("status", "reason", "suppressions"),
    [
        ("deferred", "next year", [{"kind": "external", "status": "accepted", "justification": "next year"}]),
        ("rejected", None, [{"kind": "external", "status": "accepted", "justification": "rejected"}]),
        ("approved", "because", None),
    ],
)
def test_what_was_deferred_or_rejected_is_suppressed_with_its_reason(
    status: str, reason: str | None, suppressions: Any
) -> None:
    (result,) = results_of(FINDING._replace(status=status, reason=reason))
    assert result.get("suppressions") == suppressions


def test_a_finding_without_a_file_stands_at_a_file_of_the_root_or_is_left_out_and_counted() -> None:
    nowhere = FINDING._replace(file=None, line=None, symbol=None, quote="", rule_id=None)
    (result,) = results_of(nowhere)
    readme = {"artifactLocation": {"uri": "README.md", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 1}}
    assert (result["ruleId"], result["locations"]) == ("bug", [{"physicalLocation": readme}])
    (run,) = log_of(nowhere, FINDING, root_file=None)["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["F821"]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note == {"level": "note", "message": {"text": "findings that are left out, for want of a file: 1"}}


def test_the_column_and_the_fix_of_a_finding_travel() -> None:
    (result,) = results_of(FINDING._replace(column=3, fixable=True))
    region = {"startLine": 5, "startColumn": 3, "snippet": {"text": "    return x"}}
    assert (result["locations"][0]["physicalLocation"]["region"], result["properties"]["fixable"]) == (region, True)


def test_a_finding_without_a_line_stands_for_its_whole_file() -> None:
    (result,) = results_of(FINDING._replace(line=None))
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_each_tool_has_a_run_under_a_category_of_its_own_that_stays_from_wave_to_wave() -> None:
    ruff = FINDING._replace(analyzer="ruff 0.17.6 config 0123456789abcdef")
    log = log_of(ruff, FINDING, tools={"shellcheck": "0.11", "ruff": "0.17.6"})
    assert [
        (
            run["tool"]["driver"]["name"],
            run["tool"]["driver"].get("version"),
            run["automationDetails"]["id"],
            len(run["results"]),
        )
        for run in log["runs"]
    ] == [
        ("ruff", "0.17.6", "swarm/ruff/", 1),
        # Without a run its old alerts would stay open.
        ("shellcheck", "0.11", "swarm/shellcheck/", 0),
        ("swarm", None, "swarm/swarm/", 1),
    ]
    assert [run.get("conversion") for run in log["runs"]][1:] == [
        {"tool": {"driver": {"name": "swarm", "semanticVersion": __version__}}},
        None,
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("with space.py", "with%20space.py"),
        ("a:b#c?d%e.py", "a%3Ab%23c%3Fd%25e.py"),
        ("ünï.py", "%C3%BCn%C3%AF.py"),
        ("new\nline.py", "new%0Aline.py"),
    ],
)
def test_a_path_is_a_uri_and_comes_back_as_it_was(file: str, uri: str) -> None:
    log = log_of(FINDING._replace(file=file))
    assert log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
    (finding,) = read(log).findings
    assert finding["file"] == file


def test_a_run_holds_as_many_results_as_github_takes_and_the_rest_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sarif.MOST_RESULTS == 25_000
    monkeypatch.setattr(sarif, "MOST_RESULTS", 2)
    findings = [FINDING._replace(finding_id=f"F-{n}", rule_id=f"R{n}") for n in range(5)]
    runs = log_of(*findings)["runs"]
    assert [[result["properties"]["findingId"] for result in run["results"]] for run in runs] == [
        ["F-0", "F-1"],
        ["F-2", "F-3"],
        ["F-4"],
    ]
    categories = [run["automationDetails"]["id"] for run in runs]
    assert categories == ["swarm/swarm/", "swarm/swarm/2/", "swarm/swarm/3/"]
    assert [[rule["id"] for rule in run["tool"]["driver"]["rules"]] for run in runs] == [
        ["R0", "R1"],
        ["R2", "R3"],
        ["R4"],
    ]


def test_no_findings_are_one_run_without_results() -> None:
    (run,) = log_of()["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


VARIED = [
    FINDING,
    FINDING._replace(status="rejected", reason="no", category="security", rule_id=None),
    FINDING._replace(file=None, line=None),
    FINDING._replace(line=None),
    FINDING._replace(status="fixed", quote="\u202e\x1b", description="x\ny"),
]


def model(kind: type, document: dict[str, Any]) -> Any:
    """Make an object of the SARIF model from a JSON object; a key that the model does not know is an error."""
    import attrs

    names = {field.metadata["schema_property_name"]: field.name for field in attrs.fields(kind)}
    return kind(**{names[key]: value for key, value in document.items() if value is not None})


def test_every_part_of_a_log_is_one_of_the_sarif_model() -> None:
    log = json.loads(json.dumps(log_of(*VARIED, F_00000001="abc:1")))
    assert model(sarif_om.SarifLog, log).version == "2.1.0"
    (run,) = log["runs"]
    model(sarif_om.Run, run)
    model(sarif_om.Tool, run["tool"])
    model(sarif_om.ToolComponent, run["tool"]["driver"])
    model(sarif_om.RunAutomationDetails, run["automationDetails"])
    for rule in run["tool"]["driver"]["rules"]:
        model(sarif_om.ReportingDescriptor, rule)
        model(sarif_om.ReportingConfiguration, rule["defaultConfiguration"])
    for result in run["results"]:
        made = model(sarif_om.Result, result)
        assert run["tool"]["driver"]["rules"][made.rule_index]["id"] == made.rule_id
        for suppression in result.get("suppressions", ()):
            # The model is of the draft in which `status` was still called `state`.
            model(sarif_om.Suppression, {**suppression, "state": suppression["status"], "status": None})
        for location in result.get("locations", ()):
            place = model(sarif_om.Location, location).physical_location
            model(sarif_om.PhysicalLocation, place)
            model(sarif_om.ArtifactLocation, place["artifactLocation"])
            model(sarif_om.Region, place.get("region", {}))


def test_a_log_fits_the_official_schema() -> None:
    import jsonschema

    validator = jsonschema.Draft7Validator(json.loads(OFFICIAL.read_text(encoding="utf-8")))
    log = json.loads(json.dumps(log_of(*VARIED, F_00000001="abc:1")))
    assert [error.message for error in validator.iter_errors(log)] == []
    log["runs"][0]["results"][0]["level"] = "grave"
    assert [error.json_path for error in validator.iter_errors(log)] == ["$.runs[0].results[0].level"]
