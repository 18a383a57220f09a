"""Fixture of the guards: what they read is let go of when the last of them has run."""

from collections.abc import Iterator

import pytest

from tests.guards.source import nodes_of, tree_of


@pytest.fixture(scope="package", autouse=True)
def _trees() -> Iterator[None]:
    """Let go of the trees of all modules: the collector of garbage would look at a million nodes in every later test."""
    yield
    for kept in (tree_of, nodes_of):
        kept.cache_clear()
