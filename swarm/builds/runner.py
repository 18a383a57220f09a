"""Run every step of a build, and judge the results."""

import os
import re
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from swarm.builds import tests_ran
from swarm.builds.adapter import Adapter, BuildResult, BuildStep, StepOutcome
from swarm.builds.checkout import Checkout
from swarm.builds.configured import setup_steps
from swarm.builds.environment import build_environment
from swarm.builds.interpreters import passed_over
from swarm.builds.missing_parts import lacks_of
from swarm.builds.node_modules import lend_packages, withhold_programs
from swarm.builds.package_caches import cache_variables
from swarm.builds.project_files import is_folder
from swarm.builds.tree_imports import TreeImports, tree_imports
from swarm.config import VerifyConfig
from swarm.files import make_folder
from swarm.rules.build_verdicts import BuildVerdict, Exit, StepStatus, status_of, verdict_of
from swarm.rules.sandbox_policy import Right
from swarm.runtimes.child import Child, Ended, finish, run_child
from swarm.runtimes.output_log import OutputLog
from swarm.runtimes.processes import end_all_with
from swarm.runtimes.redaction import Redactor
from swarm.runtimes.sandbox import NONE, UNENCLOSED, Enclosure

LOG_BYTES: Final = 64 * 1024 * 1024
TERM_SECONDS: Final = 2.0
_MARK: Final = "SWARM_BUILD"
# The words of `python -m`, of cargo and rustup, and of the shell below a script that hides its exit code.
_SAYS_MISSING: Final = re.compile(
    r"""^(?:\S+:[ ]No[ ]module[ ]named[ ](?:pytest|mypy)
         |error:[ ]no[ ]such[ ]command:[ ]`[\w-]+`
         |error:[ ]'[\w.-]+'[ ]is[ ]not[ ]installed[ ]for[ ]the[ ]toolchain.*
         |(?:/bin/)?sh:[ ](?:line[ ])?(?:\d+:[ ])?\S+:[ ](?:command[ ])?not[ ]found
        )$""",
    re.VERBOSE | re.MULTILINE,
)


class _Site(NamedTuple):
    """The tree, the environment, the time limit and the enclosure of the steps of one build."""

    tree: Path
    environment: dict[str, str]
    seconds: float
    imports: TreeImports
    enclosure: Enclosure


def run_build(
    adapter: Adapter | None,
    tree: Path,
    checkout: Checkout,
    log_folder: Path,
    config: VerifyConfig,
    *,
    seconds: float | None = None,
    enclosure: Enclosure = UNENCLOSED,
) -> BuildResult:
    """Run the set-up and every step of an adapter in a scratch worktree, also after a step has failed.

    `seconds` bounds each step, else the configuration does. Each step has a folder of logs. In an enclosure, the
    processes of the build share an empty home.
    Raises WorkspaceNotWritable and OSError where the logs cannot be written.
    """
    if adapter is None:
        return BuildResult(None, BuildVerdict.SKIP, (), None)
    withheld = withhold_programs(tree, checkout)
    limit = config.timeout_seconds if seconds is None else seconds
    # A process of a step can leave its group and its session; the mark in its environment identifies the process still.
    mark = {_MARK: uuid.uuid4().hex}
    variables = build_environment(config.environment) | {"PATH": checkout.path()} | mark
    if checkout.brings(Path(variables.get("VIRTUAL_ENV", os.devnull))):
        del variables["VIRTUAL_ENV"]
    with tree_imports(tree, checkout.root) as imports:
        if enclosure.backend != NONE:
            variables = cache_variables(enclosure.home, enclosure.policy, variables)
            enclosure = _with_folders(enclosure, imports.folder.with_name("home"), imports.folder)
        site = _Site(tree, variables, limit, imports, enclosure)
        try:
            outcomes = _set_up(site, checkout, log_folder, config)
            if all(outcome.passed for outcome in outcomes):
                checkout = checkout.after_setup(tree) if outcomes else checkout
                # Only now: an installer could write through the links to the packages of the user.
                lend_packages(tree, checkout)
                steps = adapter.steps(tree, checkout)
                numbered = enumerate(steps, len(outcomes) + 1)
                outcomes += tuple(_run_step(step, site, log_folder / f"{n}-{step.name}") for n, step in numbered)
        finally:
            end_all_with(mark)
    counts = [outcome.test_count for outcome in outcomes if outcome.test_count is not None]
    verdict = verdict_of(outcome.facts for outcome in outcomes)
    lacks = () if verdict is BuildVerdict.PASS else lacks_of(tree, checkout.root, outcomes)
    tests = sum(counts) if counts else None
    notes = (*passed_over(checkout), *filter(None, (withheld,)))
    return BuildResult(adapter.name, verdict, outcomes, tests, lacks, notes=notes)


