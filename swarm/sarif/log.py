"""A SARIF log as findings, with the parts that were refused and the failures that its tools report."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from swarm.rules.notebooks import SUFFIX
from swarm.sarif.failures import note_beside, note_failures, note_missing
from swarm.sarif.places import Files, NoFiles
from swarm.sarif.problems import RESULT_REFUSED, TOOL_FAILED, Problems, Refused, RefusedPart
from swarm.sarif.regions import Lines, Spot
from swarm.sarif.results import Draft, RunReader
from swarm.sarif.tools import is_a_finding
from swarm.sarif.values import at, objects, word

# Texts of rules are shared by results: without a bound, a small log could name a long text a million times.
MOST_CHARACTERS: Final = 40_000_000
_MOST_WITH_ADVICE: Final = MOST_CHARACTERS // 2
# The keys of a finding count, too, or millions of empty results would pass.
_OWN_CHARACTERS: Final = 40
_VERSIONS: Final = ("2.1.",)


class NoLog(Exception):
    """The document is no SARIF log that we can read."""


class Read(NamedTuple):
    """A log as it was read. `findings` have the form of agents' findings, without ids.

    `unread` are files that the tools could not read; `is_whole` holds where no tool reports a failure and all results
    are there; `says_success` where every run says that its tool succeeded; `has_results` where there is a result,
    whatever became of it. `analysis` is what the tool analysed, `None` where the log does not say it.
    """

    findings: Sequence[dict[str, Any]]
    refused: Sequence[RefusedPart]
    tools: Sequence[str]
    unread: frozenset[str]
    is_whole: bool
    says_success: bool
    has_results: bool
    analysis: dict[str, Any] | None


def is_log(document: Any) -> bool:
    """Say whether a document has the form of a SARIF log."""
    return isinstance(document, dict) and isinstance(document.get("runs"), list) and "domain" not in document


def merged(logs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return some logs as a single log; a log of another version stands for all of them, since it is refused."""
    other = next((log for log in logs if not str(log.get("version", "2.1.")).startswith(_VERSIONS)), None)
    return other or {**logs[0], "runs": [run for log in logs for run in log["runs"]]}


def read(log: Any, files: Files | None = None) -> Read:
    """Read a SARIF log. Raises NoLog."""
    if isinstance(log, dict) and not word(log, "version").startswith(_VERSIONS) and log.get("version") is not None:
        raise NoLog(f"is SARIF of version {str(log['version'])[:20]!r}, and swarm reads 2.1.0")
    if not isinstance(log, dict) or not isinstance(log.get("runs"), list):
        raise NoLog("is no SARIF log: it has no runs")
    runs = log["runs"]
    for number, run in enumerate(runs):
        if not isinstance(at(run, "tool", "driver"), dict):
            raise NoLog(f"is no SARIF log: $.runs[{number}] has no tool")
    reading = _Reading(files or NoFiles())
    if not runs:
        reading.problems.add(TOOL_FAILED, "$.runs", "there are none: no tool looked at anything")
        reading.is_whole = False
    for number, run in enumerate(runs):
        reading.take(run, f"$.runs[{number}]")
    reading.is_whole = note_beside(log, reading.problems) and reading.is_whole
    return Read(
        findings=reading.placed(),
        refused=reading.problems.listed(),
        tools=reading.tools,
        unread=frozenset(reading.unread),
        is_whole=reading.is_whole,
        says_success=bool(runs) and all(map(_says_success, runs)),
        has_results=any(run.get("results") for run in runs),
        analysis=reading.analysis(runs),
    )


