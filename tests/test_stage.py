"""The place where tests begin: what a test finds there is what its fixtures and its states have made."""

from pathlib import Path

import pytest

from tests.copies import copied, walk, way_between
from tests.stage import Kept, Stage


@pytest.mark.parametrize("names", [("first", "second"), ("same", "same")])
def test_a_state_takes_no_file_away_that_a_fixture_had_put_in_the_place(tmp_path: Path, names: tuple[str, str]) -> None:
    kept = Kept(tmp_path)
    for content, name in enumerate(names):
        place = kept.clear()
        (place / name).write_text(str(content))
        Stage(kept, place).begin((kept.place / "state").touch)
        found = {file.name: file.read_text() for file in place.iterdir()}
        assert found == {name: str(content), "state": ""}


def test_the_way_from_a_state_to_the_next_ends_where_a_whole_copy_does(tmp_path: Path) -> None:
    before, after, walked, whole = (tmp_path / name for name in ("before", "after", "walked", "whole"))
    (before / "kept/deep").mkdir(parents=True)
    for name in ("kept/same", "kept/deep/changed", "gone", "file_then_folder", "kept/mode"):
        (before / name).write_text(name)
    (before / "link").symlink_to("gone")
    (before / "folder_then_file").mkdir()
    copied(before, after)
    copied(before, walked)
    (after / "kept/deep/changed").write_text("changes")
    for name in ("gone", "file_then_folder", "link"):
        (after / name).unlink()
    (after / "file_then_folder").mkdir(mode=0o700)
    (after / "file_then_folder/new").write_text("new")
    (after / "folder_then_file").rmdir()
    (after / "folder_then_file").write_text("")
    (after / "link").symlink_to("kept")
    (after / "kept/mode").chmod(0o600)
    way = way_between(str(before), str(after))
    assert "kept/same" not in {*way.removed, *way.copied}
    walk(way, after, walked)
    copied(after, whole)
    assert everything_in(walked) == everything_in(whole)


def everything_in(folder: Path) -> list[tuple[object, ...]]:
    return [
        (
            str(path.relative_to(folder)),
            path.lstat().st_mode,
            path.lstat().st_mtime_ns if not path.is_symlink() else path.readlink(),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    ]
