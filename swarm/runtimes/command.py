"""The `command` runtime: any argv of `swarm.toml`, judged by its exit code and its output file."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from swarm.config import RuntimeConfig
from swarm.rules.phases import Phase
from swarm.runtimes import programs
from swarm.runtimes.runtime import CliFacts, Job, ProcessStep, Product, Program, StepResult, UnusableOutput

_PLACEHOLDER: Final = re.compile(r"\{(prompt_file|output_file|worktree|domain|phase)\}")


class Command:
    """Launches a command line with its placeholders filled in."""

    is_analyzer = False
    agent: CliFacts | None = None
    is_trusted = False
    writes_tree = True

    def __init__(self, runtime: RuntimeConfig) -> None:
        self.name = runtime.name
        self._runtime = runtime

    def reads(self, tree: Path, paths: Sequence[str]) -> list[str]:
        """Return every path: a command may read any file."""
        del tree
        return list(paths)

    def program(self) -> Program:
        """Return the command that would be launched."""
        return found_program(self._runtime)

    def supports(self, phase: Phase) -> bool:
        """A command of the user serves every phase that the user names it for."""
        del phase
        return True

    def config_hash(self, tree: Path, files: Sequence[str], phase: Phase) -> str:
        """Return a digest of the command line."""
        del tree, files, phase
        return argv_hash(self._runtime)

    def steps(self, job: Job) -> list[ProcessStep]:
        """Return the process of the command."""
        argv = tuple(filled(part, job) for part in self._runtime.argv)
        return [ProcessStep((programs.found(argv[0]) or argv[0], *argv[1:]), environment=passed_on(self._runtime))]

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        """Return the output file of the command, else the last answer that the command printed."""
        nothing = "it wrote no output file and printed no JSON object"
        return file_or_printed(job, results[-1].stdout if results else b"", nothing, "the JSON that it printed")


def file_or_printed(job: Job, printed: bytes, nothing: str, place: str) -> Product:
    """Return the output file of an agent, else the last answer in what it printed.

    Raises UnusableOutput: with `nothing` where there is neither, and naming the `place` of JSON that is unreadable.
    """
    from swarm import errors
    from swarm.runtimes.answer import printed_answer

    answer, problem = None, nothing
    try:
        answer = printed_answer(printed)
    except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit) as error:
        problem = f"it wrote no output file, and {place} is unreadable: {error.problem}"
    if os.path.lexists(job.output_path):
        return Product(None, note="it also printed an output; the file wins" if answer else None)
    if answer is None:
        raise UnusableOutput(problem)
    return Product(answer)


def argv_hash(runtime: RuntimeConfig) -> str:
    """Return a digest of a configured command line."""
    return hashlib.sha256(json.dumps(runtime.argv).encode()).hexdigest()[:16]


def passed_on(runtime: RuntimeConfig) -> dict[str, str]:
    """Return the variables that a configured command is given beside the allowed ones."""
    return {name: os.environ[name] for name in runtime.environment if name in os.environ}


def found_program(runtime: RuntimeConfig) -> Program:
    """Return where a configured command is, its version where it can be asked, and why it cannot be launched."""
    path = programs.found(runtime.argv[0])
    why = "" if path else f"{runtime.argv[0]} is not on PATH"
    version = programs.asked(runtime.version_argv) if path and runtime.version_argv else programs.no_version
    return Program(path, version, runtime.argv, why)


def filled(part: str, job: Job) -> str:
    """Replace the placeholders of an argument; a placeholder within a value is not replaced."""
    values = {
        "prompt_file": str(job.prompt_path),
        "output_file": str(job.output_path),
        "worktree": str(job.tree),
        "domain": job.domain,
        "phase": job.phase.value,
    }
    return _PLACEHOLDER.sub(lambda found: values[found[1]], part)
