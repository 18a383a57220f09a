"""SARIF 2.1.0 as agent output: of any tool, for the `sarif` runtime and for `collect --domain NAME:FILE`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from swarm.config import Config, RuntimeConfig
from swarm.rules.phases import LENSES, Lens, Phase, is_audit
from swarm.runtimes import programs, severities
from swarm.runtimes.command import argv_hash, filled, found_program, passed_on
from swarm.runtimes.own_tree import TreeFiles
from swarm.runtimes.runtime import (
    CliFacts,
    Job,
    ProcessStep,
    Product,
    Program,
    StepResult,
    ToolFailed,
    UnusableOutput,
)
from swarm.sarif.log import NoLog, Read, read
from swarm.sarif.places import Files
from swarm.sarif.problems import CODES, RefusedPart

# What tools that write SARIF end with: nothing found, and something found.
_USUAL_EXITS: Final = (0, 1)
_EVERY_EXIT: Final = tuple(range(256))
_LONGEST_STORED: Final = 512
_LONGEST_TOOL: Final = 40
_NO_ID: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Sarif:
    """Launches any command that writes SARIF, to `{output_file}` or to its stdout."""

    is_analyzer = True
    agent: CliFacts | None = None
    is_trusted = False
    writes_tree = False

    def __init__(self, runtime: RuntimeConfig, config: Config) -> None:
        self.name = runtime.name
        self._runtime = runtime
        self._config = config

    def reads(self, tree: Path, paths: Sequence[str]) -> list[str]:
        """Return every path: a tool may read any file of the tree in which it is run."""
        del tree
        return list(paths)

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
        """Return the process of the tool. Without `accepts`, `product` judges an unusual exit code by the log."""
        written = job._replace(output_path=job.attempt_folder / "report.sarif")
        argv = tuple(filled(part, written) for part in self._runtime.argv)
        program = programs.found(argv[0]) or argv[0]
        accepts = self._runtime.accepts or _EVERY_EXIT
        return [ProcessStep((program, *argv[1:]), accepts=accepts, environment=passed_on(self._runtime))]

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        """Turn the SARIF that the tool wrote into an audit output. Raises UnusableOutput and ToolFailed."""
        code = results[0].exit_code
        is_usual = bool(self._runtime.accepts) or code in _USUAL_EXITS
        try:
            found = self._read(job, results)
        except UnusableOutput as error:
            if is_usual:
                raise
            raise ToolFailed(f"exit code {code}") from error
        # Tools end with numbers of their own when they found something; the log must then say that all went well.
        if not is_usual and not found.says_success:
            raise ToolFailed(f"exit code {code}")
        # Tools end with 1 for what they found, and for what failed.
        if code and not self._runtime.accepts and not found.says_success and not found.has_results:
            raise ToolFailed(f"exit code {code}, and its log has no results")
        if not found.is_whole and not found.findings and not found.unread:
            raise UnusableOutput(found.refused[0].message if found.refused else "its log is not whole")
        own = (self._config.severities.get(self.name, {}), self._config.categories.get(self.name, {}))
        return Product(output_of(found, job.domain, job.phase, *own), found.analysis)

    def _read(self, job: Job, results: Sequence[StepResult]) -> Read:
        from swarm import errors
        from swarm.documents import read_bounded
        from swarm.runtimes.sarif_files import log_in

        written = job.attempt_folder / "report.sarif"
        try:
            body = read_bounded(written) if written.exists() else results[0].stdout
            log = log_in(body, written.name)
        except errors.SwarmError as error:
            raise UnusableOutput(error.message) from error
        return log_of(log, TreeFiles((job.tree,)))


def refused_parts(output: Mapping[str, Any]) -> Iterator[RefusedPart]:
    """Yield the parts of a log that its reading left out, as `output_of` lists them."""
    listed = output.get("refused")
    for part in listed if isinstance(listed, list) else ():
        values = [part.get(key) for key in ("code", "path", "message")] if isinstance(part, dict) else []
        words = [value[:_LONGEST_STORED] for value in values if isinstance(value, str)]
        # The key is ours; an agent may write anything under it, which counts only in our form.
        if len(words) == len(values) and words and words[0] in CODES:
            files = part.get("files")
            named = tuple(file for file in files if isinstance(file, str)) if isinstance(files, list | tuple) else ()
            yield RefusedPart(words[0], words[1], words[2], named)


def log_of(log: Any, files: Files | None = None) -> Read:
    """Read a SARIF log. Raises UnusableOutput."""
    try:
        return read(log, files)
    except NoLog as error:
        raise UnusableOutput(str(error)) from error


def output_in(trees: Sequence[Path], log: Any, domain: str, phase: Phase) -> dict[str, Any]:
    """Return a SARIF log about the files of some trees as an audit output. Raises UnusableOutput."""
    files = TreeFiles(tuple(dict.fromkeys(trees)))
    read_log = log_of(log, files)
    output = output_of(read_log, domain, phase)
    # The ids of a report are its tool's: the sightings of a finding show who reported it.
    tools = {_NO_ID.sub("-", tool).strip("-")[:_LONGEST_TOOL] for tool in read_log.tools}
    prefix = tools.pop() if len(tools) == 1 else ""
    for number, finding in enumerate(output["findings"], 1):
        finding["id"] = f"{prefix or domain}-{number:04d}"
        # A relative path is below the checkout, where the folder of worktrees is too.
        if (plain := files.of_worktree(finding.get("file") or "")) is not None:
            finding["file"] = plain
    return output


def output_of(
    found: Read,
    domain: str,
    phase: Phase,
    own_severities: Mapping[str, str] | None = None,
    own_categories: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a SARIF log as an audit output; `refused` lists the parts of the log that do not count."""
    findings = []
    for number, finding in enumerate(found.findings, 1):
        rule = finding["rule_id"]
        own = {
            "severity": severities.looked_up(rule, own_severities or {}),
            "category": severities.looked_up(rule, own_categories or {}),
        }
        findings.append(
            {"id": f"{domain}-{number:04d}", **finding, **{key: word for key, word in own.items() if word is not None}}
        )
    tools = ", ".join(dict.fromkeys(filter(None, found.tools))) or "a tool"
    summary = f"{tools} reports {len(findings):,} {'finding' if len(findings) == 1 else 'findings'}."
    output = {"domain": domain, "stage": LENSES[phase].value, "summary": summary[:2000], "findings": findings}
    return output | ({"refused": [part._asdict() for part in found.refused]} if found.refused else {})
