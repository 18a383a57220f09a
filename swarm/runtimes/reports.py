"""Reports of analyzers in JSON, in JSON lines or in lines of text, read by the fields that a row of the table names."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from swarm.runtimes.report_fields import Fields
from swarm.runtimes.runtime import UnusableOutput

_ALL: Final = "*"
_KEYS: Final = "@"
# A message of the table may be made of several values.
_PLACE: Final = re.compile(r"\{([\w.]+)\}")


class ToolReport(NamedTuple):
    """A report of an analyzer in its own words, and the object that it was read from. Line and column count from 1."""

    file: str
    line: int
    column: int
    rule: str
    level: str
    message: str
    advice: str
    source: Any = None


def reported(output: bytes, fields: Fields) -> Iterator[ToolReport]:
    """Yield the reports of an output. Raises UnusableOutput where the output has another form."""
    if fields.form == "lines":
        yield from _of_lines(output, fields)
        return
    has_items = has_reports = False
    for document in _documents(output, fields):
        for chain in _items(document, fields.items.split(".") if fields.items else [], ()):
            has_items = True
            if (report := _report(chain, fields)) is not None:
                has_reports = True
                yield report
    # A version of the tool that calls the file or the message by another name would be a clean one.
    if fields.form == "json" and has_items and not has_reports and fields.unread != fields.items:
        raise _other_form("no finding has a file and a message", fields)


def unread(output: bytes, fields: Fields) -> Iterator[str]:
    """Yield the files that a report says could not be read."""
    for document in _documents(output, fields) if fields.unread else ():
        for chain in _items(document, fields.unread.split("."), ()):
            named = _first(chain, fields.unread_file)
            if isinstance(named, str) and (found := re.match(fields.unread_from, named, re.DOTALL)) is not None:
                yield found[1]


def looked_at(output: bytes, fields: Fields) -> Iterator[str]:
    """Yield the files that a report names, with findings and without."""
    for document in _documents(output, fields) if fields.files else ():
        for chain in _items(document, fields.files.split("."), ()):
            named = chain[0] if isinstance(chain[0], str) else _first(chain, fields.file)
            if isinstance(named, str):
                yield named


def has_read_any(output: bytes, fields: Fields) -> bool:
    """Say whether a report counts a file that was read, by the number that its row names."""
    return any(in_path(document, fields.read_count) not in {0, None} for document in _documents(output, fields))


def _documents(output: bytes, fields: Fields) -> Iterator[Any]:
    from swarm import errors
    from swarm.documents import parse_bounded
    from swarm.runtimes.report_text import reports_in

    # Some tools print nothing where they have nothing to say.
    if not output.strip():
        return
    try:
        if fields.form == "json":
            root = fields.items.partition(".")[0]
            for document in reports_in(output, "report", functools.partial(_has_root, root)):
                if not _has_root(root, document):
                    what = "is no list" if root == _ALL else f"has no `{root}`"
                    raise _other_form(f"it {what}", fields)
                yield document
            return
        # A plugin prints beside the report as it likes.
        for line in output.splitlines():
            if line.lstrip().startswith(b"{"):
                yield parse_bounded(line, "report")
    except errors.SwarmError as error:
        raise UnusableOutput(f"its report is unreadable: {error.message}") from error


def _other_form(what: str, fields: Fields) -> UnusableOutput:
    needed = f"; swarm reads that of version {fields.since}" if fields.since else ""
    return UnusableOutput(f"its report has another form than swarm reads: {what}{needed}")


def _has_root(root: str, document: Any) -> bool:
    return isinstance(document, list) if root == _ALL else isinstance(document, dict) and root in document


def _items(document: Any, path: Sequence[str], above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the findings of a document, each with the objects above it, the nearest first."""
    if not path:
        yield (document, *above)
        return
    here = (document, *above) if isinstance(document, dict) else above
    if path[0] == _KEYS:
        yield from ((key, *here) for key in (document if isinstance(document, dict) else ()))
        return
    if path[0] != _ALL:
        yield from _items(at(document, path[0]), path[1:], here)
        return
    values = document.values() if isinstance(document, dict) else document
    for value in values if isinstance(document, list | dict) else ():
        yield from _items(value, path[1:], here)


def _report(chain: tuple[Any, ...], fields: Fields) -> ToolReport | None:
    def text(path: str) -> str:
        value = _first(chain, path)
        if isinstance(value, dict | list):
            # Another version of the tool: read on, its findings would have objects for files and words.
            raise _other_form(f"`{path}` is no text", fields)
        return value if isinstance(value, str) else "" if value is None else str(value)

    if not isinstance(chain[0], dict):
        return None
    file, message = text(fields.file), _PLACE.sub(lambda found: text(found[1]), fields.message)
    if message == fields.message:
        message = text(fields.message)
    if not file or not message:
        return None
    return ToolReport(
        file=file,
        line=_number(_first(chain, fields.line), fields.first_line),
        column=_number(_first(chain, fields.column), fields.first_column),
        rule=rule_of(text(fields.rule), fields),
        level=text(fields.level).lower(),
        message=message,
        advice=text(fields.advice),
        source=chain[0],
    )


def rule_of(named: str, fields: Fields) -> str:
    """Return the name of a rule as findings have it, from what the report calls it."""
    if fields.rule_from:
        pattern, replacement = fields.rule_from
        named = re.sub(pattern, replacement, named)
    return named or fields.no_rule


def _of_lines(output: bytes, fields: Fields) -> Iterator[ToolReport]:
    pattern = re.compile(fields.pattern)
    for line in output.decode("utf-8", "replace").splitlines():
        if (found := pattern.match(line)) is None:
            continue
        named: Mapping[str, str | None] = found.groupdict()
        yield ToolReport(
            file=named["file"] or "",
            line=_number(named.get("line"), fields.first_line),
            column=_number(named.get("column"), fields.first_column),
            rule=rule_of(named.get("rule") or "", fields),
            level=(named.get("level") or "").lower(),
            message=named.get("message") or "",
            advice="",
        )


def _first(chain: tuple[Any, ...], path: str) -> Any:
    """Return the value of a path in the finding, else in the nearest object above that has the value."""
    if not path:
        return None
    for document in chain:
        # Nearly every path is a single key of an object.
        value = document.get(path) if path.isidentifier() and isinstance(document, dict) else in_path(document, path)
        if value is not None:
            return value
    return None


def in_path(document: Any, path: str) -> Any:
    """Return the value of a path of keys and indexes with dots between them; `None` where there is none."""
    for key in path.split("."):
        document = at(document, key)
    return document


def at(document: Any, key: str) -> Any:
    """Return the value of a key of an object, or of an index of a list; `None` where there is none."""
    if isinstance(document, dict):
        return document.get(key)
    if isinstance(document, list) and key.isdigit() and int(key) < len(document):
        return document[int(key)]
    return None


def _number(value: Any, first: int) -> int:
    try:
        # Tools that count from 0 say so in the table.
        return max(int(value) + 1 - first, 1)
    except (TypeError, ValueError):
        return 1
