"""Protocol of a runtime, which makes processes of a prompt, a tree and a phase, and an output of the processes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from swarm.config import Config
from swarm.rules.phases import Phase


class Program(NamedTuple):
    """A program to launch: its path, `None` when it was not found, its version, and why it cannot be launched."""

    path: str | None
    version: str | None
    argv: tuple[str, ...]
    why_not: str = ""


class Assigned(NamedTuple):
    """An approved finding that an agent shall fix, and its place in the tree of the agent.

    `ordinal` counts the reports of its rule on its line; where it `is_measured`, `description` is an analyzer's own.
    """

    finding_id: str
    rule_id: str | None
    file: str | None
    line: int | None
    description: str
    ordinal: int = 1
    is_measured: bool = False


class Job(NamedTuple):
    """The work of an agent. `files` are the domain's files; the processes run in `tree`."""

    phase: Phase
    domain: str
    files: Sequence[str]
    tree: Path
    attempt_folder: Path
    prompt_path: Path
    output_path: Path
    config: Config
    assigned: Sequence[Assigned] = ()


class ProcessStep(NamedTuple):
    """A process of an attempt. `log` names the file its output is kept in; `accepts` its good exit codes."""

    argv: tuple[str, ...]
    log: str = "stdout"
    accepts: tuple[int, ...] = (0,)
    environment: Mapping[str, str] = {}


class StepResult(NamedTuple):
    """The end of a step: its exit code and its output, up to the bound of an output."""

    step: ProcessStep
    exit_code: int
    stdout: bytes


class Product(NamedTuple):
    """The product of an attempt: the output document, and the files that an analyzer is known to have read."""

    output: dict[str, Any] | None
    analysis: dict[str, Any] | None = None
    note: str | None = None


class UnusableOutput(Exception):
    """The processes succeeded, but their output is no document."""


class ToolFailed(UnusableOutput):
    """The processes ended as their steps accept, and their output says that the tool failed."""


class Runtime(Protocol):
    """A way to launch an agent or an analyzer."""

    name: str
    is_analyzer: bool
    is_trusted: bool

    def reads(self, tree: Path, paths: Sequence[str]) -> list[str]:
        """Return those of the paths of a tree that the runtime reads: all of them where it may read any file."""

    def program(self) -> Program:
        """Return the program that this machine would launch."""

    def supports(self, phase: Phase) -> bool:
        """Say whether the runtime serves a phase."""

    def config_hash(self, tree: Path, files: Sequence[str], phase: Phase) -> str:
        """Return a digest over everything but the code that its answer depends on."""

    def steps(self, job: Job) -> list[ProcessStep]:
        """Return the processes of an attempt, to be run one after the other; none without work."""

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        """Return the product of the processes. Raises UnusableOutput, and ToolFailed for a failed program."""
