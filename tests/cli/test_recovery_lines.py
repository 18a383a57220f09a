"""Every row of every table of docs/recovery.md: its symptom is shown, its commands are run, and the run is sound."""

import pytest

from tests.cli.recovery import control_plane, failed_waves, processes, removals
from tests.cli.recovery.page import ROWS, RowScene, rows

pytestmark = pytest.mark.sweep
# The parts of the page, in its order: their import enters the case of each row.
PARTS = (failed_waves, removals, processes, control_plane)


def test_every_row_of_the_page_has_its_test_and_every_test_its_row() -> None:
    cases = [symptom for part in PARTS for symptom, case in ROWS.items() if case.__module__ == part.__name__]
    assert list(rows()) == cases
    assert len(cases) == len(ROWS)


@pytest.mark.parametrize("symptom", ROWS)
def test_a_row_s_symptom_is_seen_and_its_commands_put_it_right(symptom: str, request: pytest.FixtureRequest) -> None:
    scene = RowScene(request, rows()[symptom])
    ROWS[symptom](scene)
    assert scene.seen
    assert set(scene.called) == set(scene.row.commands)
    if symptom != "CONTROL_PLANE_SCHEMA_TOO_NEW":
        scene.swarm("ledger", "verify")
