"""Edits by which an analyzer of the table fixes a finding, read from its report in the form of ruff's."""

from typing import Any, Final

from swarm.runtimes.report_fields import EditFields
from swarm.runtimes.reports import at, in_path

# No file is longer; a larger number would be a slip or an attack.
_FARTHEST: Final = 1 << 31


def edits_of(finding: Any, fields: EditFields) -> list[dict[str, Any]]:
    """Return the edits of a finding; none where one of them cannot be read, for half of a fix is no fix."""
    listed = in_path(finding, fields.items) if fields.items else finding
    found = [_edit(each, fields) for each in (listed if isinstance(listed, list) else [listed])]
    return [edit for edit in found if edit is not None] if None not in found else []


def _edit(edit: Any, fields: EditFields) -> dict[str, Any] | None:
    choices = in_path(edit, fields.choices) if fields.choices else ()
    text = in_path(edit, fields.text)
    # Of several replacements a person has to choose one.
    if not isinstance(text, str) or (isinstance(choices, list) and len(choices) != 1):
        return None
    if fields.unit:
        return _by_offsets(edit, fields, text)
    begin = _place(edit, fields.line, fields.column)
    end = _place(edit, fields.end_line, fields.end_column)
    return {"content": text, "location": begin, "end_location": end} if begin and end else None


def _place(edit: Any, line: str, column: str) -> dict[str, int] | None:
    row, place = at(edit, line), at(edit, column)
    return {"row": row, "column": place} if _is_number(row, 1) and _is_number(place, 1) else None


def _by_offsets(edit: Any, fields: EditFields, text: str) -> dict[str, Any] | None:
    begin, row = in_path(edit, fields.start), at(edit, fields.line) if fields.by_line else 1
    old = at(edit, fields.old) if fields.old else None
    end = in_path(edit, fields.end) if old is None else begin + len(old.encode()) if _is_text(old, begin) else None
    if not (_is_number(row, 1) and _is_number(begin, 0) and _is_number(end, 0)):
        return None
    places = ({"row": row, "offset": offset} for offset in (begin, end))
    return {
        "content": text,
        "unit": fields.unit,
        **dict(zip(("location", "end_location"), places, strict=True)),
    }


def _is_text(old: Any, begin: Any) -> bool:
    return isinstance(old, str) and type(begin) is int


def _is_number(value: Any, least: int) -> bool:
    return type(value) is int and least <= value < _FARTHEST
