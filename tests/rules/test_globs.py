"""Globs: equal to the library's reading of them, refused when they could do harm, quick on hostile names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcmatch import glob as library

from swarm.rules.globs import LONGEST_GLOB, MOST_ALTERNATIVES, regex_of

FLAGS = library.GLOBSTAR | library.DOTGLOB | library.EXTGLOB | library.BRACE | library.CASE | library.FORCEUNIX


def matches(glob: str, path: str) -> bool:
    return re.fullmatch(regex_of(glob), path) is not None


def refusal_of(glob: str) -> str | None:
    try:
        regex_of(glob)
    except ValueError as error:
        return str(error)
    return None


LETTERS = "abA.-_ é"
STEP = st.text(LETTERS + "*?[]{}()!+@,|\\\n", min_size=1, max_size=5).filter(lambda step: step not in {".", ".."})
PATHS = st.lists(STEP, min_size=1, max_size=4).map("/".join)
PLAIN = st.sampled_from(
    ["a", "b", "A", ".", "-", "_", " ", "é", "ab", ".a", "*", "*", "?", "**", "[ab]", "[!a]", "[^b.]", "[a-b]", "[!]a]"]
)
BRACES = st.sampled_from(
    ["{a,b}", "{a,{b,A}}", "{,a}", "{a..b}", "*.{a,b}", "{a/b,*}", "{a}", "a/{,b}/", "{", "}", "[", "]"]
)
GROUPS = st.sampled_from(["@(a|b)", "+(a)", "*(b)", "?(A)", "!(a)", "!(a|*b)", "@(a|*)", "+([ab])", "@(a/b|A)"])
OTHERS = st.sampled_from(["\\*", "\\a", "!", "(", ")", "|", "+", ",", "~"])


def globs_of(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    step = st.one_of(st.just("**"), st.lists(st.one_of(*parts), min_size=1, max_size=4).map("".join))
    return st.lists(step, min_size=1, max_size=4).map("/".join).filter(lambda glob: refusal_of(glob) is None)


def paths_like(glob: str) -> st.SearchStrategy[str]:
    """Paths that a glob may well match: its own text, with the wildcards filled in."""
    filled = re.sub(r"[{}()|@+!\\]|\[[^]]*\]", "a", glob).replace(",", "b")
    near = st.tuples(st.sampled_from(["", "a", "a/b", "b/a/A"]), st.sampled_from(["a", ".", "", "bA"]))
    return near.map(
        lambda pair: re.sub("/+", "/", filled.replace("**", pair[0]).replace("*", pair[1]).replace("?", "b"))
    )


def is_path(path: str) -> bool:
    # The library takes `.` before a last newline for the folder itself; ours knows it for a name.
    return {"", ".", "..", ".\n", "..\n"}.isdisjoint(path.split("/"))


@given(globs_of(PLAIN).flatmap(lambda glob: st.tuples(st.just(glob), st.one_of(PATHS, paths_like(glob)))))
def test_a_plain_glob_matches_what_the_library_matches(pair: tuple[str, str]) -> None:
    glob, path = pair
    if is_path(path):
        assert matches(glob, path) is library.globmatch(path, glob, flags=FLAGS)


@given(
    globs_of(PLAIN, BRACES, GROUPS, OTHERS).flatmap(
        lambda glob: st.tuples(st.just(glob), st.one_of(PATHS, paths_like(glob)))
    )
)
def test_braces_and_extended_globs_match_what_the_library_matches(pair: tuple[str, str]) -> None:
    glob, path = pair
    if is_path(path):
        assert matches(glob, path) is library.globmatch(path, glob, flags=FLAGS)


SOME_PATHS = ["a", "a/b", "a/.b", ".a/b", "a/b/c.py", "a/c.py", "c.py", "A/b", "a b", "a\nb", "x/a/b/y/c.py"]


@pytest.mark.parametrize(
    ("glob", "matched"),
    [
        ("**", SOME_PATHS),
        ("*", ["a", "c.py", "a b", "a\nb"]),
        ("a/**", ["a/b", "a/.b", "a/b/c.py", "a/c.py"]),
        ("**/*.py", ["a/b/c.py", "a/c.py", "c.py", "x/a/b/y/c.py"]),
        ("**/a/**", ["a/b", "a/.b", "a/b/c.py", "a/c.py", "x/a/b/y/c.py"]),
        ("a/*", ["a/b", "a/.b", "a/c.py"]),
        ("a/*/c.py", ["a/b/c.py"]),
        ("{a,x}/**/c.py", ["a/b/c.py", "a/c.py", "x/a/b/y/c.py"]),
        ("a?b", ["a b", "a\nb"]),
        ("[!a].py", ["c.py"]),
        ("!(a)", ["c.py", "a b", "a\nb"]),
        ("a", ["a"]),
        ("a//b", ["a/b"]),
        ("a/", []),
        ("a/**/", []),
    ],
)
def test_a_glob_matches_these_paths_and_no_others(glob: str, matched: list[str]) -> None:
    assert [path for path in SOME_PATHS if matches(glob, path)] == matched


@pytest.mark.parametrize(
    ("glob", "reason"),
    [
        ("", "it is empty"),
        ("a" * (LONGEST_GLOB + 1), "it is longer than 1024 characters"),
        ("a\0b", "it holds a control character"),
        ("a\nb", "it holds a control character"),
        ("/etc/**", "it is absolute; paths are relative to the root of the repository"),
        ("{/etc,src}/**", "it is absolute; paths are relative to the root of the repository"),
        ("../**", "it holds a `.` or `..` step, which no path of a repository has"),
        ("src/../**", "it holds a `.` or `..` step, which no path of a repository has"),
        ("{src,..}/**", "it holds a `.` or `..` step, which no path of a repository has"),
        ("./src", "it holds a `.` or `..` step, which no path of a repository has"),
        ("{a,b}" * 9, "its braces expand to more than 256 globs"),
        ("{1..1000000000}", "its braces expand to more than 256 globs"),
        ("+(+(a))", "a group inside a group, or one that holds a bracket or a backslash, can run away"),
        ("@(a|@(b|c))", "a group inside a group, or one that holds a bracket or a backslash, can run away"),
        ("+(a\\)@(b|bb))", "a group inside a group, or one that holds a bracket or a backslash, can run away"),
        ("+([)]@(a|aa))", "a group inside a group, or one that holds a bracket or a backslash, can run away"),
        ("+(*a)", "a repeated group that can match one text in several ways can run away"),
        ("*(a|aa)b", "a repeated group that can match one text in several ways can run away"),
        ("+(a|[ab])b", "a repeated group that can match one text in several ways can run away"),
        ("*(a|)b", "a repeated group that can match one text in several ways can run away"),
        ("?(a)" * 40 + "b", "an extended glob with more than 4 wildcards can run away"),
        ("@(a|aa)" * 40 + "b", "an extended glob with more than 4 wildcards can run away"),
        ("+(a)+(a)+(a)b", "an extended glob with more than 4 wildcards can run away"),
        ("*!(b)*!(c)d", "an extended glob with more than 2 open places in a step can run away"),
        ("+(a)+(a)*a*b", "an extended glob with more than 2 open places in a step can run away"),
        ("src/@(*a*a*)/b", "an extended glob with more than 2 open places in a step can run away"),
        ("@(a|b)*a*a*a*a", "an extended glob with more than 4 wildcards can run away"),
    ],
)
def test_a_glob_that_could_do_harm_is_refused_with_its_reason(glob: str, reason: str) -> None:
    assert refusal_of(glob) == reason


def test_as_many_alternatives_as_are_allowed_are_taken() -> None:
    glob = "{a,b}" * 8
    assert MOST_ALTERNATIVES == 2**8
    assert matches(glob, "abababab")


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("glob", "name"),
    [
        ("*a" * 200 + "b", "a" * 4000 + "c"),
        ("**/a*/" * 50 + "b", "a/" * 1500 + "c"),
        ("**/*a*/**/*a*/**/*a*/b", "aaaa/" * 800 + "c"),
        ("[a-z]*" * 50 + "0", "a" * 4000),
        ("?*" * 100 + "b", "a" * 4000),
        ("+(a)*a@(b|c)", "a" * 255 + "d"),
        ("!(b)!(*b)ab", "a" * 255 + "c"),
        ("*!(b)d", "ab" * 127),
        ("+(a|b)+([ab])c", "ab" * 120 + "d"),
        ("{*a*a,*b*b,**/a*a}/c", "a" * 4000),
    ],
)
def test_a_hostile_name_is_answered_at_once(glob: str, name: str) -> None:
    # What is wrong here takes longer than the universe is old, so the deadline measures no speed.
    assert not matches(glob, name)
