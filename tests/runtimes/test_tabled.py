"""The table of analyzers: each row, with the report that its tool wrote over the files of `tests/data/reports`."""

import json
from pathlib import Path
from typing import Any

import pytest

from swarm.config import Config
from swarm.rules.analysis import analysis_from
from swarm.rules.findings import SEVERITY_RANK
from swarm.runtimes import analyzer_table
from swarm.runtimes.file_kinds import kind_of
from swarm.runtimes.runtime import Job, Product, StepResult, UnusableOutput
from swarm.runtimes.tabled import Tabled
from tests.runtimes.rows import ROWS, job_of

REPORTS = Path(__file__).parents[1] / "data" / "reports"
# What each tool said of its files, the last of which no parser takes: file, line, column, rule, severity.
FOUND: dict[str, tuple[list[str], set[tuple[str, int, int, str, str]]]] = {
    "oxlint": (
        ["a.js", "bad.js"],
        {
            ("a.js", 2, 5, "eslint/no-unused-vars", "LOW"),
            ("a.js", 2, 13, "eslint/no-dupe-keys", "HIGH"),
            ("a.js", 3, 1, "eslint/no-debugger", "MEDIUM"),
            ("a.js", 4, 5, "eslint/no-constant-condition", "MEDIUM"),
            ("a.js", 4, 9, "eslint/no-cond-assign", "MEDIUM"),
            ("a.js", 5, 5, "eslint/use-isnan", "HIGH"),
            ("a.js", 7, 10, "eslint/no-unused-vars", "LOW"),
            ("a.js", 7, 15, "eslint/no-unused-vars", "LOW"),
            ("a.js", 7, 29, "eslint/no-unreachable", "MEDIUM"),
            ("a.js", 7, 29, "eslint/no-unused-expressions", "LOW"),
            ("bad.js", 1, 12, "syntax-error", "CRITICAL"),
        },
    ),
    "shellcheck": (
        ["s.sh", "bad.sh"],
        {
            ("bad.sh", 2, 1, "SC1073", "CRITICAL"),
            ("bad.sh", 2, 8, "SC1072", "CRITICAL"),
            ("s.sh", 2, 1, "SC2164", "MEDIUM"),
            ("s.sh", 2, 4, "SC2086", "LOW"),
            ("s.sh", 3, 8, "SC2115", "HIGH"),
            ("s.sh", 4, 10, "SC2006", "LOW"),
            ("s.sh", 4, 10, "SC2045", "MEDIUM"),
            ("s.sh", 4, 14, "SC2035", "LOW"),
            ("s.sh", 4, 28, "SC2086", "LOW"),
            ("s.sh", 5, 6, "SC2086", "LOW"),
            ("s.sh", 5, 6, "SC2154", "LOW"),
        },
    ),
    "hadolint": (
        ["Dockerfile", "Dockerfile.bad"],
        {
            ("Dockerfile", 1, 1, "DL3006", "LOW"),
            ("Dockerfile", 2, 1, "DL3008", "LOW"),
            ("Dockerfile", 2, 1, "DL3014", "MEDIUM"),
            ("Dockerfile", 2, 1, "DL3015", "LOW"),
            ("Dockerfile", 3, 1, "DL3003", "LOW"),
            ("Dockerfile", 3, 1, "DL3047", "LOW"),
            ("Dockerfile", 3, 1, "DL4006", "MEDIUM"),
            ("Dockerfile", 4, 1, "DL4000", "LOW"),
            ("Dockerfile.bad", 1, 5, "DL1000", "CRITICAL"),
        },
    ),
    "zizmor": (
        [".github/workflows/ci.yml", ".github/workflows/bad.yml"],
        {
            (".github/workflows/ci.yml", 1, 1, "dangerous-triggers", "HIGH"),
            (".github/workflows/ci.yml", 3, 3, "excessive-permissions", "MEDIUM"),
            (".github/workflows/ci.yml", 6, 9, "artipacked", "MEDIUM"),
            (".github/workflows/ci.yml", 6, 15, "unpinned-uses", "MEDIUM"),
            (".github/workflows/ci.yml", 8, 24, "template-injection", "HIGH"),
        },
    ),
    "cppcheck": (
        ["c.c", "d.cpp", "bad.c"],
        {
            ("d.cpp", 1, 26, "noCopyConstructor", "MEDIUM"),
            ("d.cpp", 1, 26, "noOperatorEq", "MEDIUM"),
            ("bad.c", 1, 11, "syntaxError", "MEDIUM"),
            ("c.c", 3, 29, "arrayIndexOutOfBounds", "HIGH"),
            ("c.c", 3, 59, "memleak", "MEDIUM"),
            ("c.c", 4, 49, "nullPointer", "HIGH"),
            ("c.c", 4, 58, "nullPointerRedundantCheck", "MEDIUM"),
            ("c.c", 4, 60, "uninitvar", "HIGH"),
            ("c.c", 5, 38, "bufferAccessOutOfBounds", "HIGH"),
            ("c.c", 5, 78, "doubleFree", "HIGH"),
        },
    ),
    "eslint": (
        ["e.js", "bad.js"],
        {
            ("bad.js", 1, 12, "syntax-error", "CRITICAL"),
            ("e.js", 3, 7, "eqeqeq", "LOW"),
            ("e.js", 3, 16, "no-debugger", "MEDIUM"),
            ("e.js", 4, 5, "no-unused-vars", "LOW"),
        },
    ),
    "biome": (
        ["e.js", "bad.js"],
        {
            ("bad.js", 1, 7, "correctness/noUnusedVariables", "LOW"),
            ("bad.js", 1, 12, "parse", "CRITICAL"),
            ("e.js", 1, 1, "security/noGlobalEval", "HIGH"),
            ("e.js", 2, 1, "style/useConst", "LOW"),
            ("e.js", 3, 16, "suspicious/noDebugger", "MEDIUM"),
            ("e.js", 4, 5, "correctness/noUnusedVariables", "LOW"),
        },
    ),
    "tsc": (
        ["t.ts"],
        {
            ("t.ts", 1, 7, "TS2322", "MEDIUM"),
            ("t.ts", 2, 12, "TS7006", "LOW"),
        },
    ),
    "mypy": (
        ["b.py"],
        {
            ("b.py", 7, 18, "operator", "MEDIUM"),
            ("b.py", 9, 32, "attr-defined", "MEDIUM"),
        },
    ),
    "pyright": (
        ["b.py"],
        {
            ("b.py", 7, 12, "reportOperatorIssue", "MEDIUM"),
            ("b.py", 9, 37, "reportAttributeAccessIssue", "MEDIUM"),
        },
    ),
    "bandit": (
        ["b.py", "bad.py"],
        {
            ("b.py", 1, 1, "B403", "LOW"),
            ("b.py", 3, 5, "B602", "HIGH"),
            ("b.py", 4, 5, "B101", "LOW"),
            ("b.py", 5, 12, "B301", "MEDIUM"),
        },
    ),
    "semgrep": (
        ["b.py"],
        {
            ("b.py", 5, 12, "no-exec", "HIGH"),
        },
    ),
    "rumdl": (
        ["r.md"],
        {
            ("r.md", 1, 1, "MD022", "LOW"),
            ("r.md", 2, 2, "MD018", "LOW"),
            ("r.md", 3, 1, "MD004", "LOW"),
            ("r.md", 3, 1, "MD032", "LOW"),
            ("r.md", 5, 1, "MD012", "LOW"),
        },
    ),
    "typos": (
        ["b.py"],
        {
            ("b.py", 10, 1, "typo", "LOW"),
        },
    ),
    "sqlfluff": (
        ["q.sql"],
        {
            ("q.sql", 1, 1, "LT09", "LOW"),
            ("q.sql", 1, 10, "LT01", "LOW"),
            ("q.sql", 1, 12, "CP01", "LOW"),
            ("q.sql", 1, 19, "LT14", "LOW"),
            ("q.sql", 2, 1, "CP01", "LOW"),
            ("q.sql", 2, 8, "AM04", "MEDIUM"),
        },
    ),
    "tombi": (
        ["t.toml"],
        {
            ("t.toml", 3, 1, "duplicate-key", "MEDIUM"),
        },
    ),
    "ast-grep": (
        ["e.js"],
        {
            ("e.js", 1, 1, "no-eval", "MEDIUM"),
        },
    ),
}
# Of these no registry has the tool: their rows follow the documented form of the reports.
UNRECORDED = {"golangci-lint", "go-vet", "clippy", "actionlint"}


