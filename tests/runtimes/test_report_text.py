"""Reports among what tools print besides, in the encodings of their shells, and in formats that are no SARIF."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from swarm import errors
from swarm.runtimes.sarif_files import answer_or_log, log_in
from tests.sarif.logs import log_of, result, run_of

LOG = log_of(run_of(result("R1")))
OTHER = log_of(run_of(result("R2")))
TEXT = json.dumps(LOG)
PRETTY = json.dumps(LOG, indent=2)


def rules(log: Any) -> list[str]:
    return [one["ruleId"] for run in log["runs"] for one in run["results"]]


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        (f"Scanning 3 files...\n[WARNING] `x` is deprecated\n{TEXT}\nDone in 3s.\n", ["R1"]),
        (f"[1/3] a.py\r[2/3] b.py\r[3/3] c.py\r\n{PRETTY}", ["R1"]),
        (f"\x1b[2K\r\x1b[32m100%\x1b[0m\r\x1b]0;title\x07{TEXT}\x1b[0m\n", ["R1"]),
        (f'{{"level": "info", "msg": "started"}}\n{TEXT}', ["R1"]),
        (f"(node:7) DeprecationWarning: {{ x }}\n  {PRETTY}", ["R1"]),
        (f"{TEXT}\n{json.dumps(OTHER)}\n", ["R1", "R2"]),
        (json.dumps([LOG, OTHER]), ["R1", "R2"]),
    ],
)
@pytest.mark.parametrize("read", [log_in, answer_or_log])
def test_a_log_is_found_among_what_its_tool_printed_besides(
    read: Callable[[bytes, str], Any], printed: str, found: list[str]
) -> None:
    assert rules(read(printed.encode(), "report")) == found


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_log_is_read_in_the_encoding_of_its_shell(encoding: str) -> None:
    assert rules(log_in(TEXT.encode(encoding), "report")) == ["R1"]


@pytest.mark.parametrize(
    "printed",
    [
        f"warning\n{TEXT[:-9]}",
        f"{TEXT}\n{TEXT[:-9]}",
        f"warning\n{PRETTY[:-9]}",
        TEXT.replace('"ruleId"', '"ruleId": "R0", "ruleId"'),
        "warning\n" + TEXT.replace('"R1"', "NaN"),
    ],
)
def test_a_log_that_was_cut_off_or_that_readers_disagree_on_is_refused_whatever_stands_beside(printed: str) -> None:
    with pytest.raises(errors.BoundedJsonParseFailed):
        log_in(printed.encode(), "report")


ESLINT = [{"filePath": "/w/a.js", "messages": [{"ruleId": "no-var", "line": 1}], "errorCount": 1}]
FOREIGN = {
    "eslint": (json.dumps(ESLINT), "ESLint's own JSON: `eslint --format @microsoft/eslint-formatter-sarif "),
    "eslint with a warning": (f"(node:1) Warning: x\n{json.dumps(ESLINT)}", "ESLint's own JSON: `eslint --format "),
    "ruff": (
        json.dumps([{"cell": None, "code": "F401", "filename": "/w/a.py", "location": {"row": 1}, "message": "m"}]),
        "ruff's own JSON: `ruff check --output-format sarif ",
    ),
    "bandit": (json.dumps({"errors": [], "metrics": {}, "results": []}), "bandit's own JSON: `bandit --format sarif "),
    "shellcheck": (json.dumps({"comments": []}), "shellcheck's own JSON: shellcheck writes no SARIF, and `swarm audit"),
    "checkstyle": (
        '<?xml version="1.0" encoding="utf-8"?>\n<!-- by x --><checkstyle version="4.3"></checkstyle>',
        "a report in Checkstyle's XML: ESLint, Checkstyle and other tools write SARIF, too",
    ),
    "junit": ("<testsuites></testsuites>", "a JUnit report of tests: `swarm verify` runs the tests"),
    "another XML": ("<report/>", "XML: let its tool write SARIF 2.1.0, or convert it"),
}


@pytest.mark.parametrize("read", [log_in, answer_or_log])
@pytest.mark.parametrize("what", FOREIGN)
def test_a_report_of_another_format_is_named_with_the_way_to_sarif(
    read: Callable[[bytes, str], Any], what: str
) -> None:
    body, words = FOREIGN[what]
    with pytest.raises(errors.ReportNotSarif) as raised:
        read(body.encode(), "report")
    assert raised.value.message.startswith(f"report is no SARIF log, but {words}")


def test_a_compressed_log_is_named_as_compressed() -> None:
    with pytest.raises(errors.ReportNotSarif, match="but compressed by gzip: decompress it first"):
        log_in(gzip.compress(TEXT.encode()), "report")


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"results": []}', b"7"])
def test_json_without_a_name_is_left_to_be_refused_by_its_form(body: bytes) -> None:
    assert log_in(body, "report") == answer_or_log(body, "report") == json.loads(body)
