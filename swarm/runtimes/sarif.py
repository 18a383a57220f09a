"""SARIF 2.1.0 as agent output: of any tool, for the `sarif` runtime and for `collect --domain NAME:FILE.sarif`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from swarm.config import Config, RuntimeConfig
from swarm.rules.phases import LENSES, Lens, Phase, is_audit
from swarm.runtimes import programs, severities
from swarm.runtimes.command import argv_hash, filled, found_program, passed_on
from swarm.runtimes.own_tree import inside
from swarm.runtimes.runtime import Job, ProcessStep, Product, Program, StepResult, UnusableOutput

_LEVEL_DEFAULT: Final = "warning"
_SECURITY_LEVELS: Final = ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.0, "LOW"))


class Sarif:
    """Launches any command that writes SARIF, to `{output_file}` or to its stdout."""

    is_analyzer = True
    is_trusted = False
    suffixes: tuple[str, ...] = ()

    def __init__(self, runtime: RuntimeConfig, config: Config) -> None:
        self.name = runtime.name
        self._runtime = runtime
        self._config = config

    def program(self) -> Program:
        """Return the tool that would be launched."""
        return found_program(self._runtime)

    def supports(self, phase: Phase) -> bool:
        """A tool of this kind reports defects, so it serves every audit but that of features."""
        return is_audit(phase) and LENSES[phase] is not Lens.FEATURE

    def config_hash(self, tree: Path, files: Sequence[str], phase: Phase) -> str:
        """Return a digest of the command line."""
        del tree, files, phase
        return argv_hash(self._runtime)

    def steps(self, job: Job) -> list[ProcessStep]:
        """Return the process of the tool; exit code 1 means that the analyzer has findings."""
        written = job._replace(output_path=job.attempt_folder / "report.sarif")
        argv = tuple(filled(part, written) for part in self._runtime.argv)
        program = programs.found(argv[0]) or argv[0]
        return [ProcessStep((program, *argv[1:]), accepts=(0, 1), environment=passed_on(self._runtime))]

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        """Turn the SARIF that the tool wrote into an audit output."""
        from swarm import errors
        from swarm.documents import parse_bounded, read_bounded

        written = job.attempt_folder / "report.sarif"
        try:
            body = read_bounded(written) if written.exists() else results[0].stdout
            log = parse_bounded(body, written.name)
        except errors.SwarmError as error:
            raise UnusableOutput(error.message) from error
        own = (self._config.severities.get(self.name, {}), self._config.categories.get(self.name, {}))
        return Product(output_of(log, job.domain, job.phase, job.tree, *own), analysis_of(log, job.tree))


def output_of(
    log: Any,
    domain: str,
    phase: Phase,
    root: Path | None = None,
    own_severities: Mapping[str, str] | None = None,
    own_categories: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a SARIF log as an audit output. Results that are suppressed or absent are left out.

    `root` is the folder that absolute file URIs are under. Raises UnusableOutput.
    """
    if not isinstance(log, dict) or not isinstance(log.get("runs"), list):
        raise UnusableOutput("it is no SARIF log: it has no runs")
    findings: list[dict[str, Any]] = []
    tools: list[str] = []
    for number, run in enumerate(log["runs"]):
        if not isinstance(run, dict) or not isinstance(_at(run, "tool", "driver"), dict):
            raise UnusableOutput(f"it is no SARIF log: $.runs[{number}] has no tool")
        driver = run["tool"]["driver"]
        tools.append(" ".join(str(driver[key]) for key in ("name", "version") if driver.get(key)))
        rules = {str(rule.get("id")): rule for rule in _objects(driver.get("rules"))}
        for result in _objects(run.get("results")):
            if result.get("suppressions") or result.get("baselineState") == "absent":
                continue
            finding = _finding(result, rules, root, own_severities or {}, own_categories or {})
            findings.append({"id": f"{domain}-{len(findings) + 1:04d}", **finding})
    summary = f"{', '.join(filter(None, tools)) or 'a tool'} reports {len(findings)} findings."
    return {"domain": domain, "stage": LENSES[phase].value, "summary": summary, "findings": findings}


