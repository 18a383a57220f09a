"""One result of a log as a finding that is not placed yet (SARIF 2.1.0, 3.27)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from swarm.rules.notebooks import SUFFIX
from swarm.sarif.messages import LONGEST, message_of
from swarm.sarif.places import ArtifactPaths, Files
from swarm.sarif.problems import Refused
from swarm.sarif.regions import Region, counts_in_utf16, key_of, region_of, shown
from swarm.sarif.rule_facts import Rules
from swarm.sarif.tools import LONGEST_ID, Descriptor, Tool
from swarm.sarif.values import at, item, objects, whole, word

_LONGEST_SYMBOL: Final = 1000
_MOST_RELATED: Final = 5
_UNKNOWN_RULE: Final = "unknown"
# Rows of ruff are counted through all code cells of a notebook.
_COUNTS_THROUGH_CELLS: Final = frozenset({"ruff"})


class Draft(NamedTuple):
    """A finding as the form of agents has it, but for its line; `key` is what equal results share, if anything.

    `dropped` is a part that was left out of the finding, and why.
    """

    finding: dict[str, Any]
    region: Region | None
    key: tuple[object, ...] | None
    in_utf16: bool
    dropped: tuple[str, str] | None = None


class RunReader:
    """Reads the results of one run."""

    def __init__(self, run: Mapping[str, Any], files: Files) -> None:
        self.tool = Tool(run)
        self.places = ArtifactPaths(run, files)
        self._rules = Rules(run, self.tool)
        self._logical = run.get("logicalLocations")
        self._in_utf16 = counts_in_utf16(run)

    def draft_of(self, result: Mapping[str, Any]) -> Draft:
        """Return a result as a draft. Raises Refused."""
        rule_id, rule = self.tool.rule_of(result)
        path, region, dropped = self._place(result)
        if len(rule_id) > LONGEST_ID:
            problem = f"its rule id is {len(rule_id):,} characters long, and {LONGEST_ID} are the most"
            raise Refused(".ruleId", problem, file=path)
        facts = self._rules.facts_of(rule)
        symbol = self._symbol(result)
        description = self._description(result, rule) or facts.title or rule_id or _UNKNOWN_RULE
        finding: dict[str, Any] = {
            "severity": self._rules.severity_of(result, rule),
            "category": self._rules.category_of(result, rule),
            "description": description[:LONGEST],
            "rule_id": rule_id or _UNKNOWN_RULE,
        }
        if self.tool.plain_name:
            finding["tool"] = self.tool.plain_name
        if path is not None:
            finding["file"] = path
        elif symbol:
            # Without a file the words are all that keeps two findings apart.
            finding["description"] = f"{description} (in {symbol})"[:LONGEST]
        if symbol:
            finding["symbol"] = symbol
        if objects(result.get("fixes")):
            finding["fixable"] = True
        if advice := "\n".join(filter(None, (facts.advice, *self._related(result)))):
            finding["recommendation"] = advice
        # Without a column two equal results can be two defects of one line.
        key = None
        if region is not None and (region.column is not None or region.line is None):
            key = (word(self.tool.driver, "name"), rule_id, path, key_of(region), description)
        return Draft(finding, region, key, self._in_utf16, dropped)

    def _description(self, result: Mapping[str, Any], rule: Descriptor) -> str:
        message = result.get("message")
        text = message_of(message, rule, self.tool.driver)
        arguments = at(message, "arguments")
        if text or not isinstance(arguments, list):
            return text
        # The string of the rule is missing: its arguments are what is left of the message.
        listed = ", ".join(argument for argument in arguments[:_MOST_RELATED] if isinstance(argument, str))
        title = self._rules.facts_of(rule).title or word(result, "ruleId")
        return f"{title}: {listed}"[:LONGEST] if listed else ""

    def _place(self, result: Mapping[str, Any]) -> tuple[str | None, Region | None, tuple[str, str] | None]:
        """Return the file and the region of a result, and a part of the region that is left out."""
        number, location = _first_place(result)
        physical = at(location, "physicalLocation")
        where = f".locations[{number}].physicalLocation"
        artifact = at(physical, "artifactLocation")
        try:
            path = self.places.path_of(artifact or result.get("analysisTarget"))
        except Refused as refused:
            raise Refused(f"{where}.artifactLocation", refused.message, refused.code) from refused
        given = at(physical, "region")
        if path is None or not isinstance(given, dict):
            return path, None, None
        try:
            region = region_of(given)
        except Refused as refused:
            raise Refused(f"{where}.region{refused.path}", refused.message, file=path) from refused
        if path.endswith(SUFFIX):
            region = region._replace(cell=self._cell(result, physical))
        if "startColumn" in given and (region.column is None or region.column < 1):
            column = f"{where}.region.startColumn"
            problem = f"{shown(given['startColumn'])} is no column: the finding is kept without it"
            return path, region._replace(column=None), (column, problem)
        return path, region, None

    def _cell(self, result: Mapping[str, Any], physical: Any) -> int | None:
        """Return the cell of a notebook that a line is counted in, 0 for a count through all code cells."""
        for holder in (at(physical, "region"), physical, result):
            cell = whole(at(holder, "properties", "cell"))
            if cell is not None and cell > 0:
                return cell
        return 0 if word(self.tool.driver, "name").lower() in _COUNTS_THROUGH_CELLS else None

    def _symbol(self, result: Mapping[str, Any]) -> str:
        for location in objects(result.get("locations")):
            for logical in objects(location.get("logicalLocations")):
                listed = item(self._logical, logical.get("index"))
                for one in (logical, listed):
                    if name := word(one, "fullyQualifiedName") or word(one, "name"):
                        return name[:_LONGEST_SYMBOL]
        return ""

    def _related(self, result: Mapping[str, Any]) -> Iterator[str]:
        """Yield the other places of a result, each in a line."""
        others = objects(result.get("relatedLocations"))[:_MOST_RELATED]
        for location in others:
            physical = at(location, "physicalLocation")
            try:
                path = self.places.path_of(at(physical, "artifactLocation"))
            except Refused:
                continue
            line = whole(at(physical, "region", "startLine"))
            text = word(location, "message", "text")[:_LONGEST_SYMBOL]
            if path:
                yield f"See {path}{f':{line}' if line else ''}{f': {text}' if text else ''}"


def _first_place(result: Mapping[str, Any]) -> tuple[int, Any]:
    locations = result.get("locations")
    listed = locations if isinstance(locations, list) else []
    named = (
        (number, one)
        for number, one in enumerate(listed)
        if at(one, "physicalLocation", "artifactLocation") is not None
    )
    return next(named, (0, None))
