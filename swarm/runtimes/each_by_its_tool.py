"""Several analyzers as the fixer of an amend wave: each finding is fixed by the tool that reports it."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from swarm.rules.phases import Phase
from swarm.runtimes.runtime import (
    Assigned,
    CliFacts,
    Job,
    ProcessStep,
    Product,
    Program,
    Runtime,
    StepResult,
    UnusableOutput,
)

_NAME_AN_AGENT = "name an agent: --runtime"


class _Part:
    """The work of one tool in an attempt: its steps among the others, and the output that they led to."""

    def __init__(self, runtime: Runtime, job: Job) -> None:
        self.runtime = runtime
        self.job = job
        self.steps = runtime.steps(job)
        # Position of its first result among those of the attempt.
        self.begin: int | None = None
        self.output: dict[str, Any] | None = None

    def finish(self, results: Sequence[StepResult]) -> None:
        """Let the tool write its fixes and say what it did; a report that nobody can read costs its own findings."""
        if self.output is not None:
            return
        own = results[self.begin :] if self.begin is not None else ()
        try:
            self.output = self.runtime.product(self.job, own).output or {}
        except UnusableOutput as error:
            why = f"{self.runtime.name}: {error}"
            self.output = {"skipped": [{"finding_id": each.finding_id, "reason": why} for each in self.job.assigned]}


class _Shares(NamedTuple):
    """Findings by the tool that fixes them, and the reasons why nobody fixes the others."""

    by_tool: Mapping[str, list[Assigned]]
    skipped: Mapping[str, str]


class EachByItsTool:
    """Launches analyzers one after the other in an agent's tree, each for the findings that it reported.

    `missing` holds the reason why a tool that reported findings does not fix them.
    """

    is_analyzer = True
    agent: CliFacts | None = None

    def __init__(self, runtimes: Sequence[Runtime], missing: Mapping[str, str]) -> None:
        self._runtimes = {each.name: each for each in runtimes}
        self._missing = missing
        self.name = ",".join(self._runtimes)
        self.is_trusted = all(each.is_trusted for each in runtimes)
        self.writes_tree = any(each.writes_tree for each in runtimes)
        # Of the attempts under way, by their folder.
        self._parts: dict[Path, list[_Part]] = {}

    def reads(self, tree: Path, paths: Sequence[str]) -> list[str]:
        """Return the files that one of the analyzers reads."""
        read = {path for each in self._runtimes.values() for path in each.reads(tree, paths)}
        return [path for path in paths if path in read]

    def program(self) -> Program:
        """Return the programs as one: the path of the first, and all versions."""
        programs = [each.program() for each in self._runtimes.values()]

        def version() -> str | None:
            return ",".join(each.version or "unknown" for each in programs) or None

        return Program(next((each.path for each in programs), None), version, ())

    def supports(self, phase: Phase) -> bool:
        """Say whether one of the analyzers fixes in a phase."""
        return any(each.supports(phase) for each in self._runtimes.values())

    def config_hash(self, tree: Path, files: Sequence[str], phase: Phase) -> str:
        """Return a digest over those of the analyzers."""
        parts = "".join(each.config_hash(tree, files, phase) for each in self._runtimes.values())
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    def steps(self, job: Job) -> list[ProcessStep]:
        """Return the processes of each analyzer that has a finding here; an analyzer writes before the next begins."""
        given = self._shares(job).by_tool
        parts = [_Part(self._runtimes[tool], job._replace(assigned=own)) for tool, own in given.items()]
        self._parts[job.attempt_folder] = parts
        return [
            step._replace(before=functools.partial(self._before, parts, number, step))
            for number, part in enumerate(parts)
            for step in part.steps
        ]

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        """Return the outputs of the analyzers as one, with the findings that none of them fixes."""
        skipped = [{"finding_id": each, "reason": why} for each, why in self._shares(job).skipped.items()]
        fixes, changed, said = [], set[str](), []
        for part in self._parts.pop(job.attempt_folder):
            part.finish(results)
            output = part.output or {}
            fixes += output.get("fixes", [])
            changed |= set(output.get("files_changed", ()))
            skipped += output.get("skipped", [])
            said.append(output.get("summary", ""))
        summary = " ".join(filter(None, said)) or "No tool that reported a finding here can fix it."
        done = {"fixes": fixes, "files_changed": sorted(changed), "skipped": skipped}
        return Product({"domain": job.domain, "summary": summary[:2000], **done})

    def _before(self, parts: Sequence[_Part], number: int, step: ProcessStep, results: Sequence[StepResult]) -> bool:
        for earlier in parts[:number]:
            # It may write at its end, and the next tool must read what it wrote.
            earlier.finish(results)
        part = parts[number]
        if part.begin is None:
            part.begin = len(results)
        return step.before is None or step.before(results[part.begin :])

    def _shares(self, job: Job) -> _Shares:
        given: dict[str, list[Assigned]] = {}
        skipped: dict[str, str] = {}
        taken: dict[str | None, str] = {}
        for finding in job.assigned:
            tool = finding.tool
            if tool is None:
                skipped[finding.finding_id] = f"no analyzer reported it; {_NAME_AN_AGENT}"
            elif tool not in self._runtimes:
                why = self._missing.get(tool, f"{tool} is not among the runtimes of this wave")
                skipped[finding.finding_id] = f"{why}; {_NAME_AN_AGENT}"
            elif (first := taken.setdefault(finding.file, tool)) != tool:
                # The places of its reports are those of the file as it was.
                why = f"its file is fixed by {first} in this wave; amend again after this one is merged"
                skipped[finding.finding_id] = why
            else:
                given.setdefault(tool, []).append(finding)
        return _Shares(given, skipped)
