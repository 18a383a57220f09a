"""Marks of files of a commit, as orders carry them."""

import base64
import random
import tracemalloc
import zlib

import pytest

from swarm.rules.file_marks import LONGEST_MARKS, marked, marks_of

PATHS = [f"d{number % 7}/файл {number}\n\udcff.py" for number in range(1000)]


def _marks(bits: bytes) -> str:
    return base64.b64encode(zlib.compress(bits)).decode()


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_the_marked_files_are_those_that_were_chosen_in_whatever_order_they_are_listed(count: int) -> None:
    dice = random.Random(count)
    paths = PATHS[:count]
    for chosen in ([], paths, dice.sample(paths, count // 3)):
        marks = marks_of(paths, frozenset([*chosen, "of no commit"]))
        assert marks is not None
        assert marked(dice.sample(paths, count), marks) == tuple(sorted(chosen))


@pytest.mark.parametrize(
    "marks",
    [
        "",
        "AAAA",
        "no base64!",
        _marks(b""),
        _marks(bytes(124)),
        _marks(bytes(126)),
        _marks(b"\xff" * 126),
        # Its end with the checksum is cut off.
        base64.b64encode(zlib.compress(bytes(125))[:-3]).decode(),
    ],
)
def test_marks_of_other_files_are_refused(marks: str) -> None:
    with pytest.raises(ValueError, match="marks"):
        marked(PATHS, marks)


def test_a_mark_beyond_the_last_file_is_refused() -> None:
    with pytest.raises(ValueError, match="not those of the 9 files"):
        marked(PATHS[:9], _marks(b"\0\2"))


def test_marks_that_unpack_to_any_length_are_refused_before_they_do() -> None:
    bomb = _marks(bytes(200 << 20))
    assert len(bomb) > LONGEST_MARKS
    tracemalloc.start()
    with pytest.raises(ValueError, match="not those of the 1,000 files"):
        marked(PATHS, bomb)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_marks_that_no_order_could_hold_are_none() -> None:
    dice = random.Random(1)
    paths = [f"{number:06}" for number in range(800_000)]
    some = paths[:400_000]
    assert len(marks_of(some, {path for path in some if dice.random() < 0.3}) or "") > LONGEST_MARKS / 2
    assert marks_of(paths, {path for path in paths if dice.random() < 0.3}) is None
