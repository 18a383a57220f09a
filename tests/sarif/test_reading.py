"""Clauses of SARIF 2.1.0, read from logs that use them."""

from collections.abc import Mapping
from typing import Any

import pytest

from swarm.sarif.log import NoLog, Read, is_log, read
from tests.sarif.logs import Json, log_of, place, result, run_of

FAILED = {"executionSuccessful": False}


class Tree:
    """Files by path, in a folder of this machine."""

    def __init__(self, files: Mapping[str, str], root: str = "/tree") -> None:
        self._files = files
        self._root = root

    def inside(self, path: str) -> str | None:
        return path.removeprefix(f"{self._root}/") if path.startswith(f"{self._root}/") else None

    def holds(self, path: str) -> bool:
        return path in self._files

    def content(self, path: str) -> bytes | None:
        return self._files[path].encode() if path in self._files else None


def found_in(run: Json, files: Mapping[str, str] | None = None) -> list[Json]:
    return list(read(log_of(run), Tree(files or {})).findings)


def severities(run: Json) -> list[tuple[str, str]]:
    return [(finding["rule_id"], finding["severity"]) for finding in found_in(run)]


def refused(found: Read) -> list[tuple[str, str, str]]:
    return [part[:3] for part in found.refused]


# --- rules --------------------------------------------------------------------------------------------------

LOUD = {"id": "LOUD", "guid": "11111111-1111-4111-8111-111111111111", "defaultConfiguration": {"level": "error"}}
SOFT = {"id": "SOFT", "defaultConfiguration": {"level": "note"}}
PACK = {"name": "pack", "guid": "22222222-2222-4222-8222-222222222222", "rules": [SOFT, LOUD]}
IN_PACK = {"driver": {"name": "t", "rules": [SOFT]}, "extensions": [{"name": "other"}, PACK]}


@pytest.mark.parametrize(
    ("named", "rule"),
    [
        ({"ruleId": "LOUD"}, ("LOUD", "HIGH")),
        ({"ruleIndex": 0}, ("SOFT", "LOW")),
        ({"rule": {"id": "LOUD"}}, ("LOUD", "HIGH")),
        ({"rule": {"index": 1, "toolComponent": {"index": 1}}}, ("LOUD", "HIGH")),
        ({"ruleIndex": 1, "rule": {"toolComponent": {"index": 1}}}, ("LOUD", "HIGH")),
        ({"rule": {"index": 1, "toolComponent": {"name": "pack"}}}, ("LOUD", "HIGH")),
        ({"rule": {"index": 1, "toolComponent": {"guid": PACK["guid"]}}}, ("LOUD", "HIGH")),
        ({"rule": {"guid": LOUD["guid"]}}, ("LOUD", "HIGH")),
        ({"ruleId": "LOUD/part/2"}, ("LOUD/part/2", "HIGH")),
        # The number is wrong: the id is what users know.
        ({"ruleId": "LOUD", "ruleIndex": 0}, ("LOUD", "HIGH")),
        ({"ruleId": "LOUD", "ruleIndex": 99}, ("LOUD", "HIGH")),
        ({"ruleId": "LOUD", "ruleIndex": -1}, ("LOUD", "HIGH")),
        ({"ruleId": "NEW"}, ("NEW", "MEDIUM")),
        ({}, ("unknown", "MEDIUM")),
    ],
)
def test_a_result_names_its_rule_in_any_way_of_the_standard(named: Json, rule: tuple[str, str]) -> None:
    assert severities({"tool": IN_PACK, "results": [result(None, **named)]}) == [rule]


