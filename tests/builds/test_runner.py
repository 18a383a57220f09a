"""Steps of a build: each in a session and an environment of its own, within a deadline, its output bounded."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from swarm.builds import step_run
from swarm.builds.checkout import Checkout
from swarm.builds.runner import run_build
from swarm.rules.build_verdicts import BuildVerdict, StepStatus
from swarm.runtimes.output_log import EXCERPT_CHARACTERS, TAIL_BYTES
from swarm.runtimes.processes import start_of
from swarm.verify_config import VerifyConfig, VerifyStep
from tests.builds.conftest import Prove, python_step

GRANDCHILD = "import time; time.sleep(600)"
# A process that starts a child, writes the child's pid, and then runs the rest of the script.
PARENT = f"""
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', {GRANDCHILD!r}])
open('child', 'w').write(str(child.pid))
print('started', flush=True)
"""


def ends(pid: int) -> bool:
    """Whether a killed process has ended; the kernel takes a moment for a process that is not our child."""
    return any(start_of(pid) is None for _ in range(100_000))


def child_of(tree: Path) -> int:
    return int((tree / "child").read_text())


@pytest.fixture
def late(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline passes as soon as the step has written the file `child`."""

    def monotonic(_: asyncio.BaseEventLoop) -> float:
        has_begun = (tree / "child").exists() and (tree / "child").read_text()
        return time.monotonic() + (3600 if has_begun else 0)

    monkeypatch.setattr(asyncio.BaseEventLoop, "time", monotonic)


def test_a_build_without_an_adapter_is_a_skip(tree: Path, root: Path, logs: Path) -> None:
    result = run_build(None, tree, Checkout(root), logs, VerifyConfig())
    assert (result.adapter, result.verdict, result.steps, result.test_count) == (None, BuildVerdict.SKIP, (), None)
    assert not logs.exists()


@pytest.mark.usefixtures("late")
def test_a_step_that_hangs_is_ended_with_its_grandchild(run_steps: Prove, tree: Path) -> None:
    result = run_steps(python_step(PARENT + "time.sleep(600)"))
    (step,) = result.steps
    assert (result.verdict, step.status, step.timed_out, step.exit_code) == ("fail", "timed_out", True, -15)
    assert step.stdout == "started\n"
    assert ends(child_of(tree))


