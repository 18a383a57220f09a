"""Fixes of approved findings by ruff, in rounds: what collides in a round is fixed by the reports of the next."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from swarm.runtimes.own_tree import inside
from swarm.runtimes.ruff_fixes import Mended, mend, with_reports
from swarm.runtimes.ruff_results import is_unreadable, reports_of
from swarm.runtimes.runtime import Assigned, Job, ProcessStep, StepResult, UnusableOutput
from swarm.runtimes.undo_fixes import record_of

# A round costs a process, and fixes nested deeper than this are rare.
MOST_ROUNDS: Final = 5

# File, rule and message of a report: the same wherever the fixes of a round move it.
_Key = tuple[str, str | None, str]
_Reports = Mapping[str, Sequence[Any]]
_Pair = tuple[Assigned, Any]
_Value = TypeVar("_Value")


class RuffCheck(NamedTuple):
    """A process of ruff over files of the same configuration, whose names it reads from a list."""

    files: Sequence[str]
    listed: Path
    argv: tuple[str, ...]


class RuffRounds:
    """Fixes the assigned findings of a job, and checks the files again while fixes collide and others are made.

    Each round keeps a record of its own: an attempt that was cut short is undone round by round.
    """

    def __init__(self, job: Job, checks: Sequence[RuffCheck], *, unsafe: bool) -> None:
        self._job = job
        self._checks = checks
        self._unsafe = unsafe
        self._round = 1
        # The number of results that earlier rounds have read.
        self._read = 0
        # The findings to fix in this round, each with the report that the previous round had of it.
        self._left: list[_Pair] = [(finding, None) for finding in job.assigned]
        self._not_given: set[_Key] = set()
        self._done = Mended({}, {}, ())
        self._problem: UnusableOutput | None = None

    def steps(self) -> list[ProcessStep]:
        """Return the checks of each round; those of a round that is not needed are not run."""
        return [
            ProcessStep(check.argv, log="stdout", before=partial(self._begin, number, check))
            for number in range(1, MOST_ROUNDS + 1)
            for check in self._checks
        ]

    def fixed(self, results: Sequence[StepResult]) -> Mended:
        """End the last round, and return what became of each finding. Raises UnusableOutput."""
        self._end_round(results)
        if self._problem is not None:
            raise self._problem
        return self._done

    def _begin(self, number: int, check: RuffCheck, results: Sequence[StepResult]) -> bool:
        """List the files of a check in which findings are left, and say whether there are any."""
        if number > self._round:
            self._end_round(results)
            self._round = number
        own = {finding.file for finding, _ in self._left}
        files = [file for file in check.files if file in own]
        if files:
            check.listed.write_text("".join(f"./{file}\n" for file in files), encoding="utf-8")
        return bool(files)

    def _end_round(self, results: Sequence[StepResult]) -> None:
        if not self._left:
            return
        try:
            reports = self._reports(results[self._read :])
        except UnusableOutput as error:
            # Raised by `fixed`: here it would end the supervision of the agents beside this one.
            self._problem, self._left = error, []
            return
        self._read = len(results)
        pairs = self._first(reports) if self._round == 1 else self._again(reports)
        record = record_of(self._job.attempt_folder, "ruff", self._round)
        done = mend(self._job.tree, pairs, reports, record, unsafe=self._unsafe)
        self._done = _joined(self._done, done)
        collided = set(done.collided) if done.fixes else set()
        self._left = [pair for pair in pairs if pair[0].finding_id in collided]

    def _reports(self, results: Sequence[StepResult]) -> _Reports:
        found: defaultdict[str, list[Any]] = defaultdict(list)
        for result in results:
            for report in reports_of(result.stdout, self._job.tree):
                found[inside(self._job.tree, report["filename"])].append(report)
        return found

    def _first(self, reports: _Reports) -> list[_Pair]:
        """Pair the assigned findings with their reports, and remember which reports are not assigned."""
        pairs = list(with_reports(self._job.assigned, reports))
        given = {id(report) for _, report in pairs}
        self._not_given = {_key(file, each) for file, each in _each(reports) if id(each) not in given}
        return pairs

    def _again(self, reports: _Reports) -> list[_Pair]:
        """Pair the findings that are left with the reports of the files as they are now.

        A finding is left out where a report could be that of another finding, which nobody approved. Where nothing is
        reported any more, the fixes around the finding fixed it.
        """
        left = _by_key((finding.file or "", report, finding) for finding, report in self._left)
        now = _by_key((file, report, report) for file, report in _each(reports))
        unreadable = {file for file, report in _each(reports) if is_unreadable(report)}
        pairs: list[_Pair] = []
        for key, findings in left.items():
            if key in self._not_given or key[0] in unreadable:
                continue
            if key not in now:
                fixed = {finding.finding_id: "Fixed by the fixes around it" for finding in findings}
                self._done = _joined(self._done, Mended(fixed, {}, ()))
            elif len(now[key]) == len(findings):
                pairs += zip(findings, now[key], strict=True)
        return pairs


def _each(reports: _Reports) -> Iterable[tuple[str, Any]]:
    return ((file, report) for file, here in reports.items() for report in here)


def _key(file: str, report: Any) -> _Key:
    return file, report["code"], report["message"]


def _by_key(placed: Iterable[tuple[str, Any, _Value]]) -> dict[_Key, list[_Value]]:
    """Return values by the file and the report that each comes with, in the order of the reports' places."""
    found: defaultdict[_Key, list[tuple[int, int, _Value]]] = defaultdict(list)
    for file, report, value in placed:
        found[_key(file, report)].append((report["location"]["row"], report["location"]["column"], value))
    return {key: [value for *_, value in sorted(here, key=itemgetter(0, 1))] for key, here in found.items()}


def _joined(before: Mended, after: Mended) -> Mended:
    """Return what two rounds did: the later one decides what became of a finding."""
    fixes = before.fixes | after.fixes
    skipped = {each: why for each, why in (before.skipped | after.skipped).items() if each not in fixes}
    return Mended(fixes, skipped, tuple(dict.fromkeys(before.files + after.files)))
