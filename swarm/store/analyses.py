"""Table `analyses`: the runs of an analyzer over the tree of a wave, each recorded at its end."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from swarm.rules.analysis import Analysis, analysis_from, analyzer_name
from swarm.store import forms

_COLUMNS: Final = (
    "wave_id, tool, attempt, version, config, argv, files, isolation, isolation_reason, policy, outcome, exit_class,"
    " exit_code, error_code, error_fragment, duration_ms, document"
)


class AnalysisRun(NamedTuple):
    """The run of an analyzer. `files` counts the files that it was to read; `document` says what it did read."""

    wave_id: int
    tool: str
    attempt: int
    version: str | None
    config: str
    argv: tuple[str, ...]
    files: int
    isolation: str
    isolation_reason: str | None
    policy: str | None
    outcome: str
    exit_class: int
    exit_code: int | None
    error_code: str | None
    error_fragment: str | None
    duration_ms: int | None
    document: Mapping[str, Any] | None

    @property
    def analyzer(self) -> str:
        """The name by which findings are marked: tool, version and configuration."""
        return analyzer_name(self.tool, self.version, self.config)

    @property
    def has_succeeded(self) -> bool:
        """Whether the analyzer came to its end, so that its silence can prove something."""
        return self.outcome == "success"

    def analysis(self) -> Analysis:
        """Return the files that the analyzer read and its rules; none where it does not say."""
        return forms.made("analyses", analysis_from, self.document or {"read": []})


def add(conn: sqlite3.Connection, run: AnalysisRun) -> None:
    """Record the run of an analyzer that has ended."""
    document = None if run.document is None else json.dumps(run.document)
    row = run._replace(argv=(), document=None)
    conn.execute(
        f"INSERT INTO analyses ({_COLUMNS}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608
        (*row[:5], json.dumps(run.argv), *row[6:-1], document),
    )


def attempts_of(conn: sqlite3.Connection, wave_id: int) -> dict[str, int]:
    """Return the number of runs of each tool in a wave."""
    rows = conn.execute("SELECT tool, max(attempt) FROM analyses WHERE wave_id = ? GROUP BY tool", (wave_id,))
    return dict(rows.fetchall())


def newest(conn: sqlite3.Connection, wave_id: int) -> dict[str, AnalysisRun]:
    """Return the newest run of each tool in a wave, by tool; of an older run nothing counts."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM analyses WHERE wave_id = ? ORDER BY attempt, id",  # noqa: S608
        (wave_id,),
    )
    return {run.tool: run for run in map(_analysis_run, rows)}


def finders(conn: sqlite3.Connection, run_id: str) -> set[str | None]:
    """Return the analyzers that found something in a run, fixed findings too; `None` stands for agents."""
    return {row[0] for row in conn.execute("SELECT DISTINCT analyzer FROM findings WHERE run_id = ?", (run_id,))}


def _analysis_run(row: tuple[Any, ...]) -> AnalysisRun:
    run = AnalysisRun._make(row)
    forms.hold("analyses", "tool", forms.DOMAIN, run.tool)
    argv = tuple(map(str, forms.decoded("analyses", "argv", str(run.argv), list)))
    document = run.document
    if document is not None:
        document = forms.decoded("analyses", "document", str(document), dict)
    return run._replace(argv=argv, document=document)
