"""A map from CODEOWNERS: each path has the owner that GitHub would name, whatever the order of the lines."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swarm.rules.codeowners import MOST_RULES, map_of, may_meet, rules_of
from swarm.rules.domains import NAME_PATTERN, Ownership
from swarm.rules.ownership import OwnershipMap


def drawn(text: str, *paths: str) -> dict[str, tuple[tuple[str, ...], int]]:
    """Return each domain's globs and how many of the paths it owns."""
    domains, counts = map_of(rules_of(text), paths)
    return {domain.name: (domain.globs, counts[domain.name]) for domain in domains}


def owner(text: str, path: str) -> str:
    """Return the domain of a path, in a map of that path alone."""
    found = OwnershipMap(map_of(rules_of(text), [path])[0]).owner_of(path)
    assert found is not None
    return found.name


MATCHES = [
    ("*", ["a", "x/a", ".hidden", "x/.hidden/a"], []),
    ("*.js", ["a.js", "x/a.js", "x/.js", "dir.js/a"], ["a.jsx", "js"]),
    ("/*.js", ["a.js"], ["x/a.js"]),
    ("/*", ["a"], ["x/a"]),
    ("/build/logs/", ["build/logs/a", "build/logs/x/a"], ["build/logs", "x/build/logs/a"]),
    ("docs/*", ["docs/a.md"], ["docs/x/a.md", "x/docs/a.md"]),
    ("apps/", ["apps/a", "x/apps/y/a"], ["apps", "xapps/a"]),
    ("/docs/", ["docs/a", "docs/x/a"], ["x/docs/a"]),
    ("/scripts", ["scripts", "scripts/a"], ["x/scripts"]),
    ("logs", ["logs", "x/logs", "x/logs/y/a"], ["logs2"]),
    ("**/logs", ["logs", "logs/a", "x/y/logs/a"], ["xlogs"]),
    ("a/**/b", ["a/b", "a/x/b", "a/x/y/b/c"], ["a/xb", "x/a/b"]),
    ("a/**", ["a/b", "a/x/b"], ["a", "x/a/b"]),
    ("**", ["a", "x/a"], []),
    ("**/", ["x/a"], ["a"]),
    ("a/**/", ["a/x/b"], ["a/b"]),
    ("a/*/", ["a/x/b", "a/x/y/b"], ["a/b"]),
    ("a/b", ["a/b", "a/b/c"], ["x/a/b"]),
    ("a**b", ["ab", "axb", "x/axb"], ["a/b"]),
    ("fo?", ["foo", "x/fob/a"], ["fo", "fo/"]),
    ("with\\ space/", ["with space/a"], ["with/a", "space/a"]),
    ("\\#hash", ["#hash"], ["hash"]),
    ("mid#hash", ["mid#hash"], ["mid"]),
    ("/app/[slug]/{a,b}(c).ts", ["app/[slug]/{a,b}(c).ts"], ["app/s/a.ts", "app/s/ac.ts"]),
    ("@(a|b)", ["@(a|b)"], ["a", "b"]),
    ("+(a)", ["+(a)"], ["a", "aa"]),
    ("\\*", ["*", "x/*"], ["a"]),
    ("\\?", ["?"], ["a"]),
    ("a\\/b", ["a/b"], ["x/a/b"]),
    ("Makefile", ["Makefile"], ["makefile"]),
    ("/", [], ["a", "x/a"]),
]


@pytest.mark.parametrize(("pattern", "matched", "others"), MATCHES, ids=[pattern for pattern, _, _ in MATCHES])
def test_a_pattern_means_what_it_means_to_github(pattern: str, matched: list[str], others: list[str]) -> None:
    text = f"{pattern} @yes"
    assert {path: owner(text, path) for path in matched} == dict.fromkeys(matched, "yes")
    assert {path: owner(text, path) for path in others} == dict.fromkeys(others, "rest")


def test_the_last_match_wins() -> None:
    text = "* @all\n/src/ @code\n/src/*.md @words\n"
    assert [owner(text, path) for path in ("a", "src/a", "src/a.md", "src/x/a.md")] == ["all", "code", "words", "code"]


def test_a_pattern_without_owners_takes_its_files_away() -> None:
    text = "/apps/ @octocat\n/apps/github\n"
    assert drawn(text, "apps/a", "apps/github/a", "b") == {
        "unowned": (("apps/github", "apps/github/**"), 1),
        "octocat": (("apps/**",), 1),
        "rest": (("**",), 1),
    }


def test_patterns_of_one_owner_share_a_domain_where_no_other_stands_between_them() -> None:
    text = "/a/ @one\n/b/ @two\n/c/ @one\n"
    assert drawn(text, "a/f", "b/f", "c/f") == {
        "one": (("c/**", "a/**"), 2),
        "two": (("b/**",), 1),
        "rest": (("**",), 0),
    }


