"""Fixtures: a fresh control plane."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store, open_store
from swarm.store.waves import Wave
from tests.store import rows


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a control plane would be."""
    return tmp_path / "swarms" / "control-plane.db"


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    """A control plane of this build, open and without a run."""
    with open_store(database, "test", create=True) as store:
        yield store


@pytest.fixture
def wave(store: Store) -> Wave:
    """A run with a wave in flight."""
    with store.mutation() as conn:
        rows.add_run(conn)
        return rows.add_wave(conn)


@pytest.fixture
def agent(store: Store, wave: Wave) -> AgentRun:
    """The agent run of `code` in that wave."""
    with store.mutation() as conn:
        return rows.add_agent(conn, wave)