@pytest.mark.parametrize(
    ("own", "override", "severity"),
    [
        ({}, {"level": "error"}, "HIGH"),
        ({"level": "note"}, {"level": "error"}, "LOW"),
        ({"provenance": {"invocationIndex": 0}}, {"level": "error"}, "HIGH"),
        ({"provenance": {"invocationIndex": 1}}, {"level": "error"}, "MEDIUM"),
        ({}, {"enabled": True}, "MEDIUM"),
        ({}, {"level": "grave"}, "MEDIUM"),
    ],
)
def test_an_invocation_overrides_the_level_of_a_rule(own: Json, override: Json, severity: str) -> None:
    overrides = [{"descriptor": {"id": "R1"}, "configuration": override}]
    invocations = [{"executionSuccessful": True, "ruleConfigurationOverrides": overrides}]
    assert severities(run_of(result(**own), rules=[{"id": "R1"}], invocations=invocations)) == [("R1", severity)]


def test_a_rule_that_was_off_is_not_among_those_whose_silence_counts() -> None:
    rules = [
        {"id": "ON"},
        {"id": "OFF", "defaultConfiguration": {"enabled": False}},
        {"id": "TURNED_OFF"},
        {"id": "TURNED_ON", "defaultConfiguration": {"enabled": False}},
    ]
    overrides = [
        {"descriptor": {"index": 2}, "configuration": {"enabled": False}},
        {"descriptor": {"id": "TURNED_ON"}, "configuration": {"enabled": True}},
    ]
    run = run_of(
        rules=rules,
        artifacts=[{"location": {"uri": "a.py"}, "roles": ["analysisTarget"]}],
        invocations=[{"executionSuccessful": True, "ruleConfigurationOverrides": overrides}],
    )
    analysis = read(log_of(run)).analysis
    assert analysis == {"roots": [{"root": "", "rules": ["ON", "TURNED_ON"]}], "suffixes": [], "read": ["a.py"]}


@pytest.mark.parametrize(
    ("properties", "more", "category"),
    [
        ({"tags": ["security"]}, {}, "security"),
        ({"tags": ["external/cwe/cwe-079"]}, {}, "security"),
        ({"security-severity": "1"}, {}, "security"),
        ({"tags": ["correctness"]}, {}, "bug"),
        ({"tags": ["maintainability"]}, {}, "quality"),
        ({}, {"taxa": [{"id": "79", "toolComponent": {"name": "CWE"}}]}, "security"),
        ({}, {"taxa": [{"index": 0, "toolComponent": {"index": 0}}]}, "security"),
        ({}, {"taxa": [{"id": "79", "toolComponent": {"name": "OWASP"}}]}, "quality"),
    ],
)
def test_a_weakness_of_the_cwe_list_is_a_matter_of_security(properties: Json, more: Json, category: str) -> None:
    taxonomies = [{"name": "CWE", "taxa": [{"id": "22"}]}]
    run = run_of(result(**more), rules=[{"id": "R1", "properties": properties}], taxonomies=taxonomies)
    assert [finding["category"] for finding in found_in(run)] == [category]


def test_the_advice_names_the_help_the_weakness_and_the_other_places() -> None:
    relation = {"target": {"id": "CWE-79"}, "kinds": ["superset"]}
    rules = [{"id": "R1", "help": {"text": "Escape it."}, "relationships": [relation]}]
    related = [place("src/in.py", 7) | {"message": {"text": "the source"}}, place("../../etc/passwd", 1)]
    (finding,) = found_in(run_of(result("R1", place("a.py", 1), relatedLocations=related), rules=rules))
    assert finding["recommendation"] == "Escape it.\nCWE-79\nSee src/in.py:7: the source"
    (finding,) = found_in(run_of(result(), rules=[{"id": "R1", "helpUri": "https://example.org/R1"}]))
    assert finding["recommendation"] == "See https://example.org/R1"


