"""The processes of an attempt: one after the other, within a deadline, their logs bounded and clean of secrets."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm.runtimes import child, output_log, processes, supervisor
from swarm.runtimes.processes import is_alive, start_of
from swarm.runtimes.runtime import Bounds, ProcessStep, StepResult
from swarm.runtimes.supervisor import Orders, Ran, run_queue, run_steps

FOREVER = 60.0
Run = Callable[..., Ran]


def python(script: str, **changed: object) -> ProcessStep:
    return ProcessStep((sys.executable, "-c", script))._replace(**changed)


def ends(pid: int) -> bool:
    """Whether a killed process has ended; the kernel takes a moment for a process that is not our child."""
    return any(start_of(pid) is None for _ in range(100_000))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "attempt"
    made.mkdir()
    return made


@pytest.fixture
def seen() -> list[tuple[int, str, str]]:
    """The calls of `spawned`."""
    return []


@pytest.fixture
def run(folder: Path, tmp_path: Path, seen: list[tuple[int, str, str]]) -> Run:
    def call(*steps: ProcessStep, seconds: float = FOREVER, **environment: str) -> Ran:
        orders = Orders(
            steps,
            tmp_path,
            folder,
            {"PATH": os.environ["PATH"], **environment},
            seconds,
            lambda *told: seen.append(told),
        )
        return asyncio.run(run_steps(orders))

    return call


def logs(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_a_step_that_ends_well_gives_what_it_printed(
    run: Run, folder: Path, seen: list[tuple[int, str, str]], tmp_path: Path
) -> None:
    step = python("import os, sys; print(os.getcwd()); print(os.environ['A'], file=sys.stderr)", environment={"A": "a"})
    ran = run(step)
    assert ran.results == (StepResult(step, 0, f"{tmp_path}\n".encode()),)
    assert (ran.failed, ran.exit_code, ran.signal, ran.timed_out, ran.not_started) == (None, 0, None, False, None)
    assert logs(folder) == {"stderr.log": b"a\n", "stdout.log": f"{tmp_path}\n".encode()}
    ((pid, _, moment),) = seen
    assert (pid > 0, moment) == (True, ran.spawned)


def test_an_attempt_sees_the_environment_it_is_given_and_no_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", "x")
    ran = run(python("import os, sys; print(sorted(set(os.environ) - {'LC_CTYPE'}), sys.stdin.read())"), GIVEN="g")
    assert ran.results[0].stdout == b"['GIVEN', 'PATH'] \n"


def test_steps_run_in_a_row_and_the_first_that_fails_ends_them(run: Run, folder: Path) -> None:
    first, second = python("print(1)", log="one"), python("import sys; print(2); sys.exit(3)", log="two")
    ran = run(first, second, python("print(3)", log="three"))
    assert ran.results == (StepResult(first, 0, b"1\n"), StepResult(second, 3, b"2\n"))
    assert (ran.failed, ran.exit_code, ran.fragment) == (second, 3, "")
    empty = dict.fromkeys(("stderr.log", "stdout.log", "three.log"), b"")
    assert logs(folder) == {"one.log": b"1\n", "two.log": b"2\n", **empty}


def test_an_exit_code_that_a_step_accepts_is_no_failure(run: Run) -> None:
    ran = run(python("import sys; sys.exit(1)", accepts=(0, 1)), python("print('went on')"))
    assert (ran.failed, ran.exit_code, [result.exit_code for result in ran.results]) == (None, 0, [1, 0])


def test_a_step_that_a_signal_ended_tells_which(run: Run) -> None:
    ran = run(python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert (ran.exit_code, ran.signal, ran.timed_out) == (-9, 9, False)


def test_a_program_that_is_not_there_is_told_as_not_started(run: Run, seen: list[tuple[int, str, str]]) -> None:
    ran = run(ProcessStep(("/no/such/program",)))
    assert (ran.results, ran.exit_code, ran.spawned, seen) == ((), None, None, [])
    assert ran.not_started == "[Errno 2] No such file or directory: '/no/such/program'"


def test_an_argument_with_a_nul_is_told_as_not_started(run: Run) -> None:
    assert run(ProcessStep((sys.executable, "a\0b"))).not_started == "embedded null byte"


TREE = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
    "print('child', flush=True)\\nwhile True: signal.pause()"])
print(child.pid, flush=True)
while True: signal.pause()
"""


def test_a_deadline_ends_the_whole_group_though_it_heeds_no_signal(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, seen: list[tuple[int, str, str]]
) -> None:
    monkeypatch.setattr(processes, "TERM_SECONDS", 0.1)
    ran = run(python(TREE), seconds=1.0)
    assert (ran.timed_out, ran.exit_code, ran.signal, len(ran.results)) == (True, -9, 9, 1)
    child = next(int(line) for line in (folder / "stdout.log").read_text().split() if line.isdigit())
    assert ends(child)
    ((pid, start, _),) = seen
    assert start != ""
    assert not is_alive(pid, start)


