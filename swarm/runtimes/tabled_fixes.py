"""Fixes of approved findings by an analyzer of the table, in the tree of an amend agent.

An analyzer whose reports hold its edits fixes each finding by its own edits. Another fixes a file in its place, rule by
rule. Either way it reads the files again, and what did more than was approved is taken back.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from swarm.files import write_whole
from swarm.rules.fix_effects import LineReport, changed_lines, effects_of
from swarm.runtimes.ruff_fixes import Mended, amended, mend, with_reports
from swarm.runtimes.runtime import Assigned, Job, ProcessStep, Product, StepResult, UnusableOutput
from swarm.runtimes.undo_fixes import digest_of, is_plain, record_of

Reports = Mapping[str, Sequence[Any]]


class FixingTool(NamedTuple):
    """An analyzer of the table: its processes over some files, and what they report, by file in the form of ruff's."""

    name: str
    version: str | None
    checks: Callable[[Sequence[str]], list[ProcessStep]]
    fix: Callable[[str, str], list[ProcessStep]]
    read: Callable[[Iterable[StepResult]], Reports]


class TabledFixes(Protocol):
    """The processes that fix the assigned findings of a job, and what became of each finding."""

    def steps(self) -> list[ProcessStep]:
        """Return the processes."""

    def product(self, results: Sequence[StepResult]) -> Product:
        """Return the output of the amend agent. Raises UnusableOutput."""


class FixesByEdits:
    """Fixes each finding by the edits of its report, and reads the files again.

    Fixes that bring a report are left out of a second try; what still brings one then is put back by the file.
    """

    def __init__(self, tool: FixingTool, job: Job) -> None:
        self._tool = tool
        self._job = job
        self._sources: dict[str, str] = {}
        self._before: Reports = {}
        self._done = Mended({}, {}, ())
        self._culprits: dict[str, str] = {}
        self._checks = 0
        self._problem: UnusableOutput | None = None

    def steps(self) -> list[ProcessStep]:
        """Return a check of the files, a check of what the edits made of them, and a check of the second try."""
        first, second, third = (self._tool.checks(self._job.files) for _ in range(3))
        self._checks = len(first)
        for tries, begin in ((second, self._first_try), (third, self._second_try)):
            for position, step in enumerate(tries):
                tries[position] = step._replace(before=begin if position == 0 else self._is_under_way)
        return [*first, *second, *third]

    def product(self, results: Sequence[StepResult]) -> Product:
        """Put back each file in which the fixes bring a report, and return what was fixed."""
        if not self._checks:
            self._first_try(results)
        if self._problem is not None:
            raise self._problem
        done = self._done
        for file, (report, _) in self._brought(results).items() if done.files else ():
            _put_back(self._job, file, self._sources[file])
            done = _without(self._job, done, file, f"its file was put back: the fixes there bring {_named(report)}")
        done = done._replace(skipped={**done.skipped, **self._culprits})
        return Product(amended(self._tool.name, self._tool.version, self._job, done))

    def _first_try(self, results: Sequence[StepResult]) -> bool:
        job = self._job
        try:
            self._before = self._tool.read(results)
        except UnusableOutput as error:
            # Raised by `product`: here it would end the supervision of the agents beside this one.
            self._problem = error
            return False
        self._sources = {file: _text(job, file) for file in job.files if is_plain(job.tree / file, job.tree)}
        self._mend(job.assigned)
        return bool(self._done.files)

    def _second_try(self, results: Sequence[StepResult]) -> bool:
        try:
            brought = self._brought(results) if self._done.files else {}
        except UnusableOutput as error:
            self._problem = error
            return False
        for file, (report, changed) in brought.items():
            fixed = [each for each in self._job.assigned if each.file == file and each.finding_id in self._done.fixes]
            # Where the report is on a line that no fix touched, any of them may have brought it.
            near = [each for each in fixed if changed and each.line in changed] or fixed
            why = f"its fix was taken back: it brings {_named(report)}"
            self._culprits |= {each.finding_id: why for each in near}
        if not brought:
            return False
        for file in self._done.files:
            _put_back(self._job, file, self._sources[file])
        self._mend([each for each in self._job.assigned if each.finding_id not in self._culprits])
        return bool(self._done.files)

    def _is_under_way(self, results: Sequence[StepResult]) -> bool:
        """Say whether the check of a try goes on, whose first process ran."""
        return len(results) % self._checks != 0

    def _mend(self, wanted: Sequence[Assigned]) -> None:
        record = record_of(self._job.attempt_folder, self._tool.name)
        pairs = with_reports(wanted, self._before)
        self._done = mend(self._job.tree, pairs, self._before, record, unsafe=False, tool=self._tool.name)

    def _brought(self, results: Sequence[StepResult]) -> dict[str, tuple[Any, range | None]]:
        """Return by file a report that the fixes brought, and the old lines of the change that it is in."""
        after = self._tool.read(results[-self._checks :])
        found: dict[str, tuple[Any, range | None]] = {}
        for file in self._done.files:
            before, here, source = self._before.get(file, ()), after.get(file, ()), self._sources[file]
            text = _text(self._job, file)
            if came := effects_of(_reported(before), _reported(here), source, text).came:
                report = here[came[0]]
                found[file] = report, changed_lines(source, text, report["location"]["row"])
        return found