# --- kinds and suppressions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "is_finding"),
    [
        ({"kind": "fail"}, True),
        *(({"kind": kind}, False) for kind in ("pass", "open", "review", "notApplicable", "informational")),
        ({"baselineState": "absent"}, False),
        ({"baselineState": "new"}, True),
        ({"suppressions": None}, True),
        ({"suppressions": []}, True),
        ({"suppressions": [{"kind": "inSource"}]}, False),
        ({"suppressions": [{"kind": "external", "status": "accepted"}]}, False),
        ({"suppressions": [{"kind": "external", "status": "underReview"}]}, True),
        ({"suppressions": [{"kind": "external", "status": "rejected"}]}, True),
        ({"suppressions": [{"kind": "inSource"}, {"kind": "external", "status": "rejected"}]}, True),
        ({"suppressions": ["odd"]}, True),
    ],
)
def test_only_what_failed_and_stands_is_a_finding(more: Json, *, is_finding: bool) -> None:
    assert len(found_in(run_of(result(**more)))) == is_finding


# --- messages -------------------------------------------------------------------------------------------------

STRINGS = {"default": {"text": "'{0}' shadows '{1}' in {{braces}}"}, "mark": {"markdown": "**{0}**"}}
GLOBAL = {"shared": {"text": "shared {0}"}}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"text": "plain {0} {{x}}"}, "plain {0} {{x}}"),
        ({"text": "has {0}", "arguments": ["one"]}, "has one"),
        ({"markdown": "**bold**"}, "**bold**"),
        ({"id": "default", "arguments": ["a", "b"]}, "'a' shadows 'b' in {braces}"),
        ({"id": "default", "arguments": ["{1}", "b"]}, "'{1}' shadows 'b' in {braces}"),
        ({"id": "default", "arguments": ["a"]}, "'a' shadows '{1}' in {braces}"),
        ({"id": "default"}, "'{0}' shadows '{1}' in {braces}"),
        ({"id": "mark", "arguments": ["x"]}, "**x**"),
        ({"id": "shared", "arguments": ["x"]}, "shared x"),
        ({"id": "missing", "arguments": ["x", "y"]}, "A title: x, y"),
        ({"id": "missing"}, "A title"),
        ({}, "A title"),
        (None, "A title"),
        ({"text": "depends on [this value](1) and [a page](https://example.org)"},
         "depends on this value and [a page](https://example.org)"),
    ],
)  # fmt: skip
def test_a_message_is_text_or_markdown_or_the_string_of_its_rule(message: Any, text: str) -> None:
    rule = {"id": "R1", "shortDescription": {"text": "A title"}, "messageStrings": STRINGS}
    run = run_of(result(message=message), rules=[rule])
    run["tool"]["driver"]["globalMessageStrings"] = GLOBAL
    assert [finding["description"] for finding in found_in(run)] == [text]


def test_a_placeholder_that_repeats_a_long_argument_costs_no_more_than_what_is_kept() -> None:
    (finding,) = found_in(run_of(result(message={"text": "{0}" * 30_000, "arguments": ["x" * 60_000]})))
    assert finding["description"] == "x" * 65_536


# --- places ---------------------------------------------------------------------------------------------------

HERE = {
    "src/a.py": "one\n",
    "packages/app/src/b.py": "one\n",
    "100%.txt": "x",
    "a%20b.py": "x",
    "x:y.py": "x",
    "c#1.py": "x",
}
BASES = {
    "REPO": {"uri": "file:///ci/repo/"},
    "APP": {"uri": "packages/app/", "uriBaseId": "REPO"},
    "SRC": {"uri": "file:///ci/repo/packages/app/src"},
    "OPEN": {"description": {"text": "the root of the sources"}},
    "IN_OPEN": {"uri": "packages/app", "uriBaseId": "OPEN"},
    "OURS": {"uri": "file:///tree/packages/app/"},
}


