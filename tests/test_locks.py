"""Lock files: a single holder, whoever removes the file or puts a link in its place."""

import os
from pathlib import Path

import pytest

from swarm.locks import LockTaken, is_held, locked


def test_a_lock_has_a_single_holder_and_names_the_holder_to_others(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with locked(path, "collect", timeout=0):
        with pytest.raises(LockTaken) as taken, locked(path, "launch", timeout=0):
            raise AssertionError
        assert (taken.value.holder, is_held(path)) == (f"{os.getpid()} collect", True)
    assert (path.stat().st_mode & 0o777, is_held(path)) == (0o600, False)
    with locked(path, "a", timeout=0):
        assert path.read_text() == f"{os.getpid()} a\n"


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = tmp_path / "a.lock", os.open

    def removed_once(*arguments: object, **options: object) -> int:
        handle = opened(*arguments, **options)  # type: ignore[arg-type]
        monkeypatch.setattr(os, "open", opened)
        path.unlink()
        return handle

    monkeypatch.setattr(os, "open", removed_once)
    with locked(path, "collect", timeout=5):
        assert is_held(path)


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("kept")
    (tmp_path / "a.lock").symlink_to(other)
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path / "a.lock", "collect", timeout=0):
        raise AssertionError
    assert other.read_text() == "kept"
