"""A file has one owner: the first domain of the map with a glob that matches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.domains import NAME_PATTERN, Domain, Ownership
from swarm.rules.ownership import Overlap, OwnershipMap, trespasses

CODE = Domain("code", Ownership.OWNED, ("src/**", "lib/**"))
TESTS = Domain("tests", Ownership.BRIDGE, ("**/test_*.py", "tests/**"))
CONFIG = Domain("config", Ownership.SHARED, ("*.toml",))
MAP = OwnershipMap([CODE, TESTS, CONFIG])
PATHS = ["src/a.py", "src/test_a.py", "tests/x.txt", "deep/test_b.py", "pyproject.toml", "README.md", "lib/x"]


@pytest.mark.parametrize(
    ("path", "owner"),
    list(zip(PATHS, [CODE, CODE, TESTS, TESTS, CONFIG, None, CODE], strict=True)),
)
def test_the_first_domain_that_matches_owns_a_file(path: str, owner: Domain | None) -> None:
    assert MAP.owner_of(path) == owner


def test_the_order_of_the_map_decides_between_two_that_match() -> None:
    assert OwnershipMap([TESTS, CODE]).owner_of("src/test_a.py") == TESTS


def test_what_says_how_work_is_proved_is_nobody_s_unless_it_is_leased() -> None:
    every = OwnershipMap([Domain("rest", Ownership.OWNED, ("**",)), Domain("all", Ownership.SHARED, ("**",))])
    assert trespasses(every, "rest", "swarm.toml", set())
    assert trespasses(MAP, "config", "swarm.toml", set())
    assert not trespasses(every, "rest", "swarm.toml", {"swarm.toml"})
    assert trespasses(every, "rest", "src/conftest.py", set())


def test_a_map_is_divided_in_its_order_and_tells_what_nobody_owns() -> None:
    assert MAP.divide(PATHS) == (
        {
            "code": ["src/a.py", "src/test_a.py", "lib/x"],
            "tests": ["tests/x.txt", "deep/test_b.py"],
            "config": ["pyproject.toml"],
        },
        ["README.md"],
    )


def test_a_domain_without_files_is_listed_with_none() -> None:
    assert MAP.divide([]) == ({"code": [], "tests": [], "config": []}, [])


def test_overlaps_name_every_domain_that_matches_and_the_owner() -> None:
    assert MAP.overlaps(PATHS) == [Overlap("src/test_a.py", ("code", "tests"), "code")]


@pytest.mark.parametrize(
    ("path", "found"),
    [("lib/x", (CODE, "lib/**")), ("src/test_a.py", (CODE, "src/**")), ("README.md", None)],
)
def test_the_glob_that_makes_an_owner_is_told(path: str, found: tuple[Domain, str] | None) -> None:
    assert MAP.glob_that_owns(path) == found


def test_an_empty_map_owns_nothing() -> None:
    assert OwnershipMap([]).divide(["a"]) == ({}, ["a"])


GLOBS = st.sampled_from(["**", "*", "a", "a/**", "**/b", "{a,b}/*", "@(a|b)", "*/b", "[ab]/**"])
DOMAINS = st.lists(st.lists(GLOBS, min_size=1, max_size=3), max_size=4).map(
    lambda every: [Domain(f"d{number}", Ownership.OWNED, tuple(globs)) for number, globs in enumerate(every)]
)
NAMES = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join), max_size=6, unique=True)


@given(DOMAINS, NAMES)
def test_dividing_a_tree_gives_each_file_to_the_owner_that_is_asked_for_alone(
    domains: list[Domain], paths: list[str]
) -> None:
    owners = OwnershipMap(domains)
    expected: dict[str, list[str]] = {domain.name: [] for domain in domains}
    unowned = []
    for path in paths:
        owner = owners.owner_of(path)
        (unowned if owner is None else expected[owner.name]).append(path)
    assert owners.divide(paths) == (expected, unowned)


def test_owned_and_bridge_domains_have_an_agent_and_the_others_none() -> None:
    assert {kind.value: kind.has_agent for kind in Ownership} == {
        "owned": True,
        "bridge": True,
        "shared": False,
        "coordinator": False,
    }


@pytest.mark.parametrize("name", ["a", "A-b_9", "x" * 64])
def test_these_can_be_names_of_domains(name: str) -> None:
    assert NAME_PATTERN.fullmatch(name)


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a/b", "..", "é", "a\n", "٣"])
def test_these_cannot_be_names_of_domains(name: str) -> None:
    assert not NAME_PATTERN.fullmatch(name)