@pytest.mark.parametrize(
    ("uri", "base", "file"),
    [
        ("src/b.py", "APP", "packages/app/src/b.py"),
        ("src/a.py", "REPO", "src/a.py"),
        ("b.py", "SRC", "packages/app/src/b.py"),
        ("src/a.py", "OPEN", "src/a.py"),
        ("src/b.py", "IN_OPEN", "packages/app/src/b.py"),
        ("src/b.py", "OURS", "packages/app/src/b.py"),
        ("src/a.py", "NOWHERE", "src/a.py"),
        ("src/a.py", "%SRCROOT%", "src/a.py"),
        ("file:///ci/repo/src/a.py", None, "src/a.py"),
        ("file:///tree/src/a.py", "APP", "src/a.py"),
        ("file://localhost/tree/src/a.py", None, "src/a.py"),
        ("FILE:///tree/src/a.py", None, "src/a.py"),
        ("100%.txt", None, "100%.txt"),
        ("a%20b.py", None, "a%20b.py"),
        ("x:y.py", None, "x:y.py"),
        ("new/c%C3%A9.py", None, "new/cé.py"),
        ("./src/./a.py", None, "src/a.py"),
        ("..\\src\\..\\a.py", "APP", "packages/a.py"),
        ("src/a.py#L3", None, "src/a.py"),
        ("src/a.py?raw=1", None, "src/a.py"),
        ("c#1.py", None, "c#1.py"),
        ("file:///tree", None, None),
        ("file:///tree/", None, None),
        (".", None, None),
    ],
)
def test_a_place_is_found_by_its_base_and_its_root(uri: str, base: str | None, file: str) -> None:
    run = run_of(result("R1", place(uri, 1, base=base)), originalUriBaseIds=BASES)
    assert [finding.get("file") for finding in found_in(run, HERE)] == [file]


def test_an_artifact_is_named_by_its_index() -> None:
    artifacts = [
        {"location": {"uri": "src/b.py", "uriBaseId": "APP"}},
        {"parentIndex": 2},
        {"location": {"uri": "lib.zip"}},
        {"parentIndex": 3},
    ]
    places = [{"physicalLocation": {"artifactLocation": {"index": number}}} for number in (0, 1, 3, 9, -1)]
    run = run_of(*(result("R1", one) for one in places), artifacts=artifacts, originalUriBaseIds=BASES)
    files = [finding.get("file") for finding in found_in(run, HERE)]
    assert files == ["packages/app/src/b.py", "lib.zip", None, None, None]


@pytest.mark.parametrize(
    ("more", "uri", "file"),
    [
        ({"invocations": [{"workingDirectory": {"uri": "file:///ci/repo"}}]}, "file:///ci/repo/src/a.py", "src/a.py"),
        ({"invocations": [{"workingDirectory": {"uri": "file:///tree/packages/app/"}}]}, "src/b.py",
         "packages/app/src/b.py"),
        ({"invocations": [{"workingDirectory": {"uri": "file:///tree/packages/app/"}}]}, "src/a.py", "src/a.py"),
        ({"versionControlProvenance": [{"mappedTo": {"uri": "file:///home/x/"}}]}, "file:///home/x/src/a.py",
         "src/a.py"),
        ({"originalUriBaseIds": {"R": {"uri": "file:///home/x/"}},
          "versionControlProvenance": [{"mappedTo": {"uriBaseId": "R"}}]}, "file:///home/x/src/a.py", "src/a.py"),
        ({"invocations": [{"workingDirectory": {"uri": "file:///ci/r/packages/app"}}],
          "versionControlProvenance": [{"mappedTo": {"uri": "file:///ci/r"}}]}, "src/b.py", "packages/app/src/b.py"),
        ({"invocations": [{"workingDirectory": {"uri": "file:///C:/Work/repo"}}]}, "file:///c:/work/repo/src/a.py",
         "src/a.py"),
        ({"invocations": [{"workingDirectory": {"uri": "file:///C:/Work/repo"}}]}, "C:\\Work\\repo\\src\\a.py",
         "src/a.py"),
    ],
)  # fmt: skip
def test_a_tree_of_another_machine_is_known_by_what_the_log_says_of_it(more: Json, uri: str, file: str) -> None:
    assert [finding["file"] for finding in found_in(run_of(result("R1", place(uri, 1)), **more), HERE)] == [file]


