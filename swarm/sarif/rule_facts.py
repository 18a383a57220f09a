"""Severity, category and advice that the properties of a rule give to its results."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from swarm.sarif.tools import Descriptor, Tool
from swarm.sarif.values import at, item, objects, word

# GitHub's bounds for `security-severity`, which is a score of CVSS.
_SCORES: Final = ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.0, "LOW"))
_WORDS: Final = frozenset(name for _, name in _SCORES)
_LEVELS: Final = {"error": "HIGH", "warning": "MEDIUM", "note": "LOW", "none": "LOW"}
CATEGORIES: Final = {
    "correctness": "bug",
    "performance": "performance",
    "accessibility": "accessibility",
    "documentation": "docs",
}
_WEAKNESS: Final = re.compile(r"\bcwe-0*([1-9][0-9]{0,5})\b", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(?:CWE-)?0*([1-9][0-9]{0,5})", re.IGNORECASE)
_MOST_WEAKNESSES: Final = 5
LONGEST_ADVICE: Final = 4000


class RuleFacts(NamedTuple):
    """Facts that all results of a rule share; `severity` is `None` where the rule has no score."""

    severity: str | None
    category: str
    advice: str
    title: str


class Rules:
    """Facts about the rules of a run, each rule looked at a single time."""

    def __init__(self, run: Mapping[str, Any], tool: Tool) -> None:
        self._taxonomies = run.get("taxonomies")
        self._tool = tool
        self._known: dict[int, RuleFacts] = {}

    def facts_of(self, rule: Descriptor) -> RuleFacts:
        """Return the facts about a rule."""
        key = id(rule.described)
        if key not in self._known:
            self._known[key] = self._facts(rule.described)
        return self._known[key]

    def severity_of(self, result: Mapping[str, Any], rule: Descriptor) -> str:
        """Return the severity of a result: by the score of the result or of its rule, else by its level."""
        own = _by_score(at(result, "properties", "security-severity"))
        return own or self.facts_of(rule).severity or _LEVELS[self._tool.level_of(result, rule)]

    def category_of(self, result: Mapping[str, Any], rule: Descriptor) -> str:
        """Return the category of a result; a weakness of the CWE list is a matter of security."""
        if self.facts_of(rule).category == "quality" and any(self._weaknesses(objects(result.get("taxa")))):
            return "security"
        return self.facts_of(rule).category

    def _facts(self, rule: Mapping[str, Any]) -> RuleFacts:
        severity = _by_score(at(rule, "properties", "security-severity"))
        listed = at(rule, "properties", "tags")
        tags = [tag.lower() for tag in listed if isinstance(tag, str)] if isinstance(listed, list) else []
        relations = (at(relation, "target") for relation in objects(rule.get("relationships")))
        weaknesses = dict.fromkeys(
            [number for tag in tags for number in _WEAKNESS.findall(tag)] + list(self._weaknesses(relations))
        )
        category = next((CATEGORIES[tag] for tag in tags if tag in CATEGORIES), "quality")
        if "security" in tags or severity or weaknesses:
            category = "security"
        advice = word(rule, "help", "text") or word(rule, "help", "markdown")
        if not advice and (link := word(rule, "helpUri")):
            advice = f"See {link}"
        known_as = ", ".join(f"CWE-{number}" for number in list(weaknesses)[:_MOST_WEAKNESSES])
        advice = "\n".join(filter(None, (advice[:LONGEST_ADVICE].strip(), known_as)))
        title = next(filter(None, (word(rule, key, "text") for key in ("shortDescription", "fullDescription"))), "")
        return RuleFacts(severity, category, advice, title or word(rule, "name"))

    def _weaknesses(self, references: Iterable[Any]) -> Iterator[str]:
        """Yield the numbers of the CWE entries that references name."""
        for reference in references:
            taxonomy = item(self._taxonomies, at(reference, "toolComponent", "index"))
            name = word(taxonomy, "name") or word(reference, "toolComponent", "name")
            entry = word(reference, "id") or word(item(taxonomy.get("taxa"), at(reference, "index")), "id")
            found = _NUMBER.fullmatch(entry)
            if found and (name.upper() == "CWE" or entry.upper().startswith("CWE-")):
                yield found[1]


def _by_score(score: Any) -> str | None:
    if isinstance(score, bool) or not isinstance(score, str | int | float):
        return None
    # Some tools write the word where the number should stand.
    if (name := str(score).strip().upper()) in _WORDS:
        return name
    try:
        return next((name for least, name in _SCORES if float(score) >= least), None)
    except (ValueError, OverflowError):
        return None
