"""The tool of a run: its driver and extensions, the rules that they describe, and how each rule was configured.

Sections of SARIF 2.1.0: 3.18 (tool), 3.19 (toolComponent), 3.49 (reportingDescriptor), 3.50 (configuration),
3.51 (override), 3.52 (reference), 3.54 (reference to a component).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from swarm.sarif.values import at, item, objects, whole, word

LONGEST_ID: Final = 200
LONGEST_NAME: Final = 100
_LEVELS: Final = frozenset({"none", "note", "warning", "error"})
_NOT_FAILED: Final = frozenset({"pass", "open", "review", "notApplicable", "informational"})
_DEFAULT_LEVEL: Final = "warning"


class Descriptor(NamedTuple):
    """A rule or a notification as its component describes it; both are empty where nothing does."""

    described: Mapping[str, Any]
    component: Mapping[str, Any]


_UNKNOWN: Final = Descriptor({}, {})


class Tool:
    """The components of a run's tool, each read once."""

    def __init__(self, run: Mapping[str, Any]) -> None:
        self.driver: Mapping[str, Any] = at(run, "tool", "driver") or {}
        extensions = at(run, "tool", "extensions")
        self._extensions: list[Any] = extensions if isinstance(extensions, list) else []
        self._components = [self.driver, *objects(self._extensions)]
        self._rules = _Index(self._components, "rules")
        self._notifications = _Index(self._components, "notifications")
        self._by_name = {word(part, key): part for key in ("name", "guid") for part in reversed(self._components)}
        invocations = objects(run.get("invocations"))
        self._overrides = [_overrides(self, step) for step in invocations]

    @property
    def plain_name(self) -> str:
        """The name of the tool without its version, short enough for a record; `""` where it has none."""
        # SQLite measures a text up to its first NUL, and a name has no use for other control characters.
        shown = filter(str.isprintable, " ".join(word(self.driver, "name").split()))
        return "".join(shown).strip()[:LONGEST_NAME]

    @property
    def name(self) -> str:
        """The name of the tool and its version."""
        version = word(self.driver, "version") or word(self.driver, "semanticVersion")
        return " ".join(filter(None, (word(self.driver, "name"), version)))

    def rule_of(self, result: Mapping[str, Any]) -> tuple[str, Descriptor]:
        """Return the id of a result's rule, `""` where the result names none, and the rule."""
        reference = at(result, "rule") or {}
        rule_id = word(result, "ruleId") or word(reference, "id")
        index = whole(at(reference, "index"))
        if index is None:
            index = whole(result.get("ruleIndex"))
        found = self._found(self._rules, reference, rule_id, index)
        return rule_id or word(found.described, "id"), found

    def notification_of(self, notification: Mapping[str, Any]) -> Descriptor:
        """Return the descriptor of a notification."""
        return self._referred(self._notifications, at(notification, "descriptor") or {})

    def level_of(self, result: Mapping[str, Any], rule: Descriptor) -> str:
        """Return the level of a result: its own, else that of its configuration, else that of its rule (3.27.10)."""
        own = word(result, "level")
        if own in _LEVELS:
            return own
        override = self._override_of(result, rule)
        for configured in (override.get("level"), at(rule.described, "defaultConfiguration", "level")):
            if isinstance(configured, str) and configured in _LEVELS:
                return configured
        return _DEFAULT_LEVEL

    def level_of_notification(self, notification: Mapping[str, Any]) -> str:
        """Return the level of a notification (3.58.6)."""
        own = word(notification, "level")
        described = self.notification_of(notification).described
        return own or word(described, "defaultConfiguration", "level") or _DEFAULT_LEVEL

    def rules_on(self) -> list[str]:
        """Return the ids of the rules that were on in each invocation."""
        settings: defaultdict[int, list[object]] = defaultdict(list)
        for overrides in self._overrides:
            for key, configuration in overrides.items():
                settings[key].append(configuration.get("enabled"))
        return sorted({word(rule, "id") for rule in self._rules.every() if self._is_on(rule, settings)} - {""})

    def descriptor(self, reference: Mapping[str, Any]) -> Descriptor:
        """Return the rule that a reference means."""
        return self._referred(self._rules, reference)

    def _is_on(self, rule: Mapping[str, Any], settings: Mapping[int, list[object]]) -> bool:
        own = settings.get(id(rule), ())
        if at(rule, "defaultConfiguration", "enabled") is not False:
            return False not in own
        # A rule that is off by default was on where every invocation turned it on.
        return bool(own) and list(own).count(True) == len(self._overrides)

    def _override_of(self, result: Mapping[str, Any], rule: Descriptor) -> Mapping[str, Any]:
        number = whole(at(result, "provenance", "invocationIndex"))
        # A log of one invocation need not say that its results come from it.
        if number is None and len(self._overrides) == 1:
            number = 0
        if number is None or not 0 <= number < len(self._overrides):
            return {}
        return self._overrides[number].get(id(rule.described), {})

    def _referred(self, index: "_Index", reference: Mapping[str, Any]) -> Descriptor:
        return self._found(index, reference, word(reference, "id"), whole(at(reference, "index")))

    def _found(self, index: "_Index", reference: Any, named: str, number: int | None) -> Descriptor:
        component = self._component(at(reference, "toolComponent"))
        by_number = item(component.get(index.key), number)
        own = word(by_number, "id")
        # A wrong number beside an id is a known error of tools; the id is what their users know.
        if by_number and (not named or named == own or named.startswith(f"{own}/")):
            return Descriptor(by_number, component)
        if (found := index.by_guid.get(word(reference, "guid"))) is not None:
            return found
        return index.named(named, component) if named else _UNKNOWN

    def _component(self, reference: Any) -> Mapping[str, Any]:
        """Return the component of a reference: without one, the driver."""
        extension: Mapping[str, Any] = item(self._extensions, at(reference, "index"))
        named = word(reference, "guid") or word(reference, "name")
        return extension or (self._by_name.get(named) if named else None) or self.driver


