"""A rule is as grave as the longest prefix of it that is known."""

import json

import pytest

from swarm import shipped
from swarm.rules.findings import SEVERITIES
from swarm.runtimes.analyzer_table import table
from swarm.runtimes.severities import RUFF_CATEGORIES, RUFF_IN_TESTS, RUFF_SEVERITIES, RuleSeverities, looked_up
from swarm.sarif import rule_facts

CATEGORIES = {
    *("bug", "security", "quality", "types", "tests", "docs", "defensive", "observability", "degradation"),
    *("future-proofing", "ux", "accessibility", "hygiene", "error_message_quality", "cli_help_quality"),
    *("silent_failure", "tests_coverage", "performance"),
}


@pytest.mark.parametrize(
    ("rule", "severity", "category"),
    [
        ("F401", "LOW", "hygiene"),
        ("F821", "HIGH", "bug"),
        ("F811", "MEDIUM", "quality"),
        ("F999", "MEDIUM", "bug"),
        ("E902", "CRITICAL", "bug"),
        ("E501", "LOW", "hygiene"),
        ("S105", "HIGH", "security"),
        ("S999", "MEDIUM", "security"),
        ("B006", "HIGH", "bug"),
        ("B904", "LOW", "quality"),
        ("PLE0001", "HIGH", "bug"),
        ("invalid-syntax", "CRITICAL", "bug"),
        # Families whose letters begin like those of another: SIM is no rule of bandit (S), FURB none of pyflakes (F).
        ("SIM102", "LOW", "quality"),
        ("SLF001", "LOW", "quality"),
        ("FURB129", "LOW", "quality"),
        ("FA102", "LOW", "future-proofing"),
        ("BLE001", "MEDIUM", "defensive"),
        ("ERA001", "LOW", "hygiene"),
        ("PTH123", "LOW", "quality"),
        ("DOC201", "LOW", "docs"),
        ("XYZ1", "LOW", "quality"),
        ("", "LOW", "quality"),
    ],
)
def test_a_rule_has_this_severity_and_category(rule: str, severity: str, category: str) -> None:
    assert (looked_up(rule, RUFF_SEVERITIES), looked_up(rule, RUFF_CATEGORIES)) == (severity, category)


def test_the_tables_hold_words_that_findings_may_have() -> None:
    assert set(RUFF_SEVERITIES.values()) <= set(SEVERITIES)
    assert set(RUFF_CATEGORIES.values()) <= CATEGORIES


@pytest.mark.parametrize(
    ("own", "found"),
    [({}, "LOW"), ({"F4": "HIGH"}, "HIGH"), ({"": "CRITICAL"}, "CRITICAL"), ({"F402": "HIGH"}, "LOW")],
)
def test_a_project_s_own_table_goes_before_ours_even_with_a_shorter_prefix(own: dict[str, str], found: str) -> None:
    assert looked_up("F401", own, RUFF_SEVERITIES) == found


def test_a_prefix_of_letters_names_a_whole_family_of_rules() -> None:
    own = {"PL": "HIGH", "P": "CRITICAL", "SC2": "HIGH"}
    found = [looked_up(rule, own) for rule in ("PLW0603", "PLE0101", "PTH123", "PL", "SC2086", "SIM102")]
    assert found == ["HIGH", "HIGH", None, "HIGH", "HIGH", None]


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("src/app.py", "HIGH"),
        ("tests/app.py", "LOW"),
        ("pkg/test/app.py", "LOW"),
        ("pkg/test_app.py", "LOW"),
        ("pkg/app_test.py", "LOW"),
        ("conftest.py", "LOW"),
        ("pkg/latest/contest.py", "HIGH"),
    ],
)
def test_a_secret_or_a_pickle_in_a_test_is_not_grave(path: str, severity: str) -> None:
    assert RuleSeverities({}, RUFF_IN_TESTS, RUFF_SEVERITIES).of("S301", path) == severity
    assert RuleSeverities({}, RUFF_IN_TESTS, RUFF_SEVERITIES).of("F821", path) == "HIGH"
    assert RuleSeverities({"S": "CRITICAL"}, RUFF_IN_TESTS, RUFF_SEVERITIES).of("S301", path) == "CRITICAL"


def test_a_rule_that_no_table_knows_is_left_to_the_caller() -> None:
    assert looked_up("rule", {}) is None


def test_every_category_of_an_analyzer_is_a_category_of_findings() -> None:
    # A category that the schema of outputs does not know would lose the finding.
    named = {category for row in table().rows.values() for category in row.categories.values()}
    assert named - CATEGORIES == set()
    assert set(rule_facts.CATEGORIES.values()) - CATEGORIES == set()
    schema = json.loads((shipped.schemas() / "agent-output.schema.json").read_text())
    assert set(schema["$defs"]["one_finding"]["properties"]["category"]["enum"]) == CATEGORIES