def test_a_process_that_cleans_up_when_told_is_given_the_time(run: Run, folder: Path) -> None:
    script = (
        "import signal, sys\n"
        "def end(*_):\n    print('cleaned up', flush=True)\n    sys.exit(5)\n"
        "signal.signal(signal.SIGTERM, end)\nprint('ready', flush=True)\nwhile True: signal.pause()"
    )
    ran = run(python(script), seconds=1.0)
    assert (ran.timed_out, ran.exit_code) == (True, 5)


DAEMON = """
import subprocess, sys
daemon = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session={apart})
print(daemon.pid, flush=True)
"""


@pytest.mark.parametrize("apart", [False, True])
def test_pipes_that_a_daemon_holds_open_do_not_hold_us(run: Run, apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "DRAIN_SECONDS", 0.05)
    ran = run(python(DAEMON.format(apart=apart)))
    pid = int(ran.results[0].stdout)
    try:
        assert (ran.exit_code, ran.timed_out) == (0, False)
        # In a session of its own it has left our group, and only a sandbox could hold it.
        assert apart or ends(pid)
        assert not apart or start_of(pid) is not None
    finally:
        if apart:
            os.kill(pid, signal.SIGKILL)


def test_a_log_is_cut_at_its_bound_and_says_so(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_BYTES", 1000)
    monkeypatch.setattr(output_log, "TAIL_BYTES", 250)
    ran = run(python("print('x' * 99 + '\\n', end='', flush=True)\n" * 20))
    line = b"x" * 99 + b"\n"
    assert (folder / "stdout.log").read_bytes() == line * 10 + b"\n[800 bytes left out]\n" + line * 2
    assert len(ran.results[0].stdout) == 2000


def test_what_is_captured_is_bounded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "CAPTURE_BYTES", 100_000)
    monkeypatch.setattr(supervisor, "LOG_BYTES", 1000)
    ran = run(python("import sys; sys.stdout.write('x' * 10_000_000)"))
    captured = ran.results[0].stdout
    assert 100_000 < len(captured) <= 100_000 + 2 * 64 * 1024
    assert set(captured) == {ord("x")}


def test_the_end_of_a_flood_is_captured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "CAPTURE_BYTES", 100_000)
    ran = run(python("import sys; sys.stdout.write('x' * 1_000_000 + 'the answer')"))
    assert ran.results[0].stdout.endswith(b"xthe answer")


def test_secrets_are_kept_out_of_the_logs_and_of_what_is_told(run: Run, folder: Path) -> None:
    ran = run(
        python("import os, sys; print('token=' + 'a' * 9); print(os.environ['MY_KEY'], file=sys.stderr); sys.exit(1)"),
        MY_KEY="correct horse",
    )
    assert logs(folder) == {"stderr.log": b"[redacted]\n", "stdout.log": b"token=[redacted]\n"}
    assert ran.fragment == "[redacted]"


def test_a_secret_that_comes_in_two_pieces_is_still_seen(run: Run, folder: Path) -> None:
    script = "import sys\nfor part in ('token=abc', 'defghi', '\\n'):\n    sys.stdout.write(part); sys.stdout.flush()"
    run(python(script))
    assert (folder / "stdout.log").read_bytes() == b"token=[redacted]\n"


def test_the_end_of_stderr_is_told_in_at_most_1000_bytes(run: Run) -> None:
    ran = run(python("import sys; sys.stderr.write('é' * 2000 + ' the end'); sys.exit(1)"), PYTHONIOENCODING="utf-8")
    assert len(ran.fragment.encode()) <= 1000
    assert ran.fragment.endswith("é the end")
    assert ran.fragment.strip("é") == " the end"


def test_without_stderr_the_end_of_stdout_is_told(run: Run) -> None:
    assert run(python("print('only this')")).fragment == "only this"


def test_bytes_that_are_no_text_do_not_break_the_log(run: Run, folder: Path) -> None:
    ran = run(python(r"import sys; sys.stdout.buffer.write(b'\xff\x00\n')"))
    assert ran.results[0].stdout == b"\xff\x00\n"
    assert (folder / "stdout.log").read_text() == "\ufffd\x00\n"


def test_who_is_cancelled_leaves_no_process(folder: Path, tmp_path: Path) -> None:
    async def cancel() -> tuple[int, str]:
        told: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        orders = Orders(
            [python("import signal; signal.pause()")],
            tmp_path,
            folder,
            dict(os.environ),
            FOREVER,
            lambda pid, start, _: told.set_result((pid, start)),
        )
        task = asyncio.create_task(run_steps(orders))
        process = await told
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return process

    assert not is_alive(*asyncio.run(cancel()))


