"""Which paths an agent may name: a corpus of hostile ones, and of harmless ones in odd clothes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.safe_paths import LONGEST_PATH, safe_path
from tests.hostile.cases import listed

CORPUS = listed("paths/taken")
TRACKED = frozenset({*CORPUS["tracked"], "/rooted", "dir/"})
LINKS = frozenset({"link", "deep/link", "loop"})


def refusal_of(named: str) -> str:
    with pytest.raises(ValueError) as caught:
        safe_path(named, TRACKED, LINKS)
    return str(caught.value)


@pytest.mark.parametrize(
    ("named", "path"),
    [
        *CORPUS["meant"].items(),
        *((path, path) for path in sorted(TRACKED)),
        ("a" * LONGEST_PATH, "a" * LONGEST_PATH),
    ],
)
def test_these_are_paths_of_the_repository(named: str, path: str) -> None:
    assert safe_path(named, TRACKED, LINKS) == path


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        *((path, reason) for reason, paths in listed("paths/refused").items() for path in paths),
        ("a" * (LONGEST_PATH + 1), "it is longer than 4096 characters"),
    ],
)
def test_these_are_refused_with_their_reason(named: str, reason: str) -> None:
    assert refusal_of(named) == reason


STEPS = st.sampled_from(["a", "..", ".", ".git", ".GIT", "git~1", "link", "\x00", "\x1b", "", "C:", "é", ".gi\u200dt"])


@given(st.lists(st.tuples(STEPS, st.sampled_from(["/", "\\"]))).map(lambda pairs: "".join(a + b for a, b in pairs)))
def test_what_is_let_through_stays_inside_and_out_of_git(named: str) -> None:
    try:
        path = safe_path(named, frozenset(), LINKS)
    except ValueError:
        return
    steps = path.split("/")
    assert {"", ".", "..", ".git", "git~1", ".gi\u200dt"}.isdisjoint(step.lower() for step in steps)
    assert not path.startswith(("link/", "C:"))
    assert path.isprintable()
    assert safe_path(path, frozenset(), LINKS) == path
