"""Scratch folders: none outlives its process for long, and none that is in use is taken away."""

import errno
import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from swarm.scratch import scratch_folder

DIES = """
import os, signal
from swarm.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "left").write_text("x")
    {what}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "tmp"
    made.mkdir()
    monkeypatch.setenv("TMPDIR", str(made))
    return made


def test_it_is_for_this_user_alone_and_gone_afterwards(place: Path) -> None:
    with scratch_folder() as folder:
        assert (folder.parent, folder.stat().st_mode & 0o777) == (place, 0o700)
        (folder / "inner").mkdir()
    assert list(place.iterdir()) == []


def test_it_is_gone_when_its_block_fails(place: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch_folder():
        raise ZeroDivisionError
    assert list(place.iterdir()) == []


def test_that_of_a_process_that_was_killed_is_removed_by_the_next(place: Path) -> None:
    what = "os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", DIES.format(what=what)], check=False, timeout=60)
    assert (done.returncode, len(list(place.iterdir()))) == (-signal.SIGKILL, 1)
    with scratch_folder() as folder:
        assert list(place.iterdir()) == [folder]


def test_that_of_a_process_that_lives_is_left(place: Path) -> None:
    what = "print('made', flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", DIES.format(what=what)], stdin=pipe, stdout=pipe) as living:
        assert living.stdout is not None
        assert living.stdin is not None
        assert living.stdout.readline() == b"made\n"
        (theirs,) = place.iterdir()
        with scratch_folder() as folder:
            assert set(place.iterdir()) == {theirs, folder}
        assert (theirs / "left").read_text() == "x"
        living.stdin.write(b"\n")
        living.stdin.close()
    assert list(place.iterdir()) == []


def test_somebodys_folder_of_such_a_name_is_left(place: Path) -> None:
    for name in ("swarm-scratch-ideas", "swarm-scratch-novel_12"):
        (place / name).mkdir(mode=0o700)
        (place / name / "novel.txt").write_text("mine")
    with scratch_folder():
        pass
    assert sorted(file.parent.name for file in place.glob("*/novel.txt")) == [
        *("swarm-scratch-ideas", "swarm-scratch-novel_12"),
    ]


def test_one_that_was_made_and_not_marked_is_removed(place: Path) -> None:
    (place / "swarm-scratch-abcd_123").mkdir(mode=0o700)
    with scratch_folder() as folder:
        assert list(place.iterdir()) == [folder]


def test_a_file_system_without_locks_on_folders_has_it_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, how: int) -> None:
        raise OSError(errno.EBADF, "no such locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with scratch_folder() as folder:
        (folder / "file").touch()
    assert list(place.iterdir()) == []


def test_what_only_looks_like_one_and_is_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").write_text("x")
    (place / "swarm-scratch-x").symlink_to(theirs)
    with scratch_folder():
        pass
    assert (theirs / "file").read_text() == "x"
