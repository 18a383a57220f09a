"""Reports in formats that swarm does not read, known by their form, and how their tools write SARIF."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple


class Foreign(NamedTuple):
    """A report that is no SARIF log: what it is, and how to get SARIF."""

    kind: str
    remedy: str


class _Form(NamedTuple):
    """A format in JSON: `keys` are those of the document, or of the first object of its list."""

    foreign: Foreign
    keys: frozenset[str]
    is_list: bool = False


def _of_tool(tool: str, words: str, keys: Collection[str], *, is_list: bool = False) -> _Form:
    return _Form(Foreign(f"{tool}'s own JSON", f"`{words}` writes SARIF"), frozenset(keys), is_list)


def _run_by_swarm(tool: str, keys: Collection[str], *, is_list: bool = False) -> _Form:
    remedy = f"{tool} writes no SARIF, and `swarm audit . --runtime {tool}` runs it"
    return _Form(Foreign(f"{tool}'s own JSON", remedy), frozenset(keys), is_list)


_ESLINT: Final = "eslint --format @microsoft/eslint-formatter-sarif --output-file eslint.sarif ."
_ANY: Final = "let its tool write SARIF 2.1.0, or convert it"
# The first that fits: forms with more keys stand before those with fewer.
_FORMS: Final = (
    _of_tool("ESLint", _ESLINT, {"filePath", "messages"}, is_list=True),
    _of_tool(
        "ruff",
        "ruff check --output-format sarif --output-file ruff.sarif",
        {"code", "filename", "location", "message"},
        is_list=True,
    ),
    _run_by_swarm("shellcheck", {"code", "endLine", "file", "fix", "level"}, is_list=True),
    _of_tool(
        "hadolint", "hadolint --format sarif Dockerfile", {"code", "column", "file", "level", "line"}, is_list=True
    ),
    _of_tool("sqlfluff", "sqlfluff lint --format sarif .", {"filepath", "violations"}, is_list=True),
    _of_tool(
        "gitleaks",
        "gitleaks git --report-format sarif --report-path gitleaks.sarif",
        {"RuleID", "StartLine"},
        is_list=True,
    ),
    _Form(Foreign("a report for GitLab's Code Quality", _ANY), frozenset({"fingerprint", "location"}), is_list=True),
    _of_tool("bandit", "bandit --format sarif --output bandit.sarif --recursive .", {"errors", "metrics", "results"}),
    _of_tool("Semgrep", "semgrep scan --sarif --output semgrep.sarif", {"errors", "paths", "results"}),
    _of_tool("golangci-lint", "golangci-lint run --output.sarif.path=golangci-lint.sarif", {"Issues", "Report"}),
    _of_tool("Trivy", "trivy fs --format sarif --output trivy.sarif .", {"ArtifactName", "SchemaVersion"}),
    _of_tool("Biome", "biome lint --reporter=sarif", {"command", "diagnostics", "summary"}),
    _of_tool("oxlint", "oxlint --format=sarif", {"diagnostics", "number_of_files"}),
    _run_by_swarm("pyright", {"generalDiagnostics", "summary"}),
    _run_by_swarm("shellcheck", {"comments"}),
    _Form(Foreign("reviewdog's own JSON", _ANY), frozenset({"diagnostics", "source"})),
    _Form(Foreign("a report for SonarQube", _ANY), frozenset({"issues", "rules"})),
)
_BEFORE_ROOT: Final = r"<\?[^>]{0,1000}>|<!DOCTYPE[^>]{0,1000}>|<!--.{0,10000}?-->"
_XML: Final = re.compile(rf"\s*(?:(?:{_BEFORE_ROOT})\s*)*<([A-Za-z][\w.:-]{{0,100}})", re.DOTALL)
_ROOTS: Final = {
    "checkstyle": Foreign("a report in Checkstyle's XML", "ESLint, Checkstyle and other tools write SARIF, too"),
    "testsuite": Foreign("a JUnit report of tests", "`swarm verify` runs the tests; collect takes SARIF 2.1.0"),
    "pmd": Foreign("a report in PMD's XML", "`pmd check --format sarif` writes SARIF"),
    "bugcollection": Foreign("a report in SpotBugs' XML", "`spotbugs -sarif` writes SARIF"),
    "results": Foreign("a report in cppcheck's XML", "`cppcheck --output-format=sarif` writes SARIF"),
}
_ROOTS_ALIKE: Final = {"testsuites": "testsuite"}


def named_of(value: Any) -> Foreign | None:
    """Return the name of the format of a JSON value, `None` where it is not known."""
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    first = value[0] if is_list and value else value
    keys: Collection[str] = first.keys() if isinstance(first, Mapping) else ()
    return next((form.foreign for form in _FORMS if form.is_list == is_list and form.keys.issubset(keys)), None)


def named_of_text(text: str) -> Foreign | None:
    """Return the name of the format of a text that is no JSON, `None` where it is not known."""
    if (found := _XML.match(text)) is None:
        return None
    root = found[1].rpartition(":")[2].lower()
    return _ROOTS.get(_ROOTS_ALIKE.get(root, root)) or Foreign("XML", _ANY)