def test_patterns_that_another_owner_s_stands_between_become_a_second_domain() -> None:
    text = "/src/ @one\n*.md @two\n/docs/ @one\n"
    assert drawn(text, "src/f", "src/f.md", "docs/f.md") == {
        "one": (("docs/**",), 1),
        "two": (("**/*.md", "**/*.md/**"), 1),
        "one-2": (("src/**",), 1),
        "rest": (("**",), 0),
    }


def test_a_domain_without_a_file_is_left_out_and_its_neighbours_join() -> None:
    text = "/src/ @one\n*.md @two\n/docs/ @one\n"
    assert drawn(text, "src/f", "docs/f.md") == {"one": (("docs/**", "src/**"), 2), "rest": (("**",), 0)}


def test_a_catch_all_of_the_file_s_own_is_the_last_domain_and_takes_what_is_still_to_come() -> None:
    assert drawn("* @all\n/src/ @code\n", "src/f") == {"code": (("src/**",), 1), "all": (("**",), 0)}
    assert drawn("/src/ @code\n*\n", "src/f") == {"unowned": (("**",), 1)}


def test_owners_are_one_set_in_any_order_and_case() -> None:
    text = "/a/ @Org/Team joe@example.com\n/b/ JOE@example.com @org/team # why\n/c/ @org/team\n"
    assert drawn(text, "a/f", "b/f", "c/f") == {
        "org-team": (("c/**",), 1),
        "org-team_joe-example-com": (("b/**", "a/**"), 2),
        "rest": (("**",), 0),
    }


def test_names_are_lawful_and_each_is_there_once() -> None:
    owners = ["@a/b", "@a-b", "@rest", "@unowned", "@unassigned", "@ü", "@é", "@" + "x" * 100, "@" + "x" * 99, ""]
    rules = rules_of("\n".join(f"/{number}/ {owner}" for number, owner in enumerate(owners)))
    domains, _ = map_of(rules, [f"{number}/f" for number in range(len(owners))])
    names = [domain.name for domain in domains]
    assert names == [
        "unowned",
        "x" * 64,
        "x" * 62 + "-2",
        "owner",
        "owner-2",
        "unassigned-2",
        "unowned-2",
        "rest-2",
        "a-b",
        "a-b-2",
        "rest",
    ]
    assert all(NAME_PATTERN.fullmatch(name) for name in names)
    assert all(len(domain.description) <= 240 and domain.ownership is Ownership.OWNED for domain in domains)


def test_comments_blank_lines_and_line_ends_are_no_rules() -> None:
    text = "\ufeff# a comment\r\n\r\n  \t\n\t/a/ \t @one\t@two # @three\r\n/b/\t#@four\n"
    assert [(rule.owners, rule.globs) for rule in rules_of(text)] == [(("@one", "@two"), ("a/**",)), ((), ("b/**",))]