def read(name: str, job: Job, output: bytes, code: int = 0, listed: str | None = None) -> Product:
    tool = Tabled(ROWS[name], Config())
    steps = tool.steps(job)
    every = "".join(f"./{file}\n" for file in job.files) if listed is None else listed
    results = [StepResult(step, code, every.encode() if step.log == "list" else output) for step in steps]
    return tool.product(job, results)


@pytest.mark.parametrize("name", FOUND)
def test_a_recorded_report_becomes_findings_worth_reading(tree: Path, name: str) -> None:
    files, expected = FOUND[name]
    job = job_of(tree, *files)
    if (said := REPORTS / f"{name}.stderr").exists():
        (job.attempt_folder / "stderr.log").write_bytes(said.read_bytes())
    (report,) = (file for file in REPORTS.glob(f"{name}.*") if file.suffix != ".stderr")
    product = read(name, job, report.read_bytes().replace(b"TREE/", f"{tree}/".encode()))
    found: list[dict[str, Any]] = (product.output or {})["findings"]
    assert {(f["file"], f["line"], f["column"], f["rule_id"], f["severity"]) for f in found} == expected
    assert all(finding["description"] and finding["category"] for finding in found)
    analysis = analysis_from(product.analysis or {})
    read_whole = files[:-1] or files
    assert (analysis.read, analysis.unreadable) == (frozenset(read_whole), frozenset(files[len(read_whole) :]))


