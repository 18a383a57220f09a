"""Run a step of a build: in a session, an environment and an enclosure of its own, its output in bounded logs."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm.builds import tests_ran
from swarm.builds.adapter import BuildStep, StepOutcome
from swarm.builds.go_events import GoEvents
from swarm.builds.project_files import is_folder
from swarm.builds.recorders import Recording, Runner, made_place, recorded, variables
from swarm.builds.run_report import ReportPlace
from swarm.builds.step_tests import step_tests
from swarm.builds.tree_imports import TreeImports
from swarm.files import make_folder
from swarm.rules.build_verdicts import Exit, StepStatus, status_of
from swarm.rules.sandbox_hints import Held, Outside, hint_on
from swarm.rules.sandbox_policy import Right
from swarm.runtimes.child import Child, Ended, finish, run_child
from swarm.runtimes.output_log import OutputLog
from swarm.runtimes.processes import listens
from swarm.runtimes.redaction import Redactor
from swarm.runtimes.sandbox import NONE, Enclosure

LOG_BYTES: Final = 64 * 1024 * 1024
TERM_SECONDS: Final = 2.0
# The words of `python -m`, of cargo and rustup, and of the shell below a script that hides its exit code.
_SAYS_MISSING: Final = re.compile(
    r"""^(?:\S+:[ ]No[ ]module[ ]named[ ](?:pytest|mypy)
         |error:[ ]no[ ]such[ ]command:[ ]`[\w-]+`
         |error:[ ]'[\w.-]+'[ ]is[ ]not[ ]installed[ ]for[ ]the[ ]toolchain.*
         |(?:/bin/)?sh:[ ](?:line[ ])?(?:\d+:[ ])?\S+:[ ](?:command[ ])?not[ ]found
        )$""",
    re.VERBOSE | re.MULTILINE,
)


class BuildSite(NamedTuple):
    """The tree, the environment, the time limit and the enclosure of the steps of one build."""

    tree: Path
    environment: dict[str, str]
    seconds: float
    imports: TreeImports
    enclosure: Enclosure


class _Logs(NamedTuple):
    stdout: OutputLog
    stderr: OutputLog


def run_step(step: BuildStep, site: BuildSite, folder: Path) -> StepOutcome:
    """Run a step, with its logs in a folder; return how it ended. Raises WorkspaceNotWritable and OSError."""
    make_folder(folder)
    # A cache of mypy that the commit brings could say that its files have no errors.
    caches = {"MYPY_CACHE_DIR": str(site.imports.folder / "mypy")}
    environment = {**site.environment, **site.imports.environment(step.environment), **caches}
    with _logs(folder, Redactor(environment)) as logs:
        recording = _recording(step, site.imports.folder.with_name(folder.name), logs)
        began = time.monotonic()
        try:
            ended = _ended(step, site, environment, recording, logs)
            foreign = site.imports.take_record()
            if foreign:
                line = f"{len(foreign)} modules of the checkout were imported: {', '.join(foreign)}\n"
                logs.stderr.add(line.encode("utf-8", "replace"))
        finally:
            # The output of an interrupted step is kept, too.
            if isinstance(recording, GoEvents):
                recording.finish()
            logs.stdout.finish()
            logs.stderr.finish()
        tests = step_tests(step, recording, logs, folder)
        status = ended if isinstance(ended, StepStatus) else _status(step, ended, tests.reading, logs)
        status = tests.hold(status, is_foreign=bool(foreign))
        code = None if isinstance(ended, StepStatus) else ended.code
        return StepOutcome(
            name=step.name,
            kind=step.kind,
            argv=step.argv,
            status=status,
            exit_code=code,
            duration_ms=int((time.monotonic() - began) * 1000),
            test_count=0 if status is StepStatus.NO_TESTS else tests.reading.tests,
            stdout=logs.stdout.excerpt(),
            stderr=logs.stderr.excerpt(),
            log_path=folder,
            foreign=foreign,
            hint=tests.doubt if code == 0 else _hint(step, site, environment, logs),
        )


def _recording(step: BuildStep, folder: Path, logs: _Logs) -> Recording | None:
    if step.runner is None:
        return None
    return GoEvents(logs.stdout.add) if step.runner is Runner.GO else made_place(folder, step.runner)


@contextmanager
def _logs(folder: Path, redactor: Redactor) -> Iterator[_Logs]:
    logs = _Logs(*(OutputLog(folder / f"{name}.log", redactor, bound=LOG_BYTES) for name in _Logs._fields))
    try:
        yield logs
    finally:
        # On a full disk, closing the first log raises an error; the second is closed all the same.
        with closing(logs.stderr):
            logs.stdout.close()


def _ended(
    step: BuildStep, site: BuildSite, environment: dict[str, str], recording: Recording | None, logs: _Logs
) -> Ended | StepStatus:
    """Run the process of a step; without a process return the status that says why, and log the reason."""
    if not is_folder(site.tree, step.folder):
        logs.stderr.add(f"{step.folder} is not a folder of the tree\n".encode())
        return StepStatus.FAILED
    folder = site.tree / step.folder
    places = [(str(site.imports.folder), Right.WRITABLE)]
    if isinstance(recording, ReportPlace):
        # Outside of the tree, where no file of the commit can stand in its place.
        places += [(str(recording.file), Right.WRITABLE), (str(recording.hook), Right.READABLE)]
    argv = step.argv
    if recording is not None and step.runner is not None:
        argv = recorded(step.argv, step.runner, recording, step.python)
        environment = variables(step.runner, recording, environment)
    out = recording.add if isinstance(recording, GoEvents) else logs.stdout.add
    enclosure = site.enclosure.opened(places)
    try:
        with enclosure.start(argv, folder, environment) as start:
            child = Child(start.argv, folder, start.environment, TERM_SECONDS)
            ended = finish(run_child(child, stdout=out, stderr=logs.stderr.add, seconds=site.seconds))
        return ended._replace(code=enclosure.code_of(ended.code))
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        logs.stderr.add(f"{step.argv[0]}: {error.strerror}\n".encode("utf-8", "replace"))
        return StepStatus.MISSING
    except (OSError, ValueError) as error:
        logs.stderr.add(f"{step.argv[0]}: {error}\n".encode("utf-8", "replace"))
        return StepStatus.FAILED


def _status(step: BuildStep, ended: Ended, reading: tests_ran.Reading, logs: _Logs) -> StepStatus:
    if ended.timed_out:
        return StepStatus.TIMED_OUT
    says_missing = _SAYS_MISSING.search(logs.stderr.excerpt()) is not None
    return status_of(step.kind, Exit(ended.code, reading.tests, step.empty_codes | reading.empty_codes, says_missing))


def _hint(step: BuildStep, site: BuildSite, environment: dict[str, str], logs: _Logs) -> str | None:
    """Return what the sandbox hid from a step, if its output names that."""
    enclosure = site.enclosure
    if enclosure.backend == NONE:
        return None
    with suppress(OSError):
        # Where its program is missing, the step saw nothing.
        enclosure = enclosure.seen_by(step.argv, site.tree / step.folder, environment)
    held = Held(enclosure.policy, enclosure.backend, str(site.tree.resolve()), enclosure.home)
    # The user's own rights, outside of the sandbox.
    outside = Outside(os.path.lexists, listens)
    hints = (hint_on(log.excerpt(), held, outside) for log in (logs.stderr, logs.stdout))
    return next(filter(None, hints), None)