def test_what_fails_while_a_process_is_recorded_leaves_no_process(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []

    def refuse(pid: int, start: str, _: str) -> None:
        told.append((pid, start))
        raise LookupError

    orders = Orders([python("import signal; signal.pause()")], tmp_path, folder, dict(os.environ), FOREVER, refuse)
    with pytest.raises(LookupError):
        asyncio.run(run_steps(orders))
    assert len(told) == 1
    assert not is_alive(*told[0])


def test_at_most_so_many_tasks_run_at_once_and_all_of_them_run() -> None:
    running, most, done = 0, 0, []

    def task(number: int) -> Callable[[], object]:
        async def work() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(5):
                await asyncio.sleep(0)
            running -= 1
            done.append(number)

        return work

    asyncio.run(run_queue([task(number) for number in range(10)], at_once=3))  # type: ignore[list-item]
    assert (most, sorted(done)) == (3, list(range(10)))


def test_a_task_that_raises_ends_the_others() -> None:
    ended = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("this one")

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(run_queue([waits, fails], at_once=2))
    assert [str(error) for error in caught.value.exceptions] == ["this one"]
    assert ended == ["waits"]


@pytest.mark.parametrize(
    "script",
    ["import signal; signal.pause()", "import os; os.abort()", "x = bytearray(1 << 30); import os; os._exit(0)"],
    ids=["time", "crash", "memory"],
)
def test_a_step_that_may_die_gives_way_to_the_steps_in_its_place(run: Run, script: str) -> None:
    most = Bounds(0.5 if "pause" in script else FOREVER, 1 << 29)
    # Python ends with 1 where it gets no memory; an analyzer in C++ aborts.
    dies = python(f"import os\ntry:\n    {script}\nexcept MemoryError:\n    os.abort()", most=most, files=("a", "b"))
    alone = python("print('b')", most=Bounds(FOREVER, 1 << 29))
    last = python("print('last')")
    ran = run(dies._replace(instead=lambda _: [dies, alone]), last)
    assert [(each.has_died, each.stdout) for each in ran.results] == [
        (True, b""),
        (False, b"last\n"),
        (True, b""),
        (False, b"b\n"),
    ]
    assert (ran.failed, ran.exit_code, ran.timed_out) == (None, 0, False)


def test_steps_that_may_die_are_not_started_once_their_part_of_the_time_is_over(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SHARE_OF_MORTALS", 0)
    late = python("print('late')", most=Bounds(FOREVER, 1 << 29))
    ran = run(late, python("print('last')"))
    assert [(each.has_died, each.stdout) for each in ran.results] == [(True, b""), (False, b"last\n")]
    assert (ran.failed, ran.timed_out, logs(folder)["stdout.log"]) == (None, False, b"last\n")


def test_a_step_that_may_die_and_ends_with_a_code_that_is_not_accepted_fails(run: Run) -> None:
    fails = python("raise SystemExit(3)", most=Bounds(FOREVER, 1 << 30), instead=lambda _: [fails])
    ran = run(fails)
    assert (ran.failed, ran.exit_code) == (fails, 3)


MEETING = (
    "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\nwhile not pathlib.Path(sys.argv[2]).exists(): pass"
)


def meets(own: Path, other: Path, **changed: object) -> ProcessStep:
    """A process that ends when another one has begun."""
    argv = (sys.executable, "-c", f"{MEETING}\nprint(sys.argv[1][-1])", str(own), str(other))
    return ProcessStep(argv, beside=True)._replace(**changed)


def test_steps_beside_each_other_run_at_the_same_time_and_keep_their_order(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    a, b = tmp_path / "a", tmp_path / "b"
    ran = run(meets(a, b), meets(b, a, log="stdout-2"), python("print('last')"))
    assert [each.stdout for each in ran.results] == [b"a\n", b"b\n", b"last\n"]
    assert logs(folder) == {"stderr.log": b"", "stdout-2.log": b"b\n", "stdout.log": b"a\nlast\n"}


def test_where_a_step_beside_another_fails_no_later_step_runs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    a, b = tmp_path / "a", tmp_path / "b"
    fails = meets(b, a, accepts=(3,))
    ran = run(meets(a, b), fails, python("raise SystemExit(5)"))
    assert (ran.failed, ran.exit_code, len(ran.results)) == (fails, 0, 2)


def test_a_step_that_cannot_start_ends_the_step_beside_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    waits = meets(tmp_path / "a", tmp_path / "b")
    ran = run(waits, ProcessStep(("/no/such/program",), beside=True))
    assert (ran.results, "/no/such/program" in (ran.not_started or "")) == ((), True)