def test_a_type_error_of_five_digits_is_no_error_of_syntax(tree: Path) -> None:
    job = job_of(tree, "a.ts", "b.ts")
    lines = "a.ts(1,1): error TS18048: 'o.a' is possibly 'undefined'.\nb.ts(1,1): error TS1005: ';' expected.\n"
    analysis = analysis_from(read("tsc", job, lines.encode()).analysis or {})
    assert (analysis.read, analysis.unreadable) == (frozenset({"a.ts"}), frozenset({"b.ts"}))


def test_a_file_that_no_part_of_a_configuration_matches_was_not_looked_at(tree: Path) -> None:
    document = json.dumps([{"filePath": f"{tree}/a.js", "messages": []}])
    analysis = analysis_from(read("eslint", job_of(tree, "a.js", "b.ts"), document.encode()).analysis or {})
    assert (analysis.read, analysis.unread, analysis.unreadable) == ({"a.js"}, {"b.ts"}, frozenset())


BANDIT = {"errors": [], "metrics": {"././b.py": {"loc": 1}, "_totals": {"loc": 1}}, "results": []}
SEMGREP = {"errors": [], "paths": {"scanned": ["b.py"]}, "results": []}
PYRIGHT = {"generalDiagnostics": [], "summary": {"filesAnalyzed": 0}}