class _Index:
    """The descriptors of all components, by id and by guid."""

    def __init__(self, components: list[Mapping[str, Any]], key: str) -> None:
        self.key = key
        self.by_guid: dict[str, Descriptor] = {}
        self._by_id: dict[str, Descriptor] = {}
        self._within: dict[tuple[int, str], Descriptor] = {}
        for component in components:
            for described in objects(component.get(key)):
                found = Descriptor(described, component)
                self._within.setdefault((id(component), word(described, "id")), found)
                self._by_id.setdefault(word(described, "id"), found)
                if guid := word(described, "guid"):
                    self.by_guid.setdefault(guid, found)

    def every(self) -> Iterator[Mapping[str, Any]]:
        """Yield each descriptor."""
        return (found.described for found in self._within.values())

    def named(self, named: str, component: Mapping[str, Any]) -> Descriptor:
        """Return the descriptor of an id, else of the rule that a hierarchical id is part of (3.27.5)."""
        # A longer id is refused, and its parts would cost their square.
        while named and len(named) <= LONGEST_ID:
            found = self._within.get((id(component), named)) or self._by_id.get(named)
            if found is not None:
                return found
            named = named.rpartition("/")[0]
        return _UNKNOWN


def is_a_finding(result: Mapping[str, Any]) -> bool:
    """Say whether a result is a defect that stands: failed, not suppressed and not absent (3.27.9, 3.27.23, 3.35)."""
    if word(result, "kind") in _NOT_FAILED or result.get("baselineState") == "absent":
        return False
    suppressions = result.get("suppressions")
    # A suppression that is under review or rejected suppresses nothing.
    return not suppressions or not all(
        isinstance(one, dict) and one.get("status") in {None, "accepted"}
        for one in (suppressions if isinstance(suppressions, list) else [None])
    )


def _overrides(tool: Tool, invocation: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """Return the configurations of an invocation by the identity of the rule that each overrides."""
    found: dict[int, Mapping[str, Any]] = {}
    for override in objects(invocation.get("ruleConfigurationOverrides")):
        rule = tool.descriptor(at(override, "descriptor") or {}).described
        configuration = at(override, "configuration")
        if rule and isinstance(configuration, dict):
            found[id(rule)] = configuration
    return found
