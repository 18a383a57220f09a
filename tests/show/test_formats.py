"""Findings in the formats of other tools, read by parsers and held to the documented keys of their consumers."""

import csv
import io
import json
import re
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from swarm.results.findings import Broken, FindingShown
from swarm.show.formats.facts import FormatFacts
from swarm.show.formats.table import FORMATS
from tests.show.test_sarif_out import FINDING

HOSTILE = (
    '=HYPERLINK("http://x") & <b>"quoted"</b> ]]>',
    "  +1-1",
    "@SUM(A1)\ttab",
    "\uff1d1+1",
    "a\r\n::error::forged\n##[error]forged ##vso[task.complete]",
    "100% \x00\x1b[31m\x0b\ufffe\ud800 \u2028\u0085end",
    "a,b;=1+1:c",
    "",
)
# Written for this test from the documented messages of the Reviewdog Diagnostic Format; stricter, as it names all keys.
POSITION = {
    "type": "object",
    "properties": {"line": {"type": "integer", "minimum": 1}, "column": {"type": "integer", "minimum": 1}},
    "required": ["line"],
    "additionalProperties": False,
}
TEXT = {"type": "string"}


def closed(required: list[str], **properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


RDJSON = closed(
    ["source", "diagnostics"],
    source=closed(["name"], name=TEXT, url=TEXT),
    diagnostics={
        "type": "array",
        "items": closed(
            ["message", "location", "severity", "source", "code"],
            message=TEXT,
            location=closed(["path"], path=TEXT, range=closed(["start"], start=POSITION)),
            severity={"enum": ["ERROR", "WARNING", "INFO"]},
            source=closed(["name"], name=TEXT, url=TEXT),
            code=closed(["value"], value=TEXT, url=TEXT),
        ),
    },
)
GITLAB = {
    "type": "array",
    "items": closed(
        ["description", "check_name", "fingerprint", "severity", "location"],
        description=TEXT,
        check_name=TEXT,
        fingerprint={"type": "string", "minLength": 1},
        severity={"enum": ["info", "minor", "major", "critical", "blocker"]},
        location=closed(
            ["path", "lines"],
            path={"type": "string", "pattern": "^[^/]"},
            lines=closed(["begin"], begin={"type": "integer", "minimum": 1}),
        ),
    ),
}


def hostile() -> list[FindingShown]:
    return [
        FINDING._replace(
            finding_id=f"F-{number:08d}",
            fingerprint=f"{number:024d}",
            description=text,
            file=f"src/{text}.py" if text else None,
            line=3,
            column=5,
            quote="é" if number % 2 else "x",
            rule_id=text or None,
            severity=("CRITICAL", "HIGH", "MEDIUM", "LOW")[number % 4],
        )
        for number, text in enumerate(HOSTILE)
    ]


def written(form: str, findings: list[FindingShown], *, broken: tuple[Broken, ...] = ()) -> str:
    facts = FormatFacts(
        len(findings), broken, lambda: "README.md", lambda _tool, rule: f"https://rules.invalid/{len(rule)}"
    )
    return "".join(FORMATS[form].parts(findings, facts))


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_of_hostile_text_is_the_same_each_time_and_no_line_of_it_is_a_command_of_swarms_making(
    form: str,
) -> None:
    text = written(form, hostile())
    assert text == written(form, hostile())
    assert "forged" in text
    lines = text.splitlines() if FORMATS[form].is_json else text.split("\n")
    own = ("::error file=", "::warning file=", "::notice file=")
    assert [line for line in lines if line.lstrip().startswith("::") and not line.startswith(own)] == []
    # Of JSON, `log_lines.exact` of the command line writes the mark in another way.
    if not FORMATS[form].is_json:
        assert not re.search(r"##[A-Za-z]*\[", text)
    if form not in {"gitlab", "rdjson"}:
        assert "\x1b" not in text
        assert "\u2028" not in text


def test_csv_has_a_line_for_each_finding_and_no_cell_that_a_spreadsheet_calculates() -> None:
    text = written("csv", hostile())
    assert len(text.splitlines()) == len(HOSTILE) + 1
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["description"] for row in rows] == [
        '\'=HYPERLINK("http://x") & <b>"quoted"</b> ]]>',
        "'  +1-1",
        "'@SUM(A1)\\ttab",
        "'\uff1d1+1",
        "a\\r\\n::error::forged\\n#\\#[error]forged #\\#vso[task.complete]",
        "100% \\x00\\x1b[31m\\x0b\ufffe\\u{d800} \\u{2028}\\x85end",
        "a,b;=1+1:c",
        "",
    ]
    assert (rows[0]["line"], rows[0]["isNew"], rows[7]["file"], rows[0]["tool"]) == ("3", "", "", "swarm")


