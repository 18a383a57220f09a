"""The runs of the command line's tests, and one law that every test of this folder ends with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import amended, amending, audited, team, workspace
from tests.hostile.law import assert_nothing_happened

__all__ = ["amended", "amending", "audited", "team", "workspace"]


@pytest.fixture(autouse=True)
def _law(tmp_path: Path) -> Iterator[None]:
    yield
    assert_nothing_happened(tmp_path)
