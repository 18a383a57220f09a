"""Paths of any bytes are text inside, and come out as the bytes that they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.git.path_text import path_bytes, path_text

BYTES = st.binary(min_size=1, max_size=20).filter(lambda raw: b"\0" not in raw)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
NEAR = st.text(st.sampled_from("a\U0010ff7f\U0010ff80\U0010ff85\U0010ffff\x80é"), min_size=1, max_size=6)


@given(
    st.one_of(BYTES, TEXT.map(str.encode), NEAR.map(str.encode), st.tuples(NEAR.map(str.encode), BYTES).map(b"".join))
)
def test_a_path_of_any_bytes_comes_back_as_it_was(raw: bytes) -> None:
    assert path_bytes(path_text(raw)) == raw


@given(st.one_of(BYTES, NEAR.map(str.encode)))
def test_a_path_becomes_text_that_json_and_sqlite_can_hold(raw: bytes) -> None:
    path_text(raw).encode("utf-8")


@given(st.one_of(TEXT, NEAR.filter(lambda text: not any(c >= "\U0010ff80" for c in text))))
def test_a_path_of_utf_8_is_its_own_text(text: str) -> None:
    if not any(c >= "\U0010ff80" for c in text):
        assert path_text(text.encode()) == text


@given(st.lists(BYTES, min_size=1, max_size=4))
def test_a_step_of_a_path_stays_a_step(steps: list[bytes]) -> None:
    raw = b"/".join(steps)
    assert path_text(raw).count("/") == raw.count(b"/")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"src/app.py", "src/app.py"),
        ("ünï.py".encode(), "ünï.py"),
        (b"a\nb\t", "a\nb\t"),
        (b"caf\xe9.py", "caf\U0010ffe9.py"),
        (b"\xff\x80", "\U0010ffff\U0010ff80"),
        ("\U0010ff80".encode(), "\U0010fff4\U0010ff8f\U0010ffbe\U0010ff80"),
        ("é\U0010ff80".encode(), "\U0010ffc3\U0010ffa9\U0010fff4\U0010ff8f\U0010ffbe\U0010ff80"),
    ],
)
def test_a_byte_that_is_no_utf_8_has_a_code_point_of_its_own(raw: bytes, text: str) -> None:
    assert path_text(raw) == text
