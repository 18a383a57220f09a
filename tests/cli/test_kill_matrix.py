"""The kill matrix leaves no verb out: what is not in it passes no point at which something is written."""

from pathlib import Path

import pytest

from soak.scenes import SCENES
from swarm.cli.verbs import HELP
from tests.cli.test_documents import CALLS
from tests.conftest import Swarm, Workspace

READING = (
    *("attempts", "audit-logs", "completion", "events", "explain", "help", "history", "ledger"),
    *("runtimes", "schema", "status", "trends"),
)


def test_every_verb_that_can_write_is_in_the_matrix() -> None:
    # `trust` replaces a single file of the user's own as a whole, and no control plane.
    # Records, lessons and keys are files beside the control plane, too; test_ingest.py kills the writers of records.
    of_files = {"trust", "persist", "ingest", "records", "lessons", "keys", "export"}
    # Processes that serve others have tests that end them.
    serving = {"engine", "worker", "mcp"}
    assert {scene.words[0] for scene in SCENES} == HELP.keys() - set(READING) - of_files - serving


@pytest.mark.sweep
@pytest.mark.parametrize("verb", READING)
def test_a_verb_that_only_reads_passes_no_point_at_which_something_is_written(
    swarm: Swarm, swarm_process: Swarm, collected: Workspace, tmp_path: Path, verb: str
) -> None:
    finding = swarm("findings", "--format", "json", exit=1).data["findings"][0]["findingId"]
    log = tmp_path / "points"
    log.touch()
    for words, ends in CALLS[verb]:
        reports = (finding if word == "@" else word for word in words)
        swarm_process(verb, *reports, exit=ends, SWARM_FAILPOINT_LOG=str(log))
    written = [line for line in log.read_text().splitlines() if not line.startswith(("git.", "process."))]
    assert written == []
