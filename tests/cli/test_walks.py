"""Random walks of people, agents and killed verbs: a few short ones of what `make soak` takes for longer."""

from pathlib import Path

import pytest

from tests.cli.test_concurrency import figures

pytestmark = pytest.mark.sweep


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_whatever_anybody_has_made_is_still_somewhere_and_status_leads_on(tmp_path: Path, seed: str) -> None:
    (found,) = figures(tmp_path, "walks", "--walks", "1", "--steps", "40", "--jobs", "1", "--seed", seed)
    assert (found["walks"], found["wrong"]) == (1, 0)
    assert found["kills"] > 0
    assert found["made"] > 0