def test_gitlab_and_reviewdog_read_the_keys_that_they_document() -> None:
    gitlab = json.loads(written("gitlab", hostile()))
    jsonschema.validate(gitlab, GITLAB)
    assert [issue["description"] for issue in gitlab] == list(HOSTILE)
    assert len({issue["fingerprint"] for issue in gitlab}) == len(HOSTILE)
    assert gitlab[7]["location"] == {"path": "README.md", "lines": {"begin": 1}}
    rdjson = json.loads(written("rdjson", hostile()))
    jsonschema.validate(rdjson, RDJSON)
    starts = [item["location"].get("range", {}).get("start") for item in rdjson["diagnostics"]]
    # Columns count bytes: they are left out where the line holds other characters than those of ASCII.
    assert starts == [*([{"line": 3, "column": 5}, {"line": 3}] * 4)[:7], None]
    assert (written("gitlab", []), json.loads(written("rdjson", []))["diagnostics"]) == ("[]\n", [])


def test_checkstyle_and_junit_are_xml_that_gives_the_texts_back() -> None:
    # A character that XML lacks is shown as its code.
    shown = [text.replace("\x00", "\\x00").replace("\x1b", "\\x1b").replace("\x0b", "\\x0b") for text in HOSTILE]
    shown = [text.replace("\ufffe", "\\u{fffe}").replace("\ud800", "\\u{d800}") for text in shown]
    checkstyle = ET.fromstring(written("checkstyle", hostile()))
    assert [error.get("message") for error in checkstyle.iter("error")] == shown
    assert {error.get("severity") for error in checkstyle.iter("error")} == {"error", "warning", "info"}
    junit = ET.fromstring(written("junit", hostile(), broken=(Broken("code", "NO_OUTPUT: <none>"),)))
    assert [failure.get("message") for failure in junit.iter("failure")] == shown
    assert [error.get("message") for error in junit.iter("error")] == ["NO_OUTPUT: <none>"]
    assert (junit.get("tests"), junit.get("failures"), junit.get("errors")) == ("9", "8", "1")
    assert len(list(junit.iter("testcase"))) == 9


def test_a_junit_report_without_findings_has_a_test_that_passed() -> None:
    report = ET.fromstring(written("junit", []))
    assert (report.get("tests"), report.get("failures")) == ("1", "0")
    assert [case.get("name") for case in report.iter("testcase")] == ["no findings"]


def test_annotations_mark_new_findings_alone_and_escape_what_ends_a_property() -> None:
    new = FINDING._replace(
        description="50%\nof ##[group]", file="a,b:c.py", line=2, column=4, is_new=True, rule_id="R1"
    )
    known = new._replace(is_new=False)
    broken = (Broken("code", "NO_OUTPUT: x\ny"),)
    assert written("github", [known, new], broken=broken) == (
        "::error title=swarm::code was not looked at: NO_OUTPUT: x%0Ay\n"
        f"::error file=a%2Cb%3Ac.py,line=2,col=4,title=swarm R1 ({new.finding_id})::50%25%0Aof #\\#[group]\n"
    )
