"""Protocol of an adapter, and the records of steps and builds."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from swarm.builds.checkout import Checkout
from swarm.builds.recorders import Runner
from swarm.builds.tests_ran import AUTO
from swarm.rules.build_verdicts import BuildVerdict, StepFacts, StepKind, StepStatus
from swarm.rules.sandbox_policy import Isolation


class BuildStep(NamedTuple):
    """A process of a build, without a shell, in a folder of the tree.

    `tool` names the test runner whose summaries are read; `count_pattern` replaces them. `empty_codes` are the exit
    codes that mean that there is no test. `runner` is the runner whose tests are recorded; no other count is
    believed then. `python` takes the place of a script of pytest.
    """

    name: str
    kind: StepKind
    argv: tuple[str, ...]
    folder: str = "."
    environment: Mapping[str, str] = {}
    tool: str = AUTO
    count_pattern: str | None = None
    empty_codes: frozenset[int] = frozenset()
    runner: Runner | None = None
    python: str = "python"


class StepOutcome(NamedTuple):
    """The end of a step. `exit_code` is `None` when it did not start, negative for a signal.

    `stdout` and `stderr` are free of secrets, the beginning and the end of each in at most 8,000 characters;
    `log_path` is the folder of both as files, whole up to 64 MiB each. `foreign` are the files of the user's checkout
    that the step imported in place of files of the tree. `hint` says why an exit code of 0 is not believed, or what the
    sandbox hid from a failed step.
    """

    name: str
    kind: StepKind
    argv: tuple[str, ...]
    status: StepStatus
    exit_code: int | None
    duration_ms: int
    test_count: int | None
    stdout: str
    stderr: str
    log_path: Path
    foreign: tuple[str, ...] = ()
    hint: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the step ended with 0, which a test step without tests may do, too."""
        return self.status is StepStatus.PASSED

    @property
    def timed_out(self) -> bool:
        """Whether the step was ended at its deadline."""
        return self.status is StepStatus.TIMED_OUT

    @property
    def missing(self) -> bool:
        """Whether a program of the step was not found."""
        return self.status is StepStatus.MISSING

    @property
    def facts(self) -> StepFacts:
        """The facts of the step that the verdict rests on."""
        return StepFacts(self.kind, self.status, self.test_count)


class BuildResult(NamedTuple):
    """The outcome of a build. `adapter` is `None` when none fits the tree, `test_count` when none could be read.

    `lacks` names what the tree lacks beside its commit; a build that passed lacks nothing. `notes` are sentences about
    installed programs that were not used. `isolation` is the sandbox of its steps, if recorded.
    """

    adapter: str | None
    verdict: BuildVerdict
    steps: tuple[StepOutcome, ...]
    test_count: int | None
    lacks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    isolation: Isolation | None = None


class Adapter(Protocol):
    """An adapter for a kind of project. No method runs a program of the project, or writes to its files."""

    @property
    def name(self) -> str:
        """The name for `--adapter`."""

    def probe(self, tree: Path) -> int:
        """Return how well the tree fits, 0 for not at all."""

    def steps(self, tree: Path, checkout: Checkout) -> list[BuildStep]:
        """Return the steps that prove the tree.

        The tree is a scratch worktree of a commit; the checkout is the user's own, which holds the
        packages installed beside the code (`.venv`, `node_modules`).
        """
