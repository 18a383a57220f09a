"""YAML that others wrote, read into JSON values: no anchors, no tags, no key twice, and of a bounded depth.

JSON values are written as YAML that reads back the same.
"""

import math
from typing import Any, Final

MOST_CHARACTERS: Final = 256 * 1024
DEEPEST: Final = 32
_INT64: Final = 2**63
_PREFIX: Final = "tag:yaml.org,2002:"
# YAML 1.1 reads `2026-11-29` as a date and `=` as a default; JSON has neither, so they stay the text that they are.
_TEXT: Final = frozenset({"str", "timestamp", "value"})
_PLAIN: Final = frozenset({"int", "float", "bool", "null"})


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text, `None` for an empty one. Raises `ValueError`.

    Anchors are refused, because a few lines of aliases stand for gigabytes; so are tags, keys that stand twice, and
    values that JSON cannot hold. A date stays text.
    """
    import yaml

    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it is longer than {MOST_CHARACTERS:,} characters")
    try:
        _hold_to_plain(text)
        loader = _loader()(text)
        try:
            node = loader.get_single_node()
            return None if node is None else _value(loader, node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def yaml_from(document: Any) -> str:
    """Return JSON values as a YAML text that `parse_yaml` reads back; equal documents give equal texts."""
    import yaml

    class Whole(yaml.SafeDumper):
        """A safe dumper that writes a list again where it stands twice, instead of an alias."""

        def ignore_aliases(self, data: Any) -> bool:
            del data
            return True

    return yaml.dump(document, Dumper=Whole, sort_keys=False, allow_unicode=True, width=100)


def _loader() -> Any:
    import yaml

    # By libyaml where it is there: a text of the largest size takes Python seconds.
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _hold_to_plain(text: str) -> None:
    """Refuse anchors, aliases, tags and depth, before anything is built. Raises `ValueError`."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        line = 1 + event.start_mark.line if event.start_mark is not None else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise ValueError(f"line {line} holds an anchor or an alias")
        if getattr(event, "tag", None) is not None:
            raise ValueError(f"line {line} holds a tag")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise ValueError(f"line {line} is nested more than {DEEPEST} levels deep")


def _value(loader: Any, node: Any) -> Any:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return _table(loader, node)
    line, kind = node.start_mark.line + 1, node.tag.removeprefix(_PREFIX)
    if kind in _TEXT:
        return node.value
    if kind not in _PLAIN:
        raise ValueError(f"line {line} holds '{kind}', which is no plain value")
    value = loader.construct_object(node)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and not (math.isfinite(value) and -_INT64 <= value < _INT64):
        raise ValueError(f"line {line} holds a number that JSON readers do not agree on")
    return value


def _table(loader: Any, node: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line, key = key_node.start_mark.line + 1, _value(loader, key_node)
        if not isinstance(key, str):
            raise ValueError(f"line {line} has a key that is no text")  # noqa: TRY004 - of the text, not of a type
        if key in made:
            raise ValueError(f"line {line} has the key '{key[:100]}' a second time")
        made[key] = _value(loader, value_node)
    return made
