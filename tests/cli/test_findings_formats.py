"""`swarm findings` and `swarm audit` in the formats of other tools: on stdout, in files, and against a baseline."""

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import Repo, Swarm, Workspace

ONE = "import json\n\n\ndef load(path, seen=[]):\n    return seen\n"
TWO = ONE + "\n\ndef greet():\n    return f'hello {user}'\n"


@pytest.fixture
def branch(repo: Repo) -> Repo:
    """A branch that adds one finding to two of its main branch."""
    repo.git("rm", "-q", "-r", ".")
    repo.commit({"app.py": ONE})
    repo.git("switch", "-q", "-c", "feature")
    repo.commit({"app.py": TWO})
    return repo


def test_each_format_lists_the_findings_and_exits_as_the_others_do(swarm: Swarm, four: Workspace) -> None:
    known = swarm("findings", "--format", "json", exit=1).data["findings"]
    out = {form: swarm("findings", "--format", form, exit=1).out for form in ("csv", "gitlab", "rdjson", "github")}
    ids = [finding["findingId"] for finding in known]
    assert [row["findingId"] for row in csv.DictReader(io.StringIO(out["csv"]))] == ids
    gitlab = json.loads(out["gitlab"])
    assert [issue["fingerprint"] for issue in gitlab] == [finding["fingerprint"] for finding in known]
    # The finding without a file stands at the README, as it does in SARIF.
    assert [issue["location"]["path"] for issue in gitlab] == ["src/tool.py", "src/app.py", "README.md", "src/tool.py"]
    assert [item["code"]["value"] for item in json.loads(out["rdjson"])["diagnostics"]] == [
        *("S307", "bug", "docs", "quality")
    ]
    assert out["github"].splitlines()[0] == f"::error file=src/tool.py,line=5,title=swarm S307 ({ids[0]})::It is wrong."
    for form in ("checkstyle", "junit"):
        shown = swarm("findings", "--format", form, "--severity", "high", "--fail-on", "critical").out
        (text,) = [one.get("message") for kind in ("error", "failure") for one in ET.fromstring(shown).iter(kind)]
        assert text == "It is wrong."
    limited = ET.fromstring(swarm("findings", "--format", "junit", "--limit", "2", exit=1).out)
    assert (limited.get("tests"), len(list(limited.iter("testcase")))) == ("2", 2)


def test_a_junit_report_of_a_wave_that_is_not_whole_has_an_error(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code")
    swarm("collect", exit=1)
    report = ET.fromstring(swarm("findings", "--format", "junit", exit=2).out)
    assert [case.get("name") for case in report.iter("testcase")] == ["rest was looked at"]
    assert (report.get("tests"), report.get("errors")) == ("1", "1")


def test_a_file_is_written_whole_and_takes_the_place_of_its_own_kind_alone(
    swarm: Swarm, repo: Repo, four: Workspace
) -> None:
    target = repo.root / "report"
    for form in ("csv", "gitlab", "rdjson", "checkstyle", "junit", "github", "sarif", "markdown"):
        target.unlink(missing_ok=True)
        for _ in range(2):
            assert swarm("findings", "--format", form, "-o", "report", exit=1).out == ""
        assert target.read_text() == swarm("findings", "--format", form, exit=1).out
    before = target.read_bytes()
    assert swarm("findings", "--format", "csv", "-o", "report", exit=1).code == "OUTPUT_NOT_WRITABLE"
    assert swarm("findings", "--format", "text", "-o", "report", exit=2).code == "CLI_USAGE"
    assert swarm("findings", "--export", "d.toml", "-o", "report", exit=2).code == "CLI_USAGE"
    assert target.read_bytes() == before
    target.write_bytes(b"")
    assert swarm("findings", "--format", "json", "-o", "report", "--fail-on", "new", exit=1).out == ""
    assert json.loads(target.read_text())["data"]["total"] == 4


def test_no_finding_stands_below_a_tick(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"app.py": "import os\n"})
    swarm("audit", ".", exit=1)
    heads = re.findall(r"^## (.) [A-Z]+ ", swarm("findings", "--format", "markdown", exit=1).out, re.MULTILINE)
    assert heads == ["⚠", "○"]


@pytest.mark.usefixtures("branch")
def test_reports_of_an_audit_say_new_of_what_the_baseline_does_not_have(swarm: Swarm, tmp_path: Path) -> None:
    wanted = {form: tmp_path / f"audit.{form}" for form in ("sarif", "markdown", "github", "csv", "junit")}
    options = [word for form, file in wanted.items() for word in ("--report", f"{form}:{file}")]
    out = swarm("audit", ".", "--baseline", "main", "--fail-on", "new", *options, exit=1).out
    assert "1 new, 2 known\n" in out
    reports = {form: file.read_text() for form, file in wanted.items()}
    results = json.loads(reports["sarif"])["runs"][0]["results"]
    assert [(result["ruleId"], result["baselineState"]) for result in results] == [
        *(("B006", "unchanged"), ("F821", "new"), ("F401", "unchanged"))
    ]
    assert [row["isNew"] for row in csv.DictReader(io.StringIO(reports["csv"]))] == ["false", "true", "false"]
    assert [line.partition(",")[0] for line in reports["github"].splitlines()] == ["::error file=app.py"]
    assert ET.fromstring(reports["junit"]).get("failures") == "3"
    first, _, rest = reports["markdown"].partition("<details><summary>2 known findings</summary>")
    assert first.startswith("# 1 new finding, 2 known\n\nCommit ")
    assert ("`F821`" in first, "`B006`" in first) == (True, False)
    # The wave of the audit saw all three first; only the baseline makes two of them known.
    assert [line.split(" | ")[4] for line in rest.splitlines() if line.startswith(("| HIGH", "| LOW"))] == ["known"] * 2
    assert "\n## Coverage\n\n- Looked at by ruff" in rest
    assert swarm("audit", ".", "--baseline", "main", "--format", "github", exit=1).out == reports["github"]


def test_a_report_that_cannot_be_written_is_refused_before_the_audit(swarm: Swarm, repo: Repo, tmp_path: Path) -> None:
    for option, code, problem in (
        ("sarif", 2, "Invalid value for '--report': 'sarif' is not FORMAT:FILE, as sarif:swarm.sarif"),
        (
            "baseline:x",
            2,
            "Invalid value for '--report': 'baseline' is not a format; choose from markdown, sarif, csv,",
        ),
        ("csv:README.md", 1, "README.md is not written: another file is there, and would be lost"),
        (f"csv:{tmp_path}/none/x.csv", 1, "x.csv is not written: its folder is not there"),
    ):
        assert problem in swarm("audit", ".", "--report", option, exit=code).err
    answer = swarm("audit", ".", "--report", "csv:x", "--report", "junit:./x", exit=2)
    assert "each --report needs a file of its own" in answer.err
    assert not (repo.root / "swarms").exists()