@pytest.mark.parametrize(
    ("name", "document", "looked_at"),
    [
        ("bandit", BANDIT, {"b.py"}),
        ("semgrep", SEMGREP, {"b.py"}),
        # Its report counts the files, and names none.
        ("pyright", PYRIGHT, set()),
        ("pyright", {**PYRIGHT, "summary": {"filesAnalyzed": 2}}, {"a.py", "b.py"}),
    ],
)
def test_a_file_that_the_configuration_of_a_tool_excludes_was_not_looked_at(
    tree: Path, name: str, document: dict[str, Any], looked_at: set[str]
) -> None:
    product = read(name, job_of(tree, "a.py", "b.py"), json.dumps(document).encode())
    analysis = analysis_from(product.analysis or {})
    assert (analysis.read, analysis.unread) == (looked_at, {"a.py", "b.py"} - looked_at)
    assert analysis.unreadable == frozenset()


def test_biome_lists_the_files_that_its_configuration_leaves_to_it(tree: Path) -> None:
    listed = "b.js:1:1 debugger\n VERBOSE  ━━━━━\n\n  i Files processed:\n  \n  - b.js\n  \n"
    product = read("biome", job_of(tree, "a.js", "b.js"), b'{"diagnostics": []}', listed=listed)
    assert analysis_from(product.analysis or {}).read == {"b.js"}
    # An older version prints no list, and what it reports it has read.
    product = read("biome", job_of(tree, "a.js", "b.js"), b'{"diagnostics": []}', listed="")
    assert analysis_from(product.analysis or {}).read == {"a.js", "b.js"}


def test_a_type_checker_of_a_project_that_lists_no_file_has_read_none(tree: Path) -> None:
    job = job_of(tree, "p/a.ts", "b.ts")
    assert analysis_from(read("tsc", job, b"", listed="").analysis or {}).read == frozenset()
    listed = f"/lib/lib.es5.d.ts\n{tree}/b.ts\n"
    assert analysis_from(read("tsc", job, b"", listed=listed).analysis or {}).read == {"b.ts"}
    report = b"p/a.ts(1,1): error TS2322: Wrong.\n"
    assert analysis_from(read("tsc", job, report, 2, listed=listed).analysis or {}).read == {"b.ts", "p/a.ts"}


@pytest.mark.parametrize(
    ("name", "file", "output", "code"),
    [
        ("mypy", "a.py", b"", 2),
        ("tsc", "a.ts", b"error TS18003: No inputs were found in config file 'tsconfig.json'.\n", 2),
        ("clippy", "a.rs", b"", 101),
        ("bandit", "a.py", json.dumps(BANDIT).encode(), 1),
    ],
)
def test_an_exit_code_of_failure_with_nothing_reported_is_no_clean_run(
    tree: Path, name: str, file: str, output: bytes, code: int
) -> None:
    job = job_of(tree, file)
    (job.attempt_folder / "stderr.log").write_text("It cannot begin.\nError importing plugin 'x'\n\n")
    with pytest.raises(UnusableOutput) as failed:
        read(name, job, output, code)
    assert str(failed.value) == f"it ended with exit code {code} and reported nothing: Error importing plugin 'x'"


def test_an_analyzer_that_found_no_input_and_says_so_by_its_exit_code_has_not_failed(tree: Path) -> None:
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "zizmor"}}, "results": []}]}
    product = read("zizmor", job_of(tree, "action.yml"), json.dumps(log).encode(), 3)
    assert (product.output or {})["findings"] == []


def test_what_a_configuration_prints_beside_a_report_is_no_part_of_it(tree: Path) -> None:
    report = [{"filePath": f"{tree}/a.js", "messages": []}]
    printed = f"[config] loaded\n(node:1) Warning: old\n{json.dumps(report)}\n"
    assert analysis_from(read("eslint", job_of(tree, "a.js"), printed.encode()).analysis or {}).read == {"a.js"}
    line = {"file": "a.py", "line": 1, "column": 0, "message": "m", "code": "assignment", "severity": "error"}
    printed = f"plugin: hello\n{json.dumps(line)}\n"
    assert len((read("mypy", job_of(tree, "a.py"), printed.encode(), 1).output or {})["findings"]) == 1


