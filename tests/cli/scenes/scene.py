"""The fixtures of a table of cases, and who holds a lock in them."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.amend_wave import Amending
from tests.cli.scenes.merge_team import Team
from tests.conftest import RefusedRows, Repo, Swarm, Workspace


class Scene:
    """The fixtures, made when they are asked for."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self.tmp: Path = request.getfixturevalue("tmp_path")
        self.monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        self.swarm: Swarm = request.getfixturevalue("swarm")
        self.repo: Repo = request.getfixturevalue("repo")

    @property
    def workspace(self) -> Workspace:
        """A run with a frozen map."""
        return self._request.getfixturevalue("workspace")

    @property
    def dispatched(self) -> Workspace:
        """The same with a wave in flight."""
        return self._request.getfixturevalue("dispatched")

    @property
    def collected(self) -> Workspace:
        """The same, collected."""
        return self._request.getfixturevalue("collected")

    @property
    def three(self) -> Workspace:
        """A collected wave with three findings."""
        return self._request.getfixturevalue("three")

    @property
    def team(self) -> Team:
        """A run with approved findings."""
        return self._request.getfixturevalue("team")

    @property
    def amending(self) -> Amending:
        """An amend wave in flight whose agents were given findings."""
        return self._request.getfixturevalue("amending")

    @property
    def amended(self) -> Team:
        """A collected amend wave."""
        return self._request.getfixturevalue("amended")

    @property
    def refused_rows(self) -> RefusedRows:
        """Make SQLite refuse rows."""
        return self._request.getfixturevalue("refused_rows")

    @property
    def db(self) -> Path:
        """The path of the control plane, whether it exists or not."""
        return self.repo.root / "swarms/control-plane.db"

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the control plane, or change it behind swarm's back."""
        with sqlite3.connect(self.db) as conn:
            found = conn.execute(statement, values).fetchall()
        conn.close()
        return found

    def finally_(self, action: Callable[[], object]) -> None:
        """Do something when the test is over."""
        self._request.addfinalizer(lambda: action() and None)

    def config(self, text: str) -> None:
        """Write the repository's swarm.toml."""
        self.repo.write({"swarm.toml": text})


_HOLD = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(handle, fcntl.LOCK_EX)
os.ftruncate(handle, 0)
os.write(handle, sys.argv[2].encode() + b"\\n")
print("held", flush=True)
sys.stdin.read()
"""


def holder_of_the_lock(lock: Path, words: str) -> subprocess.Popen[str]:
    """Start a process that holds a lock file and says so as swarm does."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(lock), words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=10)
