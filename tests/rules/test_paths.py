"""Which paths an agent may name: a corpus of hostile ones, and of harmless ones in odd clothes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.paths import LONGEST_PATH, safe_path

TRACKED = frozenset({"src/app.py", "odd\nname", "back\\slash", "/rooted", "C:drive", "real/.git-ish", "dir/"})
LINKS = ["link", "deep/link"]


def refusal_of(named: str) -> str:
    with pytest.raises(ValueError) as caught:
        safe_path(named, TRACKED, LINKS)
    return str(caught.value)


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("src/app.py", "src/app.py"),
        ("./src/app.py", "src/app.py"),
        ("src//./app.py", "src/app.py"),
        ("src\\app.py", "src/app.py"),
        (".\\src\\new file.py", "src/new file.py"),
        ("src/", "src"),
        # Exactly a path of the commit is taken as it is, whatever it looks like.
        ("odd\nname", "odd\nname"),
        ("back\\slash", "back\\slash"),
        ("/rooted", "/rooted"),
        ("C:drive", "C:drive"),
        # Near misses of what is refused.
        ("...", "..."),
        ("..a/b..", "..a/b.."),
        (".gitignore", ".gitignore"),
        (".github/workflows/x.yml", ".github/workflows/x.yml"),
        ("a.git/config", "a.git/config"),
        ("git~x", "git~x"),
        ("linked/file", "linked/file"),
        ("link", "link"),
        ("-rf", "-rf"),
        ("$(touch x)", "$(touch x)"),
        ("a" * LONGEST_PATH, "a" * LONGEST_PATH),
    ],
)
def test_these_are_paths_of_the_repository(named: str, path: str) -> None:
    assert safe_path(named, TRACKED, LINKS) == path


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("", "it is empty"),
        (".", "it is empty"),
        ("././", "it is empty"),
        ("/etc/passwd", "it is absolute"),
        ("//server/share", "it is absolute"),
        ("\\\\server\\share", "it is absolute"),
        ("\\etc\\passwd", "it is absolute"),
        ("C:\\Windows", "it is absolute"),
        ("c:relative", "it is absolute"),
        (".\\C:\\Windows", "it is absolute"),
        ("..", "it climbs out of the repository"),
        ("../x", "it climbs out of the repository"),
        ("src/../../x", "it climbs out of the repository"),
        ("src\\..\\..\\x", "it climbs out of the repository"),
        ("src/..", "it climbs out of the repository"),
        (".git", "it leads into .git"),
        (".git/config", "it leads into .git"),
        ("src/.GIT/hooks/x", "it leads into .git"),
        (".git.", "it leads into .git"),
        (".git /config", "it leads into .git"),
        (".git. . /config", "it leads into .git"),
        ("GIT~1/config", "it leads into .git"),
        ("git~12", "it leads into .git"),
        (".git::$INDEX_ALLOCATION/config", "it leads into .git"),
        (".git:stream", "it leads into .git"),
        (".g\u200cit/config", "it leads into .git"),
        ("\ufeff.git/config", "it leads into .git"),
        (".\u202egit", "it leads into .git"),
        ("a\0b", "it holds control characters and is no path of the commit"),
        ("src/a\nb", "it holds control characters and is no path of the commit"),
        ("a\x1b[2Jb", "it holds control characters and is no path of the commit"),
        ("a\x85b", "it holds control characters and is no path of the commit"),
        ("a\u2028b", "it holds control characters and is no path of the commit"),
        ("link/x", "it leads through a symbolic link"),
        ("./link//x", "it leads through a symbolic link"),
        ("deep\\link\\x\\y", "it leads through a symbolic link"),
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
