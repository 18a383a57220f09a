"""Protocol of a runtime, which makes processes of a prompt, a tree and a phase, and an output of the processes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from swarm.config import Config
from swarm.rules.agent_events import Said
from swarm.rules.phases import Phase, is_audit, kind_of
from swarm.rules.stalls import Stall
from swarm.runtimes.conversation import Conversation

# The most bytes of the output of a process that count: of a longer output the end is kept.
CAPTURE_BYTES: Final = 50 * 1024 * 1024
_MOST_MEMORY: Final = 3 * 1024**3
_SECONDS_ALONE: Final = 60.0
# Of the time of an attempt, the part in which processes that may die run: an audit waits for them.
SHARE_OF_MORTALS: Final = 1 / 3


class Program(NamedTuple):
    """A program to launch: its path, `None` when it was not found, and why it cannot be launched.

    `asked` waits for its version, and `install` is the command that installs it, where its runtime knows one.
    """

    path: str | None
    asked: Callable[[], str | None]
    argv: tuple[str, ...]
    why_not: str = ""
    install: str = ""

    @property
    def version(self) -> str | None:
        """The version of the program, `None` where the program prints none."""
        return self.asked()


class Assigned(NamedTuple):
    """An approved finding that an agent shall fix, and its place in the tree of the agent.

    `ordinal` counts the reports of its rule on its line; where it `is_measured`, `description` is an analyzer's own,
    and `tool` is that analyzer.
    """

    finding_id: str
    rule_id: str | None
    file: str | None
    line: int | None
    description: str
    ordinal: int = 1
    is_measured: bool = False
    tool: str | None = None


class Job(NamedTuple):
    """The work of an agent. `files` are the domain's files; the processes run in `tree`, which a review only reads.

    `is_enclosed` says that a sandbox of ours is around the processes.
    """

    phase: Phase
    domain: str
    files: Sequence[str]
    tree: Path
    attempt_folder: Path
    prompt_path: Path
    output_path: Path
    config: Config
    assigned: Sequence[Assigned] = ()
    is_review: bool = False
    is_enclosed: bool = False

    @property
    def kind(self) -> str:
        """The kind of the output: audit, feature, amend or review."""
        return kind_of(self.phase, is_review=self.is_review)

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables by which an agent finds its work."""
        return {
            "SWARM_OUTPUT_FILE": str(self.output_path),
            "SWARM_PROMPT_FILE": str(self.prompt_path),
            "SWARM_WORKTREE": str(self.tree),
            "SWARM_DOMAIN": self.domain,
        }

    @property
    def is_reading(self) -> bool:
        """Whether the agent reads its tree and answers, and writes nothing there."""
        return self.is_review or is_audit(self.phase)


class Bounds(NamedTuple):
    """The most seconds and bytes of memory of a process that may die.

    All such processes of an attempt have a third of its time together: those behind it are not started.
    """

    seconds: float
    memory: int


def bounds_of(attempt_seconds: float) -> tuple[Bounds, Bounds]:
    """Return the bounds of a batch of files, and those of a file that is tried alone, within the time of an attempt."""
    # Half of the time of all, so that time is left for the files of a batch that died.
    seconds = attempt_seconds * SHARE_OF_MORTALS / 2
    return Bounds(seconds, _MOST_MEMORY), Bounds(min(_SECONDS_ALONE, seconds), _MOST_MEMORY)


class ProcessStep(NamedTuple):
    """A process of an attempt. `log` names the file its output is kept in; `accepts` its good exit codes.

    With a `conversation` the process is an agent whose stdout is a stream of events; without, it has no input.
    `before` is called with the results so far when the process is about to be spawned, and says whether it is wanted.
    With `most` the process may die of a signal, of its time or of its memory, and the steps behind it run all the same:
    at last those of `instead`, where it has such steps; else its `files` are not read. Steps in a row that run `beside`
    others run at the same time, each with a log of its own.
    """

    argv: tuple[str, ...]
    log: str = "stdout"
    accepts: tuple[int, ...] = (0,)
    environment: Mapping[str, str] = {}
    conversation: Conversation | None = None
    before: "Callable[[Sequence[StepResult]], bool] | None" = None
    most: Bounds | None = None
    files: tuple[str, ...] = ()
    instead: "Callable[[StepResult], Sequence[ProcessStep]] | None" = None
    beside: bool = False