def analysis_of(log: Any, root: Path | None = None) -> dict[str, Any] | None:
    """Return what the tool says that it analysed, `None` where its log does not say it: then silence proves nothing."""
    runs = log["runs"]
    if (
        len(runs) != 1
        or not _objects(runs[0].get("artifacts"))
        or not _objects(_at(runs[0], "tool", "driver", "rules"))
    ):
        return None
    successful = all(step.get("executionSuccessful", True) for step in _objects(runs[0].get("invocations")))
    targets = [
        _path(_at(artifact, "location", "uri"), root)
        for artifact in _objects(runs[0]["artifacts"])
        if isinstance(roles := artifact.get("roles"), list) and "analysisTarget" in roles
    ]
    if not successful or not targets:
        return None
    rules = sorted(str(rule.get("id")) for rule in _objects(_at(runs[0], "tool", "driver", "rules")))
    return {"roots": [{"root": "", "rules": rules}], "suffixes": [], "read": sorted(filter(None, targets))}


def _finding(
    result: dict[str, Any],
    rules: Mapping[str, dict[str, Any]],
    root: Path | None,
    own_severities: Mapping[str, str],
    own_categories: Mapping[str, str],
) -> dict[str, Any]:
    rule_id = str(result.get("ruleId") or _at(result, "rule", "id") or "unknown")
    rule = rules.get(rule_id) or {}
    place = _at(next(iter(_objects(result.get("locations"))), None), "physicalLocation")
    region = _at(place, "region")
    description = _at(result, "message", "text") or _at(rule, "shortDescription", "text") or rule_id
    finding: dict[str, Any] = {
        "severity": severities.looked_up(rule_id, own_severities) or _severity(result, rule),
        "category": severities.looked_up(rule_id, own_categories) or _category(rule),
        "description": str(description),
        "rule_id": rule_id,
    }
    if (file := _path(_at(place, "artifactLocation", "uri"), root)) is not None:
        finding["file"] = file
    line, column = _at(region, "startLine"), _at(region, "startColumn")
    # A boolean is an integer to Python, but not to JSON.
    if type(line) is int:
        finding["line"] = line
        finding["column"] = column if type(column) is int else 1
    if quote := _at(region, "snippet", "text"):
        finding["quote"] = str(quote)
    if advice := _at(rule, "help", "text"):
        finding["recommendation"] = str(advice)
    return finding


def _severity(result: dict[str, Any], rule: dict[str, Any]) -> str:
    score = _at(rule, "properties", "security-severity")
    try:
        if score is not None:
            return next(name for least, name in _SECURITY_LEVELS if float(score) >= least)
    except (TypeError, ValueError, StopIteration):
        pass
    level = result.get("level") or _at(rule, "defaultConfiguration", "level") or _LEVEL_DEFAULT
    return severities.SARIF_LEVELS.get(str(level), "MEDIUM")


def _category(rule: dict[str, Any]) -> str:
    listed = _at(rule, "properties", "tags")
    tags = {str(tag).lower() for tag in listed} if isinstance(listed, list) else set()
    return "security" if "security" in tags or _at(rule, "properties", "security-severity") else "quality"


def _path(uri: Any, root: Path | None) -> str | None:
    if not isinstance(uri, str) or not uri:
        return None
    try:
        parts = urlsplit(uri)
        path = unquote(parts.path if parts.scheme == "file" else uri)
    except ValueError:
        # No URI at all, such as `//[`: judge the text as a path.
        path = unquote(uri)
    return path.removeprefix("./") if root is None else inside(root, path)


def _objects(listed: Any) -> list[dict[str, Any]]:
    """Return the objects of a value that is a list, else none."""
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _at(document: Any, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document