@pytest.mark.parametrize(
    ("name", "document", "why"),
    [
        (
            "eslint",
            [{"file": "/w/a.js", "messages": [{"ruleId": "x", "text": "m"}]}],
            "no finding has a file and a mes",
        ),
        ("eslint", {"results": []}, "it is no list"),
        ("bandit", {"issues": []}, "it has no `results`"),
    ],
)
def test_a_report_of_another_version_with_other_keys_is_no_clean_run(
    tree: Path, name: str, document: Any, why: str
) -> None:
    with pytest.raises(UnusableOutput, match="another form than swarm reads: ") as refused:
        read(name, job_of(tree, "a.js"), json.dumps(document).encode())
    assert why in str(refused.value)


def test_a_report_of_another_version_is_refused_where_its_texts_are_objects(tree: Path) -> None:
    # As biome 1 writes it, whose row is that of biome 2.
    place = {"path": {"file": "./a.js"}, "span": [0, 3]}
    report = {"category": "lint/style/noVar", "severity": "error", "description": "Use let.", "location": place}
    document = {"diagnostics": [{**report, "message": [{"elements": [], "content": "Use "}]}]}
    with pytest.raises(UnusableOutput) as refused:
        read("biome", job_of(tree, "a.js"), json.dumps(document).encode())
    assert str(refused.value) == (
        "its report has another form than swarm reads: `location.path` is no text; swarm reads that of version 2 or newer: "
        "`npm install --save-dev @biomejs/biome@2`"
    )


def test_a_compiler_that_failed_says_why_on_stdout(tree: Path) -> None:
    job = job_of(tree, "a.ts")
    (job.attempt_folder / "stdout.log").write_bytes(b"error TS5083: Cannot read file '/tsconfig.base.json'.\n")
    with pytest.raises(UnusableOutput) as refused:
        read("tsc", job, b"error TS5083: Cannot read file '/tsconfig.base.json'.\n", 1)
    assert str(refused.value).endswith("reported nothing: error TS5083: Cannot read file '/tsconfig.base.json'.")


def test_every_row_has_a_recorded_report() -> None:
    assert set(ROWS) - set(FOUND) == UNRECORDED


def test_every_row_names_kinds_severities_and_rules_that_exist() -> None:
    kinds = {kind.name for kind in analyzer_table.table().kinds}
    for name, row in ROWS.items():
        assert set(row.kinds) <= kinds, name
        assert {*row.severities.values(), *row.levels.values()} <= set(SEVERITY_RANK), name
        assert row.install
        assert ("{files}" in row.argv) != row.whole, name


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("etc/Dockerfile.nanorc", "syntax Dockerfile\n", "syntax definition of an editor"),
        ("etc/Dockerfile.tmLanguage", "<plist/>\n", "syntax definition of an editor"),
        ("bin/tool", "#!/usr/bin/env bash\n", "shell"),
        ("bin/tool", "#!/bin/sh -e\n", "shell"),
        ("bin/tool", "#!/usr/bin/env -S A=1 dash -x\n", "shell"),
        ("bin/tool", "#!/usr/bin/env node\n", "JavaScript"),
        ("bin/tool", "#!/usr/bin/python3.12 -I\n", "Python"),
        ("bin/tool", "#!/usr/bin/perl\n", "other"),
        ("bin/tool", "\0#!/bin/sh\n", "other"),
        ("bin/tool", "", "other"),
        ("bin/.bashrc", "", "shell"),
        ("docker/Dockerfile.dev", "", "Dockerfile"),
        ("web.dockerfile", "", "Dockerfile"),
        (".github/workflows/ci.yml", "", "GitHub workflow"),
        ("sub/.github/workflows/ci.yml", "", "YAML"),
        (".github/ci.yml", "", "YAML"),
        ("a.tsx", "", "TypeScript"),
        ("a.h", "", "C header"),
        ("archive.tar.gz", "", ".gz"),
        ("Makefile", "", "other"),
    ],
)
def test_a_file_has_a_kind_by_its_name_else_by_its_first_line(tree: Path, path: str, content: str, kind: str) -> None:
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    assert kind_of(path, tree) == kind


