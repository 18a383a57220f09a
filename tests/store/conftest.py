"""Fixtures: a fresh control plane."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swarm.store.connection import Store, open_store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a control plane would be."""
    return tmp_path / "swarms" / "control-plane.db"


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    """A control plane of this build, open and without a run."""
    with open_store(database, "test", create=True) as store:
        yield store