@pytest.mark.parametrize(
    ("uris", "files"),
    [
        (["file:///github/workspace/src/a.py"], ["src/a.py"]),
        (["/src/src/a.py", "/src/packages/app/src/b.py"], ["src/a.py", "packages/app/src/b.py"]),
        (["/src/a.py"], ["src/a.py"]),
        (["file://src/a.py"], ["src/a.py"]),
        (["D:\\a\\repo\\repo\\src\\a.py"], ["src/a.py"]),
        (["file:///d:/a/repo/src/a.py", "file:///D:/a/Repo/packages/app/src/b.py"],
         ["src/a.py", "packages/app/src/b.py"]),
        (["/w/src/a.py", "/w/packages/app/src/b.py", "/w/gone.py"], ["src/a.py", "packages/app/src/b.py", "gone.py"]),
        # A header of the system that is called as a file of the repository.
        (["/tree/src/a.py", "/tree/packages/app/src/b.py", "/usr/include/src/a.py"],
         ["src/a.py", "packages/app/src/b.py"]),
        (["/ci/one/x.py", "/ci/two/y.py"], []),
    ],
)  # fmt: skip
def test_a_tree_of_another_machine_is_known_by_the_files_that_most_paths_lead_to(
    uris: list[str], files: list[str]
) -> None:
    found = read(log_of(run_of(*(result("R1", place(uri, 1)) for uri in uris))), Tree(HERE))
    assert [finding["file"] for finding in found.findings] == files
    assert {part.code for part in found.refused} == ({"PATH_UNSAFE"} if len(files) < len(uris) else set())


@pytest.mark.parametrize(
    ("more", "uri"),
    [
        ({"originalUriBaseIds": {"%SRCROOT%": {"uri": "file:///ci/repo/packages/app/"}}}, "src/b.py"),
        ({"invocations": [{"workingDirectory": {"uri": "file:///ci/repo/packages/app"}}]}, "src/b.py"),
        ({"invocations": [{"workingDirectory": {"uri": "file:///ci/repo/packages/app"}}]}, "../../src/a.py"),
    ],
)
def test_a_tool_that_ran_in_a_folder_of_a_tree_of_another_machine_means_that_folder(more: Json, uri: str) -> None:
    base = "%SRCROOT%" if "originalUriBaseIds" in more else None
    (finding,) = found_in(run_of(result("R1", place(uri, 1, base=base)), **more), HERE)
    assert finding["file"] in {"packages/app/src/b.py", "src/a.py"}


LOOP = {"A": {"uri": "a/", "uriBaseId": "B"}, "B": {"uri": "b/", "uriBaseId": "A"}, "SELF": {"uriBaseId": "SELF"}}
CHAIN = {f"B{number}": {"uri": "x/", "uriBaseId": f"B{number + 1}"} for number in range(40)}


@pytest.mark.parametrize(
    ("uri", "base", "code", "why"),
    [
        ("a.py", "A", "SARIF_RESULT_REFUSED", "its uriBaseId 'A' leads back to itself"),
        ("a.py", "SELF", "SARIF_RESULT_REFUSED", "its uriBaseId 'SELF' leads back to itself"),
        ("a.py", "B0", "SARIF_RESULT_REFUSED", "its uriBaseId 'B0' has more than 32 bases"),
        ("../a.py", None, "PATH_UNSAFE", "'../a.py': it climbs out of the repository"),
        ("file:///etc/passwd", None, "PATH_UNSAFE", "'file:///etc/passwd': it is outside of the repository"),
        (".git/config", None, "PATH_UNSAFE", "'.git/config': it leads into .git"),
        ("x" * 5000, None, "PATH_UNSAFE", "its URI is longer than 4096 characters"),
    ],
)
def test_a_place_that_cannot_be_is_refused_for_its_result_alone(
    uri: str, base: str | None, code: str, why: str
) -> None:
    run = run_of(result("GOOD"), result("R1", place(uri, 1, base=base)), originalUriBaseIds=LOOP | CHAIN)
    found = read(log_of(run), Tree({}))
    assert [finding["rule_id"] for finding in found.findings] == ["GOOD"]
    assert refused(found) == [(code, "$.runs[0].results[1].locations[0].physicalLocation.artifactLocation", why)]


