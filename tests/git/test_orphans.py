"""A git that outlives its command keeps the next command waiting, and no longer than it lives."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from swarm.git import orphans

# A command that starts a git which lives on, and is killed then.
DIES = """
import os, signal, sys
from pathlib import Path
from swarm.git import orphans
from swarm.git.runner import Git
with orphans.awaited(Path(sys.argv[1]), 1):
    if os.fork() == 0:
        Git(Path(sys.argv[1])).answer("version")
        os._exit(0)
    while not Path(sys.argv[1], "began").exists():
        pass
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def orphan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on which a git works whose command is dead: it ends when `end` is there."""
    programs = tmp_path / "programs"
    programs.mkdir()
    folder = tmp_path / "folder"
    folder.mkdir()
    (programs / "git").write_text(
        f"#!/bin/sh\nexec >/dev/null 2>&1\ntouch {folder}/began\nwhile ! [ -e {folder}/end ]; do sleep 0.01; done\n"
    )
    (programs / "git").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-c", DIES, str(folder)], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    return folder


def test_the_next_command_waits_for_it(orphan: Path) -> None:
    with pytest.raises(orphans.StillAtWork), orphans.awaited(orphan, 0.05):
        pass
    (orphan / "end").touch()
    with orphans.awaited(orphan, 30):
        assert len(orphans.lent()) == 1
    assert orphans.lent() == ()


def test_what_has_ended_keeps_nobody_waiting(tmp_path: Path) -> None:
    for _ in range(2):
        with orphans.awaited(tmp_path, 0):
            subprocess.run(["true"], check=True, pass_fds=orphans.lent())
