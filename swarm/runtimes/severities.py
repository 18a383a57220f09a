"""Severity and category of an analyzer's rules. The longest prefix of a rule wins; letters are a whole prefix.

`[severities.ruff]` and `[categories.ruff]` of `swarm.toml` add to these tables and override them.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
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
    "DOC": "docs",
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
_FAMILY: Final = re.compile("[A-Z]+(?=[0-9])")
# What stands for all rules, and the families PLC, PLE, PLR and PLW of pylint.
_OF_FAMILIES: Final = ("", "PL")
_TEST: Final = re.compile(
    r"(?:^|/)(?:tests?|testing|testdata|__tests__|specs?|fixtures|e2e)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*_tests?|conftest)\.\w+$"
    r"|\.(?:test|spec)\.\w+$",
)


class RuleWords:
    """Words of tables for rules, as `looked_up` finds them; each rule is looked up once."""

    def __init__(self, *tables: Mapping[str, str]) -> None:
        self._tables = tables
        self._known: dict[str, str | None] = {}

    def of(self, rule: str) -> str | None:
        """Return the word for a rule, `None` where no table knows the rule."""
        if rule not in self._known:
            self._known[rule] = looked_up(rule, *self._tables)
        return self._known[rule]


class RuleSeverities:
    """Severities of rules in a file: by the user's table, by that of tests in a test, else by ours."""

    def __init__(self, own: Mapping[str, str], in_tests: Mapping[str, str], table: Mapping[str, str]) -> None:
        self._anywhere = RuleWords(own, table)
        self._in_tests = RuleWords(own, in_tests, table) if in_tests else self._anywhere

    def of(self, rule: str, path: str) -> str | None:
        """Return the severity of a rule in a file, `None` where no table knows the rule."""
        return (self._in_tests if _is_test(path) else self._anywhere).of(rule)


@lru_cache(maxsize=1024)
def _is_test(path: str) -> bool:
    return _TEST.search(path) is not None


def looked_up(rule: str, *tables: Mapping[str, str]) -> str | None:
    """Return the entry of the first table that knows a prefix of a rule, for its longest prefix."""
    # `S` names the rules of bandit, S101, and not those of `SIM`: letters that go on are the name of another family.
    family = _FAMILY.match(rule)
    whole = family.end() if family else 0
    lengths = [length for length in range(len(rule), -1, -1) if length >= whole or rule[:length] in _OF_FAMILIES]
    for table in tables:
        for length in lengths:
            if (found := table.get(rule[:length])) is not None:
                return found
    return None