def test_sections_are_no_rules_and_lend_their_owners_to_lines_without() -> None:
    text = "/a/ @one\n[Code][2] @two @three # why\n/b/\n/c/ @four\n^[Some words]\n/d/\n[slug].ts @five\n"
    assert [(rule.owners, rule.globs[0]) for rule in rules_of(text)] == [
        (("@one",), "a/**"),
        (("@two", "@three"), "b/**"),
        (("@four",), "c/**"),
        ((), "d/**"),
        (("@five",), "**/\\[slug\\].ts"),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("!src/ @one", "the pattern '!src/' is negated, which CODEOWNERS has no meaning for"),
        (
            "./src/ @one",
            "the pattern './src/' is refused: it holds a `.` or `..` step, which no path of a repository has",
        ),
        ("a//b @one", "the pattern 'a//b' has an empty step, so it can match nothing"),
        ("a\\", "the pattern 'a\\' ends in a backslash"),
        ("a\0b @one", "the pattern 'a\0b' is refused: it holds a control character"),
        ("/a/ @one\u202e", "an owner's name holds a character that cannot be shown"),
        (
            "(a*b*c*d*e* @one",
            "the pattern '(a*b*c*d*e*' is refused: an extended glob with more than 4 wildcards can run away",
        ),
    ],
)
def test_a_line_that_has_no_meaning_is_refused_by_its_number(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2: ") as caught:
        rules_of(f"* @all\n{line}\n")
    assert str(caught.value) == f"line 2: {problem}"


def test_a_pattern_that_is_too_long_and_too_many_of_them_are_refused() -> None:
    with pytest.raises(ValueError, match="it is longer than 1024 characters"):
        rules_of("x" * 1025 + " @one")
    assert len(rules_of("a @one\n" * MOST_RULES)) == MOST_RULES
    with pytest.raises(ValueError, match=f"it has more than {MOST_RULES} patterns"):
        rules_of("a @one\n" * (MOST_RULES + 1))


# --- held equal to the last match -------------------------------------------------------------------------


def matches(pattern: str, path: str) -> bool:
    """Say whether a pattern matches a path: as a matcher of steps, written apart from the translation to globs."""
    body = pattern.strip("/")
    if not body:
        return False
    steps = body.split("/")
    if not pattern.startswith("/") and len(steps) == 1:
        steps = ["**", *steps]
    names = path.split("/")
    if pattern.endswith("/"):
        return any(step_by_step(steps, names[:depth]) for depth in range(1, len(names)))
    if steps[-1] in {"*", "**"}:
        return step_by_step(steps, names)
    return any(step_by_step(steps, names[:depth]) for depth in range(1, len(names) + 1))


def step_by_step(steps: list[str], names: list[str]) -> bool:
    if not steps:
        return not names
    if steps == ["**"]:
        return bool(names)
    if steps[0] == "**":
        return any(step_by_step(steps[1:], names[depth:]) for depth in range(len(names)))
    return bool(names) and is_name(steps[0], names[0]) and step_by_step(steps[1:], names[1:])


def is_name(step: str, name: str) -> bool:
    pieces = {"*": "[^/]*", "?": "[^/]"}
    return re.fullmatch("".join(pieces.get(char, re.escape(char)) for char in step), name) is not None


def last_match(lines: list[tuple[str, str]], path: str) -> str:
    """Return the owner that the last line with a match names, `rest` where there is no such line."""
    return next((owner or "unowned" for pattern, owner in reversed(lines) if matches(pattern, path)), "rest")


NAMES = st.sampled_from(["a", "b", "ab", "a.js", "b.js", ".a", "[a]", "(b)", "{a,b}", "a+b"])
STEPS = st.one_of(NAMES, st.sampled_from(["*", "**", "*.js", "a*", "*b", "?", "a?", "*.*", "[*", "*)"]))


def is_read(pattern: str) -> bool:
    """Say whether a pattern is read as one: a name in brackets alone is a section, and some globs are refused."""
    is_section = re.fullmatch(r"\[[^\[\]]+\]", pattern) is not None
    return not is_section and (len(re.findall(r"\*+", pattern)) <= 2 or not set(pattern) & set("[](){}"))


PATTERNS = (
    st.tuples(st.sampled_from(["", "/"]), st.lists(STEPS, min_size=1, max_size=3), st.sampled_from(["", "/"]))
    .map(lambda parts: parts[0] + "/".join(parts[1]) + parts[2])
    .filter(is_read)
)
LINES = st.lists(st.tuples(PATTERNS, st.sampled_from(["@one", "@two", "@three", ""])), min_size=1, max_size=8)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12, unique=True)


@given(LINES, PATHS)
@example([("/a/", "@one"), ("*.js", "@two"), ("/b/", "@one")], ["a/a", "a/a.js", "b/a.js"])
@example([("*", "@one"), ("/a/", ""), ("/a/b", "@one")], ["b", "a/a", "a/b"])
def test_the_owner_by_the_map_is_the_owner_by_the_last_match(lines: list[tuple[str, str]], paths: list[str]) -> None:
    domains, counts = map_of(rules_of("".join(f"{pattern} {owner}\n" for pattern, owner in lines)), paths)
    owners = OwnershipMap(domains)
    found = {path: owners.owner_of(path) for path in paths}
    told = {path: owner and re.sub(r"-\d+$", "", owner.name) for path, owner in found.items()}
    assert told == {path: last_match(lines, path).removeprefix("@") for path in paths}
    assert counts == {domain.name: list(found.values()).count(domain) for domain in domains}
    assert domains[-1].globs[-1] == "**"
    assert all(counts[domain.name] for domain in domains[:-1])
    assert len({domain.name for domain in domains}) == len(domains)


@given(PATTERNS, PATTERNS, PATHS)
@example("a\\\\*", "a\\\\x", ["a\\x"])
def test_two_patterns_that_a_path_matches_are_never_said_to_be_apart(one: str, other: str, paths: list[str]) -> None:
    """So no line is moved before one that would lose a file by it, be the file there or still to come."""
    first, second = rules_of(f"{one} @one\n{other} @two\n")
    if first.steps and second.steps and any(matches(one, path) and matches(other, path) for path in paths):
        assert may_meet(first, second)
        assert may_meet(second, first)


def test_patterns_that_are_plainly_apart_are_told_apart() -> None:
    apart = [("/a/", "/b/"), ("/a/*.js", "/a/*.py"), ("/a/x", "/b/**"), ("/a/*", "/a/b/*"), ("/*.md", "/*.rst")]
    for pair in apart:
        first, second = rules_of("".join(f"{pattern} @one\n" for pattern in pair))
        assert not may_meet(first, second), pair