def test_a_result_without_a_file_keeps_the_words_of_its_place() -> None:
    logical = {"logicalLocations": [{"fullyQualifiedName": "Shop.Cart"}]}
    listed = {"logicalLocations": [{"index": 0}]}
    run = run_of(
        result("R1", logical),
        result("R1", listed),
        result("R1", place("https://example.org/a.py", 1)),
        result("R1", analysisTarget={"uri": "app.csproj"}),
        logicalLocations=[{"name": "Main"}],
    )
    assert [(one.get("file"), one.get("symbol"), one["description"]) for one in found_in(run)] == [
        (None, "Shop.Cart", "It is wrong. (in Shop.Cart)"),
        (None, "Main", "It is wrong. (in Main)"),
        (None, None, "It is wrong."),
        ("app.csproj", None, "It is wrong."),
    ]


def test_a_result_with_a_fix_of_its_tool_says_so() -> None:
    fixes = [{"artifactChanges": [{"artifactLocation": {"uri": "a.py"}, "replacements": []}]}]
    found = found_in(run_of(result("R1", fixes=fixes), result("R1", fixes=[]), result("R1")))
    assert [finding.get("fixable") for finding in found] == [True, None, None]


def test_the_place_of_a_result_is_its_first_location_with_a_file() -> None:
    places = [{"logicalLocations": [{"name": "f"}]}, place("a.py", 2)]
    (finding,) = found_in(run_of(result("R1", *places)), {"a.py": "one\ntwo\n"})
    assert (finding["file"], finding["line"], finding["symbol"], finding["quote"]) == ("a.py", 2, "f", "two")


# --- regions --------------------------------------------------------------------------------------------------

TEXT = "first\n\tsecond = 'é'\r\nthird 🙂 x\n"


@pytest.mark.parametrize(
    ("region", "line", "column", "quote"),
    [
        ({"startLine": 2}, 2, None, "\tsecond = 'é'"),
        ({"startLine": 2.0, "startColumn": 5}, 2, 5, "\tsecond = 'é'"),
        ({"startLine": 2, "snippet": {"text": "first\n\tsecond"}}, 2, None, "\tsecond = 'é'"),
        ({"snippet": {"text": "third 🙂 x"}}, None, None, "third 🙂 x"),
        ({"startLine": 99, "snippet": {"text": "first"}}, 99, None, "first"),
        ({"charOffset": 0}, 1, None, "first"),
        ({"charOffset": 5}, 1, None, "first"),
        ({"charOffset": 6, "charLength": 3}, 2, None, "\tsecond = 'é'"),
        ({"charOffset": 22}, 3, None, "third 🙂 x"),
        ({"byteOffset": 21}, 2, None, "\tsecond = 'é'"),
        ({"byteOffset": 22}, 3, None, "third 🙂 x"),
        ({"charOffset": 9999}, None, None, None),
        ({"charOffset": -1}, None, None, None),
        ({}, None, None, None),
    ],
)
def test_a_region_is_the_line_that_it_begins_in(
    region: Json, line: int | None, column: int | None, quote: str | None
) -> None:
    (finding,) = found_in(run_of(result("R1", place("a.txt", **region))), {"a.txt": TEXT})
    assert (finding.get("line"), finding.get("column"), finding.get("quote")) == (line, column, quote)


def test_columns_in_units_of_utf_16_become_characters() -> None:
    region = place("a.txt", 3, startColumn=10)
    runs = [run_of(result("R1", region), columnKind=kind) for kind in ("utf16CodeUnits", "unicodeCodePoints")]
    assert [found_in(run, {"a.txt": TEXT})[0]["column"] for run in runs] == [9, 10]


