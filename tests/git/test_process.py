"""A call of git is waited for by its end, and not by looking for it now and then."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swarm.git import process
from swarm.git.process import GitProcess, completed


def answered(folder: Path) -> tuple[int, bytes, bytes]:
    done = completed(["cat"], cwd=folder, env={"PATH": os.environ["PATH"]}, timeout=60, stdin=b"said\n")
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="no descriptors of processes")
def test_the_end_of_a_process_is_seen_without_a_nap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nap(seconds: float) -> None:
        pytest.fail(f"waited blindly for {seconds} s")

    monkeypatch.setattr("time.sleep", nap)
    for _ in range(50):
        assert answered(tmp_path) == (0, b"said\n", b"")


def test_a_system_without_descriptors_of_processes_gives_the_same_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int) -> int:
        raise OSError(errno.ENOSYS, f"no descriptor of {pid}")

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    assert answered(tmp_path) == (0, b"said\n", b"")


def test_a_process_past_its_time_is_killed_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[GitProcess] = []

    def make(*arguments: Any, **options: Any) -> GitProcess:
        made.append(GitProcess(*arguments, **options))
        return made[0]

    monkeypatch.setattr(process, "GitProcess", make)
    # Its outputs end before it does, so that the wait alone is left.
    script = "exec >&- 2>&-; exec sleep 600"
    with pytest.raises(subprocess.TimeoutExpired):
        completed(["sh", "-c", script], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, timeout=0.2)
    assert [child.returncode for child in made] == [-signal.SIGKILL]