CLIPPY = {
    "reason": "compiler-message",
    "message": {
        "code": {"code": "clippy::needless_return"},
        "level": "warning",
        "message": "unneeded `return` statement",
        "spans": [{"file_name": "src/main.rs", "line_start": 2, "column_start": 5}],
    },
}
DOCUMENTED = {
    "go-vet": ("main.go", b"# example.com/m\nvet: ./main.go:3:8: undefined: x\n./main.go:9:2: unreachable code\n"),
    "clippy": (
        "src/main.rs",
        json.dumps(CLIPPY).encode(),
    ),
    "actionlint": (
        ".github/workflows/ci.yml",
        b'[{"message":"unknown","filepath":".github/workflows/ci.yml","line":4,"column":5,"kind":"expression"}]',
    ),
}
AS_DOCUMENTED = {
    "go-vet": [("main.go", 3, 8, "vet", "MEDIUM"), ("main.go", 9, 2, "vet", "MEDIUM")],
    "clippy": [("src/main.rs", 2, 5, "clippy::needless_return", "MEDIUM")],
    "actionlint": [(".github/workflows/ci.yml", 4, 5, "expression", "MEDIUM")],
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_report_in_its_documented_form_becomes_findings(tree: Path, name: str) -> None:
    file, output = DOCUMENTED[name]
    job = job_of(tree, file)
    (job.attempt_folder / "stderr.log").write_bytes(output)
    found = (read(name, job, output).output or {})["findings"]
    assert [(f["file"], f["line"], f["column"], f["rule_id"], f["severity"]) for f in found] == AS_DOCUMENTED[name]


def test_an_analyzer_that_stops_at_a_broken_file_has_read_no_other(tree: Path) -> None:
    output = (
        b'{"file": "bad.py", "line": 1, "column": 7, "message": "Unexpected", "code": "syntax", "severity": "error"}\n'
    )
    analysis = analysis_from(read("mypy", job_of(tree, "a.py", "bad.py"), output).analysis or {})
    assert (analysis.read, analysis.unreadable) == (frozenset(), frozenset({"bad.py"}))
    # Two modules of a name end it as well, and have no rule.
    twice = output.replace(b'"syntax"', b"null")
    analysis = analysis_from(read("mypy", job_of(tree, "a.py", "bad.py"), twice, 2).analysis or {})
    assert (analysis.read, analysis.unreadable) == (frozenset(), frozenset({"bad.py"}))


@pytest.mark.parametrize(
    ("files", "configured"),
    [
        ({"mypy.ini": ""}, {"mypy"}),
        ({"pyproject.toml": "[tool.mypy]\n[tool.bandit]\n"}, {"mypy", "bandit"}),
        ({"pyproject.toml": "[tool.ruff]\n"}, set()),
        ({"sub/mypy.ini": ""}, set()),
        ({"eslint.config.mjs": "", "tsconfig.json": ""}, {"eslint", "tsc"}),
        ({"Cargo.toml": "[package]\n", "go.mod": ""}, {"clippy", "go-vet"}),
    ],
)
def test_an_analyzer_is_on_where_the_repository_configures_it(
    tree: Path, files: dict[str, str], configured: set[str]
) -> None:
    for name, text in files.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text)
    on = {name for name, row in ROWS.items() if analyzer_table.is_configured(row, tree, frozenset(files))}
    assert on == configured


def test_a_link_and_a_pipe_have_no_first_line(tree: Path) -> None:
    import os

    (tree.parent / "outside").write_text("#!/bin/sh\n")
    (tree / "link").symlink_to(tree.parent / "outside")
    os.mkfifo(tree / "pipe")
    assert [kind_of(name, tree) for name in ("link", "pipe", "missing")] == ["other"] * 3


