"""Outputs that `swarm collect` reads: unusable, with unsafe paths, named on the command line, in SARIF."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.collected import statuses
from tests.cli.scenes.snapshots import block_of
from tests.cli.test_dispatch import rows
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

# --- outputs that cannot be used -------------------------------------------------------------------------


def _missing(file: Path, tmp: Path) -> None:
    del tmp
    shutil.rmtree(file.parent, ignore_errors=True)


def _folder(file: Path, tmp: Path) -> None:
    file.mkdir()


def _pipe(file: Path, tmp: Path) -> None:
    os.mkfifo(file)


def _link(file: Path, tmp: Path) -> None:
    target = tmp / "elsewhere.json"
    target.write_text('{"domain": "code", "stage": "A", "summary": "", "findings": []}')
    file.symlink_to(target)


def _dangling(file: Path, tmp: Path) -> None:
    file.symlink_to(tmp / "nothing")


def _device(file: Path, tmp: Path) -> None:
    file.symlink_to("/dev/zero")


def _huge(file: Path, tmp: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024 + 1)


PLACES: dict[str, tuple[Callable[[Path, Path], None], str, str, str]] = {
    "missing": (_missing, "failed", "BOUNDED_JSON_READ_FAILED", "there is no output"),
    "a folder": (_folder, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is not a regular file"),
    "a pipe": (_pipe, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is not a regular file"),
    "a link": (_link, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is a symbolic link"),
    "a link to nothing": (_dangling, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is a symbolic link"),
    "a link to a device": (_device, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is a symbolic link"),
    "too large": (_huge, "invalid_output", "BOUNDED_JSON_SIZE_LIMIT", "52,428,801 bytes"),
}


@pytest.mark.parametrize("what", swept(PLACES))
def test_what_lies_in_place_of_an_output_is_reported_and_never_followed(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path, what: str
) -> None:
    make, status, code, words = PLACES[what]
    file = dispatched.output("code")
    make(file, tmp_path)
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert statuses(answer) == {"code": status, "rest": "complete"}
    (problem,) = answer.data["agents"][0]["errors"]
    assert (problem["code"], problem["path"]) == (code, str(file))
    assert problem["message"].endswith(words)
    assert answer.data["waveStatus"] == "failed"
    run, named = dispatched.run, "--domain code:<corrected-output.json> --apply --reason '…'"
    helps = {"failed": f"swarm resume {run}", "invalid_output": f"swarm revalidate {run} {named}"}
    assert answer.data["nextAction"] == helps[status]


GOOD = {"domain": "code", "stage": "A", "summary": "Looked.", "findings": []}
ONE = {"id": "1", "severity": "LOW", "category": "bug", "description": "It is wrong."}
BODIES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "BOUNDED_JSON_PARSE_FAILED", "is not acceptable JSON: Expecting value: line 1 column 1 (char 0)"),
    "prose": (b"I found nothing.", "BOUNDED_JSON_PARSE_FAILED", "Expecting value: line 1 column 1 (char 0)"),
    "latin-1": (b'{"summary": "\xe9"}', "BOUNDED_JSON_PARSE_FAILED", "not UTF-8 at byte 13"),
    "NaN": (json.dumps(GOOD | {"x": float("nan")}).encode(), "BOUNDED_JSON_PARSE_FAILED", "NaN is no JSON number"),
    "a big integer": (json.dumps(GOOD | {"x": 2**63}).encode(), "BOUNDED_JSON_PARSE_FAILED", "does not fit in 64 bits"),
    "half a pair": (
        json.dumps(GOOD | {"summary": "\ud800"}).encode(),
        "BOUNDED_JSON_PARSE_FAILED",
        "it holds half a surrogate pair",
    ),
    "a list": (b"[]", "AGENT_OUTPUT_SCHEMA_INVALID", "$: [] is not of type 'object'"),
    "another domain": (
        json.dumps(GOOD | {"domain": "rest"}).encode(),
        "AGENT_OUTPUT_SCHEMA_INVALID",
        "$.domain: it says 'rest', and is the output of 'code'",
    ),
    "another stage": (
        json.dumps(GOOD | {"stage": "B"}).encode(),
        "AGENT_OUTPUT_SCHEMA_INVALID",
        "$.stage: it says 'B', and health-audit-a is stage 'A'",
    ),
    "an amend output": (
        b'{"domain": "code", "summary": "", "fixes": [], "files_changed": []}',
        "AGENT_OUTPUT_SCHEMA_INVALID",
        "is a required property",
    ),
}


@pytest.mark.parametrize("what", swept(BODIES))
def test_an_output_that_says_what_it_must_not_is_invalid_and_its_findings_do_not_count(
    swarm: Swarm, dispatched: Workspace, what: str
) -> None:
    body, code, words = BODIES[what]
    dispatched.output("code").write_bytes(body)
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert statuses(answer) == {"code": "invalid_output", "rest": "complete"}
    first, *others = answer.data["agents"][0]["errors"]
    assert {problem["code"] for problem in (first, *others)} == {code}
    assert first["message"].endswith(words)
    assert answer.data["findings"]["new"] == 0


def test_a_byte_order_mark_and_unknown_keys_are_taken(swarm: Swarm, dispatched: Workspace) -> None:
    body = json.dumps(GOOD | {"mood": "fine", "findings": [ONE | {"mood": "fine"}]}).encode()
    dispatched.output("code").write_bytes(b"\xef\xbb\xbf" + body)
    dispatched.answer("rest")
    assert swarm("collect", "--format", "json").data["findings"]["new"] == 1


def test_an_error_that_is_kept_is_at_most_512_characters_and_cannot_forge_lines(
    swarm: Swarm, dispatched: Workspace
) -> None:
    dispatched.output("code").write_text(json.dumps({**GOOD, "domain": "x" * 64, "stage": "A"}))
    dispatched.output("rest").write_text(json.dumps({**GOOD, "domain": "rest", "stage": "\n⊘ forged\x1b[2J" * 99}))
    lines = swarm("collect", exit=1).out.splitlines()
    assert [line for line in lines if line.startswith("⊘")] == []
    assert not any("\x1b" in line for line in lines)
    kept = rows(
        dispatched.db, "SELECT length(error) <= 512, error LIKE 'AGENT_OUTPUT_SCHEMA_INVALID: %' FROM agent_runs"
    )
    assert kept == [(1, 1), (1, 1)]


# --- paths -----------------------------------------------------------------------------------------------


UNSAFE = {
    "/etc/passwd": "it is absolute",
    "C:\\Windows\\system.ini": "it is absolute",
    "\\\\host\\share": "it is absolute",
    "src/../../out": "it climbs out of the repository",
    "src\\..\\..\\out": "it climbs out of the repository",
    ".git/config": "it leads into .git",
    "src/.GIT/hooks": "it leads into .git",
    "src/a\nb.py": "it holds control characters and is no path of the commit",
    "./": "it is empty",
    "out/escape.txt": "it leads through a symbolic link",
}


def test_every_unsafe_path_is_refused_for_its_finding_alone(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    (repo.root / "out").symlink_to(tmp_path)
    repo.commit(message="a link out")
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", *({"file": path} for path in UNSAFE), {"file": "./src\\app.py", "line": 5})
    workspace.answer("rest")
    answer = swarm("collect", "--format", "json")
    data = [(problem["code"], problem["path"], problem["message"]) for problem in answer.data["agents"][0]["errors"]]
    assert data == [
        ("PATH_UNSAFE", f"$.findings[{number}].file", f"'{path}': {why}")
        for number, (path, why) in enumerate(UNSAFE.items())
    ]
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert (finding["file"], finding["line"], answer.data["waveStatus"]) == ("src/app.py", 5, "collected")


def own_paths(tree: Path, root: Path, tmp: Path) -> dict[str, str]:
    """Names of `src/app.py` of a tree, by the kind of name."""
    (tmp / "link").symlink_to(tree.parent)
    return {
        "absolute": f"{tree}/src/app.py",
        "slashes": f"{tree}//./src/app.py",
        "through a link": f"{tmp}/link/{tree.name}/src/app.py",
        "URI": f"file://{tree}/src/app.py",
        "URI of this host": f"file://localhost{tree}/src/%61pp.py",
        "from the checkout": f"./{tree.relative_to(root)}/src/app.py",
    }


def test_an_absolute_path_in_the_agent_s_own_tree_is_that_path(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    swarm("dispatch", "health-audit-a", "--isolate")
    tree = workspace.folder / workspace.run / "worktrees/w1-code"
    names = own_paths(tree, repo.root, tmp_path)
    others = {
        f"{tree.parent}/w1-rest/src/app.py": "it is absolute",
        f"file://{tree.parent}/w1-rest/src/app.py": "it is absolute",
        f"{repo.root}/src/app.py": "it is absolute",
        f"file://elsewhere{tree}/src/app.py": "it is absolute",
        f"{tree}/../w1-rest/src/app.py": "it is absolute",
        f"{tree}/.git": "it leads into .git",
    }
    workspace.answer("code", *({"file": name, "line": 5} for name in (*names.values(), *others)))
    workspace.answer("rest")
    answer = swarm("collect", "--format", "json")
    assert [problem["message"] for problem in answer.data["agents"][0]["errors"]] == [
        f"'{'.git' if name.endswith('.git') else name[:120]}': {why}" for name, why in others.items()
    ]
    found = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert {finding["file"] for finding in found} == {"src/app.py"}


def test_without_isolation_a_path_in_the_checkout_is_that_path(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    swarm("dispatch", "health-audit-a")
    sarif = {"artifactLocation": {"uri": f"file://{repo.root}/src/app.py"}, "region": {"startLine": 5}}
    result = {"ruleId": "R", "message": {"text": "It is wrong."}, "locations": [{"physicalLocation": sarif}]}
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [result]}]}
    (tmp_path / "rest.sarif").write_text(json.dumps(log))
    workspace.answer("code", {"file": f"{repo.root}/src/app.py", "line": 5}, {"file": f"{tmp_path}/x.py"})
    answer = swarm("collect", "--domain", f"rest:{tmp_path}/rest.sarif", "--format", "json")
    assert [problem["code"] for problem in answer.data["agents"][0]["errors"]] == ["PATH_UNSAFE"]
    found = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert {(finding["file"], finding["line"]) for finding in found} == {("src/app.py", 5)}


def test_a_path_with_control_characters_is_safe_when_the_commit_has_it(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    name = "src/a\nb\x1b[2J.py"
    repo.commit({name: "x = 1\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", {"file": name, "line": 1, "quote": "x = 1"})
    workspace.answer("rest")
    assert swarm("collect", "--format", "json").data["agents"][0]["errors"] == []
    text = swarm("findings", "--format", "text", exit=1).out
    assert text.startswith("src/a\\nb\\x1b[2J.py:1  ")


def test_reports_of_a_file_share_its_equal_lines_however_they_spell_its_path_and_all_reports_keep_their_order(
    swarm: Swarm, repo: Repo, tmp_path: Path
) -> None:
    repo.commit({"src/twins.c": "int a() {\n  go();\n  x = 1;\n  go();\n  y = 2;\n  go();\n}\n", "docs/a.md": "a\n"})
    globs = {"code": ["src/**"], "docs": ["docs/**"], "rest": ["**"]}
    (tmp_path / "map.json").write_text(json.dumps([{"name": name, "globs": globs[name]} for name in globs]))
    run = swarm("init", ".", "--domains-from", tmp_path / "map.json", "--format", "json").data["runId"]
    swarm("dispatch", "health-audit-a", "--auto-freeze")
    workspace = Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db")
    told = [("./src/twins.c", 7), ("src/app.py", 5), ("src/twins.c", 3), ("src\\twins.c", 5)]
    twins = ({"file": file, "line": line, **({"quote": "go();"} if "twins" in file else {})} for file, line in told)
    workspace.answer("code", *twins, {"description": "No file."})
    workspace.answer("docs", {"file": "docs/a.md", "line": 1})
    workspace.answer("rest", {"file": "src/app.py", "line": 4})
    swarm("collect", "--format", "json")
    reports = rows(
        workspace.db,
        "SELECT domain, reported_id, sightings.line FROM sightings JOIN agent_runs ON agent_runs.id = agent_run_id"
        " ORDER BY sightings.id",
    )
    assert reports == [
        *[("code", "1", 6), ("code", "2", 5), ("code", "3", 2), ("code", "4", 4), ("code", "5", None)],
        *[("docs", "1", 1), ("rest", "1", 4)],
    ]


# --- outputs that are named ------------------------------------------------------------------------------


def test_an_output_may_be_named_from_the_working_folder(
    swarm: Swarm, repo: Repo, dispatched: Workspace, tmp_path: Path
) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    dispatched.output("code").rename(tmp_path / "by hand:1.json")
    answer = swarm("collect", dispatched.run, "--domain", "code:../by hand:1.json", "--format", "json")
    assert (answer.data["waveStatus"], answer.data["findings"]["new"]) == ("collected", 1)


@pytest.mark.parametrize("word", ["code", "code:", ":x.json", ""])
def test_a_named_output_needs_a_name_and_a_path(swarm: Swarm, dispatched: Workspace, word: str) -> None:
    answer = swarm("collect", "--domain", word, exit=2)
    assert block_of(answer).splitlines()[0] == f"ERROR [CLI_USAGE]: --domain takes NAME:PATH; got '{word}'"


def test_a_domain_is_named_once(swarm: Swarm, dispatched: Workspace) -> None:
    answer = swarm("collect", "--domain", "code:a", "--domain", "code:b", exit=2)
    assert block_of(answer).splitlines()[0] == "ERROR [CLI_USAGE]: --domain code is given twice"


SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "lint",
                    "version": "1.2",
                    "rules": [
                        {"id": "SEC1", "properties": {"tags": ["security"], "security-severity": "9.1"}},
                        {"id": "STY1", "defaultConfiguration": {"level": "note"}},
                    ],
                }
            },
            "results": [
                {
                    "ruleId": "SEC1",
                    "message": {"text": "eval is evil"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "src/tool.py"},
                                "region": {"startLine": 5, "snippet": {"text": "    return eval('1')"}},
                            }
                        }
                    ],
                },
                {
                    "ruleId": "STY1",
                    "message": {"text": "two imports"},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "src/tool.py"}, "region": {"startLine": 1}}}
                    ],
                },
                {"ruleId": "STY1", "message": {"text": "silenced"}, "suppressions": [{"kind": "inSource"}]},
                {"ruleId": "STY1", "message": {"text": "gone"}, "baselineState": "absent"},
            ],
        }
    ],
}


def test_a_domains_output_may_be_sarif_of_any_tool(swarm: Swarm, dispatched: Workspace, tmp_path: Path) -> None:
    report = tmp_path / "lint.sarif"
    report.write_text(json.dumps(SARIF))
    dispatched.answer("rest")
    swarm("collect", "--domain", f"code:{report}")
    found = swarm("findings", "--format", "json", exit=1).data["findings"]
    keys = ("ruleId", "severity", "category", "file", "line", "quote", "description", "anchored")
    assert [tuple(finding[key] for key in keys) for finding in found] == [
        ("SEC1", "CRITICAL", "security", "src/tool.py", 5, "return eval('1')", "eval is evil", "quote"),
        ("STY1", "LOW", "quality", "src/tool.py", 1, "import json, re", "two imports", "quote"),
    ]


NO_SARIF = {
    "{}": "is no SARIF log: it has no runs",
    "[]": "is no SARIF log: it has no runs",
    '{"runs": 3}': "is no SARIF log: it has no runs",
    '{"runs": [3]}': "is no SARIF log: $.runs[0] has no tool",
    '{"runs": [{"results": []}]}': "is no SARIF log: $.runs[0] has no tool",
}


@pytest.mark.parametrize("body", swept(NO_SARIF))
def test_sarif_that_is_none_is_invalid_output(swarm: Swarm, dispatched: Workspace, tmp_path: Path, body: str) -> None:
    report = tmp_path / "lint.sarif"
    report.write_text(body)
    dispatched.answer("rest")
    answer = swarm("collect", "--domain", f"code:{report}", "--format", "json", exit=1)
    assert answer.data["agents"][0]["status"] == "invalid_output"
    assert answer.data["agents"][0]["errors"] == [
        {"code": "AGENT_OUTPUT_SCHEMA_INVALID", "path": str(report), "message": f"{report} {NO_SARIF[body]}"}
    ]


def test_sarif_with_parts_of_the_wrong_kind_is_taken_for_what_it_says(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path
) -> None:
    odd: list[Any] = [3, "text", None, [], {}, True]
    results = [{"ruleId": "X", "message": value, "locations": value, "level": value} for value in odd]
    results += [{"ruleId": "X", "locations": [{"physicalLocation": value}]} for value in odd]
    results += [{"ruleId": "X", "locations": [{"physicalLocation": {"region": value}}]} for value in odd]
    results += [
        {"ruleId": "X", "locations": [{"physicalLocation": {"region": {"startLine": 1, "startColumn": value}}}]}
        for value in odd
    ]
    rules = [{"id": value, "properties": value} for value in odd]
    rules += [{"id": "X", "properties": {"tags": value, "security-severity": value}} for value in odd]
    driver = {"name": "odd", "rules": rules}
    report = tmp_path / "odd.sarif"
    report.write_text(json.dumps({"runs": [{"tool": {"driver": driver}, "results": results + odd}]}))
    dispatched.answer("rest")
    agent = swarm("collect", "--domain", f"code:{report}", "--format", "json").data["agents"][0]
    assert (agent["status"], agent["findingsCount"]) == ("complete", len(results) + 1)