@pytest.mark.usefixtures("late")
def test_a_step_that_will_not_hear_is_killed(run_steps: Prove, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarm.builds.step_run.TERM_SECONDS", 0.2)
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    (step,) = run_steps(python_step(deaf + PARENT + "time.sleep(600)")).steps
    assert (step.status, step.exit_code, step.stdout) == ("timed_out", -9, "started\n")
    assert ends(child_of(tree))


def test_what_a_step_leaves_behind_in_its_group_is_ended(run_steps: Prove, tree: Path) -> None:
    # The grandchild holds the pipes open as well, for ever if it could.
    (step,) = run_steps(python_step(PARENT)).steps
    assert (step.status, step.exit_code, step.stdout) == ("passed", 0, "started\n")
    assert step.duration_ms < 30_000
    assert ends(child_of(tree))


def test_an_interrupt_ends_the_group_and_is_passed_on(run_steps: Prove, tree: Path, logs: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_steps(python_step(PARENT + "os.kill(os.getppid(), signal.SIGINT); time.sleep(600)"))
    assert ends(child_of(tree))
    assert (logs / "1-step" / "stdout.log").read_text() == "started\n"


def test_a_step_that_left_its_group_does_not_keep_us(run_steps: Prove, tree: Path) -> None:
    away = PARENT.replace("])\n", "], start_new_session=True)\n")
    (step,) = run_steps(python_step(away)).steps
    os.kill(child_of(tree), signal.SIGKILL)
    assert (step.status, step.stdout) == ("passed", "started\n")


def test_a_step_sees_an_allowlist_no_input_and_no_control_plane(
    run_steps: Prove, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_SECRET", "hidden-from-it")
    monkeypatch.setenv("GIVEN", "g")
    monkeypatch.setenv("GOCACHE", "/go")
    script = "import os, sys; e = os.environ; print([e.get(n) for n in ('OUR_SECRET', 'GIVEN', 'GOCACHE', 'CI', 'SWARM_ATTEMPT')], sys.stdin.read())"
    (step,) = run_steps(python_step(script), environment=("GIVEN",)).steps
    assert step.stdout == "[None, 'g', '/go', '1', 'verify'] \n"


def test_code_under_test_cannot_use_the_control_plane(run_steps: Prove, tree: Path) -> None:
    (step,) = run_steps(VerifyStep("s", "check", (sys.executable, "-m", "swarm", "runs"))).steps
    assert (step.status, "INSIDE_AGENT_WORKTREE" in step.stderr) == ("failed", True)


def test_secrets_reach_neither_the_record_nor_the_disk(run_steps: Prove, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "abc-very-secret")
    script = "import os, sys; print(os.environ['SHOP_TOKEN']); print('Bearer 0123456789abcdef', file=sys.stderr)"
    (step,) = run_steps(python_step(script), environment=("SHOP_TOKEN",)).steps
    assert (step.stdout, step.stderr) == ("[redacted]\n", "Bearer [redacted]\n")
    assert [(step.log_path / f"{name}.log").read_text() for name in ("stdout", "stderr")] == [step.stdout, step.stderr]


def test_output_without_end_is_bounded_and_its_summary_still_read(
    run_steps: Prove, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_run, "LOG_BYTES", 100_000)
    script = "print('first'); [print('x' * 99) for _ in range(20_000)]; print('5 passed in 0.10s')"
    (step,) = run_steps(python_step(script)).steps
    written = (step.log_path / "stdout.log").read_text()
    assert (step.test_count, len(step.stdout)) == (5, EXCERPT_CHARACTERS)
    assert (step.stdout[:6], "\n[…]\n" in step.stdout, step.stdout[-18:]) == ("first\n", True, "5 passed in 0.10s\n")
    assert (len(written) < 100_000 + TAIL_BYTES + 100, " bytes left out]" in written) == (True, True)


def test_a_program_that_is_not_there_is_missing_and_the_next_step_runs(run_steps: Prove) -> None:
    result = run_steps(VerifyStep("lint", "lint", ("no-such-program",)), python_step("print('2 passed in 0.1s')"))
    assert [(step.name, step.status, step.exit_code) for step in result.steps] == [
        ("lint", StepStatus.MISSING, None),
        ("step", StepStatus.PASSED, 0),
    ]
    assert (result.verdict, result.steps[0].stderr) == ("tool_missing", "no-such-program: No such file or directory\n")


def test_a_test_step_that_says_nothing_is_unmeasured(run_steps: Prove) -> None:
    assert run_steps(python_step("print('fine')")).verdict == "unmeasured_tests"


def test_a_pattern_makes_an_unknown_runner_a_pass(run_steps: Prove) -> None:
    result = run_steps(python_step("print('1 import checked')", count_pattern=r"^(\d+) import"))
    assert (result.verdict, result.test_count) == ("pass", 1)


@pytest.mark.parametrize("folder", ["nowhere", "out", "..", "/"])
def test_a_step_runs_in_a_folder_of_the_tree_and_nowhere_else(run_steps: Prove, tree: Path, folder: str) -> None:
    (tree / "out").symlink_to("/")
    (step,) = run_steps(python_step("print(1)", folder=folder)).steps
    assert (step.status, step.exit_code, step.stderr) == ("failed", None, f"{folder} is not a folder of the tree\n")


def test_placeholders_are_filled_in(run_steps: Prove, tree: Path, root: Path) -> None:
    script = ("{python}", "-c", "import sys; print(sys.argv[1:])", "{worktree}", "a{repository}b", "{other}")
    (step,) = run_steps(VerifyStep("s", "check", script)).steps
    assert step.stdout == f"{[str(tree), f'a{root}b', '{other}']}\n"
