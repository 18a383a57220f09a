"""Severity and category of an analyzer's rules. The longest prefix of a rule wins.

`[severities.ruff]` and `[categories.ruff]` of `swarm.toml` add to these tables and override them.
"""

import re
from collections.abc import Mapping
from typing import Final

RUFF_SEVERITIES: Final[Mapping[str, str]] = {
    "": "LOW",
    "invalid-syntax": "CRITICAL",
    "E9": "CRITICAL",
    "F": "MEDIUM",
    "F401": "LOW",
    "F403": "LOW",
    "F405": "LOW",
    "F541": "LOW",
    "F5": "HIGH",
    "F6": "MEDIUM",
    "F63": "HIGH",
    "F7": "HIGH",
    "F8": "MEDIUM",
    "F811": "MEDIUM",
    "F821": "HIGH",
    "F822": "HIGH",
    "F823": "HIGH",
    "F841": "LOW",
    "F842": "LOW",
    "B": "MEDIUM",
    "B006": "HIGH",
    "B012": "HIGH",
    "B020": "HIGH",
    "B023": "HIGH",
    "B904": "LOW",
    "B905": "LOW",
    "B007": "LOW",
    "B009": "LOW",
    "B010": "LOW",
    "B028": "LOW",
    "S": "MEDIUM",
    "S101": "LOW",
    "S102": "HIGH",
    "S103": "HIGH",
    "S105": "HIGH",
    "S106": "HIGH",
    "S110": "LOW",
    "S112": "LOW",
    "S301": "HIGH",
    "S302": "HIGH",
    "S307": "HIGH",
    "S324": "MEDIUM",
    "S501": "HIGH",
    "S506": "HIGH",
    "S602": "HIGH",
    "S605": "HIGH",
    "S603": "LOW",
    "S607": "LOW",
    "S404": "LOW",
    "S608": "HIGH",
    "S7": "HIGH",
    "PLE": "HIGH",
    "PLW": "MEDIUM",
    "ASYNC": "MEDIUM",
    "BLE": "MEDIUM",
    "DTZ": "MEDIUM",
    "RUF006": "MEDIUM",
    "YTT": "MEDIUM",
}
RUFF_CATEGORIES: Final[Mapping[str, str]] = {
    "": "quality",
    "invalid-syntax": "bug",
    "E9": "bug",
    "F": "bug",
    "F401": "hygiene",
    "F403": "hygiene",
    "F405": "hygiene",
    "F541": "hygiene",
    "F811": "quality",
    "F841": "hygiene",
    "F842": "hygiene",
    "B": "bug",
    "B9": "quality",
    "PLE": "bug",
    "PLW": "bug",
    "ASYNC": "bug",
    "RUF006": "bug",
    "S": "security",
    "S110": "silent_failure",
    "S112": "silent_failure",
    "BLE": "defensive",
    "TRY": "defensive",
    "TRY400": "observability",
    "LOG": "observability",
    "G": "observability",
    "T20": "observability",
    "D": "docs",
    "ANN": "types",
    "TC": "types",
    "PYI": "types",
    "PT": "tests",
    "UP": "future-proofing",
    "FA": "future-proofing",
    "DTZ": "defensive",
    "EM": "error_message_quality",
    "INT": "ux",
    "I": "hygiene",
    "W": "hygiene",
    "E": "hygiene",
    "ERA": "hygiene",
    "COM": "hygiene",
    "Q": "hygiene",
}

# A weak random number or a fixed password is how a test is written.
RUFF_IN_TESTS: Final[Mapping[str, str]] = {"S": "LOW"}
_TEST: Final = re.compile(
    r"(?:^|/)(?:tests?|testing|testdata|__tests__|specs?|fixtures|e2e)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*_tests?|conftest)\.\w+$"
    r"|\.(?:test|spec)\.\w+$",
)


def of_rule(
    rule: str, path: str, own: Mapping[str, str], in_tests: Mapping[str, str], table: Mapping[str, str]
) -> str | None:
    """Return the severity of a rule in a file: by the user's table, by that of tests in a test, else by ours."""
    tables = (own, in_tests, table) if in_tests and _TEST.search(path) else (own, table)
    return looked_up(rule, *tables)


def looked_up(rule: str, *tables: Mapping[str, str]) -> str | None:
    """Return the entry of the first table that knows a prefix of a rule, for its longest prefix."""
    for table in tables:
        for length in range(len(rule), -1, -1):
            if (found := table.get(rule[:length])) is not None:
                return found
    return None