class StepResult(NamedTuple):
    """The end of a step: its exit code and its output, up to the bound of an output.

    `said` is what an agent said in a conversation, and `stall` the reason for which it was ended.
    """

    step: ProcessStep
    exit_code: int
    stdout: bytes
    said: Said | None = None
    stall: Stall | None = None

    @property
    def has_died(self) -> bool:
        """Say whether the process, which may die, was ended by a signal, or printed more than counts."""
        return self.step.most is not None and (self.exit_code < 0 or self.is_cut)

    @property
    def is_cut(self) -> bool:
        """Say whether the process printed more than counts."""
        return len(self.stdout) > CAPTURE_BYTES


class Product(NamedTuple):
    """The product of an attempt: the output document, and the files that an analyzer is known to have read."""

    output: dict[str, Any] | None
    analysis: dict[str, Any] | None = None
    note: str | None = None


class UnusableOutput(Exception):
    """The processes succeeded, but their output is no document."""


class ToolFailed(UnusableOutput):
    """The processes ended as their steps accept, and their output says that the tool failed."""


class CliFacts(NamedTuple):
    """Facts of a coding agent, by which it is enclosed and accounted for.

    `login` are the files and folders below the home folder that hold its state and its login: it gets a private copy of
    them. `credential` names the variables that would log it in, any of which does; their values are never kept.
    `signed_in` are those files of `login` that are there for somebody who has logged in.
    """

    model: str | None = None
    login: tuple[str, ...] = ()
    credential: tuple[str, ...] = ()
    signed_in: tuple[str, ...] = ()
    reports_cost: bool = False


class Runtime(Protocol):
    """A way to launch an agent or an analyzer. `agent` is `None` where no coding agent is launched.

    `writes_tree` is whether the processes of an amend attempt write the fixes themselves.
    """

    name: str
    is_analyzer: bool
    is_trusted: bool
    agent: CliFacts | None
    writes_tree: bool

    def reads(self, tree: Path, paths: Sequence[str]) -> list[str]:
        """Return those of the paths of a tree that the runtime reads: all of them where it may read any file."""

    def program(self) -> Program:
        """Return the program that this machine would launch."""

    def supports(self, phase: Phase) -> bool:
        """Say whether the runtime serves a phase."""

    def config_hash(self, tree: Path, files: Sequence[str], phase: Phase) -> str:
        """Return a digest over everything but the code that its answer depends on."""

    def steps(self, job: Job) -> list[ProcessStep]:
        """Return the processes of an attempt, to be run row by row; none without work."""

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        """Return the product of the processes. Raises UnusableOutput, and ToolFailed for a failed program."""


class AgentRuntime(Runtime, Protocol):
    """A coding agent that is known by name: its steps carry a conversation."""

    def follow_up(self, job: Job, session_id: str, prompt: str, *, with_tools: bool) -> ProcessStep | None:
        """Return the process that says one thing more in a session; `None` where the program cannot go on with it."""


def asked_for_answer(runtime: Runtime, job: Job, session: str | None, prompt: str) -> ProcessStep | None:
    """Return the process that asks in a session for an answer alone, without tools.

    `None` without a session, and for a runtime that has none or cannot go on with it.
    """
    # An `AgentRuntime`; the other runtimes have no sessions.
    follow_up = getattr(runtime, "follow_up", None)
    if not session or follow_up is None:
        return None
    step: ProcessStep | None = follow_up(job, session, prompt, with_tools=False)
    return step