def test_names_are_never_options_and_lists_of_arguments_are_bounded(tree: Path) -> None:
    files = [f"-{'x' * 200}-{number}\n.sh" for number in range(2000)]
    steps = Tabled(ROWS["shellcheck"], Config()).steps(job_of(tree, *files))
    given = [word for step in steps for word in step.argv[step.argv.index("--") + 1 :]]
    assert sorted(given) == sorted(f"./{file}" for file in files)
    assert len(steps) > 1
    assert all(sum(len(word) + 1 for word in step.argv) < 128 * 1024 for step in steps)


PYTHON = 'import subprocess\nx = "é😀"; subprocess.call("ls", shell=True); y: int = "é😀" + 1; teh = 2; eval("1")\n'
JAVASCRIPT = 'const x = "é😀"; eval("1"); debugger; if (x == 1) { teh = 1 }\n'


@pytest.mark.parametrize(
    ("name", "file", "text", "rule", "column"),
    [
        ("bandit", "u.py", PYTHON, "B307", PYTHON.split("\n")[1].index("eval") + 1),
        ("typos", "u.py", PYTHON, "typo", PYTHON.split("\n")[1].index("teh") + 1),
        ("semgrep", "u.py", PYTHON, "no-eval", PYTHON.split("\n")[1].index("eval") + 1),
        ("pyright", "u.py", PYTHON, "reportOperatorIssue", PYTHON.split("\n")[1].index('"é😀" +') + 1),
        ("ast-grep", "u.py", PYTHON, "no-eval", PYTHON.split("\n")[1].index("eval") + 1),
        ("oxlint", "u.js", JAVASCRIPT, "eslint/no-eval", JAVASCRIPT.index("eval") + 1),
        ("eslint", "u.js", JAVASCRIPT, "no-eval", JAVASCRIPT.index("eval") + 1),
        ("biome", "u.js", JAVASCRIPT, "suspicious/noDebugger", JAVASCRIPT.index("debugger") + 1),
        ("tsc", "u.ts", 'export const x = "é😀"; export const y: number = "1";\n', "TS2322", 37),
        ("cppcheck", "u.c", 'int f(void) { const char *s = "é😀"; int x; return x + s[0]; }\n', "uninitvar", 51),
    ],
)
def test_a_column_counts_characters_whatever_the_tool_counts(
    tree: Path, name: str, file: str, text: str, rule: str, column: int
) -> None:
    (tree / file).write_text(text, encoding="utf-8")
    (report,) = (REPORTS / "columns").glob(f"{name}.*")
    product = read(name, job_of(tree, file), report.read_bytes().replace(b"TREE/", f"{tree}/".encode()), 1)
    columns = {each["rule_id"]: each["column"] for each in (product.output or {})["findings"]}
    assert columns[rule] == column


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_the_quote_of_a_line_is_text_in_any_encoding_with_a_mark(tree: Path, encoding: str) -> None:
    (tree / "u.ts").write_text('export const y: number = "é";\n', encoding=encoding)
    product = read("tsc", job_of(tree, "u.ts"), b"u.ts(1,14): error TS2322: Wrong.\n", 2)
    (finding,) = (product.output or {})["findings"]
    assert finding["quote"] == 'export const y: number = "é";'


def test_sources_are_divided_by_their_size_and_the_largest_come_last(tree: Path) -> None:
    for name, size in {"large.c": 300_000, "a.c": 100_000, "b.c": 100_000, "c.c": 100_000, "small.c": 1}.items():
        (tree / name).write_bytes(b"\n" * size)
    steps = Tabled(ROWS["cppcheck"], Config()).steps(job_of(tree, "large.c", "a.c", "b.c", "gone.c", "c.c", "small.c"))
    assert [step.files for step in steps] == [("gone.c", "small.c", "a.c", "b.c"), ("c.c",), ("large.c",)]