class _Reading:
    """The state of a reading: drafts and problems of the runs so far."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._readers: list[RunReader] = []
        self._drafts: list[Draft] = []
        self._seen: set[tuple[object, ...]] = set()
        self._characters = 0
        self.problems = Problems()
        self.tools: list[str] = []
        self.unread: set[str] = set()
        self.is_whole = True

    def take(self, run: Mapping[str, Any], where: str) -> None:
        """Read a run."""
        reader = RunReader(run, self._files)
        self._readers.append(reader)
        self.tools.append(reader.tool.name)
        succeeded, unread = note_failures(run, where, reader, self.problems)
        self.unread |= unread
        is_there = note_missing(run, where, self.problems)
        self.is_whole = self.is_whole and succeeded and is_there
        results = run.get("results")
        for number, result in enumerate(results if isinstance(results, list) else ()):
            place = f"{where}.results[{number}]"
            if self._characters > MOST_CHARACTERS:
                why = f"this result and all behind it are left out: their texts exceed {MOST_CHARACTERS:,} characters"
                self.problems.add(RESULT_REFUSED, place, why)
                break
            self._take_result(result, place, reader)

    def _take_result(self, result: Any, place: str, reader: RunReader) -> None:
        if not isinstance(result, dict):
            self.problems.add(RESULT_REFUSED, place, "it is no object")
            return
        if not is_a_finding(result):
            return
        try:
            draft = reader.draft_of(result)
        except Refused as refused:
            self.problems.add(refused.code, f"{place}{refused.path}", refused.message, (refused.file,))
            return
        # Merged logs repeat the results of a header for each file that includes it.
        if draft.key is not None and draft.key in self._seen:
            return
        if draft.key is not None:
            self._seen.add(draft.key)
        if draft.dropped is not None:
            self.problems.add(RESULT_REFUSED, f"{place}{draft.dropped[0]}", draft.dropped[1], ())
        if self._characters > _MOST_WITH_ADVICE:
            draft.finding.pop("recommendation", None)
        self._characters += _OWN_CHARACTERS + sum(
            len(value) for value in draft.finding.values() if isinstance(value, str)
        )
        self._drafts.append(draft)

    def placed(self) -> list[dict[str, Any]]:
        """Return the findings with their lines. Each file is read once."""
        by_path: defaultdict[str, list[Draft]] = defaultdict(list)
        for draft in self._drafts:
            if draft.region is not None:
                by_path[draft.finding["file"]].append(draft)
        for path, drafts in by_path.items():
            content = self._files.content(path)
            readings: dict[bool, Lines] = {}
            for draft in drafts:
                if content is not None and draft.in_utf16 not in readings:
                    is_notebook = path.endswith(SUFFIX)
                    readings[draft.in_utf16] = Lines(content, is_notebook=is_notebook, in_utf16=draft.in_utf16)
                _place(draft, readings.get(draft.in_utf16))
        return [draft.finding for draft in self._drafts]

    def analysis(self, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
        """Return the files and rules of the analysis, as far as the log says them: then silence proves something."""
        unread = sorted(self.unread)
        errors = {"unread": unread, "unreadable": unread} if unread else {}
        rules = self._readers[0].tool.rules_on() if len(runs) == 1 else []
        targets = set(_targets(runs[0], self._readers[0])) if rules else set[str]()
        failed = any(
            step.get("executionSuccessful") is False for run in runs for step in objects(run.get("invocations"))
        )
        if rules and targets and not failed:
            known = {"roots": [{"root": "", "rules": rules}], "suffixes": [], "read": sorted(targets - self.unread)}
            return known | errors
        # Every file may have been read but for those that the errors name.
        return {"roots": [], "suffixes": [""], **errors} if errors else None


def _targets(run: Mapping[str, Any], reader: RunReader) -> Iterator[str]:
    for artifact in objects(run.get("artifacts")):
        roles = artifact.get("roles")
        if isinstance(roles, list) and "analysisTarget" in roles:
            try:
                path = reader.places.path_of(artifact.get("location"))
            except Refused:
                continue
            if path:
                yield path


def _says_success(run: Mapping[str, Any]) -> bool:
    steps = objects(run.get("invocations"))
    return bool(steps) and all(step.get("executionSuccessful") is True for step in steps)


def _place(draft: Draft, lines: Lines | None) -> None:
    region, finding = draft.region, draft.finding
    if region is None:
        return
    if lines is not None:
        spot = lines.spot_of(region)
    else:
        spot = Spot(region.line, region.column, "" if region.line else region.snippet)
    if spot.line is not None:
        finding["line"] = spot.line
        if spot.column is not None:
            finding["column"] = spot.column
    elif region.line is not None:
        # The notebook has no such cell: the numbers are all that its reader can go by.
        cell = f"cell {region.cell}, line {region.line}" if region.cell else f"line {region.line} of its cells"
        finding["description"] = f"{finding['description']} ({cell})"
    if spot.quote:
        finding["quote"] = spot.quote[:4096]
