"""Processes are known by pid and start, and ended with their whole group."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from swarm.runtimes import processes
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.ports import SIZE, port_block
from swarm.runtimes.processes import end_group, is_alive, listens, listens_at_any, signal_group, start_of

READY = "import signal, sys; print('ready', flush=True); signal.pause()"
STUBBORN = """
import signal
import socket
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""
PARENT = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(child.pid, flush=True)
signal.pause()
"""
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """`start(script)`: a process in a session of its own that has printed its first line."""
    started: list[subprocess.Popen[str]] = []

    def call(script: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        signal_group(process.pid, signal.SIGKILL)
        process.communicate()


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_process_keeps_its_start_and_two_do_not_share_pid_and_start(start: Start) -> None:
    one = start(READY)
    assert first_line(one) == "ready"
    begun = start_of(one.pid)
    assert begun is not None
    assert start_of(one.pid) == begun
    assert is_alive(one.pid, begun)
    assert not is_alive(one.pid, "another start")


def test_who_is_gone_is_not_alive_not_even_as_a_zombie(start: Start) -> None:
    one = start(READY)
    first_line(one)
    begun = start_of(one.pid)
    one.kill()
    # Waited for without being reaped: it is a zombie now.
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    assert (start_of(one.pid), is_alive(one.pid, begun)) == (None, False)
    one.wait()
    assert (start_of(one.pid), is_alive(one.pid, begun)) == (None, False)


@pytest.mark.parametrize(("pid", "begun"), [(None, "1"), (1, None), (None, None)])
def test_a_process_that_was_never_recorded_is_not_alive(pid: int | None, begun: str | None) -> None:
    assert not is_alive(pid, begun)


def test_a_group_is_ended_with_what_its_leader_started(start: Start) -> None:
    leader = start(PARENT)
    child = int(first_line(leader))
    child_start = start_of(child)
    assert is_alive(child, child_start)
    end_group(leader.pid, start_of(leader.pid) or "", grace=30)
    assert leader.wait() == -signal.SIGTERM
    assert any(not is_alive(child, child_start) for _ in range(100_000))


def test_who_does_not_heed_the_first_signal_is_killed(start: Start) -> None:
    leader = start(STUBBORN)
    assert first_line(leader) == "ready"
    end_group(leader.pid, start_of(leader.pid) or "", grace=0.1)
    assert leader.wait() == -signal.SIGKILL


def test_a_pid_that_was_given_out_again_is_left_alone(start: Start) -> None:
    other = start(READY)
    first_line(other)
    end_group(other.pid, "the start of one that is gone", grace=0)
    assert other.poll() is None


def test_a_group_that_is_gone_can_be_signalled(start: Start) -> None:
    leader = start("pass")
    leader.wait()
    signal_group(leader.pid, signal.SIGTERM)


def test_this_machine_has_a_name() -> None:
    assert processes.host()


def test_an_agent_sees_what_is_allowed_what_is_passed_and_what_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    given = {"PATH": "/bin", "HOME": "/h", "MY_TOKEN": "secret", "PYTHONPATH": "/evil", "WANTED": "w", "LANG": "C"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert agent_environment({"SWARM_ATTEMPT": "1", "HOME": "/other"}, passed=("WANTED", "NOT_SET")) == {
        "PATH": "/bin",
        "HOME": "/other",
        "LANG": "C",
        "WANTED": "w",
        "NO_COLOR": "1",
        "SWARM_ATTEMPT": "1",
    }


def test_process_one_and_the_group_of_the_caller_are_never_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: sent.append((group, number)))
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    for pid in (1, 0, -1, os.getpid(), os.getpgrp()):
        begun = start_of(pid) if pid > 0 else "0"
        end_group(pid, begun or "", grace=0)
    for group in (1, 0, -1):
        signal_group(group, signal.SIGKILL)
    assert sent == []


@pytest.mark.skipif(not processes.boot(), reason="the system names no boot")
def test_a_pid_of_another_boot_or_another_namespace_names_no_process(start: Start) -> None:
    one = start(READY)
    assert first_line(one) == "ready"
    begun = start_of(one.pid) or ""
    started, boot, namespace = begun.split(" ")
    for other in (
        started,
        f"{started} {namespace}",
        f"{started} another-boot {namespace}",
        f"{started} {boot} pid:[1]",
    ):
        assert not is_alive(one.pid, other)
        end_group(one.pid, other, grace=0)
    assert is_alive(one.pid, begun)


def test_a_process_that_leads_no_group_is_not_taken_for_an_attempt(start: Start) -> None:
    leader = start(PARENT)
    child = int(first_line(leader))
    end_group(child, start_of(child) or "", grace=0)
    assert leader.poll() is None
    assert start_of(child) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel shows its sockets")
def test_a_port_is_found_among_those_around_it_while_a_program_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens(port)
        assert listens_at_any(range(port - 1, port + 1))
    assert not listens_at_any(range(port, port + 1))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel shows its sockets")
def test_a_block_of_ports_of_which_a_program_listens_at_one_is_given_to_no_agent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        first = server.getsockname()[1] - SIZE + 1
        with port_block(first) as given:
            assert given is not None
            assert given > first