def _with_folders(enclosure: Enclosure, home: Path, written: Path) -> Enclosure:
    """Return the enclosure of a build with its home, and a folder that its processes write to."""
    home.mkdir()
    return enclosure.opened([(str(written), Right.WRITABLE)])._replace(own_home=home)


def _set_up(site: _Site, checkout: Checkout, log_folder: Path, config: VerifyConfig) -> tuple[StepOutcome, ...]:
    """Run the set-up until a command of it fails: what comes after would fail for that reason alone."""
    outcomes: list[StepOutcome] = []
    for number, step in enumerate(setup_steps(config, site.tree, checkout), 1):
        outcomes.append(_run_step(step, site, log_folder / f"{number}-{step.name}"))
        if not outcomes[-1].passed:
            break
    return tuple(outcomes)


def _run_step(step: BuildStep, site: _Site, folder: Path) -> StepOutcome:
    make_folder(folder)
    environment = {**site.environment, **site.imports.environment(step.environment)}
    redactor = Redactor(environment)
    stdout, stderr = (OutputLog(folder / f"{name}.log", redactor, bound=LOG_BYTES) for name in ("stdout", "stderr"))
    began = time.monotonic()
    try:
        try:
            ended = _ended(step, site, environment, stdout, stderr)
            foreign = site.imports.take_record()
            if foreign:
                stderr.add(f"{len(foreign)} modules of the checkout were imported: {', '.join(foreign)}\n".encode())
        finally:
            # The output of an interrupted step is kept, too.
            stdout.finish()
            stderr.finish()
        reading = _reading(step, stdout, stderr)
        status = ended if isinstance(ended, StepStatus) else _status(step, ended, reading, stderr)
        if foreign and status is StepStatus.PASSED:
            # The step ran code that is not in the commit, so its success says nothing of the commit.
            status = StepStatus.FAILED
        return StepOutcome(
            name=step.name,
            kind=step.kind,
            argv=step.argv,
            status=status,
            exit_code=None if isinstance(ended, StepStatus) else ended.code,
            duration_ms=int((time.monotonic() - began) * 1000),
            test_count=0 if status is StepStatus.NO_TESTS else reading.tests,
            stdout=stdout.excerpt(),
            stderr=stderr.excerpt(),
            log_path=folder,
            foreign=foreign,
        )
    finally:
        # On a full disk, closing the first log raises an error; the second is closed all the same.
        with closing(stderr):
            stdout.close()


def _ended(
    step: BuildStep, site: _Site, environment: dict[str, str], stdout: OutputLog, stderr: OutputLog
) -> Ended | StepStatus:
    """Run the process of a step; without a process return the status that says why, and log the reason."""
    if not is_folder(site.tree, step.folder):
        stderr.add(f"{step.folder} is not a folder of the tree\n".encode())
        return StepStatus.FAILED
    folder = site.tree / step.folder
    try:
        with site.enclosure.start(step.argv, folder, environment) as start:
            child = Child(start.argv, folder, start.environment, TERM_SECONDS)
            ended = finish(run_child(child, stdout=stdout.add, stderr=stderr.add, seconds=site.seconds))
        return ended._replace(code=site.enclosure.code_of(ended.code))
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        stderr.add(f"{step.argv[0]}: {error.strerror}\n".encode("utf-8", "replace"))
        return StepStatus.MISSING
    except (OSError, ValueError) as error:
        stderr.add(f"{step.argv[0]}: {error}\n".encode("utf-8", "replace"))
        return StepStatus.FAILED


def _reading(step: BuildStep, stdout: OutputLog, stderr: OutputLog) -> tests_ran.Reading:
    """Read the tests of a test step from both of its streams."""
    if step.kind != "test":
        return tests_ran.Reading(None)
    if step.count_pattern is not None:
        readings = [
            tests_ran.read_pattern(log.lines(tests_ran.LINE_CHARACTERS), step.count_pattern) for log in (stdout, stderr)
        ]
    else:
        readings = [tests_ran.read(log.lines(tests_ran.LINE_CHARACTERS), step.tool) for log in (stdout, stderr)]
    counts = [reading.tests for reading in readings if reading.tests is not None]
    return tests_ran.Reading(
        sum(counts) if counts else None, frozenset().union(*(reading.empty_codes for reading in readings))
    )


def _status(step: BuildStep, ended: Ended, reading: tests_ran.Reading, stderr: OutputLog) -> StepStatus:
    if ended.timed_out:
        return StepStatus.TIMED_OUT
    says_missing = _SAYS_MISSING.search(stderr.excerpt()) is not None
    return status_of(step.kind, Exit(ended.code, reading.tests, step.empty_codes | reading.empty_codes, says_missing))