def test_what_a_process_had_done_before_its_time_was_over_counts(tree: Path) -> None:
    job = job_of(tree, "a.c", "b.c", "c.c")
    tool = Tabled(ROWS["cppcheck"], Config())
    (step,) = tool.steps(job)
    reported = b"a.c\t1\t2\terror\tuninitvar\tUninitialized variable: x\n"
    died = StepResult(step, -15, reported + b"Check time: a.c: 0.1s\nc.c\t1\t2\terror\tmemle")
    assert step.instead is not None
    again = step.instead(died)
    assert [each.files for each in again] == [("b.c",), ("c.c",)]
    ended = [StepResult(again[0], 0, b"Check time: b.c: 0.1s\n"), StepResult(again[1], -15, b"")]
    product = tool.product(job, [died, *ended])
    assert [(each["file"], each["rule_id"]) for each in (product.output or {})["findings"]] == [("a.c", "uninitvar")]
    analysis = analysis_from(product.analysis or {})
    assert (analysis.read, analysis.unreadable) == ({"a.c", "b.c"}, {"c.c"})


@pytest.mark.parametrize(
    ("name", "file", "text", "rules"),
    [
        ("shellcheck", "a.sh", "# shellcheck disable=SC2086,SC2046 # why\necho $1\n", ["SC2046", "SC2086", "why"]),
        ("oxlint", "a.js", "/* eslint-disable */\n", ["*"]),
        ("oxlint", "a.js", "x(); // oxlint-disable-line no-eval -- it is ours\n", ["no-eval"]),
        ("hadolint", "Dockerfile", "# hadolint ignore=DL3008\nRUN x\n", ["DL3008"]),
        ("cppcheck", "a.c", "// cppcheck-suppress uninitvar\n", ["uninitvar"]),
        ("shellcheck", "a.sh", "# shellcheck shell=sh disable=2086\n", ["2086", "SC2086"]),
        ("shellcheck", "a.sh", "# shellcheck enable=all disable=all\n", ["*", "all"]),
        ("shellcheck", "a.sh", "# shellcheck disable=SC2000-SC2999\n", ["*", "SC2000-SC2999"]),
        ("hadolint", "Dockerfile", "# hadolint global ignore =  DL3008\n", ["DL3008"]),
        ("oxlint", "a.js", "/* eslint-disable no-eval,\n no-new */\n", ["*", "no-eval"]),
        ("cppcheck", "a.c", "// cppcheck-suppress arrayIndex*\n", ["*", "arrayIndex"]),
    ],
)
def test_a_comment_that_turns_a_rule_off_is_seen(tree: Path, name: str, file: str, text: str, rules: list[str]) -> None:
    (tree / file).write_text(text)
    empty = b"Check time: a.c: 0.1s\n" if ROWS[name].done else b""
    product = read(name, job_of(tree, file), empty)
    assert (product.analysis or {})["silenced"] == {file: rules}


@pytest.mark.parametrize("rules", ["SC1071", "SC1054,SC1072,SC1073", "SC1000-SC1100"])
def test_a_file_whose_comment_hides_that_it_could_not_be_read_is_not_read(tree: Path, rules: str) -> None:
    (tree / "a.sh").write_text(f"#!/bin/sh\n# shellcheck disable={rules}\nif\n")
    analysis = read("shellcheck", job_of(tree, "a.sh"), b'{"comments": []}').analysis or {}
    assert (analysis["read"], analysis["unreadable"], analysis["silenced"]) == ([], ["a.sh"], {})


@pytest.mark.parametrize(
    "output", [b"no report", b"{", b'{"comments": [{"file": 3}, 7, null]}', b'{"comments": 3}', b"[]"]
)
def test_a_report_of_another_form_is_refused_or_empty_and_never_an_error(tree: Path, output: bytes) -> None:
    try:
        product = read("shellcheck", job_of(tree, "a.sh"), output)
    except UnusableOutput:
        return
    assert (product.output or {})["findings"] == []