def test_a_line_that_is_too_long_to_be_quoted_is_found_by_its_number() -> None:
    files = {"x.min.js": "a=1;" * 20_000}
    region = place("x.min.js", 1, snippet={"text": files["x.min.js"]})
    (finding,) = found_in(run_of(result("R1", region)), files)
    assert (finding["line"], "quote" in finding) == (1, False)


@pytest.mark.parametrize(
    ("region", "path", "why"),
    [
        ({"startLine": 0}, ".startLine", "0 is no line: lines are counted from 1"),
        ({"startLine": -3}, ".startLine", "-3 is no line: lines are counted from 1"),
        ({"startLine": "3"}, ".startLine", '"3" is no line: lines are counted from 1'),
        ({"startLine": True}, ".startLine", "true is no line: lines are counted from 1"),
    ],
)
def test_a_line_that_no_file_has_refuses_its_result_alone(region: Json, path: str, why: str) -> None:
    found = read(log_of(run_of(result("R1", place("a.py", **region)), result("GOOD"))))
    assert [finding["rule_id"] for finding in found.findings] == ["GOOD"]
    where = f"$.runs[0].results[0].locations[0].physicalLocation.region{path}"
    assert refused(found) == [("SARIF_RESULT_REFUSED", where, why)]


def test_a_column_that_no_line_has_is_left_out_and_the_finding_is_kept() -> None:
    found = read(log_of(run_of(result("R1", place("a.py", 1, startColumn=0)))), Tree({"a.py": "x = 1\n"}))
    assert [(finding["line"], finding.get("column")) for finding in found.findings] == [(1, None)]
    where = "$.runs[0].results[0].locations[0].physicalLocation.region.startColumn"
    assert refused(found) == [("SARIF_RESULT_REFUSED", where, "0 is no column: the finding is kept without it")]


# --- what a log says twice, and what it does not say ------------------------------------------------------------


def test_equal_results_with_a_column_are_one_and_without_one_they_may_be_two() -> None:
    with_column, without = result("R1", place("a.h", 1, startColumn=5)), result("R1", place("a.h", 1))
    other = result("R1", place("a.h", 1, startColumn=6))
    run = run_of(with_column, with_column, other, without, without)
    columns = [finding.get("column") for finding in read(log_of(run, run)).findings]
    assert columns == [5, 6, None, None, None, None]


def test_results_of_two_tools_are_never_one() -> None:
    one, two = (run_of(result("R1", place("a.h", 1, startColumn=5))) for _ in range(2))
    two["tool"] = {"driver": {"name": "other"}}
    assert len(read(log_of(one, two)).findings) == 2


ERROR = {"level": "error", "message": {"text": "Parsing error"}, "locations": [place("a.js", 3)]}
NO_RESULTS = {key: value for key, value in run_of().items() if key != "results"}


@pytest.mark.parametrize(
    ("runs", "path", "why", "unread"),
    [
        ([], "", "there are none: no tool looked at anything", set()),
        ([NO_RESULTS], "[0].results", "there are none: the tool did not say that it looked at anything", set()),
        ([run_of() | {"results": None}], "[0].results",
         "there are none: the tool did not say that it looked at anything", set()),
        ([run_of(externalPropertyFileReferences={"results": [{"location": {"uri": "r.sarif"}}]})],
         "[0].externalPropertyFileReferences", "its results are in other files, not read", set()),
        ([run_of(invocations=[FAILED | {"exitCode": 2, "exitCodeDescription": "out of memory"}])],
         "[0].invocations[0].executionSuccessful", "the tool says that it failed, with exit code 2, out of memory",
         set()),
        ([run_of(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [ERROR]}])],
         "[0].invocations[0].toolExecutionNotifications[0]", "the tool reports an error (a.js): Parsing error",
         {"a.js"}),
        ([run_of(invocations=[{"toolConfigurationNotifications": [{"level": "error", "message": {"text": "no rule"}}]}])],
         "[0].invocations[0].toolConfigurationNotifications[0]", "the tool reports an error: no rule", set()),
    ],
)  # fmt: skip
def test_a_failure_that_the_tool_reports_is_a_problem_of_its_log(
    runs: list[Json], path: str, why: str, unread: set[str]
) -> None:
    found = read(log_of(*runs))
    assert refused(found) == [("TOOL_REPORTED_FAILURE", f"$.runs{path}", why)]
    assert (found.is_whole, found.unread) == (False, unread)


