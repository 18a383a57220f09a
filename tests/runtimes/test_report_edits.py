"""Edits of analyzers' reports: in the forms of the real tools, at places in bytes, units of UTF-16, or columns."""

import json
from pathlib import Path
from typing import Any

import pytest

from swarm.runtimes import analyzer_table
from swarm.runtimes.report_edits import edits_of
from swarm.runtimes.ruff_fixes import mend
from swarm.runtimes.runtime import Assigned

ROWS = analyzer_table.table().rows
SHELLCHECK = {"line": 1, "column": 6, "endLine": 1, "endColumn": 8, "replacement": '"$1"'}
SQLFLUFF = {"edit": "a, b", "start_line_no": 1, "start_line_pos": 8, "end_line_no": 1, "end_line_pos": 11}
TYPO = {"typo": "teh", "corrections": ["the"], "line_num": 2, "byte_offset": 5}
# Each tool's own finding in a text, as the tool reported it: the text, the finding, and the text after its fix.
FIXED: dict[str, list[tuple[str, dict[str, Any], str]]] = {
    "shellcheck": [("echo $1\n", {"fix": {"replacements": [SHELLCHECK]}}, 'echo "$1"\n')],
    "eslint": [
        ("var é = '\U0001d4b3'; q", {"fix": {"range": [14, 15], "text": "r"}}, "var é = '\U0001d4b3'; r"),
        ("\ufeffq\r\nq", {"fix": {"range": [3, 4], "text": "r"}}, "\ufeffq\r\nr"),
    ],
    "rumdl": [
        (
            "# Title é\U0001d4b3  \n* a\n",
            {"fix": {"range": {"start": 17, "end": 18}, "replacement": "-"}},
            "# Title é\U0001d4b3  \n- a\n",
        ),
        ("\ufeff#Title\n", {"fix": {"range": {"start": 3, "end": 9}, "replacement": "# Title"}}, "\ufeff# Title\n"),
    ],
    "typos": [
        ("teh\r\n é\U0001d4b3teh\r\n", {**TYPO, "byte_offset": 7}, "teh\r\n é\U0001d4b3the\r\n"),
        ("\ufeffteh\n", {**TYPO, "line_num": 1, "byte_offset": 3}, "\ufeffthe\n"),
    ],
    "sqlfluff": [("select a,b from t\n", {"fixes": [SQLFLUFF]}, "select a, b from t\n")],
}


@pytest.mark.parametrize(
    ("tool", "source", "finding", "fixed"), [(tool, *case) for tool, cases in FIXED.items() for case in cases]
)
def test_a_fix_stands_where_the_tool_means_it(
    tmp_path: Path, tool: str, source: str, finding: dict[str, Any], fixed: str
) -> None:
    fields = ROWS[tool].edit
    assert fields is not None
    (tmp_path / "file").write_bytes(source.encode())
    report = {"code": "R", "message": "m", "location": {"row": 1, "column": 1}}
    report["fix"] = {"applicability": "safe", "edits": edits_of(finding, fields)}
    wanted = [(Assigned("F-1", "R", "file", 1, "m"), report)]
    done = mend(tmp_path, wanted, {"file": [report]}, tmp_path / "r", unsafe=False)
    assert done.skipped == {}
    assert (tmp_path / "file").read_bytes() == fixed.encode()


@pytest.mark.parametrize(
    ("tool", "finding"),
    [
        ("typos", {**TYPO, "corrections": ["the", "ten"]}),
        ("typos", {**TYPO, "corrections": []}),
        ("typos", {**TYPO, "byte_offset": -1}),
        ("typos", {**TYPO, "line_num": 1 << 40}),
        ("eslint", {"message": "m"}),
        ("eslint", {"fix": {"range": [True, 2], "text": "x"}}),
        ("eslint", {"fix": {"range": "12", "text": "x"}}),
        ("sqlfluff", {"fixes": [SQLFLUFF, {**SQLFLUFF, "edit": None}]}),
        ("sqlfluff", {"fixes": [SQLFLUFF, {**SQLFLUFF, "start_line_no": 0}]}),
        ("rumdl", {"fix": {"range": {"start": 4}, "replacement": ""}}),
    ],
)
def test_a_fix_that_cannot_be_read_whole_is_none(tool: str, finding: dict[str, Any]) -> None:
    fields = ROWS[tool].edit
    assert fields is not None
    assert edits_of(finding, fields) == []


def test_the_recorded_reports_have_fixes() -> None:
    """The keys of the table are those of the real tools."""
    folder = Path(__file__).parents[1] / "data" / "reports"
    sqlfluff = [item for file in json.loads((folder / "sqlfluff.json").read_text()) for item in file["violations"]]
    typos = [json.loads(line) for line in (folder / "typos.jsonl").read_text().splitlines() if line]
    found = {"sqlfluff": sqlfluff, "typos": typos, "rumdl": json.loads((folder / "rumdl.json").read_text())}
    fixable = {tool: sum(bool(edits_of(item, ROWS[tool].edit)) for item in items) for tool, items in found.items()}  # type: ignore[arg-type]
    assert fixable == {"sqlfluff": 5, "typos": 1, "rumdl": 5}
