"""Keys by which the table of analyzers says how a report is read."""

from typing import NamedTuple


class Fields(NamedTuple):
    """Form of a report, the path of its findings, and the keys of a finding, as `analyzers.toml` says."""

    form: str = "json"
    items: str = ""
    file: str = "file"
    line: str = "line"
    column: str = "column"
    rule: str = "rule"
    level: str = "level"
    message: str = "message"
    advice: str = ""
    no_rule: str = "unknown"
    rule_from: tuple[str, ...] = ()
    first_line: int = 1
    first_column: int = 1
    column_unit: str = ""
    pattern: str = ""
    stderr: bool = False
    unread: str = ""
    unread_file: str = ""
    unread_from: str = "(.+)"
    files: str = ""
    since: str = ""
    read_count: str = ""


class EditFields(NamedTuple):
    """Keys of the edits by which an analyzer fixes a finding, as `analyzers.toml` says."""

    items: str = ""
    line: str = "line"
    column: str = "column"
    end_line: str = "endLine"
    end_column: str = "endColumn"
    text: str = "replacement"
    unit: str = ""
    by_line: bool = False
    start: str = ""
    end: str = ""
    old: str = ""
    choices: str = ""