def test_results_beside_the_runs_are_missed() -> None:
    found = read(log_of(run_of()) | {"inlineExternalProperties": [{"runGuid": "x"}, {"results": [result("R1")]}]})
    where = "$.inlineExternalProperties[1].results"
    assert refused(found) == [("TOOL_REPORTED_FAILURE", where, "results beside the runs, not read")]
    assert not found.is_whole


def test_warnings_and_notes_of_a_tool_are_no_failures() -> None:
    notifications = [{"message": {"text": "slow"}}, {"level": "note", "message": {"text": "hello"}}]
    found = read(log_of(run_of(invocations=[{"toolExecutionNotifications": notifications}])))
    assert (list(found.refused), found.is_whole) == ([], True)


def test_files_that_the_tool_could_not_read_are_not_looked_at() -> None:
    run = run_of(
        rules=[{"id": "R1"}],
        artifacts=[{"location": {"uri": name}, "roles": ["analysisTarget"]} for name in ("a.js", "b.js")],
        invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [ERROR]}],
    )
    known = {"roots": [{"root": "", "rules": ["R1"]}], "suffixes": [], "read": ["b.js"]}
    unread = {"unread": ["a.js"], "unreadable": ["a.js"]}
    assert read(log_of(run)).analysis == known | unread
    assert read(log_of(run | {"artifacts": []})).analysis == {"roots": [], "suffixes": [""], **unread}


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0", 2, "3"])
def test_another_version_is_refused_with_its_number(version: Any) -> None:
    with pytest.raises(NoLog, match=r"is SARIF of version .*, and swarm reads 2.1.0"):
        read({"version": version, "runs": [run_of()]})


def test_a_log_is_known_by_its_form() -> None:
    assert is_log({"runs": []})
    assert not any(map(is_log, ({}, [], None, {"runs": {}}, {"runs": [], "domain": "code"})))


# --- bounds ---------------------------------------------------------------------------------------------------


def test_what_is_refused_is_listed_up_to_a_bound_and_counted() -> None:
    found = read(log_of(run_of(*(result("R1", place("a.py", 0)) for _ in range(503)))))
    assert (len(found.refused), found.refused[-1].message) == (501, "3 more parts of the log are refused")


def test_texts_that_results_share_do_not_grow_without_bound() -> None:
    rule = {"id": "R1", "messageStrings": {"long": {"text": "x" * 60_000}}, "help": {"text": "y" * 60_000}}
    run = run_of(*({"ruleId": "R1", "message": {"id": "long"}} for _ in range(2000)), rules=[rule])
    found = read(log_of(run))
    assert sum(len(finding["description"]) for finding in found.findings) < 41_000_000
    assert [part.path for part in found.refused] == [f"$.runs[0].results[{len(found.findings)}]"]


def test_a_rule_id_that_is_too_long_refuses_its_result_alone() -> None:
    found = read(log_of(run_of(result("a/" * 110), result("GOOD"))))
    assert [finding["rule_id"] for finding in found.findings] == ["GOOD"]
    why = "its rule id is 220 characters long, and 200 are the most"
    assert refused(found) == [("SARIF_RESULT_REFUSED", "$.runs[0].results[0].ruleId", why)]
