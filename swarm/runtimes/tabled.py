"""The analyzers of the table: each is launched as its row says, and its report is read as its row says."""

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from swarm.config import Config
from swarm.rules.phases import LENSES, Phase, is_audit
from swarm.runtimes import data_config, programs, reports, severities
from swarm.runtimes.analyzer_table import AnalyzerRow
from swarm.runtimes.batches import FileBatch, batches_of
from swarm.runtimes.file_kinds import read_by
from swarm.runtimes.files_read import (
    LIST,
    analysis_of,
    done_of,
    last_said,
    log_of_attempt,
    named_of,
    plain_name,
)
from swarm.runtimes.own_tree import RealPaths, TreeFiles
from swarm.runtimes.quotes import quote_lines
from swarm.runtimes.report_edits import edits_of
from swarm.runtimes.runtime import CliFacts, Job, ProcessStep, Product, Program, StepResult, UnusableOutput, bounds_of
from swarm.runtimes.tabled_fixes import FixesByEdits, FixesByFile, FixingTool, TabledFixes
from swarm.runtimes.undo_fixes import take_back

_NO_CATEGORY: Final = "quality"


class Tabled:
    """Launches an analyzer of the table over the files of its kinds."""

    is_analyzer = True
    agent: CliFacts | None = None

    def __init__(self, row: AnalyzerRow, config: Config) -> None:
        self.name = row.name
        # Of an analyzer that runs code of the repository, the sandbox is that of any program of the user's.
        self.is_trusted = not row.runs_code and not row.whole
        self.writes_tree = bool(row.fix)
        # Of the amend attempts under way, by their folder.
        self._fixes: dict[Path, TabledFixes] = {}
        self._row = row
        self._config = config
        self._quiet = {0, *row.quiet}
        own = config.severities.get(row.name, {})
        self._severities = severities.RuleSeverities(own, row.in_tests, row.severities)
        self._categories = severities.RuleWords(config.categories.get(row.name, {}), row.categories)

    def reads(self, tree: Path, paths: Sequence[str]) -> list[str]:
        """Return the files of the analyzer's kinds, by their names and their first lines."""
        return read_by(self._row, paths, tree)

    def program(self) -> Program:
        """Return the analyzer that would be launched."""
        # A program of the repository only where the user trusts the repository's programs.
        path = self._config.local_programs.get(self.name) or programs.bundled(self._row.command)
        argv = (path or self._row.command, *(word for word in self._row.argv if word != "{with_config}"))
        if path is None:
            why = f"not installed: {self._row.install}"
            if within := programs.found(self._row.command):
                why = f"{within} is a program of the repository, and not run; {why}"
            return Program(None, programs.no_version, argv, why)
        # Away from the checkout, whose `rust-toolchain.toml` would make `cargo` install a toolchain.
        return Program(path, programs.asked((path, *self._row.version), "/"), argv)

    def supports(self, phase: Phase) -> bool:
        """These analyzers report bugs, security and quality, in the first lens; some fix what they have found."""
        if phase is Phase.HEALTH_AMEND_A:
            return self._row.has_fixer
        return phase is Phase.HEALTH_AUDIT_A

    def config_hash(self, tree: Path, files: Sequence[str], phase: Phase) -> str:
        """Return a digest of the arguments and of every configuration in the tree, extended ones too."""
        del phase
        return data_config.digest(self._row, tree, files)

    def steps(self, job: Job) -> list[ProcessStep]:
        """Return the processes over batches of files; none where a configuration must not be used."""
        if not is_audit(job.phase):
            wanted = {finding.file for finding in job.assigned}
            job = job._replace(files=[file for file in self.reads(job.tree, job.files) if file in wanted])
            take_back(job.tree, job.attempt_folder.parent, job.files)
        if self._problem(job):
            return []
        if self._row.bare_text:
            _bare_file(job).write_text(self._row.bare_text, encoding="utf-8")
        if not is_audit(job.phase):
            kind = FixesByFile if self._row.fix else FixesByEdits
            self._fixes[job.attempt_folder] = fixes = kind(self._tool(job), job)
            return fixes.steps()
        listed = self._processes(job, self._row.lists, LIST)
        if not self.is_trusted:
            return [*listed, *self._processes(job, self._row.argv)]
        return [*listed, *(self._mortal(job, batch, at) for at, batch in enumerate(batches_of(self._row, job), 1))]

    def _processes(self, job: Job, argv: Sequence[str], log: str = "stdout") -> list[ProcessStep]:
        return [self._step(job, argv, log, batch) for batch in (batches_of(self._row, job) if argv else ())]

    def _step(self, job: Job, argv: Sequence[str], log: str, batch: FileBatch) -> ProcessStep:
        program = self.program().path or self._row.command
        words = (program, *self._filled(argv, job, batch))
        return ProcessStep(words, log=log, accepts=self._row.accepts, files=batch.files)

    def _mortal(self, job: Job, batch: FileBatch, at: int) -> ProcessStep:
        """Return the step of a batch that may die, and that is then taken file by file.

        A file can make an analyzer crash, fill the memory, or go on for ever: the others are read all the same.
        """
        of_batch, alone = bounds_of(job.config.attempt_seconds)

        def instead(died: StepResult) -> list[ProcessStep]:
            done = done_of(self._row, job, [died])
            batches = [FileBatch(batch.config, (file,)) for file in batch.files if file not in done]
            return [self._step(job, self._row.argv, "stdout", each)._replace(most=alone) for each in batches]

        # The outputs of processes side by side would mingle in a log.
        log = f"stdout-{at}" if batch.beside and at > 1 else "stdout"
        step = self._step(job, self._row.argv, log, batch)._replace(beside=batch.beside)
        if len(batch.files) == 1:
            return step._replace(most=of_batch)
        # What a process has done counts: the sooner it ends at a file that takes for ever, the more others are read.
        most = alone._replace(seconds=2 * alone.seconds) if self._row.done else of_batch
        return step._replace(most=most, instead=instead)

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        """Turn the reports into an audit output, and list the files that were read."""
        if problem := self._problem(job):
            # Refused as a whole: without its configuration the analyzer would answer another question.
            raise UnusableOutput(f"{problem}; {self.name} was not run")
        if not is_audit(job.phase):
            return self._fixes[job.attempt_folder].product(results)
        found: dict[tuple[object, ...], dict[str, Any]] = {}
        broken, died = set[str](), set[str]()
        real = RealPaths(job.tree)
        for result in results:
            if result.has_died and not (self._row.done or result.step.instead):
                died |= set(result.step.files)
            elif result.step.log != LIST and (self._row.done or not result.has_died):
                output = self._output_of(job, result)
                unread = {plain_name(job, file) for file in reports.unread(output, self._row.report)}
                reported = list(self._findings(job, output))
                if result.exit_code not in self._quiet and not (reported or unread or result.has_died):
                    raise UnusableOutput(
                        f"it ended with exit code {result.exit_code} and reported nothing{last_said(job)}"
                    )
                broken |= unread
                for finding in reported:
                    if result.exit_code in self._row.blocked or self._is_broken(finding):
                        broken.add(finding["file"])
                    # What a macro includes from outside of the tree is not shown, as its text is in the message.
                    if not self._row.includes or real.holds(finding["file"]):
                        found[finding["file"], finding["line"], finding["column"], *_identity(finding)] = finding
        findings = sorted(found.values(), key=lambda item: (item["file"], item["line"], item["column"]))
        quote_lines(job.tree, findings, self._row.report.column_unit)
        named = named_of(self._row, job, results, broken | died, {one["file"] for one in findings}, died)
        return Product(
            {
                "domain": job.domain,
                "stage": LENSES[job.phase].value,
                "summary": f"{self.name} read {len(job.files)} files and reports {len(findings)} findings.",
                "findings": [{"id": f"{self.name}-{at:04d}", **finding} for at, finding in enumerate(findings, 1)],
            },
            analysis_of(self._row, job, named),
        )

    def _output_of(self, job: Job, result: StepResult) -> bytes:
        if self._row.report.stderr:
            return log_of_attempt(job, "stderr")
        # The last line of a process that died may be half a line.
        return result.stdout[: result.stdout.rfind(b"\n") + 1] if result.has_died else result.stdout

    def _is_broken(self, finding: Mapping[str, Any]) -> bool:
        return bool(self._row.broken) and finding["rule_id"].startswith(self._row.broken)

    def _tool(self, job: Job) -> FixingTool:
        """Return the analyzer as the fixes of a job use it."""

        def checks(files: Sequence[str]) -> list[ProcessStep]:
            return self._processes(job._replace(files=files), self._row.argv)

        def fix(file: str, rule: str) -> list[ProcessStep]:
            words = [word.replace("{rule}", rule) for word in self._row.fix]
            return self._processes(job._replace(files=[file]), words, "fix")

        return FixingTool(self.name, self.program().version, checks, fix, functools.partial(self._reports, job))

    def _reports(self, job: Job, results: Iterable[StepResult]) -> dict[str, list[Any]]:
        """Return what checks reported, by file in the form of ruff's JSON."""
        by_file: defaultdict[str, list[Any]] = defaultdict(list)
        for result in results:
            for report in reports.reported(result.stdout, self._row.report) if result.step.log == "stdout" else ():
                edits = self._edits(report.source)
                by_file[plain_name(job, report.file)].append(
                    {
                        "code": report.rule,
                        "message": report.message,
                        "location": {"row": report.line, "column": report.column},
                        "fix": {"applicability": "safe", "edits": edits} if edits else None,
                    }
                )
        return dict(by_file)

    def _problem(self, job: Job) -> str | None:
        return data_config.leads_outside(self._row, job.tree, data_config.by_config(self._row, job.tree, job.files))

    def _filled(self, argv: Iterable[str], job: Job, batch: FileBatch) -> Iterator[str]:
        for word in argv:
            if word == "{files}":
                # A name that begins with a dash is no option then.
                yield from (f"./{file}" for file in batch.files)
            elif word == "{with_config}":
                for each in self._row.with_config if batch.config else self._row.bare:
                    yield each.replace("{config}", f"./{batch.config}").replace("{bare}", str(_bare_file(job)))
            else:
                yield word

    def _findings(self, job: Job, output: bytes) -> Iterator[dict[str, Any]]:
        fields = self._row.report
        if fields.form == "sarif":
            yield from self._of_sarif(job, output)
            return
        # A file has many reports.
        named = functools.cache(functools.partial(plain_name, job))
        for report in reports.reported(output, fields):
            file = named(report.file)
            yield {
                "severity": self._severities.of(report.rule, file) or self._row.levels.get(report.level) or "MEDIUM",
                "category": self._categories.of(report.rule) or _NO_CATEGORY,
                "description": report.message,
                "file": file,
                "line": report.line,
                "column": report.column,
                "rule_id": report.rule,
                "fixable": report.rule in self._row.fixable or bool(self._edits(report.source)),
                "recommendation": report.advice,
            }

    def _of_sarif(self, job: Job, output: bytes) -> Iterator[dict[str, Any]]:
        from swarm import errors
        from swarm.runtimes.sarif import log_of, output_of
        from swarm.runtimes.sarif_files import log_in

        if not output.strip():
            return
        try:
            log = log_in(output, "report")
        except errors.SwarmError as error:
            raise UnusableOutput(f"its report is unreadable: {error.message}") from error
        for finding in output_of(log_of(log, TreeFiles((job.tree,))), job.domain, job.phase)["findings"]:
            if finding.get("file") and finding.get("line"):
                rule = reports.rule_of(finding["rule_id"], self._row.report)
                yield {
                    **{key: value for key, value in finding.items() if key not in {"id", "quote"}},
                    "severity": self._severities.of(rule, finding["file"]) or finding["severity"],
                    "category": self._categories.of(rule) or _NO_CATEGORY,
                    "column": finding.get("column", 1),
                    "rule_id": rule,
                }

    def _edits(self, source: Any) -> list[dict[str, Any]]:
        return edits_of(source, self._row.edit) if self._row.edit else []


def _bare_file(job: Job) -> Path:
    return job.attempt_folder / "bare-configuration"


def _identity(finding: Mapping[str, Any]) -> tuple[str, str]:
    return finding["rule_id"], finding["description"]