class FixesByFile:
    """Fixes a file in its place by one rule after the other, and keeps what removed approved findings alone."""

    def __init__(self, tool: FixingTool, job: Job) -> None:
        self._tool = tool
        self._job = job
        self._record: dict[str, tuple[str, str | None]] = {}
        self._reports: dict[str, Sequence[Any]] = {}
        # Position of the report of each assigned finding among those of its file.
        self._at: dict[str, int] = {}
        self._fixes: dict[str, str] = {}
        self._skipped: dict[str, str] = {}
        self._turn: _Turn | None = None
        self._problem: UnusableOutput | None = None

    def steps(self) -> list[ProcessStep]:
        """Return a check of the files, then for each file and rule the fix and a check of the file."""
        job, found = self._job, self._tool.checks(self._job.files)
        wanted = {(each.file, each.rule_id) for each in job.assigned if each.file in job.files and each.rule_id}
        for file, rule in sorted((file, rule) for file, rule in wanted if file and rule):
            if is_plain(job.tree / file, job.tree):
                fix, *more = self._tool.fix(file, rule)
                begin = functools.partial(self._begin, file, rule)
                found += [fix._replace(before=begin), *more, *self._tool.checks([file])]
        return found

    def product(self, results: Sequence[StepResult]) -> Product:
        """Return what was fixed, after the last file was judged."""
        if self._turn is None:
            self._read_first(results)
        self._end_turn(results)
        if self._problem is not None:
            raise self._problem
        for finding in self._job.assigned:
            if finding.finding_id not in self._fixes:
                why = f"{self._tool.name} does not report {finding.rule_id} there"
                self._skipped.setdefault(finding.finding_id, why)
        changed = sorted({finding.file or "" for finding in self._job.assigned if finding.finding_id in self._fixes})
        done = Mended(self._fixes, self._skipped, tuple(changed))
        return Product(amended(self._tool.name, self._tool.version, self._job, done))

    def _begin(self, file: str, rule: str, results: Sequence[StepResult]) -> bool:
        """Judge the previous turn, and keep the file before its fixer writes."""
        if self._turn is None:
            self._read_first(results)
        self._end_turn(results)
        source = _text(self._job, file)
        self._turn = _Turn(file, rule, source, len(results) + 1)
        first = self._record.get(file, (source, None))[0]
        # Without a digest: nobody knows yet what the program will write.
        self._keep(file, first, None)
        return True

    def _end_turn(self, results: Sequence[StepResult]) -> None:
        if self._turn is None or self._problem is not None:
            return
        file, _, source, checked = self._turn
        text = _text(self._job, file)
        try:
            after = self._tool.read(results[checked:]).get(file, ())
        except UnusableOutput as error:
            self._problem = error
            return
        if not self._is_kept(self._turn, text, after):
            _put_back(self._job, file, source)
            text = source
        first = self._record[file][0]
        self._keep(file, first, digest_of(text))

    def _is_kept(self, turn: "_Turn", text: str, after: Sequence[Any]) -> bool:
        """Say whether a fix removed approved findings alone, and record what became of them."""
        before = self._reports.get(turn.file, ())
        wanted = {
            self._at[finding.finding_id]: finding.finding_id
            for finding in self._job.assigned
            if (finding.file, finding.rule_id) == (turn.file, turn.rule) and finding.finding_id in self._at
        }
        effects = effects_of(_reported(before), _reported(after), turn.source, text)
        more = [before[position] for position in effects.gone if position not in wanted]
        why = f"{self._tool.name} has no fix for {turn.rule} here"
        if effects.came:
            why = f"its fix was taken back: it brings {_named(after[effects.came[0]])}"
        elif more:
            why = f"its fix was taken back: it would also fix {_named(more[0])}, which was not given to this agent"
        is_good = not effects.came and not more and bool(effects.gone)
        for position, finding_id in wanted.items():
            if is_good and position in effects.gone:
                self._fixes[finding_id] = f"{self._tool.name}'s own fix for {turn.rule}"
            else:
                self._skipped[finding_id] = why
        if is_good:
            self._reports[turn.file] = after
            # The positions of the other findings are those among the new reports from here on.
            own = {each.finding_id for each in self._job.assigned if each.file == turn.file} & self._at.keys()
            self._at |= {each: effects.stayed.get(self._at[each], self._at[each]) for each in own}
        return is_good

    def _read_first(self, results: Sequence[StepResult]) -> None:
        try:
            self._reports = dict(self._tool.read(results))
        except UnusableOutput as error:
            self._problem = error
            return
        for finding, report in with_reports(self._job.assigned, self._reports):
            if report is not None:
                here = self._reports[finding.file or ""]
                self._at[finding.finding_id] = next(at for at, each in enumerate(here) if each is report)

    def _keep(self, file: str, source: str, digest: str | None) -> None:
        self._record[file] = (source, digest)
        write_whole(record_of(self._job.attempt_folder, self._tool.name), json.dumps(self._record))


class _Turn(NamedTuple):
    """A file that is being fixed by a rule: its text before, and the position of the check among the results."""

    file: str
    rule: str
    source: str
    checked: int


def _reported(reports: Sequence[Any]) -> list[LineReport]:
    return [LineReport(each["code"], each["location"]["row"], each["message"]) for each in reports]


def _named(report: Any) -> str:
    return f"{report['code']} in line {report['location']['row']} ({report['message']})"


def _text(job: Job, file: str) -> str:
    return (job.tree / file).read_bytes().decode("utf-8", "surrogateescape")


def _put_back(job: Job, file: str, source: str) -> None:
    if is_plain(job.tree / file, job.tree):
        (job.tree / file).write_bytes(source.encode("utf-8", "surrogateescape"))


def _without(job: Job, done: Mended, file: str, why: str) -> Mended:
    """Return what was done without the fixes of a file."""
    own = {finding.finding_id for finding in job.assigned if finding.file == file} & done.fixes.keys()
    fixes = {finding_id: words for finding_id, words in done.fixes.items() if finding_id not in own}
    files = tuple(each for each in done.files if each != file)
    return Mended(fixes, {**done.skipped, **dict.fromkeys(sorted(own), why)}, files)
