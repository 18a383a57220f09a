"""The `ruff` runtime: an analyzer for Python that needs no model and no network.

Ruff runs in the wave's tree: with the configuration of the tree, or without a configuration with a selection of rules
for the phase's lens. Exit codes and the JSON of `ruff check --output-format json`
are ruff's own, as its documentation gives them.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

from swarm.config import Config
from swarm.installed import install_command
from swarm.rules.phases import AUDIT_PHASES, LENSES, Lens, Phase, is_audit
from swarm.runtimes import programs, severities
from swarm.runtimes.file_kinds import of_kinds
from swarm.runtimes.notebook_rows import passed_over
from swarm.runtimes.own_tree import inside
from swarm.runtimes.quotes import quote_lines
from swarm.runtimes.ruff_config import CONFIG_NAMES, is_uniform, leads_outside, resolved, rules_on
from swarm.runtimes.ruff_fixes import amended
from swarm.runtimes.ruff_groups import BARE, groups_of
from swarm.runtimes.ruff_results import (
    SETTINGS,
    by_root,
    is_unreadable,
    key_of,
    list_commented,
    reports_of,
    with_first_error,
)
from swarm.runtimes.ruff_rounds import RuffCheck, RuffRounds
from swarm.runtimes.runtime import CliFacts, Job, ProcessStep, Product, Program, StepResult, UnusableOutput
from swarm.runtimes.undo_fixes import take_back

SUFFIXES: Final = (".py", ".pyi", ".ipynb")
# What each lens asks of a project that has no ruff configuration of its own.
SELECTIONS: Final = {
    Lens.A: ("E4", "E7", "E9", "F", "B", "S", "PLE", "ASYNC", "YTT"),
    Lens.B: ("BLE", "TRY", "LOG", "G", "DTZ", "FA", "PLW", "RUF006"),
    Lens.C: ("EM", "INT", "T20"),
}
IGNORED: Final = ("S101",)
_UNSILENCED: Final = "unsilenced-"
# A list of files in UTF-8, with a name on each line, cannot hold these names: their files count as unread.
_UNTELLABLE: Final = re.compile("[\n\r\U0010ff80-\U0010ffff]")


class Ruff:
    """Launches ruff over the Python files of a domain."""

    name = "ruff"
    is_analyzer = True
    agent: CliFacts | None = None
    is_trusted = True
    writes_tree = False

    def __init__(self, config: Config) -> None:
        self._config = config
        # Of the amend attempts under way, by their folder.
        self._rounds: dict[Path, RuffRounds] = {}
        own = config.severities.get("ruff", {})
        self._severities = severities.RuleSeverities(own, severities.RUFF_IN_TESTS, severities.RUFF_SEVERITIES)
        self._categories = severities.RuleWords(config.categories.get("ruff", {}), severities.RUFF_CATEGORIES)

    def reads(self, tree: Path, paths: Sequence[str]) -> list[str]:
        """Return the Python files, the notebooks, and the scripts that name Python in their first line."""
        return of_kinds(paths, ("Python",), tree)

    def program(self) -> Program:
        """Return the ruff that would be launched."""
        path = programs.bundled("ruff")
        argv = (
            path or "ruff",
            "check",
            "--output-format=json",
            "--exit-zero",
            "--no-cache",
            "--no-fix",
            "@FILES",
        )
        if path is None:
            why = f"not installed: {install_command('[analyzers]')}"
            if within := programs.found("ruff"):
                why = f"{within} is a program of the repository, and not run; {why}"
            return Program(None, programs.no_version, argv, why)
        return Program(path, programs.asked((path, "--version")), argv)

    def supports(self, phase: Phase) -> bool:
        """Ruff audits under lenses A to C, and fixes its findings."""
        return LENSES[phase] in SELECTIONS

    def config_hash(self, tree: Path, files: Sequence[str], phase: Phase) -> str:
        """Return a digest of the selection for the phase and of every ruff table in the tree, extended ones too."""
        named = sorted(name for name in files if name.rpartition("/")[2] in CONFIG_NAMES)
        tables = resolved(tree, named)
        document = json.dumps([self._selection(phase), IGNORED, tables], sort_keys=True, default=str)
        return hashlib.sha256(document.encode()).hexdigest()[:16]

    def steps(self, job: Job) -> list[ProcessStep]:
        """Return for each root of configuration: settings, files beside the check, and a check without comments.

        In an amend phase, return checks of the files with assigned findings, whose reports hold the fixes.
        """
        job = job._replace(files=self.reads(job.tree, job.files))
        if self._leads_outside(job):
            return []
        if not is_audit(job.phase):
            self._rounds[job.attempt_folder] = rounds = self._rounds_of(job)
            return rounds.steps()
        program = self.program().path or "ruff"
        found: list[ProcessStep] = []
        for number, (root, files) in enumerate(self._groups(job)):
            arguments = job.attempt_folder / f"files-{number}.txt"
            arguments.write_text("".join(f"./{file}\n" for file in files), encoding="utf-8")
            own = self._own_arguments(job.phase, root)
            begin, listed = (
                (program, "check", "--no-cache", "--no-fix", "--force-exclude", *own),
                f"@{arguments}",
            )
            report = ("--exit-zero", "--output-format=json")
            found += [
                # Settings of an excluded file are those of its root too, and with the exclusion ruff would print none.
                ProcessStep(
                    (*(word for word in begin if word != "--force-exclude"), "--show-settings", f"./{files[0]}"),
                    log=f"{SETTINGS}{number}",
                ),
                ProcessStep((*begin, "--show-files", listed), log=f"files-{number}", beside=True),
                ProcessStep((*begin, *report, listed), log="stdout", beside=True),
            ]
            commented = job.attempt_folder / f"commented-{number}.txt"
            found.append(
                ProcessStep(
                    (*begin, *report, "--ignore-noqa", f"@{commented}"),
                    log=f"{_UNSILENCED}{number}",
                    before=partial(list_commented, job.tree, files, commented),
                )
            )
        return found

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        """Turn ruff's reports into an audit output, and list the files and the rules that they were read with.

        In an amend phase, write the fixes of the assigned findings into the tree, and list them.
        """
        job = job._replace(files=self.reads(job.tree, job.files))
        if problem := self._leads_outside(job):
            # Refused as a whole: without its configuration ruff would answer another question than it was asked.
            raise UnusableOutput(f"{problem}; ruff was not run")
        if not is_audit(job.phase):
            done = self._rounds.pop(job.attempt_folder).fixed(results)
            return Product(amended("ruff", self.program().version, job, done))
        # A file has many reports.
        named = cache(partial(inside, job.tree))
        findings: list[dict[str, Any]] = []
        read: set[str] = set()
        silenced: defaultdict[str, set[str]] = defaultdict(set)
        silenced_lines: list[tuple[str, str, int, str]] = []
        # A name that no list of files can hold is as unreadable as a file that does not parse.
        unreadable = set(filter(_UNTELLABLE.search, job.files))
        roots: list[dict[str, Any]] = []
        for (root, files_of_group), group in zip(self._groups(job), by_root(results), strict=True):
            if any(result.is_cut for result in group):
                # Without the beginning of a report nobody knows whose defects it left out.
                unreadable |= set(files_of_group)
                continue
            settings, files, check, *without_comments = (result.stdout for result in group)
            reports = reports_of(check, job.tree)
            reported = {key_of(report) for report in reports}
            for report in chain.from_iterable(reports_of(each, job.tree) for each in without_comments):
                if key_of(report) not in reported and report["code"]:
                    file = named(report["filename"])
                    silenced[file].add(report["code"])
                    silenced_lines.append((file, report["code"], report["location"]["row"], report["message"]))
            listed = files.decode("utf-8", "replace").split("\n")
            read |= {named(line) for line in listed if line}
            unreadable |= {named(report["filename"]) for report in reports if is_unreadable(report)}
            roots.append({"root": root, "rules": rules_on(settings), "uniform": is_uniform(settings)})
            findings += [self._finding(named(each["filename"]), each) for each in with_first_error(reports)]
        read -= unreadable
        read -= passed_over(job.tree, read)
        findings.sort(key=lambda item: (item["file"], item["line"], item["column"], item["rule_id"]))
        quote_lines(job.tree, findings)
        for number, finding in enumerate(findings, 1):
            finding["id"] = f"{job.domain}-{number:04d}"
        analysis = {
            "roots": roots,
            "suffixes": list(SUFFIXES),
            "also_read": sorted(file for file in read if not file.endswith(SUFFIXES)),
            "unread": sorted(set(job.files) - read),
            "unreadable": sorted(unreadable),
            "silenced": {file: sorted(rules) for file, rules in sorted(silenced.items())},
            "silenced_lines": sorted(silenced_lines),
        }
        return Product(self._output(job, findings, len(read)), analysis)

    def _rounds_of(self, job: Job) -> RuffRounds:
        program = self.program().path or "ruff"
        wanted = {finding.file for finding in job.assigned}
        some = job._replace(files=[file for file in job.files if file in wanted])
        take_back(job.tree, job.attempt_folder.parent, some.files)
        audit = next(phase for phase in AUDIT_PHASES if LENSES[phase] == LENSES[job.phase])
        checks: list[RuffCheck] = []
        for number, (root, files) in enumerate(self._groups(some)):
            listed = job.attempt_folder / f"files-{number}.txt"
            begin = (program, "check", "--no-cache", "--no-fix", "--force-exclude")
            report = (*self._own_arguments(audit, root), "--exit-zero", "--output-format=json", f"@{listed}")
            checks.append(RuffCheck(files, listed, (*begin, *report)))
        return RuffRounds(job, checks, unsafe=self._config.ruff_unsafe_fixes)

    def _output(self, job: Job, findings: list[dict[str, Any]], files: int) -> dict[str, Any]:
        version = self.program().version or "of unknown version"
        return {
            "domain": job.domain,
            "stage": LENSES[job.phase].value,
            "summary": f"ruff {version} read {files} files and reports {len(findings)} findings.",
            "findings": findings,
        }

    def _finding(self, file: str, report: dict[str, Any]) -> dict[str, Any]:
        rule = report["code"] or report.get("name") or "invalid-syntax"
        place, fix = report["location"], report.get("fix") or {}
        return {
            "id": "",
            "severity": self._severities.of(rule, file),
            "category": self._categories.of(rule),
            "description": report["message"],
            "file": file,
            "line": place["row"],
            "column": place["column"],
            "rule_id": rule,
            "fixable": self._can_fix(fix),
            "recommendation": fix.get("message") or (f"See {report['url']}" if report.get("url") else ""),
        }

    def _can_fix(self, fix: dict[str, Any]) -> bool:
        # What an amend wave would apply: unsafe fixes change what the code means.
        taken = {"safe", "unsafe"} if self._config.ruff_unsafe_fixes else {"safe"}
        return fix.get("applicability") in taken

    def _selection(self, phase: Phase) -> tuple[str, ...]:
        return self._config.ruff_select.get(phase.value, SELECTIONS.get(LENSES[phase], ()))

    def _own_arguments(self, phase: Phase, root: str) -> tuple[str, ...]:
        selection = self._selection(phase)
        if phase is Phase.HEALTH_AUDIT_A and root != BARE and phase.value not in self._config.ruff_select:
            return ()
        isolated = ("--isolated", f"--ignore={','.join(IGNORED)}") if root == BARE else ()
        return (*isolated, f"--select={','.join(selection)}")

    def _leads_outside(self, job: Job) -> str | None:
        folders = {""}
        for file in self._readable(job):
            folder = file.rpartition("/")[0]
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
        return next(filter(None, (leads_outside(job.tree, folder) for folder in sorted(folders))), None)

    def _groups(self, job: Job) -> list[tuple[str, list[str]]]:
        return groups_of(job.tree, self._readable(job))

    def _readable(self, job: Job) -> list[str]:
        return [file for file in job.files if not _UNTELLABLE.search(file)]
