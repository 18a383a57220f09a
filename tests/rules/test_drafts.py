"""The draft of a domain map: domains that have files, and no file left unowned."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.domains import Domain
from swarm.rules.draft_map import counted, draft_with_counts
from swarm.rules.ownership import OwnershipMap


def draft(paths: Iterable[str]) -> list[Domain]:
    return draft_with_counts(paths)[0]


def owners(*paths: str) -> dict[str, str | None]:
    made = OwnershipMap(draft(paths))
    return {path: owner.name if (owner := made.owner_of(path)) else None for path in paths}


def test_each_kind_of_file_has_its_domain() -> None:
    expected = {
        "tests/test_a.py": "tests",
        "pkg/deep/conftest.py": "tests",
        "web/app.test.ts": "tests",
        ".github/workflows/ci.yml": "ci-tooling",
        "deep/Dockerfile.dev": "ci-tooling",
        "docs/index.html": "docs",
        "README.md": "docs",
        "LICENSE": "docs",
        "web/app.js": "frontend",
        "app/view.tsx": "frontend",
        "src/app.py": "backend",
        "main.go": "backend",
        "lib/anything": "backend",
        "pyproject.toml": "shared",
        ".gitignore": "shared",
        "data/blob.bin": "rest",
    }
    assert owners(*expected) == expected


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["src/a.py"], ["backend", "rest"]),
        (["README.md", "src/a.py"], ["docs", "backend", "rest"]),
        (["src/a.py", "README.md", "tests/x", "strange"], ["tests", "docs", "backend", "rest"]),
        (["strange"], ["rest"]),
        ([], ["rest"]),
    ],
)
def test_domains_without_a_file_are_left_out_and_the_rest_stands_last(paths: list[str], names: list[str]) -> None:
    assert [domain.name for domain in draft(paths)] == names


def test_what_is_configuration_has_no_agent_and_all_else_has_one() -> None:
    made = draft(["tests/a", "ci/a", "docs/a", "web/a", "src/a", "a.toml", "a"])
    assert {domain.name: domain.ownership.value for domain in made} == {
        "tests": "owned",
        "ci-tooling": "owned",
        "docs": "owned",
        "frontend": "owned",
        "backend": "owned",
        "shared": "shared",
        "rest": "owned",
    }


NAMES = st.text("abc./_-é \n", min_size=1, max_size=12) | st.sampled_from(["src/a.py", "a.md", "x.toml", "test_a.py"])


@given(st.lists(NAMES, unique=True))
def test_a_draft_owns_every_file(paths: list[str]) -> None:
    counts, unowned = counted(draft(paths), paths)
    assert (sum(counts.values()), unowned) == (len(paths), [])


def test_files_are_counted_by_domain_and_unowned_ones_told() -> None:
    domains = draft(["src/a.py", "README.md"])[:-1]
    assert counted(domains, ["src/a.py", "src/b.py", "strange"]) == ({"docs": 0, "backend": 2}, ["strange"])
